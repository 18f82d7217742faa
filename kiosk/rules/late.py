"""What was signed while the clock was ahead of the true time: revoked all together, or left."""

from dataclasses import replace

from hw.ports import KeyPressed
from kiosk.effects import RevokeAll
from kiosk.events import Event, KeyHeld
from kiosk.rules.act import Move, act
from kiosk.rules.resting import rest
from kiosk.rules.turning import next_page
from kiosk.states import Asking, SignedAhead, Topic
from kiosk.text.wrap import count_pages

REASON = "superseded"
"""RFC 5280 5.3.1: nothing is wrong with the keys, the dates are."""


def count_late_pages(state: SignedAhead) -> int:
    """Return how many pages there are: the question, and the targets."""
    return 1 + count_pages(len(state.late.targets))


@act.register
def _(state: SignedAhead, event: Event) -> Move:
    match event:
        case KeyPressed(key="D"):
            return replace(state, page=next_page(state.page, count_late_pages(state))), ()
        case KeyPressed(key="*"):
            return rest(state.box), ()
        case KeyHeld(key="#"):
            asked = Asking(box=state.box, topic=Topic.REVOKE_LATE)
            return asked, (RevokeAll(state.late.certificate_ids, REASON),)
    return state, ()
