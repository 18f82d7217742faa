"""Every screen as a golden frame, and what holds for all of them."""

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import ImageChops

from hw.ports import KEYS
from kiosk.daemon.first_light import draw_start
from kiosk.entry.buffers import Purpose
from kiosk.entry.view import EntryView, Mode
from kiosk.screens.drawing import draw
from kiosk.screens.page import Entry, Page, Pairs, Proposed
from kiosk.screens.reader import read_lines
from tests.golden.frames import from_text, to_text
from tests.kiosk.samples import SAMPLES

GOLDEN = Path(__file__).parents[2] / "golden"


@pytest.mark.parametrize("name", SAMPLES)
def test_frame_is_the_golden_one(name: str) -> None:
    text = to_text(SAMPLES[name].draw())
    golden = GOLDEN / f"{name}.txt"
    assert golden.exists(), "make golden records it"
    assert text == golden.read_text(encoding="utf-8")


def test_no_golden_frame_is_an_orphan() -> None:
    assert {path.stem for path in GOLDEN.glob("*.txt")} == set(SAMPLES)


def test_every_page_says_something() -> None:
    dark = {"test-pixels-dark"}
    for name, sample in SAMPLES.items():
        assert (sample.draw().getbbox() is None) == (name in dark)


@pytest.mark.parametrize("typed", ["7", "73532", "735328", "73532867"])
@pytest.mark.parametrize("words", range(25))
def test_any_number_of_words_and_digits_fits_the_line_of_an_entry(words: int, typed: str) -> None:
    view = EntryView(mode=Mode.WORDS, position=words + 1, typed=typed, line=f"{'*' * words}{typed}_")
    assert f"{typed}_" in read_lines(draw(Entry(purpose=Purpose.UNLOCK), entry=view))[0]


ASKING = (
    "welcome",
    "confirm-date",
    "review-setup-first",
    "choose-passphrase",
    "proposed-words",
    "mismatch-own",
)
ASKING += ("entry-words-start", "entry-text-weak", "entry-date", "refused-correct")
ASKING += ("locked", "stick-asks", "wrong-stick-label", "home", "menu")


@pytest.mark.parametrize("name", ASKING)
def test_stuck_keys_are_named_wherever_keys_are_asked(name: str) -> None:
    assert "Stuck keys: 5" in " ".join(read_lines(SAMPLES[name].draw(stuck=("5",))))


def test_any_number_of_stuck_keys_fits_everywhere() -> None:
    for sample in SAMPLES.values():
        for count in range(1, len(KEYS) + 1):
            sample.draw(stuck=tuple(KEYS[:count]))


def test_frames_of_samples_differ() -> None:
    frames = [to_text(sample.draw()) for sample in SAMPLES.values()]
    assert len(set(frames)) == len(frames)


def test_frame_text_goes_both_ways() -> None:
    for sample in SAMPLES.values():
        frame = sample.draw()
        again = from_text(to_text(frame))
        assert ImageChops.logical_xor(frame, again).getbbox() is None


def test_frame_is_one_bit_and_of_the_panel() -> None:
    frame = SAMPLES["locked"].draw()
    assert (frame.mode, frame.size) == ("1", (128, 64))


def test_dimmed_picture_moves_by_a_pixel_and_bright_one_stays() -> None:
    page = SAMPLES["locked"].page
    moved = {draw(page, shift=step).tobytes() for step in range(9)}
    assert len(moved) == 9
    assert draw(page).tobytes() in moved


def test_entry_view_is_not_drawn_where_no_entry_is() -> None:
    view = EntryView(mode=Mode.TEXT, line="secret_", shown="secret")
    for name, sample in SAMPLES.items():
        if isinstance(sample.page, Entry):
            continue
        plain = draw(sample.page, None, sample.proposal)
        assert draw(sample.page, view, sample.proposal).tobytes() == plain.tobytes(), name


def test_proposal_is_drawn_only_where_it_is_to_be_written_down() -> None:
    proposal = SAMPLES["proposed-words"].proposal
    for name, sample in SAMPLES.items():
        if isinstance(sample.page, Page) and isinstance(sample.page.body, Proposed):
            continue
        plain = draw(sample.page, sample.entry)
        assert draw(sample.page, sample.entry, proposal).tobytes() == plain.tobytes(), name


@pytest.mark.parametrize("length", [1, 21, 84, 85, 127, 128])
@pytest.mark.parametrize("unit", ["a", "a ", "ab  ", "wordy "])
def test_shown_text_of_any_length_fits(length: int, unit: str) -> None:
    shown = (unit * length)[:length]
    view = EntryView(mode=Mode.TEXT, layer="abc", shown=shown, length=length)
    frame = draw(Entry(purpose=Purpose.CHOOSE), view)
    assert frame.getbbox() is not None


def test_what_does_not_fit_a_page_is_a_bug() -> None:
    for page in (
        Page(title="x" * 22),
        Page(body=("x",) * 5),
        Page(left="x" * 15, right="x" * 7),
        Page(body=Pairs(rows=(("x" * 22, ""),))),
    ):
        with pytest.raises(ValueError, match=r"characters|lines"):
            draw(page)


def test_importing_flows_and_screens_brings_nothing_heavy() -> None:
    code = (
        "import sys, kiosk.machine.machine, kiosk.flows.menu, kiosk.screens.drawing;"
        "kiosk.flows.menu.all_items();"
        "heavy = {'cryptography', 'segno', 'pyrage', 'sqlcipher3', 'luma', 'gpiozero', 'pyudev'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, cwd=GOLDEN.parents[1])
    assert ran.stdout.strip() == "[]"


def test_first_frame_is_the_one_of_boot_and_needs_no_machine() -> None:
    assert draw_start().tobytes() == SAMPLES["boot"].draw().tobytes()
    code = (
        "import sys, kiosk.daemon.first_light;"
        "print(sorted(n for n in sys.modules if n.startswith(('core', 'kiosk.'))))"
    )
    command = [sys.executable, "-c", code]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, cwd=GOLDEN.parents[1])
    needed = [
        "daemon",
        "daemon.first_light",
        "screens",
        "screens.canvas",
        "screens.font",
        "text",
        "text.wrap",
    ]
    assert ran.stdout.strip() == repr([f"kiosk.{name}" for name in needed])


def test_qr_is_lit_ground_with_a_quiet_zone() -> None:
    frame = SAMPLES["roots-qr"].draw()
    for edge in ((0, 0, 64, 3), (0, 61, 64, 64), (0, 0, 3, 64), (61, 0, 64, 64)):
        assert frame.crop(edge).getextrema() == (255, 255)
    assert frame.crop((3, 3, 17, 5)).getextrema() == (0, 0), "the finder pattern begins in the corner"
