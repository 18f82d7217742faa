"""The clock ceremony: the date typed twice, then a key held."""

from hw.ports import KeyPressed
from kiosk.effects import Purpose, SetClock
from kiosk.events import Event, KeyHeld
from kiosk.rules.act import Move, act
from kiosk.rules.resting import lock, rest
from kiosk.states import Asking, ClockIsWrong, ClockPage, ConfirmClock, Entering, Menu, Topic


@act.register
def _(state: ClockPage, event: Event) -> Move:
    match event:
        case KeyPressed(key="#"):
            return Entering(box=state.box, purpose=Purpose.DATE), ()
        case KeyPressed(key="*"):
            return Menu(box=state.box), ()
    return state, ()


@act.register
def _(state: ClockIsWrong, event: Event) -> Move:
    match event:
        case KeyPressed(key="#"):
            return Entering(box=state.box, purpose=Purpose.DATE), ()
        case KeyPressed(key="*"):
            return rest(lock(state.box)), ()
    return state, ()


@act.register
def _(state: ConfirmClock, event: Event) -> Move:
    match event:
        case KeyHeld(key="#"):
            topic = Topic.SETUP_CLOCK if state.setup else Topic.SET_CLOCK
            return Asking(box=state.box, topic=topic), (SetClock(state.date),)
        case KeyPressed(key="*"):
            return rest(state.box), ()
    return state, ()
