"""The auto-lock: after so many idle seconds the panel counts the last ten down, then the session ends."""

from typing import Final

from core.policy.settings import Kiosk
from kiosk.machine.effects import CancelTimer, Effects, SetTimer, Timer
from kiosk.screens.page import Large, Page

WARN_S: Final = 10


def locks_in(left_s: int) -> Page:
    """Return the warning before the lock, with the seconds that are left."""
    return Page(title="LOCKS IN", body=Large(text=f"{left_s} s", top=15), left="any key: stay open")


class AutoLock:
    """The countdown before the lock.

    Args:
        settings: Of config.yaml; `lock_after_s` idle seconds end a session.

    Attributes:
        left_s: Seconds that it shows; None while nothing is shown.
    """

    def __init__(self, settings: Kiosk) -> None:
        self._settings = settings
        self.left_s: int | None = None

    @property
    def warns(self) -> bool:
        """The countdown is shown."""
        return self.left_s is not None

    def run(self) -> Effects:
        """Let the countdown begin when nobody acts for so long."""
        return (SetTimer(Timer.LOCK, self._settings.lock_after_s - WARN_S),)

    def rest(self) -> Effects:
        """Let nothing lock by itself."""
        return (CancelTimer(Timer.LOCK),)

    def warn(self) -> Effects:
        """Begin the countdown."""
        self.left_s = WARN_S
        return (SetTimer(Timer.COUNT, 1),)

    def count(self) -> Effects:
        """Show another second; after the last one nothing is shown, and it is time to lock."""
        self.left_s = (self.left_s or 1) - 1 or None
        return (SetTimer(Timer.COUNT, 1),) if self.warns else ()

    def stay(self) -> None:
        """Show the page again: somebody is there, or something happened."""
        self.left_s = None
