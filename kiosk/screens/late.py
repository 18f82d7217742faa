"""What was signed while the clock was ahead."""

from kiosk.rules.late import count_late_pages
from kiosk.screens.canvas import Canvas
from kiosk.screens.paint import View, page_mark, paint
from kiosk.states import SignedAhead
from kiosk.text.wrap import BODY_ROWS, fit_path

_PATH_COLUMNS = 15
_MAX_COUNT = 99_999


@paint.register
def _(state: SignedAhead, canvas: Canvas, _view: View) -> None:
    canvas.title("CLOCK WAS AHEAD", page_mark(state.page, count_late_pages(state)), strong=True)
    if state.page == 0:
        count = min(len(state.late.certificate_ids), _MAX_COUNT)
        canvas.body((f"{count} were signed", "with a later date.", "Revoke all of them?"))
    else:
        first = (state.page - 1) * BODY_ROWS
        for row, target in enumerate(state.late.targets[first : first + BODY_ROWS], start=1):
            canvas.text(row, fit_path(target.path, _PATH_COLUMNS))
            canvas.text(row, f"{min(target.count, _MAX_COUNT)}", right=True)
    canvas.keys("#hold yes D which", "*no")
