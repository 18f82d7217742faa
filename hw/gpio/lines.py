"""One request for all GPIO lines that the box uses, over libgpiod: levels, directions, edges.

Rules:
1. All lines stand in one request, so one descriptor tells of every edge. A thread sleeps in poll() on it
   and on an event descriptor that ends it; it wakes for edges only.
2. An output is open drain: it pulls low or floats and can never drive high, whatever it is told.
3. A floating line that was an output stays an open-drain output let go (electrically the same), so that
   a scan costs one system call a step and no reconfiguration. Changes made together cost one call.
4. Every failure of a line is a KeypadError. Where edges cannot be read any more the thread dies of it
   (hw.ports, rule 4): a keypad that nothing wakes would be dead without a word.

Left to others: what a line is for (hw.gpio.factory gives it gpiozero's shape).
"""

import os
import select
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from gpiod import EdgeEvent, LineSettings
from gpiod.line import Bias, Direction, Drive, Edge, Value

from hw.errors import KeypadError
from hw.gpio.chip import CONSUMER, Config, OpenChip, find_chip

_BIASES = {"floating": Bias.DISABLED, "up": Bias.PULL_UP, "down": Bias.PULL_DOWN}
_EDGES = {"none": Edge.NONE, "both": Edge.BOTH, "rising": Edge.RISING, "falling": Edge.FALLING}

_OPEN_DRAIN = ("open drain", "")

OnEdge = Callable[[int, float, bool], None]
"""Called with a line, the kernel's monotonic seconds and True for a rising edge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What one line is to be.

    Args:
        output: Driven low or let go; else read.
        low: An output pulls low; else it floats.
        pull: "floating", "up" or "down", for an input.
        edges: "none", "both", "rising" or "falling", for an input.
        was_output: It has been one (rule 3).
    """

    output: bool = False
    low: bool = False
    pull: str = "floating"
    edges: str = "none"
    was_output: bool = False

    @property
    def mode(self) -> tuple[str, str]:
        """What a reconfiguration is needed for: pull and edges of an input, nothing of an output."""
        if self.output or (self.was_output and self.pull == "floating" and self.edges == "none"):
            return _OPEN_DRAIN
        return self.pull, self.edges

    @property
    def value(self) -> Value:
        """What an output is set to: inactive pulls low, active floats."""
        return Value.INACTIVE if self.output and self.low else Value.ACTIVE


@cache
def _make_settings(mode: tuple[str, str], value: Value) -> LineSettings:
    """Return a mode as libgpiod takes it; the few there are, are made once."""
    if mode == _OPEN_DRAIN:
        return LineSettings(direction=Direction.OUTPUT, drive=Drive.OPEN_DRAIN, output_value=value)
    pull, edges = mode
    return LineSettings(direction=Direction.INPUT, bias=_BIASES[pull], edge_detection=_EDGES[edges])


class Lines:
    """The request.

    Args:
        numbers: The lines, by BCM number; they begin as floating inputs.
        on_edge: Called from the watching thread.
        paths: The chips' device nodes; None: all of /dev/gpiochip*.
        open_chip: gpiod.Chip.

    Raises:
        KeypadError: The chip or a line cannot be had.
    """

    def __init__(
        self,
        numbers: Sequence[int],
        on_edge: OnEdge,
        *,
        open_chip: OpenChip,
        paths: Sequence[Path] | None = None,
    ) -> None:
        self._on_edge = on_edge
        self._lines = dict.fromkeys(numbers, Line())
        self._lock = threading.RLock()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._batch: dict[int, Line] | None = None
        chip = find_chip(sorted(Path("/dev").glob("gpiochip*")) if paths is None else paths, open_chip)
        try:
            self._request = chip.request_lines(self._all_settings(), consumer=CONSUMER)
        except (OSError, ValueError) as error:  # ValueError: no such line on the chip
            raise KeypadError(f"GPIO lines {_join_numbers(numbers)} cannot be had: {error}") from error
        finally:
            chip.close()  # the request lives on without it
        self._shutdown = os.eventfd(0, os.EFD_CLOEXEC)

    def __contains__(self, number: object) -> bool:
        return number in self._lines

    def line(self, number: int) -> Line:
        """Return what a line was told to be."""
        return self._lines[number]

    def set(self, number: int, line: Line) -> None:
        """Make a line what it is to be.

        Raises:
            KeypadError: The kernel refuses.
        """
        with self.together():
            was = self._lines[number].was_output
            self._lines[number] = replace(line, was_output=line.output or was)

    @contextmanager
    def together(self) -> Iterator[None]:
        """Let the changes made inside take effect at the end, in one system call.

        Raises:
            KeypadError: The kernel refuses; all lines are as before.
        """
        with self._lock:
            if self._batch is not None:
                yield
                return
            old = self._batch = dict(self._lines)
            try:
                yield
                self._apply(old)
            except BaseException:
                self._lines = old
                raise
            finally:
                self._batch = None

    def _apply(self, old: dict[int, Line]) -> None:
        """Bring the kernel from the old lines to the present ones."""
        new = self._lines
        changed = [number for number, line in new.items() if line != old[number]]
        try:
            if any(new[number].mode != old[number].mode for number in changed):
                self._request.reconfigure_lines(self._all_settings())
            else:
                values: dict[int | str, Value] = {
                    number: new[number].value
                    for number in changed
                    if new[number].value is not old[number].value
                }
                if values:
                    self._request.set_values(values)
        except OSError as error:
            raise KeypadError(f"GPIO lines {_join_numbers(changed)} cannot be set: {error}") from error
        if self._thread is None and any(new[number].edges != "none" for number in changed):
            self._thread = threading.Thread(target=self._watch, name="gpio-edges", daemon=True)
            self._thread.start()

    def level(self, number: int) -> bool:
        """Return True for high.

        Raises:
            KeypadError: The kernel refuses.
        """
        with self._lock:
            try:
                return self._request.get_value(number) is Value.ACTIVE
            except OSError as error:
                raise KeypadError(f"GPIO line {number} cannot be read: {error}") from error

    def close(self) -> None:
        """End the thread and let the lines go, floating."""
        with self._lock:
            thread, self._thread = self._thread, None
            self._closed = True
        os.eventfd_write(self._shutdown, 1)
        if thread is not None and thread is not threading.current_thread():
            thread.join()
        with self._lock:
            self._request.release()
        os.close(self._shutdown)

    def _all_settings(self) -> Config:
        """Return all lines' settings; a request is always reconfigured whole."""
        return {number: _make_settings(line.mode, line.value) for number, line in self._lines.items()}

    def _watch(self) -> None:
        """Sleep until an edge or the end, and tell of edges."""
        poll = select.poll()
        poll.register(self._request.fd, select.POLLIN)
        poll.register(self._shutdown, select.POLLIN)
        while not self._closed:
            ready = {descriptor for descriptor, _ in poll.poll()}
            if self._shutdown in ready:
                return
            with self._lock:
                events = self._request.read_edge_events()
            for event in events:
                rising = event.event_type is EdgeEvent.Type.RISING_EDGE
                self._on_edge(event.line_offset, event.timestamp_ns / 1e9, rising)


def _join_numbers(numbers: Sequence[int]) -> str:
    """Return line numbers as a list to read."""
    return ", ".join(str(number) for number in numbers)
