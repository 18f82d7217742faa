"""The words of a drill: six words that prove that a backup can be restored.

Wrong words cost nothing: they are counted for the eye, not on disk, and nothing waits. Whoever types them has
the box unlocked, and 66 bits are not guessed.
"""

from dataclasses import replace

from hw.ports import KeyPressed, StickInserted, StickRemoved
from kiosk.effects import Purpose, ReadDrill, RecordDrill
from kiosk.events import DrillsRecorded, Event, JobFailed
from kiosk.reports import DrillRow
from kiosk.rules.act import Move, act
from kiosk.rules.resting import rest
from kiosk.states import (
    Asking,
    Box,
    DrillChecking,
    DrillMenu,
    DrillWrong,
    Entering,
    Finished,
    Menu,
    Problem,
    Screen,
    Topic,
)
from kiosk.text.wrap import BODY_ROWS, fit

_NAME_COLUMNS = 11


def begin_drill(box: Box) -> Move:
    """Return the entry of the words; where a stick is in, the choice between the two ways."""
    if len(box.sticks) == 1 and box.sticks[0].filesystem == "vfat":
        return DrillMenu(box=box, stick=box.sticks[0]), ()
    return Entering(box=box, purpose=Purpose.DRILL), ()


def check_words(box: Box, wrong: int) -> Move:
    """Return the waiting state after the words were typed."""
    return DrillChecking(box=box, wrong=wrong), (RecordDrill(),)


def tell_drills(box: Box, drills: tuple[DrillRow, ...]) -> Screen:
    """Return the screen that says which backups are proven now."""
    lines = tuple(f"{fit(drill.name, _NAME_COLUMNS)} {drill.sequence:06} ok" for drill in drills)
    shown = lines if len(lines) <= BODY_ROWS else (*lines[: BODY_ROWS - 1], f"and {len(lines) - 2} more")
    return Finished(box=box, title="DRILL RECORDED", lines=shown)


@act.register
def _(state: DrillMenu, event: Event) -> Move:
    match event:
        case StickInserted() | StickRemoved():
            return rest(state.box), ()
        case KeyPressed(key="A"):
            return Entering(box=state.box, purpose=Purpose.DRILL), ()
        case KeyPressed(key="B"):
            return Asking(box=state.box, topic=Topic.DRILL), (ReadDrill(state.stick),)
        case KeyPressed(key="*"):
            return Menu(box=state.box), ()
    return state, ()


@act.register
def _(state: DrillChecking, event: Event) -> Move:
    match event:
        case DrillsRecorded(drills=drills):
            return tell_drills(replace(state.box, report=None), drills), ()
        case JobFailed(code="E-DRILL"):
            return DrillWrong(box=state.box, wrong=state.wrong + 1), ()
        case JobFailed(code=code, text=text):
            return Problem(box=state.box, code=code, text=text), ()
    return state, ()


@act.register
def _(state: DrillWrong, event: Event) -> Move:
    match event:
        case KeyPressed(key="#"):
            return Entering(box=state.box, purpose=Purpose.DRILL, wrong=state.wrong), ()
        case KeyPressed(key="*"):
            return Menu(box=state.box), ()
    return state, ()
