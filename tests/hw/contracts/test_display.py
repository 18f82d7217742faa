"""One suite for the port Display: the driver over the twin's wires, and over those of the real box.

What a bus does beyond its bytes is for a real panel to show; here each bus ends in the twin, which decodes
what a controller would get. The real SPI bus is the driver's own down to write(2) and the line that tells
commands from pictures.
"""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Protocol

import pytest
from gpiod.line import Value
from PIL import Image, ImageDraw

from hw.board import BoardSettings, Emulation, open_board
from hw.display.emulated import Panel
from hw.display.oled import MAX_CONTRAST, RETRY_S, Oled
from hw.display.spi import DATA_PIN, DisplaySpi, SpiNode, SpiPins
from hw.errors import DisplayError
from hw.ports import Display
from tests.hw.gpio.fake_chip import FakeChip, Machine


class Bench(Protocol):
    """A display, the panel at the end of its wires, and time."""

    display: Display
    panel: Panel

    def let_pass(self, seconds: float) -> None: ...


class EmulatedBench:
    def __init__(self, driver: str, bus: str) -> None:
        settings = BoardSettings(driver=driver, bus=bus)  # type: ignore[arg-type] # one of those that are taken
        board = open_board(settings, Emulation(frozen=True))
        assert board.twins is not None
        self.display, self.panel, self._clock = board.display, board.twins.panel, board.twins.clock

    def let_pass(self, seconds: float) -> None:
        self._clock.advance(timedelta(seconds=seconds))


class SpiBench:
    """The box's own SPI bus on a node and a chip that stand in for the kernel's."""

    def __init__(self, driver: str, folder: Path) -> None:
        (folder / "spidev0.0").touch()
        self._folder = folder
        self._chip = FakeChip()
        self._now = 0.0
        self.panel = Panel(driver)
        self.display = Oled(controller=driver, open_serial=self._open, monotonic=lambda: self._now)

    def let_pass(self, seconds: float) -> None:
        self._now += seconds

    def _open(self) -> DisplaySpi:
        pins = SpiPins([Path("/dev/gpiochip0")], Machine({"/dev/gpiochip0": self._chip}).open)
        return DisplaySpi(0, 0, SpiNode(lambda *_: None, self._write, self._folder), pins)

    def _write(self, _node: int, data: bytes) -> int:
        lines = next(request for request in self._chip.requests[::-1] if DATA_PIN in request.settings)
        self.panel.receive(data, picture=lines.settings[DATA_PIN].output_value is Value.ACTIVE)
        return len(data)


BENCHES: dict[str, Callable[[str, Path], Bench]] = {
    "emulated i2c": lambda driver, _: EmulatedBench(driver, "i2c"),
    "emulated spi": lambda driver, _: EmulatedBench(driver, "spi"),
    "spidev": SpiBench,
}


@pytest.fixture(params=["ssd1306", "ssd1309", "sh1106"])
def driver(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=BENCHES)
def bench(request: pytest.FixtureRequest, driver: str, tmp_path: Path) -> Bench:
    return BENCHES[request.param](driver, tmp_path)


def drawn(*box: int) -> Image.Image:
    image = Image.new("1", (128, 64))
    ImageDraw.Draw(image).rectangle(box, fill=1)
    return image


def stands(bench: Bench, image: Image.Image) -> bool:
    return bench.panel.image().tobytes() == image.tobytes()


def test_each_picture_stands_on_the_glass(bench: Bench) -> None:
    for image in (drawn(0, 0, 127, 63), drawn(3, 5, 40, 17), drawn(60, 30, 61, 31)):
        bench.display.show(image)
        assert stands(bench, image)


def test_an_equal_picture_sends_nothing(bench: Bench) -> None:
    bench.display.show(drawn(3, 5, 40, 17))
    before = bench.panel.bytes_sent
    bench.display.show(drawn(3, 5, 40, 17))
    assert bench.panel.bytes_sent == before


@pytest.mark.parametrize("wrong", [Image.new("L", (128, 64)), Image.new("1", (128, 32))])
def test_what_is_no_picture_is_refused(bench: Bench, wrong: Image.Image) -> None:
    with pytest.raises(ValueError, match="128x64"):
        bench.display.show(wrong)


def test_brightness_is_capped(bench: Bench) -> None:
    bench.display.show(drawn(0, 0, 5, 5))
    bench.display.contrast(255)
    assert bench.panel.contrast == MAX_CONTRAST
    bench.display.contrast(9)
    assert bench.panel.contrast == 9


def test_the_glass_goes_dark_and_has_its_picture_again(bench: Bench) -> None:
    bench.display.show(drawn(3, 5, 40, 17))
    bench.display.blank(off=True)
    assert stands(bench, Image.new("1", (128, 64)))
    bench.display.blank(off=False)
    assert stands(bench, drawn(3, 5, 40, 17))


def test_a_panel_that_forgot_all_has_all_again_when_it_is_lit(bench: Bench) -> None:
    bench.display.show(drawn(3, 5, 40, 17))
    bench.panel.plug()
    bench.display.blank(off=False)
    assert stands(bench, drawn(3, 5, 40, 17))


def test_a_lost_panel_is_an_error_and_is_back_after_a_pause(bench: Bench) -> None:
    bench.display.show(drawn(0, 0, 5, 5))
    bench.panel.unplug()
    with pytest.raises(DisplayError):
        bench.display.show(drawn(0, 0, 9, 9))
    bench.panel.plug()
    with pytest.raises(DisplayError):
        bench.display.show(drawn(0, 0, 9, 9))
    bench.let_pass(RETRY_S[-1])
    bench.display.show(drawn(0, 0, 9, 9))
    assert stands(bench, drawn(0, 0, 9, 9))


def test_closing_leaves_the_picture_standing(bench: Bench) -> None:
    bench.display.show(drawn(3, 5, 40, 17))
    bench.display.close()
    bench.display.close()
    assert stands(bench, drawn(3, 5, 40, 17))
