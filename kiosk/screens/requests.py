"""Signing requests: what is asked for, the key's fingerprint, and why one is refused."""

from kiosk.screens.canvas import Canvas
from kiosk.screens.paint import View, paint
from kiosk.states import RequestAsked, RequestKey, RequestRefused, RequestReview
from kiosk.text.messages import explain
from kiosk.text.wrap import fit, fit_path, wrap

_SUBJECT_ROWS = 2
_TOLD_ROWS = 3
_GROUP = 4
_GROUPS_A_LINE = 4


def _mark(review: RequestReview) -> str:
    return f"{review.index + 1}/{len(review.rows)}"


def _cut(text: str, rows: int) -> tuple[str, ...]:
    """Return the text on so many rows, its end cut."""
    lines = wrap(text)
    if len(lines) <= rows:
        return lines
    return (*lines[: rows - 1], fit(" ".join(lines[rows - 1 :])))


@paint.register
def _(state: RequestAsked, canvas: Canvas, _view: View) -> None:
    row = state.review.row
    canvas.title("SIGN A KEY?", _mark(state.review))
    canvas.body((fit_path(row.path), *_cut(row.subject, _SUBJECT_ROWS)))
    canvas.keys("#its key", "*leave it")


@paint.register
def _(state: RequestKey, canvas: Canvas, _view: View) -> None:
    digits = state.review.row.key_sha256
    groups = [digits[at : at + _GROUP] for at in range(0, len(digits), _GROUP)]
    lines = [groups[at : at + _GROUPS_A_LINE] for at in range(0, len(groups), _GROUPS_A_LINE)]
    canvas.title("KEY SHA-256", _mark(state.review)).tight(tuple(map(" ".join, lines)))
    canvas.keys("#hold: sign", "*leave it")


@paint.register
def _(state: RequestRefused, canvas: Canvas, _view: View) -> None:
    row = state.review.row
    message = explain(row.code)
    canvas.title(message.code, strong=True)
    told = (message.happened, *message.action)
    canvas.lines((fit(row.file), *(told if len(told) <= _TOLD_ROWS else message.action)))
    canvas.keys("#next", _mark(state.review))
