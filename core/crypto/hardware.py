"""Public keys whose private halves are in hardware, as plugins of age have them; none is needed to encrypt.

1. `age1tag1...` is a P-256 key (C2SP age.md, "p256tag"), `age1tagpq1...` ML-KEM-768 with P-256; pyrage
   encrypts to both.
2. `age1yubikey1...` is a P-256 key of age-plugin-yubikey. Its stanza, piv-p256, is made here: the first 4
   bytes of the SHA-256 of the key, an ephemeral key, and the file key under HKDF-SHA-256 of their secret.
3. Points are compressed, but in `age1tagpq1...`, where they are not (SEC 1 2.3.3); another form is refused.

What opens such a file is a plugin, on a PC: core.crypto.plugins.
"""

from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256, Hash
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from core.crypto.age_header import NONCE, Stanza, derive_key, encode_base64

TAG_PREFIX: Final = "age1tag"
TAG_PQ_PREFIX: Final = "age1tagpq"
YUBIKEY_PREFIX: Final = "age1yubikey"
_LABEL: Final = b"piv-p256"
_TAG_BYTES: Final = 4
_POINT_BYTES: Final = 33
_WHOLE_POINT_BYTES: Final = 65
_ML_KEM_PUBLIC_BYTES: Final = 1184  # FIPS 203 table 3


def require_tag(raw: bytes) -> None:
    """Refuse what is no key of `age1tag1` or `age1yubikey1`.

    Raises:
        ValueError: It is no compressed point of P-256.
    """
    _read_point(raw)


def require_tag_pq(raw: bytes) -> None:
    """Refuse what is no key of `age1tagpq1`.

    Raises:
        ValueError: A part of it is no key.
    """
    MLKEM768PublicKey.from_public_bytes(raw[:_ML_KEM_PUBLIC_BYTES])
    point = raw[_ML_KEM_PUBLIC_BYTES:]
    if len(point) != _WHOLE_POINT_BYTES:
        raise ValueError("no whole point")
    ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)


class YubikeyRecipient:
    """A key of age-plugin-yubikey.

    Args:
        raw: The compressed point.

    Raises:
        ValueError: It is none of P-256.
    """

    def __init__(self, raw: bytes) -> None:
        self._key = _read_point(raw)
        self._raw = raw

    def wrap(self, file_key: bytes) -> Stanza:
        """Return the stanza for this recipient."""
        ephemeral = ec.generate_private_key(ec.SECP256R1())
        share = ephemeral.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
        wrapping = derive_key(ephemeral.exchange(ec.ECDH(), self._key), share + self._raw, _LABEL)
        digest = Hash(SHA256())
        digest.update(self._raw)
        tag = digest.finalize()[:_TAG_BYTES]
        return Stanza(
            kind=_LABEL,
            arguments=(encode_base64(tag), encode_base64(share)),
            body=ChaCha20Poly1305(wrapping).encrypt(NONCE, file_key, None),
        )


def _read_point(raw: bytes) -> ec.EllipticCurvePublicKey:
    if len(raw) != _POINT_BYTES:
        raise ValueError("no compressed point")
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw)
