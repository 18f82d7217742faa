"""The menu, revocation, clock and power."""

from kiosk.menu_items import NAMES, REASONS, items
from kiosk.screens.canvas import Canvas
from kiosk.screens.paint import View, more, page_mark, paint, paint_time
from kiosk.states import (
    ClockIsWrong,
    ClockPage,
    ConfirmClock,
    ConfirmRevoke,
    Ending,
    Menu,
    Off,
    PickSigner,
    PickTarget,
    PowerMenu,
)
from kiosk.text.wrap import BODY_ROWS, count_pages, fit, fit_path

_LIST_COLUMNS = 19  # behind "A "


def choices(canvas: Canvas, names: tuple[str, ...], page: int) -> None:
    """Draw one page of a list that A to C pick from, with its keys."""
    first = page * BODY_ROWS
    shown = names[first : first + BODY_ROWS]
    canvas.body(tuple(f"{key} {name}" for key, name in zip("ABC", shown, strict=False)))
    canvas.keys(more(count_pages(len(names))) or "A, B or C", "*back")


@paint.register
def _(state: Menu, canvas: Canvas, _view: View) -> None:
    offered = items(unlocked=state.box.session is not None)
    pages = count_pages(len(offered))
    first = state.page * BODY_ROWS
    canvas.title("MENU", page_mark(state.page, pages))
    canvas.body(tuple(f"{item.value} {NAMES[item]}" for item in offered[first : first + BODY_ROWS]))
    letters = "".join(item.value for item in offered if item.value.isalpha())
    canvas.keys(" ".join(filter(None, ("0-9", letters, more(pages)))), "*back")


@paint.register
def _(state: PickTarget, canvas: Canvas, _view: View) -> None:
    covers = () if state.box.report is None else state.box.report.covers
    canvas.title("REVOKE WHOSE?", page_mark(state.page, count_pages(len(covers))))
    choices(canvas, tuple(fit_path(cover.path, _LIST_COLUMNS) for cover in covers), state.page)


@paint.register
def _(state: PickSigner, canvas: Canvas, _view: View) -> None:
    mark = page_mark(state.page, count_pages(len(state.signers)))
    canvas.title(fit_path(state.path, 20 - len(mark)), mark)
    if state.signers:
        choices(canvas, tuple(fit(signer.title, _LIST_COLUMNS) for signer in state.signers), state.page)
    else:
        canvas.text(1, "Nothing to revoke")
        canvas.keys("", "*back")


@paint.register
def _(state: ConfirmRevoke, canvas: Canvas, _view: View) -> None:
    canvas.title("REVOKE FOR GOOD?", strong=True)
    canvas.body((fit_path(state.path), fit(state.signer.title), f"Why A-D: {REASONS[state.reason]}"))
    canvas.keys("#hold: revoke", "*back")


@paint.register
def _(state: ClockPage, canvas: Canvas, _view: View) -> None:
    canvas.title("CLOCK")
    paint_time(canvas, state.now)
    canvas.keys("#set", "*back")


@paint.register
def _(state: ClockIsWrong, canvas: Canvas, _view: View) -> None:
    trouble = state.box.clock
    canvas.title(fit(trouble.code) if trouble is not None else "E-CLOCK", strong=True)
    if trouble is not None:
        canvas.text(1, f"Box  {trouble.now:%Y-%m-%d %H:%M}")
        canvas.text(2, f"Last {trouble.last:%Y-%m-%d %H:%M}")
    canvas.text(3, "Set the true time")
    canvas.keys("#set", "*lock")


@paint.register
def _(state: ConfirmClock, canvas: Canvas, _view: View) -> None:
    canvas.title("SET THE CLOCK?", strong=True)
    paint_time(canvas, state.date)
    canvas.keys("#hold: set", "*back")


@paint.register
def _(_state: PowerMenu, canvas: Canvas, _view: View) -> None:
    canvas.title("POWER")
    canvas.body(("A restart", "B power off"))
    canvas.keys("A or B", "*back")


@paint.register
def _(state: Ending, canvas: Canvas, _view: View) -> None:
    canvas.title("RESTART" if state.restart else "POWER OFF")
    canvas.body(("The work is stopped", "first, which takes", "at most 30 s."))
    canvas.keys("do not unplug")


@paint.register
def _(state: Off, canvas: Canvas, _view: View) -> None:
    if state.restart:
        canvas.title("RESTARTING").body(("One moment",)).keys("do not unplug")
        return
    canvas.title("POWER OFF", strong=True)
    if state.is_down:
        canvas.body(("The system is down.", "You may unplug."))
    else:
        canvas.body(("The system is ending.", "Wait until the green", "light is out."))
        canvas.keys("do not unplug yet")
