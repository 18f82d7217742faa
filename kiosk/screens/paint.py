"""The one verb of all screens, dispatched on the class of the state."""

from datetime import datetime
from functools import singledispatch

from kiosk.entry.buffers import ProposalView
from kiosk.entry.view import EntryView
from kiosk.screens.canvas import Canvas
from kiosk.states import Screen
from kiosk.text.wrap import COLUMNS, fit

View = EntryView | ProposalView | None

MORE = "D more"


@singledispatch
def paint(state: Screen, canvas: Canvas, view: View) -> None:
    """Draw the state on an empty canvas; a state without a screen is a bug."""
    raise NotImplementedError(type(state).__name__)


def paint_time(canvas: Canvas, when: datetime) -> None:
    """Draw a date, large, and its time."""
    canvas.big(f"{when:%Y-%m-%d}", 14).centre(3, f"{when:%H:%M} UTC")


def name_stuck(keys: tuple[str, ...], columns: int = COLUMNS) -> str:
    """Return the words for stuck keys, in as many columns as there are: "" for none.

    Args:
        keys: Which.
        columns: At most so many characters.
    """
    if not keys:
        return ""
    spaced = f"Stuck keys: {' '.join(keys)}"
    return spaced if len(spaced) <= columns else fit(f"Stuck: {''.join(keys)}", columns)


def more(pages: int) -> str:
    """Return what D does when there are pages to turn."""
    return MORE if pages > 1 else ""


def page_mark(page: int, pages: int) -> str:
    """Return "2/5" when there are pages to turn."""
    return f"{page + 1}/{pages}" if pages > 1 else ""
