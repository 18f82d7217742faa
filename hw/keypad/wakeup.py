"""How the keypad's scan waits: for an edge, for a moment, until the stop. No polling, no time limits.

Passed in, so that a test can let time pass and keys move inside the waits.
"""

import threading
import time
from typing import Protocol

_BRIEF_S = 1e-4


class Alarm(Protocol):
    """How the scan waits."""

    @property
    def stopped(self) -> bool:
        """The keypad is being closed."""

    def ring(self) -> None:
        """An edge was seen; may be called from any thread."""

    def clear(self) -> None:
        """Forget the rings so far."""

    def wait(self) -> None:
        """Return at the next ring, or the last one not cleared, or at the stop."""

    def pause(self, seconds: float) -> None:
        """Return after that time, or at the stop."""

    def stop(self) -> None:
        """End all waiting."""


class ThreadAlarm:
    """An alarm for a thread of its own."""

    def __init__(self) -> None:
        self._rung = threading.Event()
        self._stop = threading.Event()

    @property
    def stopped(self) -> bool:
        """The keypad is being closed."""
        return self._stop.is_set()

    def ring(self) -> None:
        """Wake the thread."""
        self._rung.set()

    def clear(self) -> None:
        """Forget the rings so far."""
        self._rung.clear()

    def wait(self) -> None:
        """Sleep without a time limit."""
        if not self.stopped:
            self._rung.wait()

    def pause(self, seconds: float) -> None:
        """Sleep."""
        if seconds <= _BRIEF_S:
            # A sleep would take twice as long and hand the interpreter to a busy thread for 5 ms each time.
            until = time.perf_counter() + seconds
            while time.perf_counter() < until:
                pass
        else:
            self._stop.wait(seconds)

    def stop(self) -> None:
        """End all waiting."""
        self._stop.set()
        self._rung.set()
