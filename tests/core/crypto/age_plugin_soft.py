"""age-plugin-soft: an identity plugin of age (C2SP age-plugin.md) whose key is no hardware's, for tests.

Its identity holds the 32 bytes of a P-256 key. It opens stanzas p256tag (HPKE, by the library) and piv-p256,
as age-plugin-yubikey does, after it was given its PIN, 1234.
"""

import base64
import hashlib
import sys

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from core.crypto import bech32

PIN = b"1234"
SUITE = hpke.Suite(hpke.KEM.P256, hpke.KDF.HKDF_SHA256, hpke.AEAD.CHACHA20_POLY1305)
Stanza = tuple[list[str], bytes]


def encode(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")


def decode(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4))


def read() -> Stanza:
    words = sys.stdin.readline().split()[1:]
    body = ""
    while True:
        line = sys.stdin.readline().rstrip("\n")
        body += line
        if len(line) < 64:
            return words, decode(body)


def send(*words: str, body: bytes = b"") -> Stanza:
    text = encode(body)
    lines = [text[at : at + 64] for at in range(0, len(text) + 1, 64)]
    sys.stdout.write(f"-> {' '.join(words)}\n" + "\n".join(lines) + "\n")
    sys.stdout.flush()
    return read() if words[0] != "done" else ([], b"")


def unwrap(key: ec.EllipticCurvePrivateKey, words: list[str], body: bytes) -> bytes | None:
    public = key.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    try:
        if words[0] == "p256tag":
            return SUITE.decrypt(decode(words[2]) + body, key, info=b"age-encryption.org/p256tag")
        if words[0] == "piv-p256" and decode(words[1]) == hashlib.sha256(public).digest()[:4]:
            share = decode(words[2])
            other = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), share)
            secret = key.exchange(ec.ECDH(), other)
            wrapping = HKDF(SHA256(), 32, share + public, b"piv-p256").derive(secret)
            return ChaCha20Poly1305(wrapping).decrypt(bytes(12), body, None)
    except InvalidTag:
        return None
    return None


def main() -> None:
    assert sys.argv[1:] == ["--age-plugin=identity-v1"]
    keys, stanzas = [], []
    while (stanza := read())[0] != ["done"]:
        words, body = stanza
        if words[0] == "add-identity":
            keys.append(bech32.decode(words[1])[1])
        elif words[0] == "recipient-stanza":
            stanzas.append((words[1], words[2:], body))
    for raw in keys:
        key = ec.derive_private_key(int.from_bytes(raw, "big"), ec.SECP256R1())
        for file, words, body in stanzas:
            if (file_key := unwrap(key, words, body)) is not None:
                answer_for(file, file_key)
    send("done")


def answer_for(file: str, file_key: bytes) -> None:
    """Ask for the PIN, as hardware does for a stanza of its own."""
    send("msg", body=b"touch the key\x1b[31m")
    answer, pin = send("request-secret", body=b"PIN")
    if answer[0] == "ok" and pin == PIN:
        send("file-key", file, body=file_key)
    else:
        send("error", "identity", "0", body=b"the PIN is another one\x1b[31m")


if __name__ == "__main__":
    main()
