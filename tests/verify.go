// Judges a seal and what it signed with Go's crypto/x509: verify ROOT.pem SEAL.pem DATA SIGNATURE UNIX_SECONDS
// or what a box signed with its crypto/ed25519: verify box PUBLIC_KEY_HEX DATA SIGNATURE
package main

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"
)

func main() {
	if os.Args[1] == "box" {
		judgeBox()
		return
	}
	root, seal := readCertificate(os.Args[1]), readCertificate(os.Args[2])
	data, signature := read(os.Args[3]), read(os.Args[4])
	seconds, err := strconv.ParseInt(os.Args[5], 10, 64)
	require(err)
	roots := x509.NewCertPool()
	roots.AddCert(root)
	chains, err := seal.Verify(x509.VerifyOptions{
		Roots:       roots,
		CurrentTime: time.Unix(seconds, 0),
		KeyUsages:   []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	require(err)
	require(seal.CheckSignature(algorithm(seal), data, signature))
	fmt.Println(len(chains[0]), "certificates;", seal.UnknownExtKeyUsage[0])
}

func judgeBox() {
	key, err := hex.DecodeString(os.Args[2])
	require(err)
	if !ed25519.Verify(ed25519.PublicKey(key), read(os.Args[3]), read(os.Args[4])) {
		require(errors.New("the signature is another one's"))
	}
}

func algorithm(seal *x509.Certificate) x509.SignatureAlgorithm {
	switch key := seal.PublicKey.(type) {
	case ed25519.PublicKey:
		return x509.PureEd25519
	case *rsa.PublicKey:
		return x509.SHA256WithRSA
	case *ecdsa.PublicKey:
		if key.Curve == elliptic.P384() {
			return x509.ECDSAWithSHA384
		}
		return x509.ECDSAWithSHA256
	}
	return x509.UnknownSignatureAlgorithm
}

func readCertificate(path string) *x509.Certificate {
	block, _ := pem.Decode(read(path))
	certificate, err := x509.ParseCertificate(block.Bytes)
	require(err)
	return certificate
}

func read(path string) []byte {
	data, err := os.ReadFile(path)
	require(err)
	return data
}

func require(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
