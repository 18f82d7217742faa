"""What screens are drawn with: one bitmap font in two sizes, five rows, bars, and nothing that overflows.

The panel is 128x64. Row 0 is the title, rows 1 to 3 the body, row 4 says what the keys do:

    y -1  TITLE                    right     rule below at y 11
    y 13  body row 1
    y 26  body row 2
    y 39  body row 3
    y 53  #go on              *back          rule above at y 52

A text that needs four body rows is set tight, ten pixels a row, under a strong title.

Rules:

1. Text that would leave the panel raises TextOverflowError: a page must fit or shorten it (kiosk.text.wrap).
2. The font is a bitmap of our own (kiosk.screens.font), so a frame is the same on every machine.
"""

from typing import Self

from PIL import Image, ImageDraw

from kiosk.screens.font import CELL_HEIGHT, CELL_WIDTH, glyph
from kiosk.text.wrap import BIG_COLUMNS, COLUMNS, clean

WIDTH, HEIGHT = 128, 64
LEFT = 1  # 21 cells are 126 pixels: one stays free on either side
ROW_Y = (-1, 13, 26, 39, 53)  # the two top rows of a cell are empty
TITLE_RULE_Y = 11
TIGHT_Y = (11, 21, 31, 40)
TIGHTEST_Y = (11, 20, 29, 38)
KEYS_RULE_Y = 52
BAR_HEIGHT = 9
PAGE_PITCH = 9
MOVES = ((0, 0), (1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1))


class TextOverflowError(ValueError):
    """A text does not fit where a screen put it: a bug of that screen."""


class Canvas:
    """A frame in the making."""

    def __init__(self) -> None:
        self.image = Image.new("1", (WIDTH, HEIGHT))
        self._draw = ImageDraw.Draw(self.image)

    def text(self, row: int, text: str, *, column: int = 0, right: bool = False, lit: bool = True) -> Self:
        """Put text on a row.

        Args:
            row: 0 to 4.
            text: At most as long as the row has columns left; unknown characters become "?".
            column: Of its first character.
            right: End at the last column instead.
            lit: False: dark on lit ground that is there already.

        Raises:
            TextOverflowError: It is longer.
        """
        if right:
            column = COLUMNS - len(text)
        if not 0 <= column <= COLUMNS - len(text):
            raise TextOverflowError(f"{len(text)} characters at column {column} of row {row}")
        self._put(LEFT + column * CELL_WIDTH, ROW_Y[row], text, lit=lit)
        return self

    def centre(self, row: int, text: str) -> Self:
        """Put text in the middle of a row; TextOverflowError when it is longer than the row."""
        if len(text) > COLUMNS:
            raise TextOverflowError(f"{len(text)} characters on row {row}")
        self._put((WIDTH - len(text) * CELL_WIDTH) // 2, ROW_Y[row], text)
        return self

    def big(self, text: str, y: int = 15, *, icon: str = "") -> Self:
        """Put text of double size in the middle; TextOverflowError beyond ten characters.

        Args:
            text: Unknown characters become "?".
            y: First pixel row.
            icon: One of kiosk.text.wrap; it stands before the text, and a space between.
        """
        shown = f"{icon} {clean(text)}" if icon else clean(text)
        if len(shown) > BIG_COLUMNS or not 0 <= y <= HEIGHT - 2 * CELL_HEIGHT:
            raise TextOverflowError(f"{len(shown)} large characters at y {y}")
        small = Image.new("1", (max(1, len(shown) * CELL_WIDTH), CELL_HEIGHT))
        for column, character in enumerate(shown):
            small.paste(glyph(character), (column * CELL_WIDTH, 0))
        large = small.resize((small.width * 2, small.height * 2), Image.Resampling.NEAREST)
        self.image.paste(large, ((WIDTH - large.width) // 2, y))
        return self

    def title(self, text: str, right: str = "", *, strong: bool = False) -> Self:
        """Put the title, a word at its right end, and its rule; `strong` lights the whole row.

        Raises:
            TextOverflowError: The two do not fit with a space between.
        """
        if right and len(text) + 1 + len(right) > COLUMNS:
            raise TextOverflowError(f"{len(text)} and {len(right)} characters in a title")
        if strong:
            self._draw.rectangle((0, 0, WIDTH - 1, TITLE_RULE_Y), fill=1)
        else:
            self._draw.line((0, TITLE_RULE_Y, WIDTH - 1, TITLE_RULE_Y), fill=1)
        self.text(0, text, lit=not strong)
        return self.text(0, right, right=True, lit=not strong)

    def icon(self, icon: str, *, lit: bool = True) -> Self:
        """Put an icon of kiosk.text.wrap at the right end of the title; `lit` as for `text`."""
        place = (LEFT + (COLUMNS - 1) * CELL_WIDTH, ROW_Y[0])
        self._draw.bitmap(place, glyph(icon), fill=int(lit))
        return self

    def keys(self, left: str, right: str = "") -> Self:
        """Put the bottom row: what the keys do; TextOverflowError when the two do not fit."""
        if right and len(left) + 1 + len(right) > COLUMNS:
            raise TextOverflowError(f"{len(left)} and {len(right)} characters of keys")
        self._draw.line((0, KEYS_RULE_Y, WIDTH - 1, KEYS_RULE_Y), fill=1)
        return self.text(4, left).text(4, right, right=True)

    def body(self, lines: tuple[str, ...]) -> Self:
        """Put up to three lines on the body rows; TextOverflowError when there are more."""
        if len(lines) > len(ROW_Y) - 2:
            raise TextOverflowError(f"{len(lines)} lines in a body")
        for row, line in enumerate(lines, start=1):
            self.text(row, line)
        return self

    def tight(self, lines: tuple[str, ...], *, column: int = 0, rows: tuple[int, ...] = TIGHT_Y) -> Self:
        """Put up to four lines between title and keys.

        Args:
            lines: As many as there are rows, or fewer.
            column: Of the first character of each.
            rows: Where they stand; TIGHTEST_Y costs fewer bytes on the bus than TIGHT_Y.

        Raises:
            TextOverflowError: There are more, or one is longer than its row.
        """
        if len(lines) > len(rows) or any(column + len(line) > COLUMNS for line in lines):
            raise TextOverflowError(f"{len(lines)} tight lines, the longest {max(map(len, lines))}")
        for y, line in zip(rows, lines, strict=False):
            self._put(LEFT + column * CELL_WIDTH, y, line)
        return self

    def lines(self, lines: tuple[str, ...]) -> Self:
        """Put up to four lines between title and keys, tight only if four; TextOverflowError beyond."""
        return self.tight(lines) if len(lines) == len(TIGHT_Y) else self.body(lines)

    def page(self, lines: tuple[str, ...]) -> Self:
        """Put up to seven lines over the whole panel, nine pixels a row; TextOverflowError beyond."""
        if len(lines) > HEIGHT // PAGE_PITCH or any(len(line) > COLUMNS for line in lines):
            raise TextOverflowError(f"{len(lines)} lines on a page")
        for number, line in enumerate(lines):
            self._put(LEFT, number * PAGE_PITCH - 2, line)  # a cell's two top rows are empty
        return self

    def cell(self, key: str, left: int, top: int, side: int, *, lit: bool) -> Self:
        """Put one character in a framed square; `lit`: dark on lit ground."""
        self._draw.rectangle((left, top, left + side - 2, top + side - 2), outline=1, fill=int(lit))
        self._put(left + (side - CELL_WIDTH) // 2, top + (side - CELL_HEIGHT) // 2 - 1, key, lit=not lit)
        return self

    def bar(self, row: int, share: float, *, left: int = LEFT, width: int = WIDTH - 2 * LEFT) -> Self:
        """Put a framed bar on a row, filled from the left.

        Args:
            row: 0 to 4.
            share: 0.0 to 1.0; what lies outside is drawn as the nearer end.
            left: First pixel column.
            width: Pixels with the frame.

        Raises:
            TextOverflowError: It would leave the panel.
        """
        if left < 0 or left + width > WIDTH:
            raise TextOverflowError(f"a bar of {width} pixels at {left}")
        top = ROW_Y[row] + 1
        self._draw.rectangle((left, top, left + width - 1, top + BAR_HEIGHT - 1), outline=1)
        filled = round(min(1.0, max(0.0, share)) * (width - 4))
        if filled:
            self._draw.rectangle((left + 2, top + 2, left + 1 + filled, top + BAR_HEIGHT - 3), fill=1)
        return self

    def box(self, left: int, top: int, width: int, height: int) -> Self:
        """Fill a rectangle with light."""
        self._draw.rectangle((left, top, left + width - 1, top + height - 1), fill=1)
        return self

    def _put(self, x: int, y: int, text: str, *, lit: bool = True) -> None:
        for column, character in enumerate(clean(text)):
            self._draw.bitmap((x + column * CELL_WIDTH, y), glyph(character), fill=int(lit))


def shifted(image: Image.Image, step: int) -> Image.Image:
    """Return the picture moved by a pixel or two, as the step says; what moves out is empty margin mostly.

    Args:
        image: A whole frame.
        step: 0 or more; 0 leaves it where it is.
    """
    dx, dy = MOVES[step % len(MOVES)]
    moved = Image.new("1", image.size)
    moved.paste(image, (dx, dy))
    return moved
