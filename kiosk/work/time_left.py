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
        self._scale: tuple[int, int] | None = None
        self._begun_s = 0.0
        self._begun_at = 0

    def begin(self) -> None:
        """Begin anew: what is told from now on is about other work."""
        self._scale = None

    def seconds_left(self, step: int, done: int, total: int, *, of_phases: bool = False) -> int | None:
        """Return whole seconds, or None while there is too little to go by.

        Args:
            step: Which step; a new one starts the estimate anew.
            done: Units done.
            total: Units in all; 0 when nobody knows.
            of_phases: They are units of work, of all phases of the step (core.progress): another total is
                only better foreseen. Else they are of one phase, and another total is another phase.
        """
        now_s, scale = self._monotonic(), (step, 0 if of_phases else total)
        if self._scale != scale:
            self._scale, self._begun_s, self._begun_at = scale, now_s, done
        spent_s, units = now_s - self._begun_s, done - self._begun_at
        if spent_s < _TRUST_AFTER_S or units <= 0 or done > total:
            return None
        return round(spent_s * (total - done) / units)
