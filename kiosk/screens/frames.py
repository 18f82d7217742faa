"""Pictures of the panel as text: half blocks where a terminal is wide, braille where it is not.

And as files: enlarged, with a strip below that says that no real box made them.
"""

from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from kiosk.screens.canvas import Canvas

BLOCK_COLUMNS = 130  # 128 pixels and the frame
STRIP_HEIGHT = 12
_BLOCKS = " ▀▄█"
_BRAILLE = 0x2800
# Unicode 2800-28FF: which bit is which dot, by (column, row) of a cell of 2x4.
_DOTS = {(0, 0): 1, (0, 1): 2, (0, 2): 4, (1, 0): 8, (1, 1): 16, (1, 2): 32, (0, 3): 64, (1, 3): 128}


def render(picture: Image.Image, columns: int, title: str = "") -> tuple[str, ...]:
    """Return a picture as lines that fit a terminal.

    Args:
        picture: 128x64, mode "1".
        columns: Of the terminal; at least 66.
        title: Set into the frame's upper edge.
    """
    rows = render_rows(picture, blocks=columns >= BLOCK_COLUMNS)
    width = len(rows[0])
    heading = f"─ {title} " if title else ""
    return (
        f"┌{heading}{'─' * (width - len(heading))}┐",
        *(f"│{row}│" for row in rows),
        f"└{'─' * width}┘",
    )


def render_rows(picture: Image.Image, *, blocks: bool) -> tuple[str, ...]:
    """Return a picture as lines: half blocks, a character for 1x2 pixels; else braille, for 2x4."""
    return tuple(_blocks(picture) if blocks else _braille(picture))


def save_emulated(picture: Image.Image, path: Path) -> None:
    """Write a picture as PNG, four times enlarged, marked as an emulation."""
    strip = Canvas().centre(0, "EMULATION").image.crop((0, 0, picture.width, STRIP_HEIGHT))
    marked = Image.new("1", (picture.width, picture.height + 1 + STRIP_HEIGHT), 1)
    marked.paste(picture, (0, 0))
    marked.paste(strip, (0, picture.height + 1))
    marked.resize((marked.width * 4, marked.height * 4), Image.Resampling.NEAREST).save(path)


def _blocks(picture: Image.Image) -> Iterator[str]:
    for top in range(0, picture.height, 2):
        yield "".join(
            _BLOCKS[_is_lit(picture, x, top) + 2 * _is_lit(picture, x, top + 1)] for x in range(picture.width)
        )


def _braille(picture: Image.Image) -> Iterator[str]:
    for top in range(0, picture.height, 4):
        yield "".join(
            chr(_BRAILLE + sum(bit for (x, y), bit in _DOTS.items() if _is_lit(picture, left + x, top + y)))
            for left in range(0, picture.width, 2)
        )


def _is_lit(picture: Image.Image, x: int, y: int) -> bool:
    return bool(picture.getpixel((x, y)))
