"""Reading text off the panel: what was drawn is read back, and what is no text is passed over."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from PIL import Image

from kiosk.screens.canvas import MOVES, Canvas, shifted
from kiosk.screens.reader import read_lines, read_text
from kiosk.text.wrap import COLUMNS
from tests.kiosk.samples import SAMPLES

# "_" and "q" touch the last row of their cell, which the rule above the keys can hide
LETTERS = some.text(
    some.sampled_from("abcdefghijklmnoprstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-/#*?."),
    min_size=1,
    max_size=COLUMNS,
)


@settings(deadline=None, max_examples=50)
@given(some.lists(LETTERS, min_size=3, max_size=3))
def test_lines_are_read_as_they_were_drawn(lines: list[str]) -> None:
    assert read_lines(Canvas().body(tuple(lines)).image) == tuple(lines)


def test_tight_lines_are_read_whatever_hangs_down_from_the_one_above() -> None:
    lines = ("gypsy jumping", "gypsy jumping", "gypsy jumping, 226", "2 by Quest")
    assert read_lines(Canvas().title("SAFE", strong=True).tight(lines).image) == ("SAFE", *lines)


@pytest.mark.parametrize("strong", [True, False])
def test_titles_and_keys_are_read(strong: bool) -> None:  # noqa: FBT001  pytest passes it by name
    canvas = Canvas().title("SAFE TO REMOVE", strong=strong).keys("#unlock", "*leave")
    lines = read_lines(canvas.image)
    assert lines[0] == "SAFE TO REMOVE"
    assert lines[-1].split() == ["#unlock", "*leave"]


def test_large_text_is_read() -> None:
    assert "LOCKED" in read_text(Canvas().big("LOCKED", 10).image)


def test_an_empty_or_a_lit_panel_has_no_text() -> None:
    assert read_text(Image.new("1", (128, 64))) == ""
    assert read_text(Image.new("1", (128, 64), 1)) == ""


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("safe-to-remove", "SAFE TO REMOVE"),
        ("stick-asks", "STICK PISM-ALL asks"),
        ("working", "signer 137 of 226"),
        ("locked", "LOCKED"),
        ("welcome", "FIRST SET-UP"),
        ("problem", "E-STICK-FULL"),
        ("pulled-early", "Put it in again"),
    ],
)
def test_screens_are_read(name: str, text: str) -> None:
    sample = SAMPLES[name]
    assert text in read_text(sample.draw())


@pytest.mark.parametrize("step", range(1, len(MOVES)))
@pytest.mark.parametrize("name", ["working", "locked", "boot", "problem", "off", "status"])
def test_a_moved_picture_is_read_as_if_it_stood(name: str, step: int) -> None:
    sample = SAMPLES[name]
    picture = sample.draw()
    assert read_lines(shifted(picture, step)) == read_lines(picture)
