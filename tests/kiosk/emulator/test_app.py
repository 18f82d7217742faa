"""`pism emulate` under textual's pilot: a person at the terminal, with the real box behind it."""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

import pytest
from PIL import Image
from textual.widgets import Input, OptionList, RadioButton, Static

from hw.sticks.emulated import Faults
from kiosk.emulator.app import Emulator
from kiosk.emulator.dialogs import ClockScreen, SlotScreen
from kiosk.emulator.folder import LOCKED_OUT_FAILS, prepare
from kiosk.emulator.widgets import PanelView
from kiosk.entry.words import GUARD_S, fewest_keys
from kiosk.screens.reader import read_text

if TYPE_CHECKING:
    from textual.pilot import Pilot

pytestmark = pytest.mark.asyncio

TIMEOUT_S = 60
SMALL, WIDE = (80, 24), (170, 45)


class Person:
    """Whoever sits at the emulator."""

    def __init__(self, app: Emulator, pilot: "Pilot[None]") -> None:
        self.app = app
        self.pilot = pilot

    async def until(self, holds: Callable[[], bool], what: str) -> None:
        deadline_s = monotonic() + TIMEOUT_S
        while not holds():
            assert monotonic() < deadline_s, f"{what}; the panel shows {self.panel()!r}"
            await self.pilot.pause(0.02)

    async def sees(self, text: str) -> None:
        await self.until(lambda: text in self.panel(), f"{text} was not shown")

    async def is_told(self, text: str) -> None:
        await self.until(lambda: text in self.line("message"), f"{text} was not said")

    def panel(self) -> str:
        return "" if self.app.box is None else read_text(self.app.box.picture())

    def line(self, name: str) -> str:
        return str(self.app.screen_stack[0].query_one(f"#{name}", Static).content)

    def rows(self) -> tuple[str, ...]:
        return self.app.screen_stack[0].query_one(PanelView).rows


@asynccontextmanager
async def sitting(state: str, *, size: tuple[int, int] = SMALL, **asked: object) -> AsyncIterator[Person]:
    """Sit down at an emulator until its vault has answered."""
    with prepare(state, **asked) as start:  # type: ignore[arg-type]  # given on as they are
        app = Emulator(start)
        async with app.run_test(size=size) as pilot:
            person = Person(app, pilot)
            await person.until(
                lambda: app.box is not None and app.box.daemon.machine.box.provisioned is not None, "up"
            )
            yield person


def read_png(folder: Path) -> tuple[str, str]:
    """Return the text on the only picture in a folder, and that of the strip below."""
    (path,) = folder.glob("*.png")
    with Image.open(path) as saved:
        small = saved.convert("1").resize((128, saved.height // 4), Image.Resampling.NEAREST)
    strip = Image.new("1", (128, 64))
    strip.paste(small.crop((0, 65, 128, small.height)))
    return read_text(small.crop((0, 0, 128, 64))), read_text(strip)


async def test_the_keyboard_unlocks_and_the_mouse_locks() -> None:
    async with sitting("provisioned") as person:
        await person.sees("LOCKED")
        words = person.line("passphrase").split()[1:]
        await person.pilot.press("enter")
        await person.sees("WORD 1")
        for word in words[:3]:
            await person.pilot.press(*fewest_keys(word).lower())
        await person.sees("SAME AS ON PAPER?")
        for word in words[3:]:
            await person.pilot.press(*fewest_keys(word).lower())
        await person.pilot.pause(GUARD_S)
        await person.pilot.press("#")
        await person.sees("UNLOCKED")
        await person.pilot.press("h")  # and the next key is held
        await person.pilot.click("#key-12")  # the star
        await person.sees("LOCKED")


async def test_every_frame_says_that_it_is_an_emulation() -> None:
    async with sitting("factory") as person:
        await person.sees("FIRST SET-UP")
        for keys, screen in (((), None), (("i",), SlotScreen), (("escape", "t"), ClockScreen)):
            await person.pilot.press(*keys)
            if screen is not None:
                await person.until(lambda wanted=screen: isinstance(person.app.screen, wanted), "the dialog")  # type: ignore[misc]
            await person.pilot.pause()
            shown = re.sub(r"<[^>]*>", "", person.app.export_screenshot()).replace("&#160;", " ")
            assert shown.count("EMULATION") >= 2


@pytest.mark.parametrize(("size", "columns", "rows"), [(SMALL, 64, 16), (WIDE, 128, 32)])
async def test_the_panel_is_whole_and_fits_the_terminal(
    size: tuple[int, int], columns: int, rows: int
) -> None:
    async with sitting("factory", size=size) as person:
        await person.sees("FIRST SET-UP")
        await person.until(lambda: len(person.rows()) == rows, "the panel has its size")
        assert {len(row) for row in person.rows()} == {columns}
        panel = person.app.query_one(PanelView)
        assert panel.content_size.width >= columns
        assert panel.content_size.height >= rows
        for key in person.app.query(".key"):
            assert person.app.size.region.contains_region(key.region)


async def test_a_key_is_held_with_the_mouse() -> None:
    async with sitting("factory") as person:
        box = person.app.box
        assert box is not None
        await person.sees("FIRST SET-UP")
        down: list[str] = []
        box.twins.keys.press, press = (lambda key: (down.append(key), press(key))[1]), box.twins.keys.press  # type: ignore[method-assign]
        await person.pilot.mouse_down("#key-14")
        await person.until(lambda: down == ["#"], "the key is down")
        assert person.app.query_one("#key-14").has_class("down")
        await person.pilot.mouse_up("#key-14")
        await person.until(lambda: not person.app.query_one("#key-14").has_class("down"), "the key is up")


async def test_a_key_is_held_with_the_keyboard_until_it_is_pressed_again() -> None:
    async with sitting("factory") as person:
        await person.sees("FIRST SET-UP")
        await person.pilot.press("h", "5")
        await person.is_told("5 is held down")
        assert person.app.query_one("#key-5").has_class("down")
        await person.pilot.press("5")
        await person.until(lambda: not person.app.query_one("#key-5").has_class("down"), "the key is up")


async def test_a_new_stick_goes_in_and_comes_out_and_goes_in_again() -> None:
    async with sitting("provisioned") as person:
        await person.sees("LOCKED")
        await person.pilot.press("i")
        await person.until(lambda: isinstance(person.app.screen, SlotScreen), "the slot asks")
        await person.pilot.press("down", "down", "enter")
        await person.sees("STICK PISM-ALL asks")
        await person.until(lambda: "PISM-ALL.img (PISM-ALL)" in person.line("slot"), "the slot says so")
        await person.pilot.press("p")
        await person.sees("LOCKED")
        await person.pilot.press("i")
        await person.until(lambda: isinstance(person.app.screen, SlotScreen), "the slot asks")
        assert person.app.screen.query_one(OptionList).get_option_at_index(0).prompt == "PISM-ALL.img"
        await person.pilot.press("enter")
        await person.sees("STICK PISM-ALL asks")


async def test_a_stick_with_any_label_and_a_fault_goes_in() -> None:
    async with sitting("provisioned") as person:
        await person.sees("LOCKED")
        await person.pilot.press("i")
        await person.until(lambda: isinstance(person.app.screen, SlotScreen), "the slot asks")
        person.app.screen.query(RadioButton)[-1].value = True
        person.app.screen.query_one("#bytes", Input).value = "70000"
        label = person.app.screen.query_one("#label", Input)
        label.value = "holidays"
        label.focus()
        await person.pilot.press("enter")
        await person.sees("NOT A PiSM STICK")
        box = person.app.box
        assert box is not None
        (stick,) = box.sticks
        assert stick.label == "HOLIDAYS"
        ((_, socket),) = box.twins.sticks._in.values()
        assert socket.faults == Faults(yank_at_byte=70_000)


@pytest.mark.parametrize(
    ("option", "lines"),
    [
        ("new stick without a label", ("It has no label", "vfat, 67 MB", "No job has this label")),
        ("new stick, blank", ("It has no label", "blank, 67 MB", "It is not FAT32")),
    ],
)
async def test_a_stick_as_it_is_sold_goes_in_and_can_be_formatted(
    option: str, lines: tuple[str, ...]
) -> None:
    async with sitting("provisioned") as person:
        await person.sees("LOCKED")
        await person.pilot.press("i")
        await person.until(lambda: isinstance(person.app.screen, SlotScreen), "the slot asks")
        options = person.app.screen.query_one(OptionList)
        prompts = [options.get_option_at_index(at).prompt for at in range(options.option_count)]
        options.highlighted = prompts.index(option)
        await person.pilot.press("enter")
        await person.sees("NOT A PiSM STICK")
        for line in lines:
            assert line in person.panel()
        await person.pilot.press("a")
        await person.sees("ERASE AND NAME IT")
        await person.pilot.press("a")
        await person.sees("ERASE THE STICK?")
        await person.pilot.press("h", "#")
        await person.sees("2 export main-kudo")


async def test_a_label_that_no_stick_can_have_is_refused_in_words() -> None:
    async with sitting("factory") as person:
        await person.sees("FIRST SET-UP")
        await person.pilot.press("i")
        await person.until(lambda: isinstance(person.app.screen, SlotScreen), "the slot asks")
        label = person.app.screen.query_one("#label", Input)
        label.value = "a/b"
        label.focus()
        await person.pilot.press("enter")
        await person.is_told("E-STICK")


async def test_wires_come_off_and_on_again() -> None:
    async with sitting("provisioned") as person:
        await person.sees("LOCKED")
        await person.pilot.press("x")
        await person.until(lambda: "display LOST" in person.line("clock"), "the line says so")
        await person.until(lambda: set("".join(person.rows())) == {"\u2800"}, "the panel is dark")
        await person.pilot.press("x")
        await person.sees("LOCKED")
        await person.pilot.press("k")
        await person.until(lambda: "keypad LOST" in person.line("clock"), "the line says so")
        await person.pilot.press("k")
        await person.until(lambda: "keypad ok" in person.line("clock"), "the line says so")


async def test_time_passes_and_is_set() -> None:
    async with sitting("provisioned", instant=datetime(2027, 1, 31, 12, tzinfo=UTC)) as person:
        await person.until(
            lambda: "2027-01-31 12:0" in person.line("clock"), "the clock shows what was asked"
        )
        await person.pilot.press("t")
        await person.until(lambda: isinstance(person.app.screen, ClockScreen), "the clock asks")
        await person.pilot.click("#span-30d")
        await person.until(lambda: "2027-03-02 12:0" in person.line("clock"), "30 days have passed")
        await person.pilot.press("t")
        await person.until(lambda: isinstance(person.app.screen, ClockScreen), "the clock asks")
        instant = person.app.screen.query_one("#instant", Input)
        instant.focus()
        instant.value = "yesterday"
        await person.pilot.press("enter")
        instant.value = "1970-01-01 00:00:00"
        await person.pilot.press("enter")
        await person.until(lambda: "1970-01-01 00:0" in person.line("clock"), "the clock was set")


async def test_dialogs_are_left_without_a_trace() -> None:
    async with sitting("factory") as person:
        await person.sees("FIRST SET-UP")
        for key in "it":
            await person.pilot.press(key)
            await person.until(lambda: len(person.app.screen_stack) == 2, "a dialog asks")
            await person.pilot.press("escape")
            await person.until(lambda: len(person.app.screen_stack) == 1, "it is gone")
        assert person.line("message").startswith("Keys 0-9")
        assert person.app.box is not None
        assert person.app.box.sticks == ()


async def test_a_picture_is_kept_as_a_marked_png(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with sitting("provisioned") as person:
        await person.sees("LOCKED")
        await person.pilot.press("s")
        await person.is_told("saved pism-emulation-")
    (panel, strip) = read_png(tmp_path)
    assert "LOCKED" in panel
    assert strip == "EMULATION"


async def test_a_box_that_was_switched_off_is_switched_on_again() -> None:
    async with sitting("provisioned") as person:
        await person.sees("LOCKED")
        assert person.app.box is not None
        person.app.box.ask_power("off")
        await person.is_told("the box is off")
        assert person.app.box is None
        await person.pilot.press("5", "i", "p", "t", "x", "s")
        await person.pilot.press("r")
        await person.sees("LOCKED")


async def test_a_restart_begins_anew() -> None:
    async with sitting("provisioned") as person:
        await person.sees("LOCKED")
        first = person.app.box
        assert first is not None
        first.ask_power("restart")
        await person.is_told("the box was restarted")
        assert person.app.box is not first
        assert first.daemon.machine.is_off
        await person.sees("LOCKED")


async def test_a_restart_that_takes_long_is_done_once() -> None:
    async with sitting("provisioned") as person:
        await person.sees("LOCKED")
        first = person.app.box
        assert first is not None
        boxes = []

        def look_often() -> bool:
            person.app.look()
            boxes.extend(box for box in (person.app.box,) if box is not None and box not in boxes)
            return "the box was restarted" in person.line("message")

        first.ask_power("restart")
        await person.until(look_often, "the box was restarted was not said")
        await person.sees("LOCKED")
        assert boxes == [first, person.app.box]


async def test_a_stick_with_a_fault_is_in_at_the_start() -> None:
    async with sitting("provisioned", stick="PISM-ALL:read-only") as person:
        await person.sees("PISM-ALL is LOCKED")
        assert person.app.box is not None
        assert person.app.box.sticks[0].read_only


async def test_a_locked_out_box_counts_down_and_time_cannot_be_cheated() -> None:
    async with sitting("locked-out") as person:
        await person.sees(f"{LOCKED_OUT_FAILS} failed in a row")


async def test_the_box_dims_and_the_front_shows_it() -> None:
    async with sitting("provisioned") as person:
        await person.sees("LOCKED")
        assert person.app.box is not None
        person.app.box.advance_clock(timedelta(seconds=61))
        await person.until(lambda: person.app.query_one(PanelView).has_class("dim"), "the panel dims")
