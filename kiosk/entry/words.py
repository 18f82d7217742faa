"""Words by telephone keys: one press per letter, the list of BIP-39 finds the word.

Rules:

1. Candidates are offered when at most four words begin with the digits; before that only words of exactly as
   many letters. A to D pick; `#` picks when one candidate stands.
2. A word that alone begins with the digits enters by itself. A word that others begin with (act, action) is
   picked. So all 2048 words can be reached, in 4.5 presses on average and 6 at most.
3. A key that no word of the list continues with is dead.
4. For half a second after a word entered some keys mean nothing, since fingers may be ahead of eyes: the key
   that picked it; where it entered by itself, A to D, `#`, and the letters that it would have gone on with.
5. Each word has a place, with the number that it has on paper. A word picked at the place of another replaces
   it. One that is deleted before the last leaves a gap: the words behind keep their numbers, and nothing is
   complete until every gap has its word.
6. The list is read and put in order at the first question, not at import.

Left to others: what A to D do while nothing is typed (kiosk.entry.entry).
"""

from bisect import bisect_left
from functools import cache

from mnemonic import Mnemonic

from kiosk.entry.secret import SecretText

GUARD_S = 0.5
"""How long keys that may still be meant for the word that just entered mean nothing, in seconds."""


class WordEntry:
    """The words mode of an entry.

    Args:
        text: The buffer that all modes share.
        total: How many words are wanted, None when any number will do.
    """

    __slots__ = ("_entered_at", "_gaps", "_guarded", "_rest", "_slot", "_text", "_typed", "total")

    def __init__(self, text: SecretText, total: int | None = None) -> None:
        self._text = text
        self.total = total
        self._typed = ""
        self._slot = 0
        self._gaps: set[int] = set()  # places whose word was deleted; the last place never is one
        self._guarded = ""  # keys that mean nothing just after a word entered
        self._rest = ""  # the letters that it would have gone on with
        self._entered_at = 0.0

    @property
    def typed(self) -> str:
        """The digits of the word in work."""
        return self._typed

    @property
    def slot(self) -> int:
        """The place in work, 0 first; the number of places when it is behind the last."""
        return self._slot

    @property
    def position(self) -> int:
        """The number of the word in work, 1 first, never above the number wanted."""
        return self._slot + 1 if self.total is None else min(self._slot + 1, self.total)

    @property
    def last_slot(self) -> int:
        """The last place there is to go to."""
        count = len(self.places)
        return count if self.total is None else min(count, self.total - 1)

    @property
    def places(self) -> tuple[tuple[int, int] | None, ...]:
        """Where the word of each place stands in the buffer, None for a gap."""
        spans = iter(self._text.spans())
        return tuple(
            None if place in self._gaps else next(spans) for place in range(self.count + len(self._gaps))
        )

    @property
    def missing(self) -> int | None:
        """The number of the first gap, 1 first; None when there is none."""
        return min(self._gaps) + 1 if self._gaps else None

    @property
    def count(self) -> int:
        """Words in the buffer."""
        return len(self._text.spans())

    @property
    def candidates(self) -> tuple[str, ...]:
        """What A to D pick now."""
        return find_candidates(self._typed)

    @property
    def enough(self) -> bool:
        """The words are as many as wanted and none is missing between them, whatever is half typed."""
        return not self._gaps and (self.count == self.total if self.total is not None else self.count > 0)

    @property
    def complete(self) -> bool:
        """Nothing is half typed and the words are as many as wanted."""
        return not self._typed and self.enough

    def go_to(self, slot: int) -> bool:
        """Move to a place; False when there is no such place or it is this one."""
        if slot == self._slot or not 0 <= slot <= self.last_slot:
            return False
        self._slot = slot
        self._guarded = self._rest = ""
        return True

    def go_to_end(self) -> None:
        """Forget the digits and stand behind the last word."""
        self._typed = self._guarded = self._rest = ""
        self._slot = len(self.places)

    def type_letter(self, key: str, now: float) -> bool:
        """Take a digit key, and the word if it is the only one left; False when it means nothing."""
        if self._rest.startswith(key) and now - self._entered_at < GUARD_S:
            self._rest, self._entered_at = self._rest[1:], now
            return False
        self._rest = ""
        typed = self._typed + key
        if self._slot == self.total or not continues(typed):
            return False
        self._typed = typed
        if (word := find_only(typed)) and self._put(word):
            self._enter("ABCD#", now, rest=keys_of(word)[len(typed) :])
        return True

    def pick(self, key: str, now: float) -> bool:
        """Put the candidate that A to D, or `#`, stands for in its place; False: none, or no room."""
        offered = self.candidates
        number = 0 if key == "#" and len(offered) == 1 else "ABCD#".index(key)
        if number >= len(offered) or not self._put(offered[number]):
            return False
        self._enter(key, now)
        return True

    def _enter(self, guarded: str, now: float, rest: str = "") -> None:
        """Go on behind the word that was just put in its place; behind the last, at one that is missing."""
        self._typed = ""
        self._slot += 1
        if self._slot == self.total and self._gaps:
            self._slot = min(self._gaps)
        self._guarded, self._rest, self._entered_at = guarded, rest, now

    def guarded(self, key: str, now: float) -> bool:
        """Tell whether this key may still be meant for the word that entered within the last half second."""
        return key in self._guarded and now - self._entered_at < GUARD_S

    def delete(self) -> bool:
        """Take back a letter, else the word at this place, else the one before; False when all is empty."""
        if self._typed:
            self._typed = self._typed[:-1]
            return True
        places = self.places
        if not places:
            had = len(self._text) > 0  # spaces alone, typed as text
            self._text.wipe()
            return had
        # Where no word is here or before, the next one behind goes: who wants out gets out.
        words = [place for place, span in enumerate(places) if span is not None]
        slot = max((place for place in words if place <= self._slot), default=words[0])
        self._cut(words.index(slot))
        end = max((place + 1 for place in words if place != slot), default=0)
        self._gaps = {place for place in self._gaps | {slot} if place < end}
        self._slot = min(slot, end)
        return True

    def clear_letters(self) -> bool:
        """Take back all letters of the word in work; False when there are none."""
        had = bool(self._typed)
        self._typed = ""
        return had

    def _put(self, word: str) -> bool:
        """Put a word in its place; False when it does not fit."""
        behind = self.places[self._slot :]
        if not behind:  # at the end; spaces there, typed as text, become the one space
            spans = self._text.spans()
            end = spans[-1][1] if spans else 0
            return self._text.replace(end, len(self._text), f" {word}" if spans else word)
        if (span := behind[0]) is not None:
            return self._text.replace(*span, word)
        start = next(span for span in behind if span is not None)[0]
        if not self._text.replace(start, start, f"{word} "):
            return False
        self._gaps.remove(self._slot)
        return True

    def _cut(self, number: int) -> None:
        """Take a word out of the buffer, 0 first, with the space before it; the first with the one behind."""
        spans = self._text.spans()
        start = spans[number - 1][1] if number else 0
        end = spans[number][1] if number or len(spans) == 1 else spans[1][0]
        self._text.replace(start, end, "")

    def wipe(self) -> None:
        """Forget the digits and the place; the buffer is wiped by its owner."""
        self._typed = ""
        self._slot = 0
        self._gaps.clear()
        self._guarded = self._rest = ""

    def __repr__(self) -> str:
        return f"WordEntry(slot={self._slot}, redacted)"


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


def find_only(typed: str) -> str:
    """Return the word that alone begins with these digits; "" when there are others."""
    first, last = _range(typed)
    return _index()[1][first] if last - first == 1 else ""


def fewest_keys(word: str) -> str:
    """Return the keys that enter a word of the list in the fewest presses.

    Raises:
        ValueError: The word is not in the list.
    """
    code = keys_of(word)
    for length in range(1, len(code) + 1):
        if find_only(code[:length]) == word:
            return code[:length]
        offered = find_candidates(code[:length])
        if word in offered and find_only(code[: length + 1]) != word:
            return code[:length] + "ABCD"[offered.index(word)]
    raise ValueError("not a word of the list")
