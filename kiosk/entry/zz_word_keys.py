"""The BIP-39 word list under telephone keys: which words do these digits begin.

Rules:
1. Candidates are offered when at most four words begin with the digits; before that only words of
   exactly as many letters. So all 2048 words can be reached, in 4.8 presses on average and 6 at most,
   the picking key included; the fullest code has three words.
2. The list is read and put in order at the first question, not at import.
"""

from bisect import bisect_left
from functools import cache

from mnemonic import Mnemonic

LETTER_KEYS = {
    "2": "abc",
    "3": "def",
    "4": "ghi",
    "5": "jkl",
    "6": "mno",
    "7": "pqrs",
    "8": "tuv",
    "9": "wxyz",
}
"""The letters of a telephone (ITU-T E.161)."""

_MAX_CANDIDATES = 4
_DIGIT_OF = {letter: key for key, letters in LETTER_KEYS.items() for letter in letters}
_AFTER_DIGITS = ":"  # sorts behind "9": the end of all codes with a prefix


@cache
def _index() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return (codes, words), both in order of code, then word."""
    pairs = sorted((keys_of(word), word) for word in Mnemonic("english").wordlist)
    return tuple(code for code, _ in pairs), tuple(word for _, word in pairs)


def keys_of(word: str) -> str:
    """Return the digits that spell a lower-case word: "able" is "2253"."""
    return "".join(_DIGIT_OF[letter] for letter in word)


def _range(typed: str) -> tuple[int, int]:
    """Return where the words that begin with these digits stand in the index."""
    codes, _ = _index()
    return bisect_left(codes, typed), bisect_left(codes, typed + _AFTER_DIGITS)


def continues(typed: str) -> bool:
    """Tell whether any word begins with these digits."""
    first, last = _range(typed)
    return first < last


def find_candidates(typed: str) -> tuple[str, ...]:
    """Return the words that A to D offer after these digits (rule 1).

    Args:
        typed: Digits 2 to 9, none or more.

    Returns:
        At most four words: those spelled out in full first, each group in order of digits, then letters.
    """
    if not typed:
        return ()
    codes, words = _index()
    first, last = _range(typed)
    if last - first <= _MAX_CANDIDATES:
        return words[first:last]
    return tuple(words[place] for place in range(first, last) if codes[place] == typed)


def count_presses(word: str) -> tuple[str, str]:
    """Return the digits and the candidate key that enter a word of the list in the fewest presses.

    Raises:
        ValueError: The word is not in the list.
    """
    code = keys_of(word)
    for length in range(1, len(code) + 1):
        offered = find_candidates(code[:length])
        if word in offered:
            return code[:length], "ABCD"[offered.index(word)]
    raise ValueError("not a word of the list")
