"""Private keys that open archives: read by receivers, and by an empty box that a backup is restored onto.

Rules:
1. A file holds age keys (X25519 or post-quantum; plain, or encrypted with a passphrase by age), one OpenSSH
   key, or one PEM key (PKCS#8, PKCS#1; RSA or Ed25519), plain or encrypted. What it is, its bytes say, not
   its name; text is read as core.plain_text does.
2. The passphrase is asked for at most once, and only for a file that needs it.
3. The cost that the file itself demands of its passphrase is bounded before it is paid; a small machine
   says how much memory it has. A cipher that the library lacks is named before anybody is asked.
4. Keys in hardware are a plugin's matter (core.crypto.plugins), and taken where somebody says who answers it.
5. Whatever is wrong is an ArchiveIdentityError that names the source, never a byte of the key.
"""

import base64
import re
import warnings
from collections.abc import Callable
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

from core.crypto import plugins
from core.crypto.hybrid import IDENTITY_PREFIX, HybridIdentity
from core.crypto.key_encryption import read_encryption
from core.crypto.recipients import holds_private_key, is_pkcs12, refusing
from core.errors import ArchiveIdentityError, IdentityCipherError, IdentityLockedError
from core.plain_text import read_plain_text

MAX_IDENTITY_BYTES: Final = 64 * 1024
MAX_IDENTITIES: Final = 64
MAX_SCRYPT_LOG_N: Final = 20  # 1 GiB of memory; age itself writes 18
_SCRYPT_BYTES: Final = 1024  # age takes r = 8; RFC 7914 2: 128 x r bytes for each of N
_AGE_MAGIC = b"age-encryption.org/v1\n"
_AGE_ARMOR = b"-----BEGIN AGE ENCRYPTED FILE-----"
_AGE_KEY = b"AGE-SECRET-KEY-1"
_PLUGIN = b"AGE-PLUGIN-"
_AGE_PQ_KEY = f"{IDENTITY_PREFIX}1".upper().encode()
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


def is_private_key(data: bytes) -> bool:
    """Return whether a file is a private key of some kind, be it one that load_identities refuses."""
    is_archive = data.startswith(_AGE_MAGIC)
    is_key = holds_private_key(data) or plugins.IDENTITY.search(data) is not None
    return len(data) <= MAX_IDENTITY_BYTES and not is_archive and is_key


def load_identities(
    data: bytes,
    passphrase: Passphrase | None = None,
    source: str = "The identity",
    *,
    memory_bytes: int | None = None,
    person: plugins.Person | None = None,
) -> tuple[Any, ...]:  # pyrage has no types
    """Return the identities in one file, for core.crypto.age: pyrage's, or core.crypto.hybrid's.

    Args:
        data: Contents of the file, at most 64 KiB.
        passphrase: Template when the file is encrypted; None refuses such a file.
        source: Where it comes from, for the error's text.
        memory_bytes: What the file may take of this machine's memory for its passphrase; None: all that the
            bounds above allow.
        person: Who answers the plugin of a key in hardware; None refuses such keys.

    Raises:
        IdentityLockedError: Encrypted, without or with another passphrase (E-IDENTITY-LOCKED).
        IdentityCipherError: Encrypted with a cipher that cannot be read (E-IDENTITY-CIPHER).
        ArchiveIdentityError: No private key, one that cannot open archives, or encrypted at an unreasonable
            cost (E-ARCHIVE-IDENTITY).
    """
    if len(data) > MAX_IDENTITY_BYTES:
        raise ArchiveIdentityError(f"{source} is longer than {MAX_IDENTITY_BYTES} bytes.")
    if way_out := _way_out(data):
        raise ArchiveIdentityError(f"{source} {way_out}.")
    text = data
    if not data.startswith(_AGE_MAGIC):
        text = read_plain_text(
            data, lambda what: ArchiveIdentityError(f"{source} {what}."), to_pem="openssl pkey"
        ).strip()
    if text.startswith((_AGE_MAGIC, _AGE_ARMOR)):
        return _read_age(_decrypt_age(text, passphrase, source, memory_bytes), person, source)
    block = _PEM.search(text)
    if block is None:
        return _read_age(text, person, source)
    return (_read_pem(block, passphrase, source),)


def _way_out(data: bytes) -> str:
    """Return what a key is that other programs keep in a form of theirs, with what makes a readable copy."""
    if data.startswith(b"PuTTY-User-Key-File-"):
        return "is a private key of PuTTY: have PuTTYgen export it as an OpenSSH key"
    if is_pkcs12(data):
        return "is PKCS#12; this makes PEM of its key: openssl pkcs12 -nocerts -in FILE -out COPY"
    return ""


def _read_age(text: bytes, person: plugins.Person | None, source: str) -> tuple[Any, ...]:
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith(b"#")]
    if not lines or not all(line.startswith((_AGE_KEY, _AGE_PQ_KEY, _PLUGIN)) for line in lines):
        raise ArchiveIdentityError(f"{source} holds no age, OpenSSH or PEM private key.")
    if len(lines) > MAX_IDENTITIES:
        raise ArchiveIdentityError(f"{source} holds more than {MAX_IDENTITIES} keys.")
    with refusing(ArchiveIdentityError(f"{source} holds an age key with a typing error.")):
        keys = tuple(_read_age_key(line) for line in lines if not line.startswith(_PLUGIN))
    stubs = [line.decode(errors="replace") for line in lines if line.startswith(_PLUGIN)]
    return (*keys, *plugins.load_plugins(stubs, person, source))


def _read_age_key(line: bytes) -> Any:
    if line.startswith(_AGE_PQ_KEY):
        return HybridIdentity(line.decode())
    return pyrage.x25519.Identity.from_str(line.decode())


def _decrypt_age(text: bytes, passphrase: Passphrase | None, source: str, memory_bytes: int | None) -> bytes:
    binary = text
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
    """Return whether the key in a block needs a passphrase; what no passphrase could open here is refused."""
    with refusing(ArchiveIdentityError(f"{source} is no private key to read.")):
        found = read_encryption(block[1].decode(), block[2])
    if found is None:
        return False
    if not found.is_read:
        raise IdentityCipherError(
            f"{source} is encrypted with {found.cipher}, which cannot be read here. Make a copy on a PC:"
            f" {found.copy_command}"
        )
    if found.costs_too_much:
        raise ArchiveIdentityError(f"{source} demands too much of its passphrase.")
    return True


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
