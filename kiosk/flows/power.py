"""Restart and power off. What runs is stopped first, whoever asks: kiosk.machine."""

from typing import Final

from kiosk.flows.box import Box
from kiosk.flows.flow import BACK, Flow, GoDown, Page, on_menu

CHOICE = Page(title="POWER", body=("A restart", "B power off"), left="A or B", right="*back", takes="AB*")
ENDING: Final = {
    restart: Page(
        title="RESTART" if restart else "POWER OFF",
        body=("The work is stopped", "first, which takes", "at most 30 s."),
        left="do not unplug",
        busy=True,
    )
    for restart in (False, True)
}
"""While a power-off waits for the work, and the same for a restart."""
RESTARTING: Final = Page(title="RESTARTING", body=("One moment",), left="do not unplug", busy=True)
GOING_OFF: Final = Page(
    title="POWER OFF",
    strong=True,
    body=("The system is ending.", "Wait until the green", "light is out."),
    left="do not unplug yet",
    busy=True,
)
"""The kiosk's last words; kiosk.daemon.last_light has the system's."""


@on_menu("0", "Restart, power", while_locked=True)
def power(box: Box) -> Flow:  # noqa: ARG001
    """Let the operator choose."""
    key = yield CHOICE
    if key == "*":
        return BACK
    yield GoDown(restart=key == "A")
    return None
