"""The board: settings, the emulated box, what opening the real one needs."""

import queue
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PIL import Image

from hw.board import BoardSettings, Emulation, open_board
from hw.errors import DisplayError, KeypadError, PowerError
from hw.ports import HardwareEvent, KeyPressed, KeyReleased, StickInserted
from hw.sticks.emulated import EmulatedSticks

INSTANT = datetime(2027, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "wrong", [{"rows": (5, 6, 13)}, {"columns": (12, 16, 20, 5)}, {"rows": (5, 6, 13, 13)}, {"columns": ()}]
)
def test_a_keypad_has_eight_lines_of_its_own(wrong: dict[str, tuple[int, ...]]) -> None:
    with pytest.raises(ValueError, match="four rows and four columns"):
        BoardSettings(**wrong)  # type: ignore[arg-type] # one keyword


@pytest.mark.parametrize("driver", ["ssd1306", "sh1106", "ssd1309"])
@pytest.mark.parametrize("bus", ["i2c", "spi"])
@pytest.mark.parametrize("rotate", [0, 2])
def test_an_emulated_box_shows_what_it_is_told(driver: str, bus: str, rotate: int) -> None:
    settings = BoardSettings(driver=driver, bus=bus, rotate=rotate)  # type: ignore[arg-type] # drawn
    board = open_board(settings, Emulation())
    assert board.twins is not None
    image = Image.new("1", (128, 64))
    image.putpixel((5, 9), 1)
    board.display.show(image)
    seen = board.twins.panel.image()
    assert (seen.rotate(180) if rotate else seen).tobytes() == image.tobytes()
    board.display.close()


def test_an_emulated_key_reaches_the_post() -> None:
    board = open_board(BoardSettings(), Emulation())
    assert board.twins is not None
    events: queue.SimpleQueue[HardwareEvent] = queue.SimpleQueue()
    board.keypad.start(events.put)
    # The first samples look for stuck keys; a key that comes after them is a press.
    while not board.twins.keys.net.at_rest:
        pass
    board.twins.keys.press("5")
    assert events.get(timeout=5) == KeyPressed("5")
    board.twins.keys.release("5")
    assert events.get(timeout=5) == KeyReleased("5")
    board.keypad.close()


def test_the_emulated_clock_stands_still_or_runs_and_power_is_heard() -> None:
    heard: list[str] = []
    board = open_board(BoardSettings(), Emulation(instant=INSTANT, frozen=True, power_heard=heard.append))
    assert board.clock.now() == board.clock.now() == INSTANT
    assert board.twins is not None
    board.twins.clock.advance(timedelta(seconds=5))
    assert board.clock.now() == INSTANT + timedelta(seconds=5)
    board.power.off()
    assert heard == ["off"]
    with pytest.raises(PowerError):
        open_board(BoardSettings(), Emulation(power_refuses=True)).power.off()
    running = open_board(BoardSettings(), Emulation()).clock
    assert abs(running.now() - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_stick_is_formatted_and_opened(tmp_path: Path) -> None:
    board = open_board(BoardSettings(), Emulation(sticks=tmp_path))
    events: list[HardwareEvent] = []
    board.sticks.start(events.append)
    assert isinstance(board.sticks, EmulatedSticks)
    board.sticks.insert(board.sticks.make("OLD"))
    assert isinstance(events[0], StickInserted)
    made = board.format_stick(events[0].stick, "PISM-ALL")
    assert (made.label, made.identity, made.filesystem) == ("PISM-ALL", events[0].stick.identity, "vfat")
    with board.open_volume(made) as volume:
        assert volume.label == "PISM-ALL"
    board.sticks.close()


@pytest.mark.parametrize("bus", ["i2c", "spi"])
def test_the_real_box_opens_anywhere_and_says_at_use_what_is_missing(bus: str) -> None:
    # This machine has no panel and no header: opening touches neither, using them is an error of the box.
    board = open_board(BoardSettings(bus=bus, port=31))  # type: ignore[arg-type] # drawn
    assert board.twins is None
    with pytest.raises(DisplayError):
        board.display.show(Image.new("1", (128, 64)))
    with pytest.raises(KeypadError):
        board.keypad.start(print)
    board.keypad.close()
    board.display.close()


@pytest.mark.parametrize(
    ("emulated", "absent"),
    [
        ("Emulation()", ("gpiod", "pyudev", "hw.gpio.factory", "hw.sticks.udev")),
        ("None", ("hw.display.emulated", "hw.keypad.emulated", "hw.sticks.emulated")),
    ],
)
def test_a_box_loads_only_its_own_side(emulated: str, absent: tuple[str, ...]) -> None:
    code = (
        "import sys; from hw.board import *\n"
        f"open_board(BoardSettings(), {emulated})\n"
        f"print([name for name in {absent!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
