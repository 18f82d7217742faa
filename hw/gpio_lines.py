"""One request for all GPIO lines that the box uses, over libgpiod: levels, directions, edges.

Rules:
1. The chip is found by the label that its kernel driver gives (Pi 3 to Pi 5); there is no other way in.
2. All lines stand in one request, so one descriptor tells of every edge. A thread sleeps in poll() on it
   and on an event descriptor that ends it; it wakes for edges only.
3. An output is open drain: it pulls low or floats and can never drive high, whatever it is told.
4. A floating line that was an output stays an open-drain output let go (electrically the same), so that
   a scan costs one system call a step and no reconfiguration.
5. Every failure of a chip or a line is a KeypadError.

Left to others: what a line is for (hw.gpio gives it gpiozero's shape).
"""

import logging
import os
import select
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from gpiod import EdgeEvent, LineSettings
from gpiod.line import Bias, Direction, Drive, Edge, Value

from hw.ports import KeypadError

CHIP_LABELS = ("pinctrl-bcm2835", "pinctrl-bcm2711", "pinctrl-rp1")
"""Kernel drivers of the header's lines: Pi 3 and Zero 2, Pi 4, Pi 5."""

CONSUMER = "pism"

_BIASES = {"floating": Bias.DISABLED, "up": Bias.PULL_UP, "down": Bias.PULL_DOWN}
_EDGES = {"none": Edge.NONE, "both": Edge.BOTH, "rising": Edge.RISING, "falling": Edge.FALLING}

_log = logging.getLogger(__name__)


class ChipInfo(Protocol):
    """What gpiod tells of a chip."""

    @property
    def label(self) -> str:
        """Its driver's name for it."""


class LineRequest(Protocol):
    """The part of gpiod.LineRequest that is used."""

    @property
    def fd(self) -> int:
        """The descriptor that is readable when an edge waits."""

    def get_value(self, line: int | str) -> Value:
        """Return a line's level."""

    def set_value(self, line: int | str, value: Value) -> None:
        """Set an output."""

    def reconfigure_lines(self, config: dict[Iterable[int | str] | int | str, LineSettings | None]) -> None:
        """Give every line its settings."""

    def read_edge_events(self) -> list[EdgeEvent]:
        """Return the edges that wait; at least one does."""

    def release(self) -> None:
        """Let the lines go."""


class Chip(Protocol):
    """The part of gpiod.Chip that is used."""

    def get_info(self) -> ChipInfo:
        """Return what the chip is."""

    def request_lines(
        self,
        config: dict[Iterable[int | str] | int | str, LineSettings | None],
        consumer: str | None = None,
    ) -> LineRequest:
        """Take lines for this process alone."""

    def close(self) -> None:
        """Close the chip."""


OpenChip = Callable[[str], Chip]
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
        was_output: It has been one (rule 4).
    """

    output: bool = False
    low: bool = False
    pull: str = "floating"
    edges: str = "none"
    was_output: bool = False

    def settings(self) -> LineSettings:
        """Return the line as libgpiod takes it."""
        if self.output or (self.was_output and self.pull == "floating" and self.edges == "none"):
            return LineSettings(direction=Direction.OUTPUT, drive=Drive.OPEN_DRAIN, output_value=self.value())
        return LineSettings(
            direction=Direction.INPUT, bias=_BIASES[self.pull], edge_detection=_EDGES[self.edges]
        )

    def value(self) -> Value:
        """Return what an output is set to: inactive pulls low, active floats."""
        return Value.INACTIVE if self.output and self.low else Value.ACTIVE


def find_chip(paths: Sequence[Path], open_chip: OpenChip) -> Chip:
    """Return the chip of a Raspberry Pi's header, open.

    Args:
        paths: The chips' device nodes.
        open_chip: gpiod.Chip.

    Raises:
        KeypadError: There is none, or it may not be opened.
    """
    seen = []
    for path in paths:
        try:
            chip = open_chip(str(path))
        except OSError as error:
            seen.append(f"{path}: {error.strerror}")
            continue
        label = chip.get_info().label
        if label in CHIP_LABELS:
            return chip
        chip.close()
        seen.append(f"{path}: {label}")
    raise KeypadError(f"no GPIO chip of a Raspberry Pi ({'; '.join(seen) or 'no chip at all'})")


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
        chip = find_chip(sorted(Path("/dev").glob("gpiochip*")) if paths is None else paths, open_chip)
        try:
            self._request = chip.request_lines(self._config(), consumer=CONSUMER)
        except (OSError, ValueError) as error:  # ValueError: no such line on the chip
            raise KeypadError(f"GPIO lines {_names(numbers)} cannot be had: {error}") from error
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
        with self._lock:
            old = self._lines[number]
            new = replace(line, was_output=line.output or old.was_output)
            self._lines[number] = new
            before, after = old.settings(), new.settings()
            try:
                if after != replace(before, output_value=after.output_value):
                    self._request.reconfigure_lines(self._config())
                elif after.output_value is not before.output_value:
                    self._request.set_value(number, after.output_value)
            except OSError as error:
                self._lines[number] = old
                raise KeypadError(f"GPIO line {number} cannot be set: {error}") from error
            if new.edges != "none" and self._thread is None:
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

    def _config(self) -> dict[Iterable[int | str] | int | str, LineSettings | None]:
        """Return all lines' settings; a request is always reconfigured whole."""
        return {number: line.settings() for number, line in self._lines.items()}

    def _watch(self) -> None:
        """Sleep until an edge or the end, and tell of edges."""
        poll = select.poll()
        poll.register(self._request.fd, select.POLLIN)
        poll.register(self._shutdown, select.POLLIN)
        while not self._closed:
            ready = {descriptor for descriptor, _ in poll.poll()}
            if self._shutdown in ready:
                return
            try:
                with self._lock:
                    events = self._request.read_edge_events()
            except OSError:
                _log.exception("GPIO edges cannot be read any more")
                return
            for event in events:
                rising = event.event_type is EdgeEvent.Type.RISING_EDGE
                self._on_edge(event.line_offset, event.timestamp_ns / 1e9, rising)


def _names(numbers: Sequence[int]) -> str:
    """Return line numbers as a list to read."""
    return ", ".join(str(number) for number in numbers)
