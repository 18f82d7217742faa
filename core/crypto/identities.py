"""Private keys that open archives: read by receivers, and by an empty box that a backup is restored onto.

Rules:
1. A file holds age keys (plain, or encrypted with a passphrase by age), one OpenSSH key, or one PEM key
   (PKCS#8, PKCS#1; RSA or Ed25519), plain or encrypted. What it is, its bytes say, not its name.
2. The passphrase is asked for at most once, and only for a file that needs it.
3. The cost that the file itself demands of its passphrase is bounded before it is paid; a small machine
   says how much memory it has.
4. Whatever is wrong is an ArchiveIdentityError that names the source, never a byte of the key.
"""

import base64
import re
import struct
import warnings
from collections.abc import Callable, Iterator
from math import prod
from typing import Any, Final

import pyrage
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    load_ssh_private_key,
)

from core.crypto.recipients import refusing
from core.errors import ArchiveIdentityError, IdentityLockedError

MAX_IDENTITY_BYTES: Final = 64 * 1024
MAX_IDENTITIES: Final = 64
MAX_SCRYPT_LOG_N: Final = 20  # 1 GiB of memory; age itself writes 18
_SCRYPT_BYTES: Final = 1024  # age takes r = 8; RFC 7914 2: 128 x r bytes for each of N
MAX_BCRYPT_ROUNDS: Final = 1024  # ssh-keygen writes 16 to 24
MAX_PBES_COST: Final = 2**25  # iterations x key length, or N x r x p; OpenSSL writes up to 2**20
_INTEGER, _CONSTRUCTED = 0x02, 0x20  # X.690 8.1.2
_AGE_MAGIC = b"age-encryption.org/v1\n"
_AGE_ARMOR = b"-----BEGIN AGE ENCRYPTED FILE-----"
_AGE_KEY = b"AGE-SECRET-KEY-1"
_SCRYPT = re.compile(rb"age-encryption\.org/v1\n-> scrypt [A-Za-z0-9+/]{22} ([0-9]{1,4})\n")
_PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]{0,32})-----(.{0,65536}?)-----END \1-----", re.DOTALL)
Passphrase = Callable[[], bytes]


class _AskedError(Exception):
    """A file asked for its passphrase."""


def is_locked(data: bytes, source: str = "The identity") -> bool:
    """Return whether a file needs a passphrase; what it costs to try one is bounded then.

    Args:
        data: Contents of the file, at most 64 KiB.
        source: Where it comes from, for the error's text.

    Raises:
        ArchiveIdentityError: As load_identities (E-ARCHIVE-IDENTITY).
    """

    def ask() -> bytes:
        raise _AskedError

    try:
        load_identities(data, ask, source)
    except _AskedError:
        return True
    return False


def load_identities(
    data: bytes,
    passphrase: Passphrase | None = None,
    source: str = "The identity",
    *,
    memory_bytes: int | None = None,
) -> tuple[Any, ...]:  # pyrage has no types
    """Return the pyrage identities in one file.

    Args:
        data: Contents of the file, at most 64 KiB.
        passphrase: Template when the file is encrypted; None refuses such a file.
        source: Where it comes from, for the error's text.
        memory_bytes: What the file may take of this machine's memory for its passphrase; None: all that the
            bounds above allow.

    Raises:
        IdentityLockedError: Encrypted, without or with another passphrase (E-IDENTITY-LOCKED).
        ArchiveIdentityError: No private key, one that cannot open archives, or encrypted at an unreasonable
            cost (E-ARCHIVE-IDENTITY).
    """
    if len(data) > MAX_IDENTITY_BYTES:
        raise ArchiveIdentityError(f"{source} is longer than {MAX_IDENTITY_BYTES} bytes.")
    text = data.strip()
    if text.startswith((_AGE_MAGIC, _AGE_ARMOR)):
        return _read_age(_decrypt_age(text, data, passphrase, source, memory_bytes), source)
    block = _PEM.search(text)
    if block is None:
        return _read_age(text, source)
    return (_read_pem(block, passphrase, source),)


def _read_age(text: bytes, source: str) -> tuple[Any, ...]:
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith(b"#")]
    if not lines or not all(line.startswith(_AGE_KEY) for line in lines):
        raise ArchiveIdentityError(f"{source} holds no age, OpenSSH or PEM private key.")
    if len(lines) > MAX_IDENTITIES:
        raise ArchiveIdentityError(f"{source} holds more than {MAX_IDENTITIES} keys.")
    with refusing(ArchiveIdentityError(f"{source} holds an age key with a typing error.")):
        return tuple(pyrage.x25519.Identity.from_str(line.decode()) for line in lines)


def _decrypt_age(
    text: bytes, data: bytes, passphrase: Passphrase | None, source: str, memory_bytes: int | None
) -> bytes:
    binary = data
    if text.startswith(_AGE_ARMOR):
        with refusing(ArchiveIdentityError(f"{source} is not a whole age file.")):
            binary = base64.b64decode(b"".join(text.splitlines()[1:-1]), validate=True)
    stanza = _SCRYPT.match(binary)
    if stanza is None:
        raise ArchiveIdentityError(f"{source} is an age file that no passphrase opens.")
    log_n = int(stanza[1])
    if log_n > MAX_SCRYPT_LOG_N or (memory_bytes is not None and _SCRYPT_BYTES << log_n > memory_bytes):
        raise ArchiveIdentityError(f"{source} demands too much of its passphrase (scrypt 2^{log_n}).")
    words = _ask(passphrase, source)
    with refusing(_wrong(source)):
        plain: bytes = pyrage.passphrase.decrypt(binary, words.decode())
        return plain


def _read_pem(block: "re.Match[bytes]", passphrase: Passphrase | None, source: str) -> Any:
    pem = block[0] + b"\n"
    is_ssh = block[1] == b"OPENSSH PRIVATE KEY"
    load = load_ssh_private_key if is_ssh else load_pem_private_key
    encrypted = _is_encrypted(block, source)
    words = _ask(passphrase, source) if encrypted else None
    refusal = _wrong(source) if encrypted else ArchiveIdentityError(f"{source} is no private key to read.")
    with refusing(refusal), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of key kinds that are refused just below
        try:
            key = load(pem, words)
        except UnsupportedAlgorithm as error:
            raise (_no_bcrypt(source) if "bcrypt" in str(error) else refusal) from None
    if not isinstance(key, RSAPrivateKey | Ed25519PrivateKey):
        raise ArchiveIdentityError(f"{source} is a private key of a kind that opens no archive.")
    with refusing(ArchiveIdentityError(f"{source} is a private key that age does not take.")):
        return pyrage.ssh.Identity.from_buffer(
            key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
        )


def _is_encrypted(block: "re.Match[bytes]", source: str) -> bool:
    label, body = block[1], block[2]
    if b"Proc-Type: 4,ENCRYPTED" in body:  # RFC 1421; its key derivation is one MD5
        return True
    if label not in (b"OPENSSH PRIVATE KEY", b"ENCRYPTED PRIVATE KEY"):
        return False
    try:
        der = base64.b64decode(b"".join(body.split()), validate=True)
        if label == b"OPENSSH PRIVATE KEY":
            rounds = _bcrypt_rounds(der)
            costs_too_much = rounds > MAX_BCRYPT_ROUNDS
            encrypted = rounds > 0
        else:
            costs_too_much = _pbes_cost(der) > MAX_PBES_COST
            encrypted = True
    except (ValueError, IndexError, RecursionError, struct.error):
        raise ArchiveIdentityError(f"{source} is no private key to read.") from None
    if costs_too_much:
        raise ArchiveIdentityError(f"{source} demands too much of its passphrase.")
    return encrypted


def _bcrypt_rounds(blob: bytes) -> int:
    """Return the rounds of an openssh-key-v1 (PROTOCOL.key), 0 if it is not encrypted."""
    offset = len(b"openssh-key-v1\0")
    fields = []
    for _ in range(3):  # cipher, derivation, its options
        (length,) = struct.unpack_from(">I", blob, offset)
        fields.append(blob[offset + 4 : offset + 4 + length])
        offset += 4 + length
    if fields[0] == b"none":
        return 0
    return max(1, int.from_bytes(fields[2][-4:], "big"))


def _pbes_cost(der: bytes) -> int:
    """Return the product of all numbers in an EncryptedPrivateKeyInfo's algorithm (RFC 5958, RFC 8018)."""
    (_, outer), *_ = _elements(der)
    (_, algorithm), *_ = _elements(outer)
    return prod(_integers(algorithm))


def _integers(der: bytes) -> Iterator[int]:
    for tag, value in _elements(der):
        if tag == _INTEGER:
            yield max(1, int.from_bytes(value, "big"))
        elif tag & _CONSTRUCTED:
            yield from _integers(value)


def _elements(der: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield tag and value of the DER elements that follow one another."""
    offset = 0
    while offset < len(der):
        tag, length = der[offset], der[offset + 1]
        offset += 2
        if length & 0x80:
            count = length & 0x7F
            length = int.from_bytes(der[offset : offset + count], "big")
            offset += count
        yield tag, der[offset : offset + length]
        offset += length


def _ask(passphrase: Passphrase | None, source: str) -> bytes:
    if passphrase is None:
        raise IdentityLockedError(f"{source} is encrypted, and no passphrase was given.")
    return passphrase()


def _wrong(source: str) -> IdentityLockedError:
    return IdentityLockedError(f"{source} is encrypted, and this passphrase does not open it.")


def _no_bcrypt(source: str) -> ArchiveIdentityError:
    return ArchiveIdentityError(
        f"{source} is encrypted in a way that needs the Python package bcrypt; install it, or make a copy"
        " without a passphrase with ssh-keygen -p."
    )
