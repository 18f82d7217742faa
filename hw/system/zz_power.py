"""A switch that only remembers that it was pressed."""

from collections.abc import Callable
from typing import Literal

from hw.ports import PowerError

Pressed = Literal["", "off", "restart"]


class EmulatedPower:
    """The twin of hw.system.power.

    Args:
        refuses: Every call fails, as when systemd does not answer.
        heard: Called with "off" or "restart", so that the emulator can end or begin anew.
    """

    def __init__(self, *, refuses: bool = False, heard: Callable[[str], None] | None = None) -> None:
        self.refuses = refuses
        self.pressed: Pressed = ""
        self._heard = heard

    def off(self) -> None:
        """Remember that the box was shut down; PowerError when told to refuse."""
        self._press("off")

    def restart(self) -> None:
        """Remember that the box was restarted; PowerError when told to refuse."""
        self._press("restart")

    def _press(self, word: Literal["off", "restart"]) -> None:
        """Refuse, or remember and tell."""
        if self.refuses:
            raise PowerError(f"{word} is refused: systemd does not answer")
        self.pressed = word
        if self._heard:
            self._heard(word)
