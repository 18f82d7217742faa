"""What the operator types, and what comes of it."""

import textwrap

from kiosk.effects import Purpose
from kiosk.entry.view import EntryView, Mode
from kiosk.screens.canvas import TIGHTEST_Y, Canvas
from kiosk.screens.paint import View, name_stuck, paint
from kiosk.states import Checking, Entering, Refused
from kiosk.text.messages import explain
from kiosk.text.wrap import COLUMNS, clean

_WANTED = {
    Purpose.UNLOCK: "Passphrase",
    Purpose.CURRENT: "Old passphrase",
    Purpose.IDENTITY: "Key passphrase",
    Purpose.CHOOSE: "New passphrase",
    Purpose.REPEAT: "Type it again",
    Purpose.DATE: "year..minute",
    Purpose.DRILL: "Words of drill",
    Purpose.DATE_AGAIN: "Type it again",
}
_DATES = (Purpose.DATE, Purpose.DATE_AGAIN)
_WEAK_BITS, _FAIR_BITS = 64, 80  # refused below the first, warned of below the second
_TIGHT_ROWS = 4

_LETTERS = ("2abc 3def", "4ghi 5jkl", "6mno 7pqrs", "8tuv 9wxyz")  # the keypad need not be printed with them
_LETTERS_COLUMN = 11
_MAX_DIGITS = 5  # of a word, before its candidates are few enough
_DATE_ROWS = ("Year, month, day,", "hour, minute in UTC:", "yyyymmddhhmm")


@paint.register
def _(state: Entering, canvas: Canvas, view: View) -> None:
    entry = view if isinstance(view, EntryView) else EntryView(mode=Mode.WORDS)
    if entry.shown is not None:
        _show_all(canvas, entry.shown)
        return
    # Left-aligned and with few moving parts: every byte that a key press changes goes over a slow bus.
    name = _name(state, entry)
    canvas.title(name).text(0, _line(entry, COLUMNS - len(name) - 1), column=len(name) + 1)
    if entry.legend:
        canvas.tight(entry.legend)
    elif state.purpose in _DATES:
        canvas.body(_DATE_ROWS)
    else:
        canvas.tight(_choices(entry), rows=TIGHTEST_Y)
        if entry.mode is not Mode.DIGITS:
            canvas.tight(_LETTERS, column=_LETTERS_COLUMN, rows=TIGHTEST_Y)
    canvas.keys(_hint(state, entry), "*del" if entry.length or entry.typed else "*back")


def _name(state: Entering, entry: EntryView) -> str:
    """Return what the title calls the entry."""
    if state.purpose in _DATES:
        return "DATE"
    if entry.mode is Mode.WORDS:
        return f"WORD {entry.position}" + (f" of {entry.total}" if entry.total else "")
    return f"TEXT {entry.layer}" if entry.mode is Mode.TEXT else "DIGITS"


def _line(entry: EntryView, columns: int) -> str:
    """Return as much of the line as fits: of words the digits in work, of text its end."""
    if entry.mode is not Mode.WORDS:
        return entry.line[-columns:]
    stars = entry.line[: len(entry.line) - len(entry.line.lstrip("*"))]
    kept = min(len(stars), columns - _MAX_DIGITS - len(" _"))
    return entry.line[len(stars) - kept :][:columns]


def _choices(entry: EntryView) -> tuple[str, ...]:
    """Return what A to D pick: words, or else what they do."""
    if entry.candidates:
        return tuple(f"{key} {word}" for key, word in zip("ABCD", entry.candidates, strict=False))
    if entry.mode is Mode.WORDS and entry.count and entry.position > entry.count:
        return ()  # between two words: named at the first one, and not drawn and wiped for each
    return tuple(f"{key} {what.partition(' ')[0]}" for key, what in entry.choices)


def _hint(state: Entering, entry: EntryView) -> str:
    """Return what is stuck, what `#` does, or what is wanted; while one is chosen, how strong it is."""
    if state.box.stuck:
        return name_stuck(state.box.stuck, COLUMNS - len("*back "))
    if entry.bits is not None and entry.length:
        if entry.bits < _WEAK_BITS:
            return f"{entry.bits} bits: weak"
        return f"#ok {entry.bits} bits" + (" fair" if entry.bits < _FAIR_BITS else "")
    if entry.full and state.purpose not in _DATES:
        return "#done, is full"
    if entry.complete:
        return "#done"
    return "" if entry.length or entry.typed else _WANTED[state.purpose]


def _show_all(canvas: Canvas, text: str) -> None:
    """Draw the whole text, in words where it fits so, else to the last column of every row."""
    lines = tuple(textwrap.wrap(clean(text), COLUMNS, break_on_hyphens=False))
    if len(lines) <= _TIGHT_ROWS and "  " not in text:
        canvas.title("AS TYPED").tight(lines).keys("let go of D to hide")
        return
    canvas.page(tuple(text[at : at + COLUMNS] for at in range(0, len(text), COLUMNS)))


@paint.register
def _(state: Checking, canvas: Canvas, _view: View) -> None:
    canvas.title("ONE MOMENT")
    if state.change:
        canvas.body(("The passphrase is", "being changed."))
    else:
        canvas.body(("The passphrase is", "being checked."))
    canvas.keys("do not unplug")


@paint.register
def _(state: Refused, canvas: Canvas, _view: View) -> None:
    canvas.title(explain(state.code).code, strong=True)
    attempts = state.box.failed_attempts
    counted = f"{attempts} wrong in a row" if attempts else "Then try again"
    if state.purpose is Purpose.IDENTITY:
        counted = "It does not open it."
    if state.wait_s:
        canvas.big(f"{state.wait_s // 60}:{state.wait_s % 60:02}", 14)
        canvas.centre(3, counted)
        canvas.keys("wait", "*forget words" if state.kept else "")
    elif state.kept:
        canvas.body((counted, "You may correct the", "words for a minute."))
        canvas.keys("#correct", "*give up")
    else:
        canvas.body((explain(state.code).happened, "You may try again."))
        canvas.keys("#try again", "*give up")
