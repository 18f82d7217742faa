"""Locked, unlocked, two sticks, after an error or an act, and the warning before the lock."""

from dataclasses import replace

from hw.ports import KeyPressed, StickInserted, StickRemoved
from kiosk.effects import (
    Purpose,
    Timer,
)
from kiosk.events import (
    Event,
    TimerFired,
)
from kiosk.rules.act import Move, act
from kiosk.rules.asking import ask
from kiosk.rules.resting import lock, rest
from kiosk.states import (
    Entering,
    Finished,
    Home,
    Locked,
    Menu,
    Problem,
    SafeToRemove,
    Screen,
    Topic,
    TwoSticks,
    Warned,
)
from kiosk.text.messages import explain


@act.register
def _(state: Locked, event: Event) -> Move:
    match event:
        case StickInserted() | StickRemoved():
            return rest(state.box), ()
        case KeyPressed(key="#"):
            return Entering(box=state.box, purpose=Purpose.UNLOCK), ()
        case KeyPressed(key="D"):
            return Menu(box=state.box), ()
    return state, ()


@act.register
def _(state: Home, event: Event) -> Move:
    match event:
        case StickInserted() | StickRemoved():
            return rest(state.box), ()
        case KeyPressed(key="#"):
            return Menu(box=state.box), ()
        case KeyPressed(key="D") if state.box.session is not None and state.box.session.policy_differs:
            return ask(state.box, Topic.POLICY)
        case KeyPressed(key="*"):
            return rest(lock(state.box)), ()
    return state, ()


@act.register
def _(state: TwoSticks, event: Event) -> Move:
    if not isinstance(event, StickInserted | StickRemoved):
        return state, ()
    after = rest(state.box)
    if isinstance(after, TwoSticks):
        return replace(state, box=state.box), ()
    if state.results and state.box.sticks and state.box.sticks[0].identity == state.box.ignored:
        return SafeToRemove(box=state.box, results=state.results), ()
    return after, ()


@act.register
def _(state: Problem, event: Event) -> Move:
    match event:
        case KeyPressed(key="#" | "*"):
            return rest(state.box), ()
        case KeyPressed(key="D"):
            turned = (state.page + 1) % explain(state.code, state.text).pages
            return replace(state, page=turned), ()
    return state, ()


@act.register
def _(state: Finished, event: Event) -> Move:
    match event:
        case KeyPressed(key="#" | "*") | StickInserted():
            return rest(state.box), ()
    return state, ()


@act.register
def _(state: Warned, event: Event) -> Move:
    match event:
        case KeyPressed():
            return replace(state.under, box=replace(state.box, waking=event.key)), ()
        case TimerFired(name=Timer.COUNT):
            if state.left_s > 1:
                return replace(state, left_s=state.left_s - 1), ()
            return _lock_under(state), ()
    under, effects = act(replace(state.under, box=state.box), event)
    if type(under) is type(state.under):
        return replace(state, box=under.box, under=under), effects
    return under, effects


def _lock_under(state: Warned) -> Screen:
    """Return where the lock leads: what is safe to remove stays said."""
    box = lock(state.box)
    if isinstance(state.under, SafeToRemove):
        return replace(state.under, box=box)
    return rest(box)
