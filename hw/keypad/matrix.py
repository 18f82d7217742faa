"""The 4x4 matrix on gpiozero's pins: sleeps until an edge, scans until all keys are up.

Rules:
1. A row pulls low (output, 0) or floats (input); none ever drives high. Columns are inputs, pulled up.
   So two keys of a column never join two outputs at odds.
2. At rest all rows are low and both edges of the columns are watched: no wake-ups until a key goes down.
   A scan makes edges of its own; what they ring is cleared before the next rest. (To end the watch for
   each scan would set up and free four interrupts at every key press.)
3. A scan lets one row pull low at a time, in an order shuffled anew (a steady order can be heard on the
   radio); a random source that fails costs the shuffling, never the keypad.
4. A scan every few milliseconds while a key is down; only stuck keys down, a slow one.
5. Pins that fail are let go and taken anew, with growing pauses; keys that were down are released.

Owns the scan, and how it waits: for an edge, for a moment, until the stop; no polling, no time limits. The
waits are passed in, so that a test can let time pass and keys move inside them.

Left to others: debouncing (hw.keypad.debounce), pins (hw.gpio), what a long press is (the daemon).
"""

import logging
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from gpiozero.exc import GPIOZeroError

from hw.errors import KeypadError
from hw.keypad.debounce import Debouncer, KeyEvent
from hw.ports import KEYS, Post

SCAN_S = 0.006
"""Between two scans while a key is down: a press or release is known after three, 12 to 20 ms."""

SLOW_SCAN_S = 0.05
"""Between two scans while only stuck keys are down."""

SETTLE_S = 50e-6
"""Between letting go of a row and reading columns: 50 kOhm of pull-up and 200 pF of cable need 30 us."""

RETRY_S = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
"""Pauses before the pins are taken anew; the last one goes on."""

_BRIEF_S = 1e-4

_log = logging.getLogger(__name__)


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


class MatrixKeypad:
    """The keypad.

    Args:
        rows: BCM numbers of the rows, top first.
        columns: BCM numbers of the columns, left first.
        open_factory: Takes the pins; a gpiozero factory that can change some together, closed by the keypad.
        alarm: How the scan waits; None: in a thread of its own.
        shuffle: Puts a list in random order; None: by the system's random source.
    """

    def __init__(
        self,
        *,
        rows: Sequence[int],
        columns: Sequence[int],
        open_factory: Callable[[], Any],
        alarm: Alarm | None = None,
        shuffle: Callable[[list[int]], None] | None = None,
    ) -> None:
        self._row_numbers = tuple(rows)
        self._column_numbers = tuple(columns)
        self._open_factory = open_factory
        self._alarm = alarm or ThreadAlarm()
        self._shuffle = shuffle or secrets.SystemRandom().shuffle
        self._debouncer = Debouncer()
        self._factory: Any = None
        self._rows: tuple[Any, ...] = ()
        self._columns: tuple[Any, ...] = ()
        self._thread: threading.Thread | None = None

    def start(self, post: Post) -> None:
        """Take the pins and begin to post from a thread.

        Raises:
            KeypadError: The pins cannot be had, or a column is low with every row floating.
        """
        self._take_pins()
        self._thread = threading.Thread(target=self.run, args=(post,), name="keypad", daemon=True)
        self._thread.start()

    def run(self, post: Post) -> None:
        """Post events until the alarm is stopped; taken pins are let go."""
        tries = 0
        while not self._alarm.stopped:
            try:
                if self._factory is None:
                    self._take_pins()
                tries = 0
                self._watch(post)
            except KeypadError as error:
                _log.warning("keypad: %s", error)
                self._release_pins()
                self._post_all(post, self._debouncer.forget())
                self._alarm.pause(RETRY_S[min(tries, len(RETRY_S) - 1)])
                tries += 1
        self._release_pins()

    def close(self) -> None:
        """Stop posting and let the pins go."""
        self._alarm.stop()
        if self._thread is None:
            self._release_pins()
        elif self._thread is not threading.current_thread():
            self._thread.join()

    def _watch(self, post: Post) -> None:
        """Scan until all keys are up, sleep until an edge, and so on."""
        while not self._alarm.stopped:
            self._post_all(post, self._debouncer.feed(self._scan()))
            if not self._debouncer.at_rest:
                self._alarm.pause(SLOW_SCAN_S if self._debouncer.only_stuck else SCAN_S)
                continue
            self._alarm.clear()
            self._pull_rows(low=True)
            # A key may have come down between the last scan and now, and its edge have been cleared.
            if all(column.state for column in self._columns):
                self._alarm.wait()
            self._pull_rows(low=False)
            self._debouncer.wake()

    def _scan(self) -> frozenset[str]:
        """Return the keys that are closed."""
        order = list(range(len(self._rows)))
        try:
            self._shuffle(order)
        except OSError:
            _log.warning("keypad: no randomness for the order of rows")
        closed = []
        for place in order:
            row = self._rows[place]
            row.output_with_state(0)
            self._alarm.pause(SETTLE_S)
            closed += [
                KEYS[place * len(self._columns) + number]
                for number, column in enumerate(self._columns)
                if not column.state
            ]
            row.function = "input"
        return frozenset(closed)

    def _pull_rows(self, *, low: bool) -> None:
        """Pull all rows low, or let them float."""
        with self._factory.together():
            for row in self._rows:
                if low:
                    row.output_with_state(0)
                else:
                    row.function = "input"

    def _on_edge(self, _ticks: float, _state: bool) -> None:  # noqa: FBT001 - gpiozero's callback
        self._alarm.ring()

    def _take_pins(self) -> None:
        """Take the pins and look at the wires."""
        try:
            self._factory = self._open_factory()
            self._rows = tuple(self._factory.pin(number) for number in self._row_numbers)
            self._columns = tuple(self._factory.pin(number) for number in self._column_numbers)
            with self._factory.together():
                for row in self._rows:
                    row.function = "input"
                    row.pull = "floating"
                for column in self._columns:
                    column.function = "input"
                    column.pull = "up"
                    column.edges = "both"
                    column.when_changed = self._on_edge
        except GPIOZeroError as error:
            self._release_pins()
            raise KeypadError(f"the keypad's pins cannot be used: {error}") from error
        except KeypadError:
            self._release_pins()
            raise
        self._alarm.pause(SETTLE_S)
        for number, column in zip(self._column_numbers, self._columns, strict=True):
            if not column.state:
                self._release_pins()
                raise KeypadError(f"GPIO line {number}, a column of the keypad, is tied to ground")

    def _release_pins(self) -> None:
        """Give the pins back, floating."""
        factory, self._factory = self._factory, None
        self._rows = self._columns = ()
        if factory is not None:
            try:
                factory.close()
            except KeypadError as error:
                _log.warning("keypad: %s", error)

    def _post_all(self, post: Post, events: tuple[KeyEvent, ...]) -> None:
        for event in events:
            post(event)
