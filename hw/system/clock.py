"""The system clock of the box, kept over power-off by its battery-backed clock chip.

Owns reading and setting it. Rules: whole seconds, aware UTC; it is set through timedatectl, which also
writes the clock chip and is allowed by systemd, so that the kiosk needs no privilege; a clock that does
not show the new time afterwards was not set.

Left to others: whether the time is to be believed (the authority, from its journal).
"""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from hw.errors import ClockSetError
from hw.system.command import run_command

_NEAR_S = 5.0


class SystemClock:
    """The clock of the machine.

    Args:
        command: Sets the clock when the time is appended to it.
        wall: Seconds since 1970.
    """

    def __init__(
        self,
        command: Sequence[str] = ("timedatectl", "--no-ask-password", "set-time"),
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._command = tuple(command)
        self._wall = wall

    def now(self) -> datetime:
        """Return the time as aware UTC, whole seconds."""
        return datetime.fromtimestamp(int(self._wall()), UTC)

    def monotonic(self) -> float:
        """Return seconds that never go back, whatever is done to the clock."""
        return time.monotonic()

    def set(self, instant: datetime) -> None:
        """Set the clock and its chip.

        Args:
            instant: Aware; whole seconds count.

        Raises:
            ClockSetError: It was refused, took too long, or the clock shows another time.
        """
        text = instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        run_command((*self._command, text), lambda why: ClockSetError(f"the clock cannot be set: {why}"))
        if abs(self._wall() - instant.timestamp()) > _NEAR_S:
            raise ClockSetError(f"the clock was set to {text} and shows another time")
