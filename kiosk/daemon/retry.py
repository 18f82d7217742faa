"""When a device that failed is tried again: later after each failure, and never put off meanwhile.

Times are monotonic seconds, passed in.
"""

from typing import Final

RETRY_S: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
"""Pauses after each failure in a row; the last one goes on."""


class Retry:
    """The failures of one device."""

    def __init__(self) -> None:
        self.due_s: float | None = None
        self._failures = 0

    @property
    def is_first(self) -> bool:
        """It has not failed since it last worked."""
        return self._failures == 0

    def is_due(self, now_s: float) -> bool:
        """Tell whether it is to be tried now."""
        return self.due_s is not None and self.due_s <= now_s

    def fail(self, now_s: float) -> None:
        """Note a failure; one before the next try is due changes nothing."""
        if self.due_s is None or self.due_s <= now_s:
            self.due_s = now_s + RETRY_S[min(self._failures, len(RETRY_S) - 1)]
            self._failures += 1

    def succeed(self) -> None:
        """Note that it works."""
        self.due_s = None
        self._failures = 0
