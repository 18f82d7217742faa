"""The GPIO chip of a Raspberry Pi's header, and the part of gpiod's classes that we use.

Rules: the chip is found by the label that its kernel driver gives (Pi 3 to Pi 5), not by a number, which
has changed between kernels; there is no other way in and no fallback.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Protocol

from gpiod import EdgeEvent, LineSettings
from gpiod.line import Value

from hw.errors import KeypadError

CHIP_LABELS = ("pinctrl-bcm2835", "pinctrl-bcm2711", "pinctrl-rp1")
"""Kernel drivers of the header's lines: Pi 3 and Zero 2, Pi 4, Pi 5."""

CONSUMER = "pism"

Config = dict[Iterable[int | str] | int | str, LineSettings | None]
"""Settings by line, as gpiod takes them."""


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

    def set_values(self, values: dict[int | str, Value]) -> None:
        """Set outputs."""

    def reconfigure_lines(self, config: Config) -> None:
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
        config: Config,
        consumer: str | None = None,
    ) -> LineRequest:
        """Take lines for this process alone."""

    def close(self) -> None:
        """Close the chip."""


OpenChip = Callable[[str], Chip]
"""Opens a chip by its device node: gpiod.Chip."""


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
