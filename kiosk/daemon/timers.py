"""Deadlines: the machine's timers, and when a device that failed is tried again.

Nothing runs and nothing wakes until the earliest is due. A failed device is tried later after each failure,
and never put off meanwhile. Times are monotonic seconds, passed in.
"""

from typing import Final

from kiosk.machine.effects import Timer


class Timers:
    """Named deadlines."""

    def __init__(self) -> None:
        self._due_s: dict[Timer, float] = {}

    def set(self, name: Timer, seconds: float, now_s: float) -> None:
        """Let `name` be due `seconds` from now; a running one starts anew."""
        self._due_s[name] = now_s + seconds

    def cancel(self, name: Timer) -> None:
        """Forget `name`, due or not."""
        self._due_s.pop(name, None)

    def next_due_s(self) -> float | None:
        """Return when the earliest is due, None when none runs."""
        return min(self._due_s.values(), default=None)

    def take_due(self, now_s: float) -> Timer | None:
        """Forget and return the earliest timer that is due at `now_s`, None when none is.

        One at a time: what it sets off may cancel the next.
        """
        name = min(self._due_s, key=self._due_s.__getitem__, default=None)
        if name is None or self._due_s[name] > now_s:
            return None
        del self._due_s[name]
        return name


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
