"""Builds pin factories on a stand-in for the chip."""

from pathlib import Path

from hw.gpio.factory import GpiodFactory
from tests.hw.gpio.fake_chip import FakeChip, Machine

LINES = (5, 6, 12, 2)


def made(
    machine: Machine | None = None, lines: tuple[int, ...] = LINES, revision: int = 0xA02082
) -> GpiodFactory:
    machine = machine or Machine({"/dev/gpiochip0": FakeChip()})
    return GpiodFactory(
        lines, paths=[Path(path) for path in machine.chips], open_chip=machine.open, revision=lambda: revision
    )
