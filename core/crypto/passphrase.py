"""Passphrases: their one canonical form, how strong they are by estimate, and proposals of random words.

Rules:
1. Canonical: Unicode NFKC, single spaces, none at the ends, UTF-8. At most 256 characters. Refused are
   control, format, private, unassigned and surrogate characters and line breaks: they are invisible, or
   another keyboard or Unicode version gives other bytes.
2. Words of the BIP-39 English list count 11 bits each, once however often they come; anything else is
   estimated by zxcvbn over its first 72 characters (it is slow beyond, and the rest counts nothing).
3. Under 64 bits is refused; 80 are asked for.

Texts of errors never hold a passphrase or a part of one.
"""

import math
import secrets
import unicodedata
from functools import cache

from core.errors import PassphraseWeakError

MIN_BITS = 64.0
ASKED_BITS = 80.0
MAX_CHARACTERS = 256
_BITS_PER_WORD = 11.0
_ESTIMATED_CHARACTERS = 72
_REFUSED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def canonical(text: str) -> bytes:
    """Return the one form of a passphrase that keys are derived from.

    Args:
        text: As typed.

    Returns:
        UTF-8 of the canonical form (rule 1).

    Raises:
        PassphraseWeakError: It is empty, too long, or holds a refused character (E-PASSPHRASE-WEAK).
    """
    plain = _canonical(text)
    if not plain:
        raise PassphraseWeakError("the passphrase is empty")
    return plain.encode()


def estimate_bits(text: str) -> float:
    """Return how many bits an attacker who knows our habits must guess, by estimate.

    Args:
        text: As typed.

    Returns:
        Bits, 0 or more (rule 2); 0 for an empty text.

    Raises:
        PassphraseWeakError: It is too long or holds a refused character (E-PASSPHRASE-WEAK).
    """
    plain = _canonical(text)
    if not plain:
        return 0.0
    words = set(plain.casefold().split(" "))
    if words <= _words():
        return _BITS_PER_WORD * len(words)
    from zxcvbn import zxcvbn  # 30 ms to load, and only a new passphrase needs it

    return math.log2(zxcvbn(plain[:_ESTIMATED_CHARACTERS])["guesses"])


def require_strong(text: str) -> float:
    """Refuse a new passphrase that is too weak.

    Args:
        text: As typed.

    Returns:
        Its bits by estimate; under `ASKED_BITS` the operator is told so.

    Raises:
        PassphraseWeakError: Under 64 bits, or no canonical form (E-PASSPHRASE-WEAK).
    """
    bits = estimate_bits(text)
    if bits < MIN_BITS:
        raise PassphraseWeakError(
            f"the passphrase has about {bits:.0f} bits; {MIN_BITS:.0f} are needed, {ASKED_BITS:.0f} asked"
        )
    return bits


def propose_words(count: int = 8) -> tuple[str, ...]:
    """Return random words of the BIP-39 English list, all different.

    Args:
        count: How many; 8 make 88 bits.

    Returns:
        Words, which join with single spaces to a canonical passphrase.
    """
    return tuple(secrets.SystemRandom().sample(sorted(_words()), count))


def _canonical(text: str) -> str:
    # Before any work on it: normalization makes a text up to 18 times longer.
    if len(text) > MAX_CHARACTERS:
        raise PassphraseWeakError(f"a passphrase has at most {MAX_CHARACTERS} characters")
    plain = unicodedata.normalize("NFKC", text)
    if any(unicodedata.category(character) in _REFUSED for character in text + plain):
        raise PassphraseWeakError("the passphrase holds a character that cannot be seen, such as a tab")
    spaced = "".join(" " if unicodedata.category(character) == "Zs" else character for character in plain)
    joined = " ".join(part for part in spaced.split(" ") if part)
    if len(joined) > MAX_CHARACTERS:
        raise PassphraseWeakError(f"a passphrase has at most {MAX_CHARACTERS} characters")
    return joined


@cache
def _words() -> frozenset[str]:
    from mnemonic import Mnemonic  # 10 ms to load, and only a new passphrase needs it

    return frozenset(Mnemonic("english").wordlist)
