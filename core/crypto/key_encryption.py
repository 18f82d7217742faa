"""How a private key in PEM is encrypted: what its header says, before a passphrase is asked for.

Rules:
1. The cipher is known by its name or OID, and those that the library reads are listed here; a test holds the
   lists against the library. Any other is named, with the command that makes a copy under one that is read.
2. The cost that a header demands of its passphrase is bounded before it is paid.
3. A header is hostile: what it says is shown only if it is a plain name or a number.

What is encrypted is core.crypto.identities' matter.
"""

import base64
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Final

from core.der import CONSTRUCTED, INTEGER, read_elements, show_oid

MAX_BCRYPT_ROUNDS: Final = 1024  # ssh-keygen writes 16 to 24
MAX_PBES_COST: Final = 2**25  # iterations x key length, or N x r x p; OpenSSL writes up to 2**20
_PBES2: Final = "1.2.840.113549.1.5.13"  # RFC 8018 A.4
_OPENSSH: Final = "OPENSSH PRIVATE KEY"
_PKCS8: Final = "ENCRYPTED PRIVATE KEY"

_SSH_READ: Final = frozenset({"aes256-ctr", "aes256-cbc", "aes256-gcm@openssh.com"})
_DEK_READ: Final = frozenset({"AES-128-CBC", "AES-256-CBC", "DES-EDE3-CBC"})
_OID_READ: Final = frozenset(
    {
        "2.16.840.1.101.3.4.1.2",  # AES-128-CBC
        "2.16.840.1.101.3.4.1.22",  # AES-192-CBC
        "2.16.840.1.101.3.4.1.42",  # AES-256-CBC
        "1.2.840.113549.3.7",  # DES-EDE3-CBC
        "1.2.840.113549.3.2",  # RC2-CBC
        "1.2.840.113549.1.5.3",  # pbeWithMD5AndDES-CBC
        "1.2.840.113549.1.12.1.1",  # pbeWithSHA1And128BitRC4
        "1.2.840.113549.1.12.1.3",  # pbeWithSHA1And3-KeyTripleDES-CBC
        "1.2.840.113549.1.12.1.6",  # pbeWithSHA1And40BitRC2-CBC
    }
)
_OID_NAMES: Final = {
    "1.3.14.3.2.7": "DES-CBC",
    "1.2.392.200011.61.1.1.1.2": "CAMELLIA-128-CBC",
    "1.2.392.200011.61.1.1.1.3": "CAMELLIA-192-CBC",
    "1.2.392.200011.61.1.1.1.4": "CAMELLIA-256-CBC",
    "1.2.410.200046.1.1.2": "ARIA-128-CBC",
    "1.2.410.200046.1.1.7": "ARIA-192-CBC",
    "1.2.410.200046.1.1.12": "ARIA-256-CBC",
    "1.2.410.200004.1.4": "SEED-CBC",
    "1.3.6.1.4.1.3029.1.2": "BF-CBC",
    "1.2.840.113549.1.12.1.4": "pbeWithSHA1And2-KeyTripleDES-CBC",
    "1.2.840.113549.1.5.10": "pbeWithSHA1AndDES-CBC",
    "1.2.840.113549.1.5.11": "pbeWithSHA1AndRC2-CBC",
}
_LEGACY: Final = re.compile(r"DES-CBC|SEED-.*|BF-.*|.*AndDES-CBC|.*AndRC2-CBC")
"""What OpenSSL 3 keeps in a provider of its own."""

_DEK: Final = re.compile(rb"^DEK-Info: *([A-Z0-9-]{1,32}),", re.MULTILINE)  # RFC 1421 4.6.1.3
_PLAIN: Final = re.compile(r"[A-Za-z0-9@.-]{1,48}")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyEncryption:
    """What the header of an encrypted key says.

    Args:
        cipher: Its name, plain and short.
        is_read: Whether the library reads it.
        costs_too_much: Whether trying a passphrase is out of bounds.
        copy_command: What makes a copy that can be read, on a PC; it asks for the passphrase.
    """

    cipher: str
    is_read: bool
    costs_too_much: bool
    copy_command: str


def read_encryption(label: str, body: bytes) -> KeyEncryption | None:
    """Return how the key in a PEM block is encrypted, None if it is not.

    Args:
        label: Of the block, such as OPENSSH PRIVATE KEY.
        body: What stands between its lines.

    Raises:
        ValueError: The block is no such key.
    """
    if b"Proc-Type: 4,ENCRYPTED" in body:  # RFC 1421; its key derivation is one MD5
        found = _DEK.search(body)
        return _encryption(found[1].decode() if found else "", _DEK_READ)
    if label not in (_OPENSSH, _PKCS8):
        return None
    try:
        der = base64.b64decode(b"".join(body.split()), validate=True)
        return _read_openssh(der) if label == _OPENSSH else _read_pkcs8(der)
    except (IndexError, RecursionError, struct.error) as error:
        raise ValueError("no whole header") from error


def _read_openssh(blob: bytes) -> KeyEncryption | None:
    """Return what an openssh-key-v1 says (PROTOCOL.key)."""
    offset = len(b"openssh-key-v1\0")
    fields = []
    for _ in range(3):  # cipher, derivation, its options
        (length,) = struct.unpack_from(">I", blob, offset)
        fields.append(blob[offset + 4 : offset + 4 + length])
        offset += 4 + length
    if fields[0] == b"none":
        return None
    rounds = int.from_bytes(fields[2][-4:], "big")
    return _encryption(
        fields[0].decode("ascii", "replace"), _SSH_READ, costs_too_much=rounds > MAX_BCRYPT_ROUNDS, ssh=True
    )


def _read_pkcs8(der: bytes) -> KeyEncryption:
    """Return what an EncryptedPrivateKeyInfo's algorithm says (RFC 5958 3, RFC 8018 A.4)."""
    (outer,) = read_elements(der)
    algorithm = outer.children()[0]
    cost = prod(_integers(algorithm.content))
    scheme, *parameters = algorithm.children()
    cipher = show_oid(scheme.content)
    if cipher == _PBES2:
        encryption = parameters[0].children()[1]  # after the key derivation
        cipher = show_oid(encryption.children()[0].content)
    return _encryption(cipher, _OID_READ, costs_too_much=cost > MAX_PBES_COST)


def _encryption(
    cipher: str, read: frozenset[str], *, costs_too_much: bool = False, ssh: bool = False
) -> KeyEncryption:
    name = _OID_NAMES.get(cipher, cipher if _PLAIN.fullmatch(cipher) else "without a name")
    legacy = "-provider legacy -provider default " if _LEGACY.fullmatch(name) else ""
    return KeyEncryption(
        cipher=name,
        is_read=cipher in read,
        costs_too_much=costs_too_much,
        copy_command="cp KEY COPY; ssh-keygen -p -Z aes256-ctr -f COPY"
        if ssh
        else f"openssl pkcs8 -topk8 -v2 aes-256-cbc {legacy}-in KEY -out COPY",
    )


def _integers(der: bytes) -> Iterator[int]:
    for item in read_elements(der):
        if item.tag == INTEGER:
            yield max(1, int.from_bytes(item.content, "big"))
        elif item.tag & CONSTRUCTED:
            yield from _integers(item.content)
