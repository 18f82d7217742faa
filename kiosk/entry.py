"""Passphrase entry on sixteen keys: by words, by text, by digits; and what a screen may draw of it.

Rules:
1. The secret stands in one wipeable buffer of at most 128 bytes; the three modes are three ways to
   type into it, so "correct horse 42!" may begin in words and end in text.
2. An Entry does no I/O and reads no clock: the caller passes monotonic seconds with every call and
   asks `next_change` when the view will change by itself.
3. The state of the machine never holds an Entry's content; EntryView is made for one frame and dropped.
4. Nothing is ever accepted by itself: a word enters by a candidate key (or `#` when only one is left).

Left to others: when a press becomes a hold (the daemon), how a view looks (the screens), what is strong
enough and how the bytes are made canonical (core.passphrase).
"""

from dataclasses import dataclass
from enum import StrEnum


class Mode(StrEnum):
    """How keys are turned into text; the value is what a screen may call it."""

    WORDS = "words"
    TEXT = "text"
    DIGITS = "digits"


class Outcome(StrEnum):
    """What a key did."""

    NOTHING = "nothing"
    """A dead key: nothing to redraw."""
    CHANGED = "changed"
    """The view is another one."""
    DONE = "done"
    """`#` on a complete entry: take the secret."""
    LEAVE = "leave"
    """`*` on an empty entry: the operator wants out."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class EntryView:
    """What a screen may draw of an entry at one instant; its repr tells no secret.

    Args:
        mode: Words, text or digits.
        position: Number of the word that is being typed or replaced, 1 first.
        count: Words in the entry so far.
        total: Words that are expected, None when that is not known (unlocking).
        typed: Words mode: the digits pressed for the word in work, "2283"; else "".
        line: One line to draw, masked, with a cursor: "** 2283_" in words mode, "****r_" in text and
            digits mode (the last character visible for a second). Up to 140 characters: draw its tail.
        candidates: Up to four words; the first is picked by key A, the fourth by D.
        choices: What A to D do when there are no candidates: ("A", "previous word"), ...; "" is not in it.
        legend: Up to four lines of 21 characters that say what the digit keys type (symbols), else ().
        layer: "abc", "ABC", "!?#" in text mode, "123" in digits mode, "" in words mode.
        shown: The whole text, words parted by one space, while the show key is held; else None.
        length: Bytes typed so far.
        full: True when nothing more fits (128 bytes).
        bits: Strength by estimate, when the entry chooses a passphrase; else None.
        complete: `#` would finish.
    """

    mode: Mode
    position: int = 1
    count: int = 0
    total: int | None = None
    typed: str = ""
    line: str = "_"
    candidates: tuple[str, ...] = ()
    choices: tuple[tuple[str, str], ...] = ()
    legend: tuple[str, ...] = ()
    layer: str = ""
    shown: str | None = None
    length: int = 0
    full: bool = False
    bits: int | None = None
    complete: bool = False

    def __repr__(self) -> str:
        """Return mode and sizes; never a typed digit, a candidate or the text."""
        return f"EntryView(mode={self.mode.value}, position={self.position}, count={self.count}, redacted)"
