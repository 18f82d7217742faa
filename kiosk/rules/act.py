"""What a state answers to an event, before the machine adds what holds for all states.

Rules: `act` is dispatched on the class of the state; what nobody registered changes nothing. The box inside
`state` knows of the event already (sticks, vault). A rule returns the next state and only those effects that
do not follow from the change itself: see kiosk.machine for what does.
"""

from functools import singledispatch

from kiosk.effects import Effects
from kiosk.events import Event
from kiosk.states import Screen

Move = tuple[Screen, Effects]


@singledispatch
def act(state: Screen, event: Event) -> Move:  # noqa: ARG001 - the signature of every rule
    """Return the next state and the effects of its own."""
    return state, ()
