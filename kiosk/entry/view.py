"""What a screen may draw of an entry, and what a key did to it.

A view is made for one picture and dropped: what is typed, masked, and what A to D do. It holds what the panel
shows, which may be a word of the passphrase, so its repr tells nothing of it and no page, event or log line
may hold one.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from kiosk.entry.secret import SecretText
from kiosk.entry.text import SYMBOLS, next_layer
from kiosk.entry.words import WordEntry


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
    BEGUN = "begun"
    """As many words stand there as make a beginning: something else comes before the next."""
    DONE = "done"
    """`#` on a complete entry, or the last word of a known number: take the secret."""
    LEAVE = "leave"
    """`*` on an empty entry, or on a word that was pointed out: the operator wants out."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class EntryView:
    """What a screen may draw of an entry at one instant; its repr tells no secret.

    Args:
        mode: Words, text or digits.
        position: Number of the word that is being typed or replaced, 1 first.
        count: Words in the entry so far.
        total: Words that are expected, None when that is not known (unlocking).
        typed: Words mode: the digits pressed for the word in work, "2283"; else "".
        line: One line to draw, masked, with a cursor. In words mode "**2283_-**": a star for each word, a
            dash for each that is missing between them, digits and cursor before the word at their place. In
            text and digits mode "****r_" (the last character visible for a second): draw its tail.
        candidates: Up to four words; the first is picked by key A, the fourth by D.
        choices: What A to D do, to be drawn when there are no candidates: ("A", "before"), ...; in words mode
            the names are "" while letters are typed, and between words until the operator pauses.
        legend: Up to four lines of 21 characters that say what the digit keys type (symbols), else ().
        layer: "abc", "ABC", "!?#" in text mode, "123" in digits mode, "" in words mode.
        shown: The whole text, words parted by one space, a dash for one that is missing, while the show key
            is held; else None.
        length: Bytes typed so far.
        full: True when nothing more fits (128 bytes).
        bits: Strength by estimate, when the entry chooses a passphrase; else None.
        complete: `#` would finish.
        missing: Number of the first word that was deleted between others and has to be typed; else None.
        unchanged: `#` was pressed, and this is what was refused before.
        differs: The word at `position` is not the one that is wanted.
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
    missing: int | None = None
    unchanged: bool = False
    differs: bool = False

    def __repr__(self) -> str:
        """Return mode and sizes; never a typed digit, a candidate or the text."""
        return f"EntryView(mode={self.mode.value}, position={self.position}, count={self.count}, redacted)"


Choices = tuple[tuple[str, str], ...]
MISSING: Final = "-"
"""What stands for a word that was deleted between others."""


def words_line(words: WordEntry) -> str:
    """Return a star or a dash for each place, and the digits of the word in work with a cursor at its own."""
    marks = "".join(MISSING if span is None else "*" for span in words.places)
    before, here, behind = marks[: words.slot], marks[words.slot : words.slot + 1], marks[words.slot + 1 :]
    return f"{before}{words.typed}_{here.strip(MISSING)}{behind}"


def words_shown(text: SecretText, words: WordEntry) -> str:
    """Return the whole text, with a dash for each word that is missing."""
    if words.missing is None:
        return text.text()
    return " ".join(MISSING if span is None else text.text(*span) for span in words.places)


def text_line(text: SecretText, *, clear: bool) -> str:
    """Return the text as stars, its last character readable where it is `clear`, and a cursor."""
    hidden = max(len(text) - int(clear), 0)
    return "*" * hidden + text.text(hidden) + "_"


def word_choices(words: WordEntry) -> Choices:
    """Return what A and B do in words mode while no letter is typed."""
    choices = []
    if words.slot > 0:
        choices.append(("A", "before"))
    if words.slot < words.last_slot:
        choices.append(("B", "after"))
    return tuple(choices)


def layer_choices(layer: str) -> Choices:
    """Return what A and B do in text mode."""
    return ("A", next_layer("A", layer)), ("B", "letters" if layer == SYMBOLS else "symbols")
