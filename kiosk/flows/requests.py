"""Signing requests in the middle of a job: each is shown, and approved at a held key or left.

Rules: the fingerprint is a page of its own, so that a key that went down on the page before never approves.
The stick may go meanwhile; put in again, its requests are shown anew. A second stick is not touched.
"""

from collections.abc import Sequence

from core.api.results import RequestSummary
from hw.ports import Stick
from kiosk.flows.box import Box
from kiosk.flows.flow import Page, Refused, Step, SticksChanged
from kiosk.text.messages import explain
from kiosk.text.wrap import fit, fit_name, wrap, wrap_name

_ROWS = 4
_SUBJECT_ROWS = 2
_TOLD_ROWS = 3
_GROUP = 4
_GROUPS_A_LINE = 4


def review_requests(box: Box, stick: Stick, requests: Sequence[RequestSummary]) -> Step[tuple[str, ...]]:
    """Show the requests of a stick; return the approvals that were given.

    Raises:
        Refused: The stick was pulled (E-STICK-GONE).
    """
    approved = []
    for number, request in enumerate(requests, 1):
        mark = f"{number}/{len(requests)}"
        if request.code:
            yield from _show(box, stick, refused_page(request, mark))
        elif (yield from _show(box, stick, asked_page(request, mark))) == "#" and (
            yield from _show(box, stick, key_page(request, mark))
        ) == "hold #":
            approved.append(request.approval)
    return tuple(approved)


def _show(box: Box, stick: Stick, page: Page) -> Step[str]:
    """Show a page until it is answered, whatever other sticks come and go."""
    while True:
        try:
            key: str = yield page
        except SticksChanged:
            if not box.has(stick):
                raise Refused("E-STICK-GONE") from None
        else:
            return key


def asked_page(request: RequestSummary, mark: str) -> Page:
    """Return what one request asks for, and who says to ask."""
    path = wrap_name(f"{request.class_name}/{request.target}")
    return Page(
        title="SIGN A KEY?",
        mark=mark,
        body=(*path, *_cut(request.subject, min(_SUBJECT_ROWS, _ROWS - len(path)))),
        left="#its key",
        right="*leave",
        takes="#*",
        minds_sticks=True,
    )


def key_page(request: RequestSummary, mark: str) -> Page:
    """Return the fingerprint of its key, which is what is approved."""
    digits = request.key_sha256
    groups = [digits[at : at + _GROUP] for at in range(0, len(digits), _GROUP)]
    lines = [groups[at : at + _GROUPS_A_LINE] for at in range(0, len(groups), _GROUPS_A_LINE)]
    return Page(
        title="KEY SHA-256",
        mark=mark,
        body=tuple(map(" ".join, lines)),
        left="#hold: sign",
        right="*leave",
        takes="*",
        holds="#",
        minds_sticks=True,
    )


def refused_page(request: RequestSummary, mark: str) -> Page:
    """Return why one cannot be signed; the rest of the job goes on."""
    message = explain(request.code)
    told = (message.happened, *message.action)
    return Page(
        title=message.code,
        strong=True,
        body=(fit_name(request.file), *(told if len(told) <= _TOLD_ROWS else message.action)),
        left="#next",
        right=mark,
        takes="#*",
        minds_sticks=True,
    )


def _cut(text: str, rows: int) -> tuple[str, ...]:
    """Return the text on so many rows, its end cut."""
    lines = wrap(text)
    if len(lines) <= rows:
        return lines
    return (*lines[: rows - 1], fit(" ".join(lines[rows - 1 :])))
