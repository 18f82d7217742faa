"""Passphrases: their one canonical form, how strong they are by estimate, and proposals of random words.

Rules:
1. Canonical: Unicode NFKC, single spaces, none at the ends, UTF-8. At most 256 characters. Refused are
   control, format, private, unassigned and surrogate characters and line breaks: they are invisible, or
   another keyboard or Unicode version gives other bytes.
2. Strength is the least of what three estimators say. Words: 11 bits for one of the BIP-39 English list, or
   its rank where a list of common words or names has it earlier; a word that came before, or that stands
   beside the one before it in the list, counts nothing. Characters: the alphabets that a text uses; one that
   repeats the one before it counts nothing. And zxcvbn, over the first 72 characters (it is slow beyond).
   None of them knows a long text that is famous: random words are the answer, and what a box offers first.
3. Two kinds are known by how they are made, and chance likenesses in them cost nothing: words that are all
   of the list (11 bits each), and hexadecimal digits (4 bits each).
4. Under 64 bits is refused; 80 are asked for. A new passphrase that no keypad can type is refused, too.

Texts of errors never hold a passphrase or a part of one.
"""

import math
import re
import secrets
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from core.errors import PassphraseWeakError

MIN_BITS = 64.0
ASKED_BITS = 80.0
MAX_CHARACTERS = 256
BEGINNING_WORDS = 3
MAX_TYPED_BYTES = 128
"""What a keypad's entry holds (kiosk.entry.secret)."""

TYPABLE = f"its keys have A-Z, a-z, 0-9, the space and the signs of ASCII, at most {MAX_TYPED_BYTES} in all"
"""What a keypad can type, in words."""

_BITS_PER_WORD = 11.0
_ESTIMATED_CHARACTERS = 72
_TOKEN = re.compile(r"[a-z]+|[^a-z ]+")
_HEX = re.compile(r"[0-9a-f]{16,72}|[0-9A-F]{16,72}")
_LEAST_HEX_DIGITS = 6  # different ones: 16 random digits have fewer in less than one of ten thousand cases
_LEAST_MADE = 4
_MADE = frozenset({"dictionary", "repeat", "sequence", "spatial"})
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


def begin(passphrase: bytes) -> bytes:
    """Return the first three words of a passphrase, which its box recognizes; b"" where it has fewer.

    Args:
        passphrase: Canonical, whole or as far as it is typed.
    """
    words = passphrase.split(b" ")[:BEGINNING_WORDS]
    return b" ".join(words) if len(words) == BEGINNING_WORDS else b""


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
    tokens = _TOKEN.findall(plain.casefold())
    if _words().keys() >= {*plain.casefold().split(" ")}:
        return _estimate_words(tokens, ())
    from zxcvbn import zxcvbn  # 30 ms to load, and only a new passphrase needs it
    from zxcvbn.matching import RANKED_DICTIONARIES

    found = zxcvbn(plain[:_ESTIMATED_CHARACTERS])
    if _is_hexadecimal(plain, found["sequence"]):
        return 4.0 * len(plain)
    by_words = _estimate_words(tokens, RANKED_DICTIONARIES.values())
    return min(by_words, _estimate_characters(plain), math.log2(found["guesses"]))


def require_strong(text: str) -> float:
    """Refuse a new passphrase that is too weak, or that no keypad can type.

    Args:
        text: As typed.

    Returns:
        Its bits by estimate; under `ASKED_BITS` the operator is told so.

    Raises:
        PassphraseWeakError: Under 64 bits, no canonical form, or as `require_typable` (E-PASSPHRASE-WEAK).
    """
    require_typable(text)
    bits = estimate_bits(text)
    if bits < MIN_BITS:
        raise PassphraseWeakError(
            f"the passphrase has about {bits:.0f} bits; {MIN_BITS:.0f} are needed, {ASKED_BITS:.0f} asked"
        )
    return bits


def require_typable(text: str) -> None:
    """Refuse a passphrase that would lock the panel out for good.

    Raises:
        PassphraseWeakError: Not all ASCII, or over 128 bytes (E-PASSPHRASE-WEAK).
    """
    if not text.isascii() or len(text) > MAX_TYPED_BYTES:
        raise PassphraseWeakError(f"a box's panel cannot type the passphrase: {TYPABLE}")


def propose_words(count: int = 8) -> tuple[str, ...]:
    """Return random words of the BIP-39 English list, all different.

    Args:
        count: How many; 8 make 88 bits.

    Returns:
        Words, which join with single spaces to a canonical passphrase.
    """
    while True:
        words = tuple(secrets.SystemRandom().sample([*_words()], count))
        if (
            estimate_bits(" ".join(words)) == _BITS_PER_WORD * count
        ):  # no neighbours, in one draw of a hundred
            return words


def _estimate_words(tokens: Iterable[str], dictionaries: Iterable[Mapping[str, int]]) -> float:
    """Return the bits of words and of what stands between them; a dictionary has a word's rank, from 1."""
    places = _words()
    bits, seen, before = 0.0, set[str](), math.inf
    for token in tokens:
        place = places.get(token, math.inf)
        if token not in seen and not abs(place - before) <= 1:
            ranks = (math.log2(ranked[token] + 1) for ranked in dictionaries if token in ranked)
            bits += min([_BITS_PER_WORD if token in places else _estimate_characters(token), *ranks])
        seen.add(token)
        before = place
    return bits


def _estimate_characters(text: str) -> float:
    """Return the bits of characters of the alphabets that the text uses."""
    alphabet = sum({_alphabet(char) for char in text})
    changes = sum(char != before for char, before in zip(text, " " + text, strict=False))
    return changes * math.log2(alphabet)


def _alphabet(char: str) -> int:
    """Return how many characters there are of the character's kind; each kind has a number of its own."""
    if not char.isascii():
        return 100
    if char.isdigit():
        return 10
    if char.isupper():
        return 27
    return 26 if char.islower() else 33


def _is_hexadecimal(plain: str, sequence: Iterable[Mapping[str, Any]]) -> bool:
    """Tell whether a text is hexadecimal digits by chance: no repeats, runs or words make up half of it.

    Args:
        plain: At most 72 characters of it are looked at.
        sequence: What zxcvbn takes the text apart into; dates are in most such texts, by chance.
    """
    digits = set(plain)
    if not _HEX.fullmatch(plain) or plain.isdecimal() or len(digits) < _LEAST_HEX_DIGITS:
        return False
    made = sum(
        len(part["token"])
        for part in sequence
        if part["pattern"] in _MADE and len(part["token"]) >= _LEAST_MADE
    )
    return made * 2 < len(plain)


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
def _words() -> Mapping[str, int]:
    """Return the words of the list with their places in it."""
    from mnemonic import Mnemonic  # 10 ms to load, and only a new passphrase needs it

    return {word: place for place, word in enumerate(Mnemonic("english").wordlist)}
