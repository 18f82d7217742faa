"""What the operator types, and what comes of it."""

import textwrap

from kiosk.effects import Purpose
from kiosk.entry_view import EntryView, Mode
from kiosk.messages import explain
from kiosk.screens.paint import View, paint
from kiosk.states import Checking, Entering, Refused
from kiosk.widgets import Canvas
from kiosk.wrap import COLUMNS, clean, fit

_WANTED = {
    Purpose.UNLOCK: "Passphrase",
    Purpose.CURRENT: "Present one",
    Purpose.CHOOSE: "A new one",
    Purpose.REPEAT: "Type it again",
    Purpose.DATE: "year..minute",
    Purpose.DATE_AGAIN: "Type it again",
}
_WEAK_BITS, _FAIR_BITS = 64, 80  # refused below the first, warned of below the second
_TIGHT_ROWS = 4


@paint.register
def _(state: Entering, canvas: Canvas, view: View) -> None:
    entry = view if isinstance(view, EntryView) else EntryView(mode=Mode.WORDS)
    if entry.shown is not None:
        _show_all(canvas, entry.shown)
        return
    name = _name(state, entry)
    canvas.title(name, entry.line[-(COLUMNS - len(name) - 1) :])
    canvas.tight(_rows(entry))
    canvas.keys(_hint(state, entry), "*del" if entry.length or entry.typed else "*back")


def _name(state: Entering, entry: EntryView) -> str:
    """Return what the title calls the entry."""
    if state.purpose in (Purpose.DATE, Purpose.DATE_AGAIN):
        return "DATE"
    if entry.mode is Mode.WORDS:
        return f"WORD {entry.position}" + (f" of {entry.total}" if entry.total else "")
    return f"TEXT {entry.layer}" if entry.mode is Mode.TEXT else "DIGITS"


def _rows(entry: EntryView) -> tuple[str, ...]:
    """Return the candidates, or what the digits type, or what A to D do."""
    if entry.candidates:
        return tuple(f"{key} {word}" for key, word in zip("ABCD", entry.candidates, strict=False))
    if entry.legend:
        return entry.legend
    rows = tuple(fit(f"{key} {what}") for key, what in entry.choices)
    if entry.full:
        return (*rows[: _TIGHT_ROWS - 1], f"{entry.length} is the limit")
    return rows


def _hint(state: Entering, entry: EntryView) -> str:
    """Return what `#` does, or what is wanted; when one is chosen, how strong it is."""
    if entry.bits is not None and entry.length:
        if entry.bits < _WEAK_BITS:
            return f"{entry.bits} bits: weak"
        fair = ", fair" if entry.bits < _FAIR_BITS else ""
        return f"#done {entry.bits} bits{fair}"[: COLUMNS - len(" *del")]
    return "#done" if entry.complete else _WANTED[state.purpose]


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
    counted = f"{attempts} wrong in a row" if attempts else explain(state.code).happened
    if state.wait_s:
        canvas.big(f"{state.wait_s // 60}:{state.wait_s % 60:02}", 14)
        canvas.centre(3, counted)
        canvas.keys("wait", "*forget words" if state.kept else "")
    elif state.kept:
        canvas.body((counted, "You may correct the", "words for a minute."))
        canvas.keys("#correct", "*give up")
    else:
        canvas.body((counted, "You may try again."))
        canvas.keys("#try again", "*give up")
