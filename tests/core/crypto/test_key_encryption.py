"""Ciphers of private keys, as ssh-keygen and openssl write them: read, or named with a way out that works."""

import io
import shlex
import subprocess
import warnings
from pathlib import Path

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_ssh_private_key,
)

from core.crypto.age import decrypt_stream, encrypt_stream
from core.crypto.identities import load_identities
from core.crypto.key_encryption import read_encryption
from core.crypto.recipients import parse_recipient
from core.errors import IdentityCipherError

PASSPHRASE = "plain words here"
LEGACY = ("-provider", "legacy", "-provider", "default")
SSH = {"aes256-ctr", "aes256-cbc", "aes256-gcm@openssh.com"} | {
    "chacha20-poly1305@openssh.com", "aes128-gcm@openssh.com", "3des-cbc", "aes128-cbc", "aes192-ctr",
}  # fmt: skip
PBES2 = (
    "aes128",
    "aes192",
    "aes256",
    "des3",
    "rc2-cbc",
    "camellia128",
    "camellia256",
    "aria256",
    "des",
    "seed",
)
PBES1 = ("MD5-DES", "SHA1-3DES", "SHA1-RC2-40", "SHA1-RC4-128", "SHA1-2DES", "SHA1-DES", "SHA1-RC2-64")
DEK = ("aes-128-cbc", "aes-256-cbc", "des-ede3-cbc", "aes-192-cbc", "camellia256", "des-cbc", "seed-cbc")
FORMS = [
    *(("ssh", cipher) for cipher in sorted(SSH)),
    *(("-v2", cipher) for cipher in PBES2),
    *(("-v1", f"PBE-{cipher}") for cipher in PBES1),
    *(("-traditional", f"-{cipher}") for cipher in DEK),
]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a key of each kind, not encrypted, and the public halves."""
    folder = tmp_path_factory.mktemp("keys")
    for name, key in (("ed", Ed25519PrivateKey.generate()), ("rsa", generate_private_key(65537, 3072))):
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (folder / name).write_bytes(private)
        public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
        (folder / f"{name}.pub").write_bytes(public)
    return folder


def encrypt(plain: Path, folder: Path, form: str, cipher: str) -> bytes:
    """Have the other program encrypt a key; return its public half."""
    key = folder / "KEY"
    if form == "ssh":
        made = ["ssh-keygen", "-q", "-t", "ed25519", "-N", PASSPHRASE, "-Z", cipher, "-f", key]
        subprocess.run(made, check=True)
        return (folder / "KEY.pub").read_bytes()
    options = ("-passout", f"pass:{PASSPHRASE}", "-out", key, *LEGACY)
    if form == "-traditional":
        subprocess.run(["openssl", "rsa", form, cipher, "-in", plain / "rsa", *options], check=True)
        return (plain / "rsa.pub").read_bytes()
    subprocess.run(["openssl", "pkcs8", "-topk8", form, cipher, "-in", plain / "ed", *options], check=True)
    return (plain / "ed.pub").read_bytes()


def library_reads(data: bytes, form: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            (load_ssh_private_key if form == "ssh" else load_pem_private_key)(data, PASSPHRASE.encode())
        except (ValueError, UnsupportedAlgorithm):
            return False
    return True


def opens(public: bytes, private: bytes) -> bool:
    sealed, plain = io.BytesIO(), io.BytesIO()
    encrypt_stream([b"hello"], sealed, [parse_recipient(public, "a.pub")])
    sealed.seek(0)
    decrypt_stream(sealed, load_identities(private, PASSPHRASE.encode, "a.key"), plain, 100)
    return plain.getvalue() == b"hello"


def never() -> bytes:
    raise AssertionError("nobody is asked for a passphrase that cannot help")


def follow(told: str, folder: Path) -> None:
    """Do what a refusal tells a person to do; answer what the programs ask."""
    for command in told.split("; "):
        words = shlex.split(command)
        if words[0] == "ssh-keygen":
            words += ["-P", PASSPHRASE, "-N", PASSPHRASE]
        if words[0] == "openssl":
            words += ["-passin", f"pass:{PASSPHRASE}", "-passout", f"pass:{PASSPHRASE}"]
        subprocess.run(words, check=True, cwd=folder, capture_output=True)


@pytest.mark.parametrize(("form", "cipher"), FORMS)
def test_a_cipher_is_read_or_named_with_a_command_that_helps(
    plain: Path, tmp_path: Path, form: str, cipher: str
) -> None:
    public = encrypt(plain, tmp_path, form, cipher)
    data = (tmp_path / "KEY").read_bytes()
    if library_reads(data, form):
        assert opens(public, data)
        return
    with pytest.raises(IdentityCipherError, match=r"a\.key is encrypted with ") as refused:
        load_identities(data, never, "a.key")
    told = str(refused.value)
    name = told.partition("encrypted with ")[2].partition(",")[0]
    core = cipher.removeprefix("-").removeprefix("PBE-").split("-")[0].lower().removesuffix("256")
    assert core.removesuffix("128") in name.lower()
    follow(told.partition("Make a copy on a PC: ")[2], tmp_path)
    assert opens(public, (tmp_path / "COPY").read_bytes())


def test_an_unknown_cipher_is_named_by_its_number() -> None:
    # EncryptedPrivateKeyInfo { { 1.2.840.9.9 }, '' }
    data = "MA0wCQYFKoZICQkFAAQA"
    found = read_encryption("ENCRYPTED PRIVATE KEY", data.encode())
    assert found is not None
    assert not found.is_read
    assert found.cipher == "1.2.840.9.9"


@pytest.mark.parametrize("dek", [b"", b"DEK-Info: ", b"DEK-Info: \x1b[2J,00"])
def test_a_name_that_is_none_is_not_shown(dek: bytes) -> None:
    found = read_encryption("RSA PRIVATE KEY", b"\nProc-Type: 4,ENCRYPTED\n" + dek + b"\n\nAAAA\n")
    assert found is not None
    assert (found.cipher, found.is_read) == ("without a name", False)


def test_a_key_that_is_not_encrypted_has_no_cipher() -> None:
    assert read_encryption("PRIVATE KEY", b"AAAA") is None
