"""Putting the box away: the number of its new seal is journaled, and stands on LOCKED at the next visit.

Who opened the bag in between has to put the box into another one, and cannot note its number without the
passphrase.
"""

from dataclasses import replace
from typing import Final

from core.api.requests import NoteSeal
from kiosk.entry.buffers import Purpose
from kiosk.flows.box import Box
from kiosk.flows.dialogs import wait
from kiosk.flows.flow import BACK, LEFT, Entry, Flow, GoDown, Page, ask

NOTING: Final = wait("The number is", "being journaled", left="do not unplug")


def put_away(box: Box) -> Flow:
    """Have the number typed, journal it, and offer to switch off."""
    typed = yield Entry(purpose=Purpose.SEAL)
    if typed is LEFT:
        return BACK
    yield from ask(NoteSeal, NOTING, number=typed.text)
    if box.inspected is not None:
        box.inspected = replace(box.inspected, seal=typed.text)
    if (yield noted_page(typed.text)) == "#":
        yield GoDown(restart=False)
    return None


def noted_page(number: str) -> Page:
    """Return that it stands in the journal, and where it will be seen."""
    return Page(
        title=f"SEAL {number}",
        strong=True,
        body=("It is journaled, and", "stands on LOCKED when", "you come again."),
        left="#power off",
        right="*back",
        takes="#*",
    )
