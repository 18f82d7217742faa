"""The display's SPI bus, at the seams of the node and of gpiod's chip."""

import errno
import os
from pathlib import Path

import pytest
from gpiod.line import Value
from PIL import Image

from hw.display.oled import Oled
from hw.display.spi import DATA_PIN, RESET_PIN, SPEED_HZ, DisplaySpi, SpiNode, SpiPins
from hw.errors import DisplayError
from tests.hw.gpio.fake_chip import FakeChip, FakeRequest, Machine


class Wires:
    """A folder that stands for /dev and a chip with lines."""

    def __init__(self, folder: Path) -> None:
        self.node = folder / "spidev0.1"
        self.node.touch()
        self.chip = FakeChip()
        self.ioctls: list[tuple[int, bytes]] = []
        self.folder = folder
        self.broken = False

    def write(self, node: int, data: bytes) -> int:
        if self.broken:
            raise OSError(errno.EIO, "Input/output error")
        return os.write(node, data)

    def open(self) -> DisplaySpi:
        machine = Machine({"/dev/gpiochip0": self.chip})
        node = SpiNode(lambda _node, code, data: self.ioctls.append((code, data)), self.write, self.folder)
        return DisplaySpi(0, 1, node, SpiPins([Path("/dev/gpiochip0")], machine.open))

    def line(self, pin: int) -> FakeRequest:
        return next(request for request in self.chip.requests if pin in request.settings)


@pytest.fixture
def wires(tmp_path: Path) -> Wires:
    return Wires(tmp_path)


def test_a_picture_goes_to_the_node_and_the_lines_are_let_go(wires: Wires) -> None:
    oled = Oled(controller="ssd1306", open_serial=wires.open)
    oled.show(Image.new("1", (128, 64), 1))
    assert wires.node.read_bytes().count(b"\xff") >= 1024
    assert wires.ioctls == [(0x40046B04, SPEED_HZ.to_bytes(4, "little"))]
    assert wires.line(RESET_PIN).settings[RESET_PIN].output_value is Value.ACTIVE
    assert wires.line(DATA_PIN).settings[DATA_PIN].output_value is Value.INACTIVE  # the last was a command
    oled.close()
    assert all(request.released for request in wires.chip.requests)


def test_a_node_that_is_not_there_is_a_display_error_and_leaves_no_line_taken(wires: Wires) -> None:
    wires.node.unlink()
    with pytest.raises(DisplayError, match="cannot be opened: SPI device not found"):
        Oled(controller="ssd1306", open_serial=wires.open).show(Image.new("1", (128, 64)))
    assert len(wires.chip.requests) == 2
    assert all(request.released for request in wires.chip.requests)


def test_lines_in_use_are_a_display_error(wires: Wires) -> None:
    wires.chip.busy = True
    with pytest.raises(DisplayError, match="busy"):
        Oled(controller="ssd1306", open_serial=wires.open).show(Image.new("1", (128, 64)))
    assert wires.chip.closed


def test_a_machine_without_a_chip_is_a_display_error(wires: Wires) -> None:
    wires.chip.label = "gpio-mockup"
    with pytest.raises(DisplayError, match="lines cannot be had"):
        Oled(controller="ssd1306", open_serial=wires.open).show(Image.new("1", (128, 64)))


def test_a_write_that_fails_is_a_display_error(wires: Wires) -> None:
    wires.broken = True
    with pytest.raises(DisplayError, match="Input/output"):
        Oled(controller="ssd1306", open_serial=wires.open).show(Image.new("1", (128, 64)))
    assert all(request.released for request in wires.chip.requests)


def test_the_speed_is_write_only(wires: Wires) -> None:
    with pytest.raises(AttributeError):
        _ = SpiNode().max_speed_hz
