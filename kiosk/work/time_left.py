"""How long the work will still take, by how fast this step has gone so far."""

from collections.abc import Callable
from typing import Final

_TRUST_AFTER_S: Final = 2.0


class TimeLeft:
    """Estimates the time left of the step that runs.

    Args:
        monotonic: Seconds that never go back.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._step: tuple[int, int] | None = None
        self._begun_s = 0.0
        self._begun_at = 0

    def seconds_left(self, step: int, done: int, total: int) -> int | None:
        """Return whole seconds, or None while there is too little to go by.

        Args:
            step: Which step; a new one starts the estimate anew, as does another total.
            done: Units done.
            total: Units in all; 0 when nobody knows.
        """
        now_s = self._monotonic()
        if self._step != (step, total):
            self._step, self._begun_s, self._begun_at = (step, total), now_s, done
        spent_s, units = now_s - self._begun_s, done - self._begun_at
        if spent_s < _TRUST_AFTER_S or units <= 0 or done > total:
            return None
        return round(spent_s * (total - done) / units)
