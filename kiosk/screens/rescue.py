"""A backup restored onto an empty box."""

from kiosk.events import Progress
from kiosk.rescue_pages import Page, confirm_pages, done_pages
from kiosk.screens.canvas import Canvas
from kiosk.screens.menu import choices
from kiosk.screens.paint import View, page_mark, paint
from kiosk.screens.work import time_left
from kiosk.states import (
    CheckingIdentity,
    ConfirmRestore,
    IdentityLocked,
    Looking,
    NotEmpty,
    PickIdentity,
    Reading,
    RescueAsks,
    Rescued,
    Restoring,
)
from kiosk.text.wrap import count_pages, fit

_VERBS = ("READ", "CHECK", "RESTORE")
_NAME_COLUMNS = 19  # behind "A "


@paint.register
def _(_state: RescueAsks, canvas: Canvas, _view: View) -> None:
    canvas.title("STICK PISM-RESCUE")
    canvas.body(("Restore the backup", "onto this empty box?", "Have paper and a pen"))
    canvas.keys("#begin", "*ignore")


@paint.register
def _(_state: NotEmpty, canvas: Canvas, _view: View) -> None:
    canvas.title("E-STATE-EXISTS", strong=True)
    canvas.body(("This box is not", "empty: nothing is to", "be rescued. Pull it."))
    canvas.keys("D menu", "*leave")


@paint.register
def _(state: Looking, canvas: Canvas, _view: View) -> None:
    canvas.title("ONE MOMENT")
    canvas.body(("Taking the key", fit(state.name)) if state.name else ("Looking at the stick",))
    canvas.keys("do not pull")


@paint.register
def _(state: PickIdentity, canvas: Canvas, _view: View) -> None:
    names = () if state.box.rescue is None else state.box.rescue.identities
    canvas.title("WHICH KEY?", page_mark(state.page, count_pages(len(names))))
    choices(canvas, tuple(fit(name, _NAME_COLUMNS) for name in names), state.page)


@paint.register
def _(state: IdentityLocked, canvas: Canvas, _view: View) -> None:
    canvas.title("THE KEY IS LOCKED")
    canvas.body((fit(state.name), "has a passphrase of", "its own. Type that."))
    canvas.keys("#type", "*give up")


@paint.register
def _(_state: CheckingIdentity, canvas: Canvas, _view: View) -> None:
    canvas.title("ONE MOMENT")
    canvas.body(("The key is being", "opened."))
    canvas.keys("do not unplug")


@paint.register
def _(state: Reading, canvas: Canvas, _view: View) -> None:
    reads = state.progress is None or state.progress.step == 1
    _progress(canvas, state.progress, 1, stopping=state.stopping)
    canvas.keys("do not pull" if reads else "do not unplug", "" if state.stopping else "*=stop")


@paint.register
def _(state: Restoring, canvas: Canvas, _view: View) -> None:
    _progress(canvas, state.progress, len(_VERBS), stopping=state.stopping)
    canvas.keys("do not unplug", "" if state.stopping else "*=stop")


def _progress(canvas: Canvas, progress: Progress | None, first: int, *, stopping: bool) -> None:
    """Draw how far the work is, as for a job."""
    step = first if progress is None else min(max(progress.step, 1), len(_VERBS))
    canvas.title(f"{step}/{len(_VERBS)} {_VERBS[step - 1]}")
    if progress is None:
        canvas.text(1, "starting")
    elif progress.total:
        canvas.text(1, fit(f"{progress.what} {progress.done}/{progress.total}"))
        canvas.bar(2, progress.done / progress.total)
    else:
        canvas.text(1, fit(progress.what))
    left = time_left(None if progress is None else progress.seconds_left)
    canvas.text(3, "is being stopped" if stopping else left)


@paint.register
def _(state: ConfirmRestore, canvas: Canvas, _view: View) -> None:
    backup = None if state.box.rescue is None else state.box.rescue.backup
    pages = () if backup is None else confirm_pages(backup)
    _page(canvas, pages, state.page)
    canvas.keys("#hold: restore" if state.page == len(pages) - 1 else "#same", "*back")


@paint.register
def _(state: Rescued, canvas: Canvas, _view: View) -> None:
    pages = done_pages(state.backup, state.restored)
    _page(canvas, pages, state.page)
    canvas.keys("#done" if state.page == len(pages) - 1 else "#next", "*back" if state.page else "")


def _page(canvas: Canvas, pages: tuple[Page, ...], page: int) -> None:
    for title, lines in pages[page : page + 1]:
        canvas.title(title, page_mark(page, len(pages)), strong=page == 0).lines(lines)
