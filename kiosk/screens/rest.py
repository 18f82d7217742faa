"""Locked, unlocked, sticks that ask, errors."""

from hw.ports import Stick
from kiosk.screens.canvas import Canvas
from kiosk.screens.paint import View, more, name_stuck, page_mark, paint
from kiosk.states import (
    AWAITED,
    Asking,
    Box,
    Finished,
    Home,
    Locked,
    Problem,
    StickAsks,
    Topic,
    TwoSticks,
    Warned,
    WrongStick,
)
from kiosk.text.messages import explain
from kiosk.text.wrap import BODY_ROWS, COLUMNS, count_pages, fit, wrap

_ASKED = {
    Topic.SETUP_DATE: "Reading the clock",
    Topic.CLOCK: "Reading the clock",
    Topic.SETUP_POLICY: "Reading config.yaml",
    Topic.POLICY: "Reading config.yaml",
    Topic.SETUP_STICK: "Reading the stick",
    Topic.STICK_POLICY: "Reading the stick",
    Topic.TEST: "Testing",
    Topic.SETUP_CLOCK: "Setting the clock",
    Topic.SET_CLOCK: "Setting the clock",
    Topic.APPROVE: "Pinning the policy",
    Topic.REVOKE: "Revoking",
    Topic.REVOKE_LATE: "Revoking",
    Topic.DRILL: "Reading the stick",
}


def size_of(stick: Stick) -> str:
    """Return the size of a stick as it is printed on sticks."""
    gigabytes = stick.size_bytes / 1e9
    return f"{gigabytes:.1f} GB" if gigabytes >= 1 else f"{stick.size_bytes / 1e6:.0f} MB"


@paint.register
def _(state: Locked, canvas: Canvas, _view: View) -> None:
    canvas.big("LOCKED", 10)
    canvas.centre(3, _locked_line(state.box))
    canvas.keys("#unlock", "D menu")


def _locked_line(box: Box) -> str:
    """Return the one line under LOCKED that matters most."""
    if box.stuck:
        return name_stuck(box.stuck)
    if box.failed_attempts:
        return f"{box.failed_attempts} wrong in a row"
    if box.settings.note:
        return fit(box.settings.note)
    return "Stick is not used" if box.sticks else "Put in a stick"


@paint.register
def _(state: Home, canvas: Canvas, _view: View) -> None:
    session = state.box.session
    canvas.title("UNLOCKED")
    if session is not None:
        visit = () if session.next_visit_by is None else (f"Visit by {session.next_visit_by:%Y-%m-%d}",)
        differs = ("D see policy change",) if session.policy_differs else ()
        notes = (*differs, *(fit(note) for note in session.notes))
        canvas.body((*visit, *notes, "Put in a stick, or #")[:BODY_ROWS])
    canvas.keys("#menu", "*lock")


@paint.register
def _(state: StickAsks, canvas: Canvas, _view: View) -> None:
    stick = state.box.stick
    label = fit(stick.label) if stick is not None else ""
    long = f"STICK {label} asks"
    canvas.title(long if len(long) <= COLUMNS else f"{label} asks")
    steps = state.box.steps(label)
    first = state.page * BODY_ROWS
    lines = (fit(f"{n} {step}") for n, step in enumerate(steps[first : first + BODY_ROWS], first + 1))
    canvas.body(tuple(lines))
    turn = more(count_pages(len(steps)))
    go_on = "#unlock" if state.box.session is None else "#start"
    canvas.keys(f"{go_on} {turn}".rstrip(), "*skip" if turn else "*ignore")


@paint.register
def _(state: WrongStick, canvas: Canvas, _view: View) -> None:
    stick = state.box.stick
    canvas.title("NOT A PiSM STICK")
    if stick is not None:
        canvas.text(1, fit(stick.label or "It has no label"))
        canvas.text(2, fit(f"{stick.filesystem or 'blank'}, {size_of(stick)}"))
        canvas.text(3, "No job has this label" if stick.filesystem == "vfat" else "It is not FAT32")
    canvas.keys("A erase D menu", "*leave")


@paint.register
def _(state: TwoSticks, canvas: Canvas, _view: View) -> None:
    canvas.title("E-STICK-TWO", strong=True)
    if state.results:
        canvas.body(("The job is done, all", "is safe to remove.", "Pull one of the two"))
    else:
        canvas.body(("Two sticks are in.", "One at a time, please", "Pull one of the two"))
    canvas.keys("nothing was touched" if not state.results else "the new is untouched")


@paint.register
def _(state: Problem, canvas: Canvas, _view: View) -> None:
    message = explain(state.code, state.text)
    canvas.title(message.code, strong=True)
    canvas.lines((message.happened, *message.action) if state.page == 0 else message.details[state.page - 1])
    canvas.keys(f"#ok {more(message.pages)}".rstrip(), page_mark(state.page, message.pages))


@paint.register
def _(state: Finished, canvas: Canvas, _view: View) -> None:
    canvas.title(fit(state.title), strong=True)
    canvas.body(tuple(line for text in state.lines for line in wrap(text))[:BODY_ROWS])
    canvas.keys("#ok")


@paint.register
def _(state: Warned, canvas: Canvas, _view: View) -> None:
    canvas.title("LOCKS IN")
    canvas.big(f"{state.left_s} s", 15)
    canvas.keys("any key: stay open")


@paint.register
def _(state: Asking, canvas: Canvas, _view: View) -> None:
    canvas.title("ONE MOMENT")
    canvas.text(1, _ASKED.get(state.topic, "Asking the vault"))
    canvas.keys("please wait", "" if state.topic in AWAITED else "*back")
