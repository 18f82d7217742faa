"""Restart and power off. What runs is stopped first, whoever asks: kiosk.flows.machine."""

from kiosk.flows.box import Box
from kiosk.flows.flow import BACK, Flow, GoDown, Page, on_menu

CHOICE = Page(title="POWER", body=("A restart", "B power off"), left="A or B", right="*back", takes="AB*")


@on_menu("0", "Restart, power", while_locked=True)
def power(box: Box) -> Flow:  # noqa: ARG001
    """Let the operator choose."""
    key = yield CHOICE
    if key == "*":
        return BACK
    yield GoDown(restart=key == "A")
    return None
