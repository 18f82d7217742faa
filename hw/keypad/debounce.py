"""From samples of a key matrix to keys that were pressed and released. Pure: no pins, no time.

Rules:
1. A change counts when three complete samples in a row are equal, for pressing and for releasing alike.
2. At most two keys count. Two are always told rightly: without diodes a key that is not down shows only
   at the fourth corner of three that are, so every ambiguous sample has more than two keys. More than
   two: what was down is released, and all is ignored until every key is up.
3. Keys down in the first settled sample, or for STUCK_SAMPLES on end, are stuck: named with all that are,
   and ignored until each comes up, which is told. They count as down for rule 2, but need not come up for it.
"""

from hw.ports import KeyPressed, KeyReleased, KeyStuck

SAMPLES = 3
"""Equal samples that make a change."""

STUCK_SAMPLES = 4000
"""Equal samples after which whatever is down is stuck: about half a minute of scans."""

MAX_KEYS = 2
"""Keys that may be down together."""

NOTHING: frozenset[str] = frozenset()

KeyEvent = KeyPressed | KeyReleased | KeyStuck


class Debouncer:
    """Holds what is down; fed one sample after the other."""

    __slots__ = ("_blocked", "_count", "_down", "_sample", "_settled", "_stuck")

    def __init__(self) -> None:
        self._sample = NOTHING
        self._count = 0
        self._settled: frozenset[str] | None = None
        self._down = NOTHING
        self._stuck = NOTHING
        self._blocked = False

    @property
    def at_rest(self) -> bool:
        """No key is down or about to be: there is nothing to scan for."""
        return self._count >= SAMPLES and self._settled == NOTHING

    @property
    def only_stuck(self) -> bool:
        """Nothing but stuck keys is down: a slow scan will do."""
        return self._count >= SAMPLES and bool(self._stuck) and self._settled == self._stuck

    def wake(self) -> None:
        """Ask for three samples before there is rest again: an edge was seen."""
        self._count = 0

    def feed(self, sample: frozenset[str]) -> tuple[KeyEvent, ...]:
        """Take the keys that one complete scan found closed.

        Returns:
            What became of it, releases first, in the order of their keys' names.
        """
        self._count = self._count + 1 if sample == self._sample else 1
        self._sample = sample
        if self._count < SAMPLES:
            return ()
        first = self._settled is None
        if sample == self._settled:
            return self._mark_stuck(sample) if self._count == STUCK_SAMPLES and sample != self._stuck else ()
        self._settled = sample
        if first:
            return self._mark_stuck(sample) if sample else ()
        return self._compare(sample)

    def forget(self) -> tuple[KeyEvent, ...]:
        """Begin anew, as at the start; return the releases of what was down."""
        gone = tuple(KeyReleased(key) for key in sorted(self._down | self._stuck))
        self.__init__()  # type: ignore[misc] # slots hold all there is
        return gone

    def _mark_stuck(self, sample: frozenset[str]) -> tuple[KeyEvent, ...]:
        """Take what is down for stuck; whoever waits for a key to come up must not wait for these."""
        released = tuple(KeyReleased(key) for key in sorted(self._down))
        self._stuck, self._down, self._blocked = sample, NOTHING, False
        return (*released, KeyStuck(tuple(sorted(sample))))

    def _compare(self, sample: frozenset[str]) -> tuple[KeyEvent, ...]:
        """Compare a settled sample with what was down."""
        freed = self._stuck - sample
        self._stuck &= sample
        if len(sample) > MAX_KEYS:
            self._blocked = True
        elif sample == self._stuck:
            self._blocked = False
        down = NOTHING if self._blocked else sample - self._stuck
        released = (KeyReleased(key) for key in sorted((self._down - down) | freed))
        pressed = (KeyPressed(key) for key in sorted(down - self._down))
        self._down = down
        return (*released, *pressed)
