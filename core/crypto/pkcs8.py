"""Private keys as encrypted PKCS#8 (RFC 5958), by PBES2 (RFC 8018): PBKDF2 with HMAC-SHA-256, AES-256-CBC.

The library's own BestAvailableEncryption makes the same with 2048 iterations, but keeps the interpreter's
lock while it does. PBKDF2HMAC lets go of it, so an export of 10,000 keys takes all cores instead of one.

1. The passphrases are 64 random bytes (core.crypto.zz_keyspool): iterations protect nothing that these do not protect
   already. There are as many as RFC 8018 4.2 asks for at least, and as strict readers (FIPS) insist on.
2. Salt and IV are random, 16 bytes each, new for each key.
"""

import secrets
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

from core.zz_pem import encode_pem

ITERATIONS: Final = 1000
SALT_BYTES: Final = 16
_BLOCK_BYTES: Final = 16
_KEY_BYTES: Final = 32
_SEQUENCE, _OCTETS = 0x30, 0x04
_SHORT_LENGTH: Final = 0x80

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
    return encode_pem(_wrap(_SEQUENCE, algorithm + _wrap(_OCTETS, encrypted)), "ENCRYPTED PRIVATE KEY")


def _wrap(tag: int, content: bytes) -> bytes:
    """Return DER of one element (X.690 8.1.3)."""
    length = len(content)
    if length < _SHORT_LENGTH:
        return bytes([tag, length]) + content
    digits = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, _SHORT_LENGTH | len(digits)]) + digits + content
