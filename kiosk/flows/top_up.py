"""A top-up without a stick, picked from the menu."""

from typing import Final

from kiosk.flows.box import Box
from kiosk.flows.flow import Flow, on_menu
from kiosk.flows.stick_job import run_job

TOP_UP: Final = ("top-up",)


@on_menu("2", "Top up now")
def top_up(box: Box) -> Flow:
    """Top up without a stick."""
    return (yield from run_job(box, None, TOP_UP))
