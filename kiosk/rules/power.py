"""Restart and power-off; while something works, it is stopped first, and waited for 30 s at most."""

from hw.ports import KeyPressed
from kiosk.effects import CloseVault, Effects, PowerOff, Restart, SetTimer, StopJob, Timer
from kiosk.events import (
    Bug,
    Created,
    Event,
    JobFailed,
    JobFinished,
    PowerAsked,
    RequestsFound,
    StickFormatted,
    Stopped,
    TimerFired,
    VaultLost,
)
from kiosk.rescue_events import BackupRead, BackupRestored
from kiosk.rules.act import Move, act
from kiosk.rules.resting import lock
from kiosk.states import (
    Box,
    Creating,
    Ending,
    Formatting,
    Menu,
    Off,
    PowerMenu,
    Problem,
    Reading,
    Restoring,
    Screen,
    Working,
)

WAIT_S = 30
"""How long a power-off waits for the work to end."""

_MADE = RequestsFound | JobFinished | Created | StickFormatted | BackupRead | BackupRestored
_OVER = _MADE | JobFailed | Stopped | VaultLost | Bug


def go_down(state: Screen, *, restart: bool) -> Move:
    """Return the way to power-off or restart from any state that is not on it."""
    if isinstance(state, Working | Creating | Formatting | Reading | Restoring):
        stop: Effects = (StopJob(), SetTimer(Timer.POWER, WAIT_S))
        return Ending(box=state.box, restart=restart), stop
    return _switch(state.box, restart=restart)


def _switch(box: Box, *, restart: bool) -> Move:
    """Return the last frame, locked."""
    return Off(box=lock(box), restart=restart), (CloseVault(), Restart() if restart else PowerOff())


@act.register
def _(state: PowerMenu, event: Event) -> Move:
    match event:
        case KeyPressed(key="A"):
            return go_down(state, restart=True)
        case KeyPressed(key="B"):
            return go_down(state, restart=False)
        case KeyPressed(key="*"):
            return Menu(box=state.box), ()
    return state, ()


@act.register
def _(state: Ending, event: Event) -> Move:
    if isinstance(event, _OVER) or event == TimerFired(Timer.POWER):
        return _switch(state.box, restart=state.restart)
    return state, ()


@act.register
def _(state: Off, event: Event) -> Move:
    match event:
        case JobFailed(code=code, text=text):
            return Problem(box=state.box, code=code, text=text), ()
        case PowerAsked(restart=restart) if restart != state.restart:
            return _switch(state.box, restart=restart)
    return state, ()
