"""age's post-quantum keys: ML-KEM-768 and X25519, of which both must fall (C2SP age.md, "mlkem768x25519").

1. A recipient is `age1pq1...` (1216 bytes), an identity `AGE-SECRET-KEY-PQ-1...` (a seed of 32 bytes).
2. The file key goes through HPKE (RFC 9180) with the KEM MLKEM768-X25519 (draft-ietf-hpke-pq, 0x647a),
   HKDF-SHA256 and ChaCha20Poly1305; all of that is the library's. A stanza has the encapsulated key as its
   only argument.
3. Lengths are exact. A share of X25519 that is a point of low order is refused before it is used.

pyrage has no such keys: core.crypto.age writes the header anew (core.crypto.age_header).
"""

from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHAKE256, Hash

from core.crypto import bech32
from core.crypto.age_header import FILE_KEY_BYTES, WRAPPED_BYTES, Stanza, decode_base64, encode_base64
from core.crypto.keys import is_low_order_x25519

RECIPIENT_PREFIX: Final = "age1pq"
IDENTITY_PREFIX: Final = "age-secret-key-pq-"
STANZA_KIND: Final = b"mlkem768x25519"
X25519_BYTES: Final = 32
_ML_KEM_PUBLIC_BYTES: Final = 1184  # FIPS 203 table 3
_ML_KEM_CIPHERTEXT_BYTES: Final = 1088
_ML_KEM_SEED_BYTES: Final = 64
_SEED_BYTES: Final = 32
_SUITE: Final = hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.CHACHA20_POLY1305)
_INFO: Final = b"age-encryption.org/mlkem768x25519"


class HybridRecipient:
    """The public half.

    Args:
        text: age1pq1..., lower case.

    Raises:
        ValueError: It is no such key, or ML-KEM's part fails the check of FIPS 203 7.2.
    """

    def __init__(self, text: str) -> None:
        prefix, raw = bech32.decode(text)
        if prefix != RECIPIENT_PREFIX or len(raw) != _ML_KEM_PUBLIC_BYTES + X25519_BYTES:
            raise ValueError("no post-quantum recipient")
        self.point = raw[_ML_KEM_PUBLIC_BYTES:]
        self._key = hpke.MLKEM768X25519PublicKey(
            MLKEM768PublicKey.from_public_bytes(raw[:_ML_KEM_PUBLIC_BYTES]),
            X25519PublicKey.from_public_bytes(self.point),
        )

    def wrap(self, file_key: bytes) -> Stanza:
        """Return the stanza for this recipient."""
        sealed = _SUITE.encrypt(file_key, self._key, info=_INFO)
        share, body = sealed[:-WRAPPED_BYTES], sealed[-WRAPPED_BYTES:]
        return Stanza(kind=STANZA_KIND, arguments=(encode_base64(share),), body=body)


class HybridIdentity:
    """The private half.

    Args:
        text: AGE-SECRET-KEY-PQ-1..., upper case.

    Raises:
        ValueError: It is no such key.
    """

    def __init__(self, text: str) -> None:
        prefix, seed = bech32.decode(text)
        if text != text.upper() or prefix != IDENTITY_PREFIX or len(seed) != _SEED_BYTES:
            raise ValueError("no post-quantum identity")
        # draft-ietf-hpke-pq, "DeriveKeyPair" of the hybrids: one seed, expanded to one for each part.
        expand = Hash(SHAKE256(_ML_KEM_SEED_BYTES + X25519_BYTES))
        expand.update(seed)
        seeds = expand.finalize()
        self._ml_kem = MLKEM768PrivateKey.from_seed_bytes(seeds[:_ML_KEM_SEED_BYTES])
        self._x25519 = X25519PrivateKey.from_private_bytes(seeds[_ML_KEM_SEED_BYTES:])
        self._key = hpke.MLKEM768X25519PrivateKey(self._ml_kem, self._x25519)

    def to_public(self) -> str:
        """Return the recipient that belongs to it, as a line."""
        public = (self._ml_kem.public_key(), self._x25519.public_key())
        return bech32.encode(RECIPIENT_PREFIX, b"".join(half.public_bytes_raw() for half in public))

    def unwrap(self, stanza: Stanza) -> bytes | None:
        """Return the file key that a stanza holds; None for another one's stanza.

        Raises:
            ValueError: It is of this kind, and not to its format.
        """
        if stanza.kind != STANZA_KIND:
            return None
        if len(stanza.arguments) != 1:
            raise ValueError("a stanza with another number of arguments")
        share = decode_base64(stanza.arguments[0])
        if len(share) != _ML_KEM_CIPHERTEXT_BYTES + X25519_BYTES or len(stanza.body) != WRAPPED_BYTES:
            raise ValueError("a stanza of another length")
        if is_low_order_x25519(share[_ML_KEM_CIPHERTEXT_BYTES:]):
            raise ValueError("a share of low order")
        try:
            file_key = _SUITE.decrypt(share + stanza.body, self._key, info=_INFO)
        except InvalidTag:
            return None
        return file_key if len(file_key) == FILE_KEY_BYTES else None
