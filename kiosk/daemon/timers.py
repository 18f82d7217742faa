"""The machine's timers, kept as deadlines: nothing runs and nothing wakes until the earliest is due.

Times are monotonic seconds, passed in.
"""

from kiosk.flows.machine import Timer


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
