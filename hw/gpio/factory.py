"""A pin factory for gpiozero on libgpiod's own binding, where gpiozero's others poll or leave traces.

Rules:
1. It stands on one line request (hw.gpio.lines); only the lines it was made for can be had.
2. No bounce time, no PWM, no SPI: asked for, they are refused, never imitated.
3. There is no fallback: what cannot be had is a KeypadError. The board's revision is not needed: the chip
   says which lines there are (hw.gpio.chip), and the header is the same on every board with 40 pins.
"""

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any

from gpiod import Chip
from gpiozero.exc import (
    PinEdgeDetectUnsupported,
    PinFixedPull,
    PinInvalidEdges,
    PinInvalidFunction,
    PinInvalidPin,
    PinInvalidPull,
    PinSetInput,
    PinUnknownPi,
    PinUnsupported,
)
from gpiozero.pins.local import get_pi_revision
from gpiozero.pins.pi import PiFactory, PiPin

from hw.gpio.chip import OpenChip
from hw.gpio.lines import Lines

_HEADER_OF_40_PINS = 0xA020D3
"""The revision of a board that has it (a Pi 3B+), where a boot loader tells none."""

_FUNCTIONS = ("input", "output")
_PULLS = ("floating", "up", "down")
_EDGES = ("none", "both", "rising", "falling")

_log = logging.getLogger(__name__)


class GpiodPin(PiPin):  # type: ignore[misc] # gpiozero has no types
    """One line in gpiozero's shape; made by GpiodFactory.pin."""

    def __init__(self, factory: "GpiodFactory", info: Any) -> None:
        super().__init__(factory, info)
        self._lines = factory.lines
        self._edges = "both"
        if self._number not in self._lines:
            raise PinInvalidPin(f"{info.name} is not among the lines that were asked for")
        factory.by_number[self._number] = self

    def close(self) -> None:
        """Let the line float, unwatched."""
        self._set_when_changed(None)
        self._lines.set(self._number, replace(self._lines.line(self._number), output=False, pull="floating"))

    def output_with_state(self, state: bool) -> None:  # noqa: FBT001 - gpiozero's signature
        """Become an output at once in the state given: 0 pulls low, 1 floats."""
        self._lines.set(self._number, replace(self._lines.line(self._number), output=True, low=not state))

    def _get_function(self) -> str:
        return _FUNCTIONS[self._lines.line(self._number).output]

    def _set_function(self, value: str) -> None:
        if value not in _FUNCTIONS:
            raise PinInvalidFunction(f"{self!r} can be input or output")
        # An output begins floating: no level is driven that nobody asked for.
        self._lines.set(
            self._number, replace(self._lines.line(self._number), output=value == "output", low=False)
        )

    def _get_state(self) -> bool:
        return self._lines.level(self._number)

    def _set_state(self, value: float) -> None:
        line = self._lines.line(self._number)
        if not line.output:
            raise PinSetInput(f"{self!r} is an input")
        self._lines.set(self._number, replace(line, low=not value))

    def _get_pull(self) -> str:
        return self._lines.line(self._number).pull

    def _set_pull(self, value: str) -> None:
        line = self._lines.line(self._number)
        if line.output:
            raise PinFixedPull(f"{self!r} is an output")
        if value not in _PULLS:
            raise PinInvalidPull(f"{self!r} can be pulled up, down or not at all")
        if self.info.pull not in ("", value):
            raise PinFixedPull(f"{self!r} has a resistor that pulls it {self.info.pull}")
        self._lines.set(self._number, replace(line, pull=value))

    def _get_bounce(self) -> None:
        return None

    def _set_bounce(self, value: float | None) -> None:
        if value is not None:
            raise PinEdgeDetectUnsupported("the debouncer counts samples; a line has no bounce time")

    def _get_edges(self) -> str:
        return self._edges

    def _set_edges(self, value: str) -> None:
        if value not in _EDGES:
            raise PinInvalidEdges(f"{self!r} can watch rising, falling, both or none")
        self._edges = value
        if self._get_when_changed() is not None:
            self._enable_event_detect()

    def _enable_event_detect(self) -> None:
        self._lines.set(self._number, replace(self._lines.line(self._number), edges=self._edges))

    def _disable_event_detect(self) -> None:
        self._lines.set(self._number, replace(self._lines.line(self._number), edges="none"))

    def _call_when_changed(self, ticks: float, state: bool) -> None:  # noqa: FBT001 - gpiozero's signature
        # The watch may have been ended since the kernel noted this edge.
        if self._get_when_changed() is not None:
            super()._call_when_changed(ticks, state)


class GpiodFactory(PiFactory):  # type: ignore[misc] # gpiozero has no types
    """The factory.

    Args:
        numbers: The lines that may be asked for, by BCM number.
        paths: The chips' device nodes; None: all of /dev/gpiochip*.
        open_chip: Opens a device node.
        revision: The board's revision code.

    Raises:
        KeypadError: The chip or a line cannot be had.
    """

    def __init__(
        self,
        numbers: Sequence[int],
        *,
        paths: Sequence[Path] | None = None,
        open_chip: OpenChip = Chip,
        revision: Callable[[], int] = get_pi_revision,
    ) -> None:
        super().__init__()
        self.pin_class = GpiodPin
        self.by_number: dict[int, GpiodPin] = {}
        untold = ""
        try:
            self._revision = revision()
        except (OSError, PinUnknownPi) as error:
            self._revision, untold = _HEADER_OF_40_PINS, str(error)
        self.lines = Lines(numbers, self._on_edge, open_chip=open_chip, paths=paths)
        if untold:  # said when there is a chip, not at each try of a box without one
            _log.warning("the board's revision is not told: %s", untold)

    def close(self) -> None:
        """Let all lines go and end the watch."""
        super().close()
        self.lines.close()

    def together(self) -> AbstractContextManager[None]:
        """Let changes to several pins take effect at once; KeypadError when they cannot."""
        return self.lines.together()

    @staticmethod
    def ticks() -> float:
        """Return monotonic seconds, the clock of the kernel's edges."""
        return monotonic()

    @staticmethod
    def ticks_diff(later: float, earlier: float) -> float:
        """Return seconds between two ticks."""
        return later - earlier

    def spi(self, **_spi_args: object) -> None:
        """Refuse: the display has its bus, the keypad needs none."""
        raise PinUnsupported("this factory has no SPI")

    def _get_revision(self) -> int:
        return self._revision

    def _on_edge(self, number: int, seconds: float, rising: bool) -> None:  # noqa: FBT001 - Lines' callback
        self.by_number[number]._call_when_changed(seconds, rising)  # noqa: SLF001 - its own pin
