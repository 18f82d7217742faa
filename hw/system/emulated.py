"""The twins of clock, power, sensors and guards: a clock that does as told, a switch that remembers.

Rules:

1. The clock is frozen and moves when it is told to (the tests, the demo), or runs from where it was put (the
   live emulator).
2. The switch does nothing but remember that it was pressed, and tell whoever listens.
3. The sensors tell of a board that has nothing wrong, until they are given another condition. They never
   tell of the machine that the emulator runs on.
4. The guards say that all is held, of kiosk and vault, until they are given another word. They never tell of
   the machine that the emulator runs on: there both are one user's.

Faults: clock and switch refuse, as a dead clock chip and a silent systemd do.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from hw.errors import ClockSetError, PowerError
from hw.ports import Condition, Confinement, Protection


class EmulatedClock:
    """The twin of hw.system.clock.SystemClock.

    Args:
        instant: What it shows at first; aware.
        refuses: Setting it fails, as on a box whose clock chip is dead.
        running: Seconds that pass, such as time.monotonic; None for a frozen clock.
    """

    def __init__(
        self, instant: datetime, *, refuses: bool = False, running: Callable[[], float] | None = None
    ) -> None:
        self._shown = instant.astimezone(UTC)
        self._advanced_s = 0.0
        self._running = running
        self._started_s = running() if running else 0.0
        self.refuses = refuses

    def now(self) -> datetime:
        """Return the time as aware UTC, whole seconds."""
        passed = self._running() - self._started_s if self._running else 0.0
        return (self._shown + timedelta(seconds=passed)).replace(microsecond=0)

    def monotonic(self) -> float:
        """Return seconds that never go back: those that passed, and those it was advanced by."""
        return self._advanced_s + (self._running() if self._running else 0.0)

    def set(self, instant: datetime) -> None:
        """Show another time.

        Raises:
            ClockSetError: It was told to refuse.
        """
        if self.refuses:
            raise ClockSetError("the clock cannot be set: its chip does not answer")
        self._shown = instant.astimezone(UTC)
        self._started_s = self._running() if self._running else 0.0

    def advance(self, duration: timedelta) -> None:
        """Let time pass, on both scales.

        Args:
            duration: Not negative.
        """
        self._shown += duration
        self._advanced_s += duration.total_seconds()


Pressed = Literal["", "off", "restart"]


class EmulatedPower:
    """The twin of hw.system.power.SystemPower.

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


SOUND: Final = Condition(
    board="Emulated Raspberry Pi",
    serial="00000000e0e0e0e0",
    supply_is_low=False,
    celsius=42.0,
    clock_was_kept=True,
    clock_cell_is_low=False,
    clock_cell_volts=3.0,
    card_wear_percent=10,
    card_is_ending=False,
    card_errors=0,
    usb_overloads=0,
    radios=(),
)
"""A board that tells all there is to tell, and nothing of it is bad."""


class EmulatedSensors:
    """The twin of hw.system.sensors.BoardSensors.

    Args:
        condition: What it tells; may be set to another.
    """

    def __init__(self, condition: Condition = SOUND) -> None:
        self.condition = condition

    def read(self) -> Condition:
        """Return what it was given."""
        return self.condition


HELD: Final = Protection(
    landlock=6,
    kiosk=Confinement(user_id=998, has_seccomp=True, gains_nothing=True),
    vault=Confinement(user_id=997, has_seccomp=True, gains_nothing=True),
    usb_is_shut=True,
    sticks_are_unread=True,
)
"""A box that lacks no guard."""


class EmulatedGuards:
    """The twin of hw.system.guards.BoardGuards.

    Args:
        protection: What it says; may be set to another.
    """

    def __init__(self, protection: Protection = HELD) -> None:
        self.protection = protection

    def read(self) -> Protection:
        """Return what it was given."""
        return self.protection
