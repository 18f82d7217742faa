"""Pictures of the panel as text and as files: every pixel stands where it was."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from PIL import Image

from kiosk.screens.canvas import Canvas
from kiosk.screens.frames import BLOCK_COLUMNS, render, save_emulated
from kiosk.screens.reader import read_text

WIDTH, HEIGHT = 128, 64


def decode(lines: tuple[str, ...]) -> Image.Image:
    """Return the picture that a frame shows, by the meaning of its characters."""
    image = Image.new("1", (WIDTH, HEIGHT))
    rows = [line[1:-1] for line in lines[1:-1]]
    for y, row in enumerate(rows):
        for x, character in enumerate(row):
            if ord(character) >= 0x2800:
                bits = ord(character) - 0x2800
                dots = ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3))
                for bit, (dx, dy) in enumerate(dots):
                    image.putpixel((2 * x + dx, 4 * y + dy), bits >> bit & 1)
            else:
                image.putpixel((x, 2 * y), character in "▀█")
                image.putpixel((x, 2 * y + 1), character in "▄█")
    return image


@settings(deadline=None, max_examples=10)
@given(some.binary(min_size=WIDTH * HEIGHT // 8, max_size=WIDTH * HEIGHT // 8))
def test_no_pixel_is_lost(data: bytes) -> None:
    picture = Image.frombytes("1", (WIDTH, HEIGHT), data)
    for columns in (BLOCK_COLUMNS, 66):
        assert decode(render(picture, columns)).tobytes() == data


@pytest.mark.parametrize(
    ("columns", "width", "height"), [(200, 130, 34), (130, 130, 34), (80, 66, 18), (0, 66, 18)]
)
def test_a_frame_fits_the_terminal(columns: int, width: int, height: int) -> None:
    lines = render(Image.new("1", (WIDTH, HEIGHT)), columns, "emulated")
    assert {len(line) for line in lines} == {width}
    assert len(lines) == height
    assert "emulated" in lines[0]


def test_a_saved_picture_says_that_it_is_an_emulation(tmp_path: Path) -> None:
    picture = Canvas().title("LOCKED").image
    path = tmp_path / "locked.png"
    save_emulated(picture, path)
    with Image.open(path) as saved:
        small = saved.convert("1").resize((saved.width // 4, saved.height // 4), Image.Resampling.NEAREST)
    assert small.crop((0, 0, WIDTH, HEIGHT)).tobytes() == picture.tobytes()
    strip = Image.new("1", (WIDTH, HEIGHT))
    strip.paste(small.crop((0, HEIGHT + 1, WIDTH, small.height)))
    assert read_text(strip) == "EMULATION"
