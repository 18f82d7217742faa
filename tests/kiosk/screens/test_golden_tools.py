"""The page that shows old, new and difference."""

from pathlib import Path

from PIL import Image

from kiosk.screens.canvas import Canvas
from tests.golden.compare import difference, make_page, section
from tests.golden.record import FOLDER, record
from tests.kiosk.samples import SAMPLES


def test_recorded_frames_make_a_page_without_changes() -> None:
    changed, page = make_page()
    assert changed == 0
    assert page.count("<img") == page.count('class="same"')


def test_changed_frame_is_shown_three_times() -> None:
    old, new = Canvas().text(1, "old").image, Canvas().text(1, "new").image
    changed, text = section("a-screen", old, new)
    assert changed
    assert text.count("<img") == 3


def test_missing_and_orphaned_frames_are_changes() -> None:
    frame = Image.new("1", (128, 64))
    assert section("a-screen", None, frame)[0]
    assert section("a-screen", frame, None)[0]


def test_difference_is_red_for_gone_and_green_for_come() -> None:
    old, new = Image.new("1", (128, 64)), Image.new("1", (128, 64))
    old.putpixel((1, 1), 255)
    new.putpixel((2, 2), 255)
    shown = difference(old, new)
    assert shown.getpixel((1, 1)) == (255, 0, 0)
    assert shown.getpixel((2, 2)) == (0, 255, 0)
    assert shown.getpixel((3, 3)) == (0, 0, 0)


def test_recording_draws_every_sample_and_deletes_what_none_draws(tmp_path: Path) -> None:
    (tmp_path / "nobody.txt").write_text("x")
    told = record(tmp_path)
    assert "deleted nobody.txt" in told
    assert {path.stem for path in tmp_path.iterdir()} == set(SAMPLES)
    assert (tmp_path / "locked.txt").read_text() == (FOLDER / "locked.txt").read_text()
    assert record(tmp_path) == ()
