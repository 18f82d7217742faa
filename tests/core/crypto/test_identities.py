import base64
import importlib.util
import io
import os
import subprocess
from pathlib import Path
from typing import Any

import pyrage
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from core.crypto.age import decrypt_stream, encrypt_stream
from core.crypto.identities import is_locked, load_identities
from core.crypto.recipients import parse_recipient
from core.der import encode_element
from core.errors import ArchiveIdentityError, CaError, RecipientPrivateError

PASSPHRASE = b"eight random words"
FORMS = (PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL, PrivateFormat.OpenSSH)


@pytest.fixture(scope="module")
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 3072)


def never() -> bytes:
    raise AssertionError("nobody is asked for a passphrase")


def ask() -> bytes:
    return PASSPHRASE


def opens(public: bytes | str, private: bytes, passphrase: Any = never) -> None:
    """Encrypt to the public half as a box does; open with the private one as a receiver does."""
    sealed, plain = io.BytesIO(), io.BytesIO()
    encrypt_stream([b"hello"], sealed, [parse_recipient(public, "a.pub")])
    decrypt_stream(io.BytesIO(sealed.getvalue()), load_identities(private, passphrase, "a"), plain, 100)
    assert plain.getvalue() == b"hello"


def refusal(data: bytes, passphrase: Any = never) -> str:
    with pytest.raises(CaError) as caught:
        load_identities(data, passphrase, "a.key")
    text = str(caught.value)
    codes = {" is encrypted, and ": "E-IDENTITY-LOCKED", " is encrypted with ": "E-IDENTITY-CIPHER"}
    assert caught.value.code == next((codes[part] for part in codes if part in text), "E-ARCHIVE-IDENTITY")
    assert "a.key" in text
    return text


def ssh_keygen(folder: Path, *options: str) -> tuple[bytes, bytes]:
    subprocess.run(["ssh-keygen", "-q", *options, "-f", folder / "k"], check=True)
    return (folder / "k.pub").read_bytes(), (folder / "k").read_bytes()


def encrypt_age(data: bytes, log_n: int = 10) -> bytes:
    """Encrypt with PASSPHRASE by the text of the age specification; age itself takes 2^18 or more."""
    file_key, salt, nonce = (os.urandom(16) for _ in range(3))

    def b64(value: bytes) -> bytes:
        return base64.b64encode(value).rstrip(b"=")

    def derive(salt: bytes, info: bytes) -> bytes:
        return HKDF(SHA256(), 32, salt, info).derive(file_key)

    wrapping = Scrypt(b"age-encryption.org/v1/scrypt" + salt, 32, 1 << log_n, 8, 1).derive(PASSPHRASE)
    wrapped = ChaCha20Poly1305(wrapping).encrypt(bytes(12), file_key, None)
    header = b"age-encryption.org/v1\n-> scrypt %b %d\n%b\n---" % (b64(salt), log_n, b64(wrapped))
    mac = HMAC(derive(b"", b"header"), SHA256())
    mac.update(header)
    payload = ChaCha20Poly1305(derive(nonce, b"payload")).encrypt(bytes(11) + b"\1", data, None)
    return header + b" " + b64(mac.finalize()) + b"\n" + nonce + payload


def test_opens_with_age_keys_one_or_several() -> None:
    first, second = (pyrage.x25519.Identity.generate() for _ in range(2))
    file = f"# created by age-keygen\n{first}\n\n{second}\n".encode()
    opens(str(first.to_public()), file)
    opens(str(second.to_public()), file)


def test_opens_with_an_age_file_that_a_passphrase_encrypts() -> None:
    key = pyrage.x25519.Identity.generate()
    binary = encrypt_age(f"{key}\n".encode())
    opens(str(key.to_public()), binary, ask)
    armor = b"-----BEGIN AGE ENCRYPTED FILE-----\n" + base64.encodebytes(binary)
    opens(str(key.to_public()), armor + b"-----END AGE ENCRYPTED FILE-----\n", ask)
    assert "does not open it" in refusal(binary, lambda: b"wrong")


def test_what_an_age_file_holds_must_be_keys() -> None:
    assert "holds no age" in refusal(encrypt_age(b"just a letter"), ask)


@pytest.mark.parametrize(
    "options", [("-t", "ed25519"), ("-t", "rsa", "-b", "3072"), ("-t", "rsa", "-m", "PEM")]
)
def test_opens_with_keys_that_ssh_keygen_made(tmp_path: Path, options: tuple[str, ...]) -> None:
    opens(*ssh_keygen(tmp_path, *options, "-N", ""))


def test_an_encrypted_openssh_key_opens_or_says_what_is_missing(tmp_path: Path) -> None:
    public, private = ssh_keygen(tmp_path, "-t", "ed25519", "-N", PASSPHRASE.decode())
    if importlib.util.find_spec("bcrypt") is None:
        assert "bcrypt" in refusal(private, ask)
    else:
        opens(public, private, ask)
        assert "does not open it" in refusal(private, lambda: b"wrong")


def test_opens_with_pem_keys_plain_or_encrypted(rsa_key: rsa.RSAPrivateKey) -> None:
    for key in (ed25519.Ed25519PrivateKey.generate(), rsa_key):
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        for form in FORMS:
            if form is FORMS[1] and key is not rsa_key:
                continue  # Ed25519 has no traditional form
            opens(public, key.private_bytes(Encoding.PEM, form, NoEncryption()))
            if form is not FORMS[2]:
                private = key.private_bytes(Encoding.PEM, form, BestAvailableEncryption(PASSPHRASE))
                opens(public, private, ask)
                assert "does not open it" in refusal(private, lambda: b"wrong")


@pytest.mark.parametrize(
    "options", [("-scrypt",), ("-v1", "PBE-SHA1-3DES"), ("-v2", "aes-256-cbc", "-iter", "10000")]
)
def test_opens_with_what_openssl_encrypts(tmp_path: Path, options: tuple[str, ...]) -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    (tmp_path / "p").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    command = ["openssl", "pkcs8", "-topk8", "-in", tmp_path / "p", *options, "-passout", "stdin"]
    made = subprocess.run(command, input=PASSPHRASE, check=True, capture_output=True)
    opens(key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH), made.stdout, ask)


def test_an_encrypted_file_without_a_passphrase_is_refused() -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(PASSPHRASE))
    assert "no passphrase was given" in refusal(private, None)
    assert "no passphrase was given" in refusal(
        b"age-encryption.org/v1\n-> scrypt " + b"A" * 22 + b" 18\n", None
    )


def openssh(rounds: int, derivation: bytes = b"bcrypt") -> bytes:
    def field(data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + data

    options = field(bytes(16)) + rounds.to_bytes(4, "big")
    blob = b"openssh-key-v1\0" + field(b"aes256-ctr") + field(derivation) + field(options)
    return (
        b"-----BEGIN OPENSSH PRIVATE KEY-----\n"
        + base64.encodebytes(blob)
        + b"-----END OPENSSH PRIVATE KEY-----\n"
    )


def pbkdf2(iterations: int) -> bytes:
    """PKCS#8 whose header demands `iterations`; the ciphertext does not matter."""

    def der(tag: int, *parts: bytes) -> bytes:
        return encode_element(tag, b"".join(parts))

    count = der(2, iterations.to_bytes(8, "big"))
    derivation = der(0x30, bytes.fromhex("06092a864886f70d01050c"), der(0x30, der(4, bytes(16)), count))
    cipher = der(0x30, bytes.fromhex("060960864801650304012a"), der(4, bytes(16)))
    scheme = der(0x30, bytes.fromhex("06092a864886f70d01050d"), der(0x30, derivation, cipher))
    body = base64.encodebytes(der(0x30, scheme, der(4, bytes(64))))
    return b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n" + body + b"-----END ENCRYPTED PRIVATE KEY-----\n"


def test_the_cost_that_a_file_demands_is_bounded_before_it_is_paid() -> None:
    scrypt = b"age-encryption.org/v1\n-> scrypt " + b"A" * 22
    assert "too much" in refusal(scrypt + b" 21\n", never)
    assert "too much" in refusal(openssh(100_000), never)
    assert "too much" in refusal(pbkdf2(2**40), never)
    assert "does not open it" in refusal(pbkdf2(1000), ask)


def test_a_small_machine_refuses_what_its_memory_cannot_pay() -> None:
    locked = encrypt_age(f"{pyrage.x25519.Identity.generate()}\n".encode(), 12)
    assert len(load_identities(locked, ask, memory_bytes=4 << 20)) == 1
    with pytest.raises(ArchiveIdentityError, match="too much"):
        load_identities(locked, never, memory_bytes=(4 << 20) - 1)


def test_whether_a_passphrase_is_needed_is_known_without_one(tmp_path: Path) -> None:
    _, private = ssh_keygen(tmp_path, "-t", "ed25519", "-N", PASSPHRASE.decode())
    plain = f"{pyrage.x25519.Identity.generate()}\n".encode()
    assert is_locked(encrypt_age(plain, 10))
    assert is_locked(private)
    assert is_locked(pbkdf2(1000))
    assert not is_locked(plain)
    with pytest.raises(ArchiveIdentityError):
        is_locked(b"a letter")
    with pytest.raises(ArchiveIdentityError, match="too much"):
        is_locked(openssh(100_000))


def test_a_key_in_pkcs12_is_named_with_a_command_that_makes_pem_of_it(tmp_path: Path) -> None:
    make = "openssl req -x509 -newkey ed25519 -noenc -subj /CN=x -keyout KEY -out CERT"
    pack = "openssl pkcs12 -export -inkey KEY -in CERT -passout pass:plain -out FILE"
    for command in (make, pack):
        subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True)
    with pytest.raises(ArchiveIdentityError, match=r"is PKCS#12") as refused:
        load_identities((tmp_path / "FILE").read_bytes())
    command = str(refused.value).partition("its key: ")[2].removesuffix(".")
    words = ["-passin", "pass:plain", "-passout", "pass:plain"]
    subprocess.run([*command.split(), *words], cwd=tmp_path, check=True, capture_output=True)
    key = load_pem_private_key((tmp_path / "KEY").read_bytes(), None).public_key()
    public = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    opens(public, (tmp_path / "COPY").read_bytes(), lambda: b"plain")
    with pytest.raises(RecipientPrivateError):
        parse_recipient((tmp_path / "FILE").read_bytes(), "a.pub")


def test_a_key_of_putty_is_named_with_the_way_out() -> None:
    with pytest.raises(ArchiveIdentityError, match="have PuTTYgen export it as an OpenSSH key"):
        load_identities(b"PuTTY-User-Key-File-3: ssh-ed25519\r\nEncryption: none\r\n")


def test_refuses_what_is_no_private_key_that_age_takes(rsa_key: rsa.RSAPrivateKey) -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    age = str(pyrage.x25519.Identity.generate())
    point = ec.generate_private_key(ec.SECP256R1())
    wrong = {
        "empty": b"",
        "garbage": bytes(range(256)),
        "too long": b"#" * (64 * 1024 + 1),
        "public age key": str(pyrage.x25519.Identity.generate().to_public()).encode(),
        "typing error": (age[:-1] + ("Q" if age[-1] != "Q" else "P")).encode(),
        "many": f"{age}\n".encode() * 65,
        "public pem": key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "cut pem": pem[:80],
        "altered pem": pem.replace(b"\nM", b"\nN", 1),
        "ec": point.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        "x25519": x25519.X25519PrivateKey.generate().private_bytes(*PEM_PLAIN),
        "ecdsa ssh": point.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()),
        "age to a key": pyrage.encrypt(b"x", [pyrage.x25519.Identity.generate().to_public()]),
        "armor cut": b"-----BEGIN AGE ENCRYPTED FILE-----\n!!\n",
        "openssh short": openssh(1).replace(b"b3Blbn", b"b3"),
        "openssh empty": b"-----BEGIN OPENSSH PRIVATE KEY-----\n\n-----END OPENSSH PRIVATE KEY-----\n",
        "pkcs8 empty": b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n\n-----END ENCRYPTED PRIVATE KEY-----\n",
        "openssh other derivation": openssh(1, b"argon9"),
    }
    for what, data in wrong.items():
        assert (what, refusal(data, ask)) != (what, "")


PEM_PLAIN = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def test_deeply_nested_parameters_do_not_exhaust_the_stack() -> None:
    nested = b""
    for _ in range(3000):
        nested = b"\x30\x83" + len(nested).to_bytes(3, "big") + nested
    body = base64.encodebytes(nested)
    label = b"ENCRYPTED PRIVATE KEY-----\n"
    refusal(b"-----BEGIN " + label + body + b"-----END " + label)


@settings(max_examples=50)
@given(st.binary(max_size=400))
def test_no_input_raises_anything_but_our_error(data: bytes) -> None:
    for label in (b"ENCRYPTED PRIVATE KEY", b"OPENSSH PRIVATE KEY", b"PRIVATE KEY"):
        body = base64.encodebytes(data)
        with pytest.raises(ArchiveIdentityError):
            load_identities(b"-----BEGIN %b-----\n%b-----END %b-----\n" % (label, body, label), ask)
    with pytest.raises(ArchiveIdentityError):
        load_identities(data, ask)
