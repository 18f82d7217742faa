"""Reads the text off a picture of the panel, as a person would: for scenarios, tests and the emulator.

The font is a bitmap and rows stand where kiosk.screens.canvas puts them, so reading is exact: a cell is a
glyph of the font or it is not. Dark text on lit ground is read too, large text as well; what is no text
(bars, charts, codes, rules) is passed over. A picture that was moved to spare the panel is moved back first:
it stands where its title or its keys, or else the most text, can be read.

A cell is told by its five columns, without its two top rows: the tails of a tight row above may hang there.
"""

from collections.abc import Iterable
from functools import cache, lru_cache
from typing import Final

from PIL import Image, ImageChops

from kiosk.screens.canvas import (
    HEIGHT,
    KEYS_RULE_Y,
    LEFT,
    MOVES,
    ROW_Y,
    TIGHT_Y,
    WIDTH,
)
from kiosk.screens.font import CELL_HEIGHT, CELL_WIDTH, glyph
from kiosk.text.wrap import COLUMNS, ICONS

_CHARACTERS: Final = (*map(chr, range(0x20, 0x7F)), *ICONS)
_STARTS: Final = (LEFT, (LEFT + CELL_WIDTH // 2) % CELL_WIDTH)  # left-bound rows, centred even rows
_GROUND: Final = WIDTH - 2  # the last cell's sixth column, which no glyph reaches
_TOPS: Final = tuple(sorted({*ROW_Y, *TIGHT_Y}))
_KEPT: Final = 256
_RULE: Final = "_" * COLUMNS  # a rule across the panel looks like this


def read_lines(picture: Image.Image) -> tuple[str, ...]:
    """Return the lines of text on a picture of the panel, from top to bottom.

    Args:
        picture: 128x64, mode "1".
    """
    return _read_bits(picture.tobytes())


@lru_cache(maxsize=_KEPT)
def _read_bits(bits: bytes) -> tuple[str, ...]:
    """Return the lines on a picture; who waits for a page reads the one before it again and again."""
    picture = Image.frombytes("1", (WIDTH, HEIGHT), bits)
    places = [_move_back(picture, dx, dy) for dx, dy in MOVES]
    for place in places:
        if _read_either(place, ROW_Y[0]) or _read_either(place, ROW_Y[-1]):
            return _read_all(place)
    return max((_read_all(place) for place in places), key=lambda lines: sum(map(len, lines)))


def _move_back(picture: Image.Image, dx: int, dy: int) -> Image.Image:
    """Return a picture as it was before it was moved; a top row that went over the edge is ground."""
    place = ImageChops.offset(picture, -dx, -dy)
    if dy < 0:
        place.paste(place.crop((_GROUND, 1, _GROUND + 1, 2)).resize((WIDTH, 1)), (0, 0))
    return place


def _read_all(picture: Image.Image) -> tuple[str, ...]:
    """Return the lines of a picture that was not moved."""
    found: dict[int, str] = {}
    for top in _TOPS:
        text = _read_either(picture, top)
        if text and text != _RULE:
            found[top] = text
    for top in range(HEIGHT - 2 * CELL_HEIGHT + 1):
        if text := _read_big(picture, top):
            covered = range(top - CELL_HEIGHT + 1, top + 2 * CELL_HEIGHT)
            found = {y: line for y, line in found.items() if y not in covered} | {top: text}
            break
    return tuple(found[top] for top in sorted(found))


def read_text(picture: Image.Image) -> str:
    """Return the text on a picture of the panel, lines parted by a line feed."""
    return "\n".join(read_lines(picture))


def _read_either(picture: Image.Image, top: int) -> str:
    """Return the text of one row, light on dark or dark on light."""
    return _read_row(picture, top) or _read_row(
        ImageChops.logical_xor(picture, Image.new("1", picture.size, 1)), top
    )


def _read_row(picture: Image.Image, top: int) -> str:
    """Return the text of one row; "" when what stands there is not text."""
    readings = (
        _read_cells(picture, range(start, WIDTH - CELL_WIDTH + 1, CELL_WIDTH), top) for start in _STARTS
    )
    return max(readings, key=len)


def _read_big(picture: Image.Image, top: int) -> str:
    """Return the large text whose cells begin at `top`; "" when there is none."""
    band = picture.crop((0, top, WIDTH, top + 2 * CELL_HEIGHT))
    half = band.resize((WIDTH // 2, CELL_HEIGHT), Image.Resampling.NEAREST)
    if half.resize(band.size, Image.Resampling.NEAREST).tobytes() != band.tobytes():
        return ""
    last = WIDTH // 2 - CELL_WIDTH + 1
    readings = (_read_cells(half, range(start, last, CELL_WIDTH), 0) for start in range(CELL_WIDTH))
    return max(readings, key=len)


def _read_cells(picture: Image.Image, lefts: Iterable[int], top: int) -> str:
    """Return the text in the cells of a row; "" when one of them holds anything but a glyph."""
    bottom = min(top + CELL_HEIGHT, KEYS_RULE_Y if top < KEYS_RULE_Y else HEIGHT - 1)
    font = _font_by_bits(bottom - top - 2)
    characters = []
    for left in lefts:
        character = font.get(picture.crop((left, top + 2, left + CELL_WIDTH - 1, bottom)).tobytes())
        if character is None:
            return ""
        characters.append(character)
    return "".join(characters).strip()


@cache
def _font_by_bits(height: int) -> dict[bytes, str]:
    """Return the font turned round: the bits of a cell, and the character that makes them.

    Args:
        height: Rows below the cell's two top rows; the ninth, which alone tells "_" from a blank and "q"
            from "g", can be under the rule above the keys, or off the glass: the latter are taken then.
    """
    font: dict[bytes, str] = {}
    for character in _CHARACTERS:
        cell = glyph(character).crop((0, 2, CELL_WIDTH - 1, 2 + height))
        font.setdefault(cell.tobytes(), character)
    return font
