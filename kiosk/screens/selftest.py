"""The self-test: keys, pixels, findings."""

from hw.ports import KEYS
from kiosk.screens.canvas import HEIGHT, WIDTH, Canvas
from kiosk.screens.paint import View, page_mark, paint
from kiosk.states import TestFindings, TestKeys, TestPixels
from kiosk.text.wrap import BODY_ROWS, count_pages, fit

_CELL = 16
_SEEN_COLUMN = 12
_FINDING_COLUMNS = 8


@paint.register
def _(state: TestKeys, canvas: Canvas, _view: View) -> None:
    for number, key in enumerate(KEYS):
        left, top = number % 4 * _CELL, number // 4 * _CELL
        canvas.cell(key, left, top, _CELL, lit=key in state.seen)
    for row, line in enumerate(("Press", "each key", f"{len(state.seen)} of 16", "Hold *", "to go on")):
        canvas.text(row, line, column=_SEEN_COLUMN)


@paint.register
def _(state: TestPixels, canvas: Canvas, _view: View) -> None:
    if state.pattern == 0:
        canvas.box(0, 0, WIDTH, HEIGHT)
    elif state.pattern > 1:
        # A chessboard of single pixels, then its opposite.
        for y in range(HEIGHT):
            for x in range((y + state.pattern) % 2, WIDTH, 2):
                canvas.image.putpixel((x, y), 255)


@paint.register
def _(state: TestFindings, canvas: Canvas, _view: View) -> None:
    good = all(row.good for row in state.rows)
    mark = page_mark(state.page, count_pages(len(state.rows)))
    canvas.title("ALL IS WELL" if good else "A TEST FAILED", mark, strong=not good)
    first = state.page * BODY_ROWS
    for row, found in enumerate(state.rows[first : first + BODY_ROWS], start=1):
        canvas.text(row, fit(found.name, 12))
        canvas.text(
            row, fit(found.finding or ("ok" if found.good else "FAULT"), _FINDING_COLUMNS), right=True
        )
    canvas.keys("#next", "*back")
