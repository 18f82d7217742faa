"""Every screen as a golden frame, and what holds for all of them."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import ImageChops

from hw.ports import KEYS
from kiosk import states
from kiosk.daemon.first_light import draw_start
from kiosk.effects import Purpose
from kiosk.entry.view import EntryView, Mode
from kiosk.screens import draw
from kiosk.screens.reader import read_lines
from kiosk.states import Entering, Glass, Home, Locked, ProposedWords, Screen, StickAsks, WrongStick
from tests.golden.frames import from_text, to_text
from tests.kiosk.facts import FACTORY, LOCKED
from tests.kiosk.samples import SAMPLES

GOLDEN = Path(__file__).parents[2] / "golden"


def _classes() -> set[type[Screen]]:
    found = (getattr(states, name) for name in states.__all__)
    return {one for one in found if isinstance(one, type) and issubclass(one, Screen)} - {Screen}


@pytest.mark.parametrize("name", SAMPLES)
def test_frame_is_the_golden_one(name: str) -> None:
    sample = SAMPLES[name]
    text = to_text(draw(sample.state, sample.entry, sample.proposal))
    golden = GOLDEN / f"{name}.txt"
    assert golden.exists(), "make golden records it"
    assert text == golden.read_text(encoding="utf-8")


def test_no_golden_frame_is_an_orphan() -> None:
    assert {path.stem for path in GOLDEN.glob("*.txt")} == set(SAMPLES)


def test_every_state_has_a_sample() -> None:
    assert {type(sample.state) for sample in SAMPLES.values()} == _classes()


def test_every_screen_says_something() -> None:
    dark = {"test-pixels-dark"}
    for name, sample in SAMPLES.items():
        assert (draw(sample.state, sample.entry, sample.proposal).getbbox() is None) == (name in dark)


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
    sample = SAMPLES[name]
    state = replace(sample.state, box=replace(sample.state.box, stuck=("5",)))
    assert "Stuck keys: 5" in " ".join(read_lines(draw(state, sample.entry, sample.proposal)))


def test_any_number_of_stuck_keys_fits_everywhere() -> None:
    for sample in SAMPLES.values():
        for count in range(1, len(KEYS) + 1):
            state = replace(sample.state, box=replace(sample.state.box, stuck=tuple(KEYS[:count])))
            draw(state, sample.entry, sample.proposal)


def test_frames_of_samples_differ() -> None:
    frames = [to_text(draw(sample.state, sample.entry, sample.proposal)) for sample in SAMPLES.values()]
    assert len(set(frames)) == len(frames)


def test_frame_text_goes_both_ways() -> None:
    for sample in SAMPLES.values():
        frame = draw(sample.state, sample.entry, sample.proposal)
        again = from_text(to_text(frame))
        assert ImageChops.logical_xor(frame, again).getbbox() is None


def test_frame_is_one_bit_and_of_the_panel() -> None:
    frame = draw(Locked(box=LOCKED))
    assert (frame.mode, frame.size) == ("1", (128, 64))


def test_dimmed_picture_moves_by_a_pixel_and_bright_one_stays() -> None:
    bright = draw(Locked(box=LOCKED))
    assert draw(Locked(box=replace(LOCKED, shift=1))).tobytes() == bright.tobytes()
    moved = {draw(Locked(box=replace(LOCKED, glass=Glass.DIM, shift=step))).tobytes() for step in range(9)}
    assert len(moved) == 9


def test_entry_view_is_not_drawn_where_no_entry_is() -> None:
    view = EntryView(mode=Mode.TEXT, line="secret_", shown="secret")
    for name, sample in SAMPLES.items():
        if isinstance(sample.state, Entering):
            continue
        plain = draw(sample.state, None, sample.proposal)
        assert draw(sample.state, view, sample.proposal).tobytes() == plain.tobytes(), name


def test_proposal_is_drawn_only_where_it_is_to_be_written_down() -> None:
    proposal = SAMPLES["proposed-words"].proposal
    for name, sample in SAMPLES.items():
        if isinstance(sample.state, ProposedWords):
            continue
        plain = draw(sample.state, sample.entry)
        assert draw(sample.state, sample.entry, proposal).tobytes() == plain.tobytes(), name


@pytest.mark.parametrize("length", [1, 21, 84, 85, 127, 128])
@pytest.mark.parametrize("unit", ["a", "a ", "ab  ", "wordy "])
def test_shown_text_of_any_length_fits(length: int, unit: str) -> None:
    shown = (unit * length)[:length]
    view = EntryView(mode=Mode.TEXT, layer="abc", shown=shown, length=length)
    frame = draw(Entering(box=FACTORY, purpose=Purpose.CHOOSE), view)
    assert frame.getbbox() is not None


def test_a_state_without_a_screen_is_a_bug() -> None:
    with pytest.raises(NotImplementedError):
        draw(Screen(box=LOCKED))


def test_importing_machine_and_screens_brings_nothing_heavy() -> None:
    code = (
        "import sys, kiosk.machine, kiosk.screens, kiosk.text.messages;"
        "heavy = {'cryptography', 'segno', 'mnemonic', 'pyrage', 'yaml', 'msgspec', 'luma', 'gpiozero'};"
        "kinds = {f'core.{kind}_errors' for kind in ('archive', 'config', 'request', 'rescue', 'state')};"
        "errors = {'core.errors'} | kinds;"
        "own = {n for n in sys.modules if n.startswith('core.')} - errors;"
        "print(sorted((heavy & set(sys.modules)) | own))"
    )
    command = [sys.executable, "-c", code]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, cwd=GOLDEN.parents[1])
    assert ran.stdout.strip() == "[]"


def test_first_frame_is_the_one_of_boot_and_needs_no_machine() -> None:
    assert draw_start().tobytes() == draw(SAMPLES["boot"].state).tobytes()
    code = (
        "import sys, kiosk.daemon.first_light;"
        "print(sorted(n for n in sys.modules if n.startswith(('kiosk.', 'hw.'))))"
    )
    command = [sys.executable, "-c", code]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, cwd=GOLDEN.parents[1])
    assert ran.stdout.strip() == "['kiosk.daemon.first_light', 'kiosk.screens.canvas', 'kiosk.text.wrap']"


def test_qr_is_lit_ground_with_a_quiet_zone() -> None:
    frame = draw(SAMPLES["roots-qr"].state)
    for edge in ((0, 0, 64, 3), (0, 61, 64, 64), (0, 0, 3, 64), (61, 0, 64, 64)):
        assert frame.crop(edge).getextrema() == (255, 255)
    assert frame.crop((3, 3, 17, 5)).getextrema() == (0, 0), "the finder pattern begins in the corner"


def test_screen_survives_a_box_without_what_it_shows() -> None:
    for state in (Home(box=LOCKED), WrongStick(box=LOCKED), StickAsks(box=LOCKED)):
        assert draw(state).getbbox() is not None
