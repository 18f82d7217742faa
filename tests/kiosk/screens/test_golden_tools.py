"""The page that shows old, new and difference."""

from pathlib import Path

from PIL import Image

from kiosk.screens.canvas import Canvas
from tests.golden.compare import FOLDER, difference, make_page, section
from tests.golden.record import record


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


def test_the_recorder_draws_what_is_missing_and_deletes_orphans(tmp_path: Path) -> None:
    for name in ("locked.txt", "home.txt"):
        (tmp_path / name).write_text((FOLDER / name).read_text())
    (tmp_path / "home.txt").write_text("another picture")
    (tmp_path / "orphan.txt").write_text("of no sample")
    done = list(record(tmp_path))
    assert "deleted orphan.txt" in done
    assert "recorded home.txt" in done
    assert "recorded locked.txt" not in done
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in FOLDER.glob("*.txt")}
    assert list(record(tmp_path)) == []
