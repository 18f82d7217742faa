"""The box key: tells what a box has signed from what somebody signs who has its other keys.

1. Ed25519 (RFC 8032), made where an incarnation begins: at the founding and at each restore. A store of
   format 1 gets one when it is next unlocked.
2. It never leaves its store: the fact that holds it is none of those that a backup takes along
   (core.store.records, rule 4). A backup and all its keys make no signature of it.
3. It signs manifests and receipts, the very bytes that the seals sign. `format` tells the two apart.
4. Its words are those that a person compares before a box is followed. They cover the roots, too: what it
   signs names every root by its hash.

Which box key is believed is for core.receive.seals to say.
"""

import hashlib
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from core.crypto.keys import fault_in_key, verify_bytes
from core.crypto.recipients import fingerprint_words
from core.errors import ArchiveSealError, CheckError

if TYPE_CHECKING:
    from core.store.store import Store

SIGNATURE_BYTES: Final = 64  # RFC 8032 5.1.6
MAX_TYPED: Final = 256
_SEED_BYTES: Final = 32
_BETWEEN: Final = re.compile(r"[\s,;]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxKey:
    """A box key that can sign, in memory for as long as a session.

    Args:
        public: The public key, 64 hex digits of its 32 bytes.
        private_key: The key; not shown.
    """

    public: str
    private_key: Ed25519PrivateKey

    def __repr__(self) -> str:
        """Return the public key only."""
        return f"BoxKey({self.public})"

    def sign(self, data: bytes) -> bytes:
        """Return the signature of exactly `data`, 64 bytes."""
        return self.private_key.sign(data)


def make_box_key(store: "Store") -> str:
    """Make the box key of an incarnation and return its public half, 64 hex digits.

    Args:
        store: In the transaction that begins the incarnation; a key of before is replaced.
    """
    seed = secrets.token_bytes(_SEED_BYTES)
    store.set_box_seed(seed)
    return _from_seed(seed).public


def has_box_key(store: "Store") -> bool:
    """Return whether a store has its box key; one of before format 2 has none until it is unlocked."""
    return store.box_seed() is not None


def load_box_key(store: "Store") -> BoxKey:
    """Return the box key of a store.

    Raises:
        CheckError: There is none (E-CHECK).
    """
    seed = store.box_seed()
    if seed is None:
        raise CheckError("Rule archive-is-signed-by-its-box: the store has no box key.")
    return _from_seed(seed)


def box_digest(public: str) -> str:
    """Return the SHA-256 of a public key's 32 bytes, 64 hex digits: what a box's words are of.

    Args:
        public: The public key, 64 hex digits.
    """
    return hashlib.sha256(bytes.fromhex(public)).hexdigest()


def box_words(public: str) -> tuple[str, ...]:
    """Return the 12 words of a box, from its public key in 64 hex digits."""
    return fingerprint_words(bytes.fromhex(box_digest(public)))


def read_words(typed: str) -> tuple[str, ...]:
    """Return the words that somebody has typed, in any case, with blanks or commas between."""
    return tuple(_BETWEEN.sub(" ", typed[:MAX_TYPED]).lower().split())


def check_box_signature(public: str, signature: bytes, data: bytes) -> None:
    """Refuse what the box of a public key did not sign.

    Args:
        public: As the signed bytes name it, 64 hex digits.
        signature: From beside them.
        data: Exactly those bytes.

    Raises:
        ArchiveSealError: The key is weak, or the signature another one's (E-ARCHIVE-SEAL).
    """
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))
    if fault := fault_in_key(key):
        raise ArchiveSealError(f"The box key is not sound: {fault}.")
    try:
        verify_bytes(key, signature, data)
    except CheckError:
        raise ArchiveSealError("The signature of the box key is not over these bytes.") from None


def _from_seed(seed: bytes) -> BoxKey:
    key = Ed25519PrivateKey.from_private_bytes(seed)
    return BoxKey(public=key.public_key().public_bytes_raw().hex(), private_key=key)
