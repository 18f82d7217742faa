"""Private keys as encrypted PKCS#8 (RFC 5958), one by one, and by the thousand on their way into an archive.

1. They are encrypted by PBES2 (RFC 8018): PBKDF2 with HMAC-SHA-256, AES-256-CBC. The library's own
   BestAvailableEncryption makes the same but keeps the interpreter's lock while it does; PBKDF2HMAC lets go
   of it, so an export of 10,000 keys takes all cores instead of one.
2. Each key has a passphrase of its own, 64 random bytes in base64, drawn here and new each time. Iterations
   protect nothing that these do not protect already: there are as many as RFC 8018 4.2 asks for at least,
   and as strict readers (FIPS) insist on. Salt and IV are random, 16 bytes each.
3. Encrypted keys go to an unlinked file, so that memory stays flat; no unencrypted byte is ever written.
4. A key is taken only if it belongs to its certificate and is none of the forbidden public keys.

The passphrases grow in memory until they are encrypted to the recipients. It knows no tar and no age.
"""

import base64
import os
import secrets
import tempfile
from array import array
from collections.abc import Iterable, Iterator
from contextlib import closing
from hashlib import sha256
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Protocol, Self, cast

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import load_der_x509_certificate

from core.certificate import Certificate, encode_pem
from core.cores import map_on_cores
from core.crypto.keys import decode_key
from core.der import SEQUENCE, encode_element
from core.errors import CheckError, FileError

ITERATIONS: Final = 1000
SALT_BYTES: Final = 16
_BLOCK_BYTES: Final = 16
_KEY_BYTES: Final = 32

_OCTETS: Final = 0x04

# RFC 8018 A.4: AlgorithmIdentifier of PBES2, up to the salt; from there up to the IV.
_BEFORE_SALT: Final = bytes.fromhex(
    "305f"  # SEQUENCE
    "06092a864886f70d01050d"  # 1.2.840.113549.1.5.13, PBES2
    "3052"
    "3031"
    "06092a864886f70d01050c"  # 1.2.840.113549.1.5.12, PBKDF2
    "3024"
    "0410"  # OCTET STRING of 16 bytes
)

_BEFORE_IV: Final = bytes.fromhex(
    "020203e8"  # INTEGER, ITERATIONS
    "300c06082a864886f70d02090500"  # 1.2.840.113549.2.9, HMAC-SHA-256, and NULL
    "301d"
    "060960864801650304012a"  # 2.16.840.1.101.3.4.1.42, AES-256-CBC
    "0410"
)

PASSPHRASE_BYTES = 64
_BATCH = 16  # keys that a thread takes at a time


def encrypt_key(pkcs8: bytes, passphrase: bytes) -> bytes:
    """Return a private key as PEM, ENCRYPTED PRIVATE KEY.

    Args:
        pkcs8: Its PKCS#8 DER, not encrypted.
        passphrase: 64 random bytes as base64 text; nothing weaker.
    """
    salt, vector = secrets.token_bytes(SALT_BYTES), secrets.token_bytes(_BLOCK_BYTES)
    derived = PBKDF2HMAC(SHA256(), _KEY_BYTES, salt, ITERATIONS).derive(passphrase)
    encryptor = Cipher(AES(derived), CBC(vector)).encryptor()
    padding = _BLOCK_BYTES - len(pkcs8) % _BLOCK_BYTES  # RFC 8018 6.1.1: each byte of it says how many
    encrypted = encryptor.update(pkcs8 + bytes([padding]) * padding) + encryptor.finalize()
    algorithm = _BEFORE_SALT + salt + _BEFORE_IV + vector
    return encode_pem(
        encode_element(SEQUENCE, algorithm + encode_element(_OCTETS, encrypted)), "ENCRYPTED PRIVATE KEY"
    )


class _HasPublicBytes(Protocol):
    """A public key of any of our algorithms."""

    def public_bytes(self, encoding: Encoding, format: PublicFormat) -> bytes:  # noqa: A002 - the library's word
        """Return the key encoded."""


class KeySpool:
    """An unlinked file of encrypted keys and, in memory, their passphrases.

    Args:
        folder: Where the file lies; a disk, as large as the keys.
        forbidden: SHA-256 of the public keys that must not get in: in an egress, those of every root and
            seal.
    """

    def __init__(self, folder: Path, forbidden: frozenset[bytes] = frozenset()) -> None:
        self._forbidden = forbidden
        self._sizes = array("L")
        self._passphrases = bytearray(b"{")
        try:
            file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed by __exit__
            self._file = cast("BinaryIO", file)
        except OSError as error:
            raise FileError(f"There is no place for encrypted keys in the state folder: {error}.") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def encrypt(self, keys: Iterable[tuple[Certificate, bytes, bytes]]) -> Iterator[bytes]:
        """Encrypt keys on all cores, append them, and yield each PEM in the order of `keys`.

        Args:
            keys: Of each its certificate; the SHA-256 of its public key, as `hash_public_key` gives it; its
                PKCS#8 DER, not encrypted. Read a little ahead of what is yielded.

        Raises:
            CheckError: A key of another certificate, or a forbidden one (E-CHECK).
            IssueError: What should be a key is none (E-ISSUE).
            FileError: The disk is full (E-FILE).
        """
        waiting = iter(keys)
        batches = iter(lambda: [self._admit(*key) for key in islice(waiting, _BATCH)], [])
        with closing(map_on_cores(_encrypt_all, batches)) as encrypted:
            for batch in encrypted:
                yield from map(self._append, batch)

    def _admit(self, certificate: Certificate, public_sha256: bytes, pkcs8: bytes) -> tuple[bytes, bytes]:
        """Check a key and return it with its new passphrase."""
        digest = sha256(encode_public_key(decode_key(pkcs8).public_key())).digest()
        if digest in self._forbidden:
            raise CheckError(
                f"Rule egress-holds-signer-keys-only: {certificate.id} has a root's or seal's key."
            )
        if digest != public_sha256:
            raise CheckError(f"Rule key-fits-certificate: the key of {certificate.id} belongs to another.")
        passphrase = base64.b64encode(secrets.token_bytes(PASSPHRASE_BYTES))
        comma = b"," if len(self._passphrases) > 1 else b""
        self._passphrases += comma + b'"%b":"%b"' % (certificate.id.encode(), passphrase)
        return pkcs8, passphrase

    def _append(self, pem: bytes) -> bytes:
        try:
            self._file.write(pem)
        except OSError as error:
            raise FileError(f"The state folder has no room for encrypted keys: {error}.") from error
        self._sizes.append(len(pem))
        return pem

    def passphrases(self) -> bytes:
        """Return passphrases.age's clear text: JSON {certificate id: passphrase}, in the order of adding."""
        return bytes(self._passphrases) + b"}"

    def read(self) -> Iterator[bytes]:
        """Yield the encrypted keys in the order of adding.

        Raises:
            FileError: What was written cannot be read back (E-FILE).
        """
        try:
            self._file.seek(0, os.SEEK_SET)
            for size in self._sizes:
                yield self._file.read(size)
        except OSError as error:
            raise FileError(f"The encrypted keys in the state folder are lost: {error}.") from error


def _encrypt_all(keys: Iterable[tuple[bytes, bytes]]) -> list[bytes]:
    return [encrypt_key(pkcs8, passphrase) for pkcs8, passphrase in keys]


def encode_public_key(key: _HasPublicBytes) -> bytes:
    """Return a public key as DER SubjectPublicKeyInfo (RFC 5280 4.1.2.7)."""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def hash_public_key(certificate_der: bytes) -> bytes:
    """Return the SHA-256 of a certificate's public key, as DER SubjectPublicKeyInfo."""
    return sha256(encode_public_key(load_der_x509_certificate(certificate_der).public_key())).digest()
