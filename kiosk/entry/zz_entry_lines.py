"""The lines that a view of an entry is made of: what is typed, masked, and what A to D do.

Pure: from the parts of an entry to strings for one frame.
"""

from kiosk.entry.text import SYMBOLS, next_layer
from kiosk.entry.words import WordEntry
from kiosk.entry.secret import SecretText

Choices = tuple[tuple[str, str], ...]


def words_line(text: SecretText, words: WordEntry, *, masked: bool) -> str:
    """Return the words before, the digits of the one in work with a cursor, and the words behind it.

    Args:
        text: The buffer.
        words: Where the entry stands in it.
        masked: A star for each word; else the words.
    """
    before, behind = words.around
    if masked:
        parts = ["*" * len(before), f"{words.typed}_", "*" * len(behind)]
    else:
        parts = [text.text(*span) for span in before]
        parts.append(f"{words.typed}_")
        parts += [text.text(*span) for span in behind]
    return " ".join(part for part in parts if part)


def text_line(text: SecretText, *, clear: int) -> str:
    """Return the text with its last `clear` characters readable, and a cursor."""
    hidden = max(len(text) - clear, 0)
    return "*" * hidden + text.text(hidden) + "_"


def word_choices(words: WordEntry) -> Choices:
    """Return what A and B do in words mode while no letter is typed."""
    choices = []
    if words.slot > 0:
        choices.append(("A", "previous word"))
    if words.slot < words.last_slot:
        choices.append(("B", "next word"))
    return tuple(choices)


def layer_choices(layer: str) -> Choices:
    """Return what A and B do in text mode."""
    return ("A", next_layer("A", layer)), ("B", "letters" if layer == SYMBOLS else "symbols")
