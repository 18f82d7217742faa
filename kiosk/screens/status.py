"""What the box knows of itself: cover, archives, recipients, roots, journal."""

from datetime import datetime
from functools import cache

from PIL import Image

from kiosk.reports import ArchiveRow, CoverRow, StatusReport
from kiosk.review import WORD_PAGES, fingerprint_lines
from kiosk.screens.canvas import HEIGHT, Canvas
from kiosk.screens.paint import View, page_mark, paint
from kiosk.states import JournalHead, Recipients, Roots, Status
from kiosk.status_pages import count_recipient_pages, status_pages
from kiosk.text.wrap import fit, fit_path

_NAME_COLUMNS = 9
_BAR_LEFT, _BAR_WIDTH = 58, 42
_MAX_DAYS = 9999
_QR_PAGE = 3
_QR_SCALE = 2


@paint.register
def _(state: Status, canvas: Canvas, _view: View) -> None:
    report = state.box.report
    pages = status_pages(report)
    mark = page_mark(state.page, len(pages))
    page = pages[state.page]
    due = False
    match page:
        case ArchiveRow():
            _paint_archive(canvas, page, mark)
            due = page.drill_due and page.sequence > 0
        case tuple():
            _paint_covers(canvas, page, mark)
        case _:
            _paint_dates(canvas, report, mark)
    canvas.keys("#next drill due" if due else "#next", "*back")


def _paint_dates(canvas: Canvas, report: StatusReport | None, mark: str) -> None:
    """Draw when the next visit is due."""
    if report is None or report.next_visit_by is None:
        canvas.title("STATUS", mark)
        canvas.body(("Nothing is covered:", "top up now."))
        return
    days = (report.next_visit_by - report.now).days
    canvas.title("VISIT OVERDUE" if days < 0 else "NEXT VISIT BY", mark, strong=days < 0)
    canvas.big(f"{report.next_visit_by:%Y-%m-%d}", 14)
    canvas.centre(3, f"{-days} days ago" if days < 0 else f"in {days} days")


def _paint_covers(canvas: Canvas, covers: tuple[CoverRow, ...], mark: str) -> None:
    """Draw a bar for each target: days covered of the days a top-up gives."""
    canvas.title("COVER IN DAYS", mark)
    for row, cover in enumerate(covers, start=1):
        canvas.text(row, fit_path(cover.target or cover.path, _NAME_COLUMNS))
        canvas.bar(row, cover.days / max(1, cover.lead_days), left=_BAR_LEFT, width=_BAR_WIDTH)
        canvas.text(row, f"{min(cover.days, _MAX_DAYS)}", right=True)


def _day(label: str, when: datetime | None, never: str) -> str:
    """Return "written 2026-11-23", or that it never was."""
    return never if when is None else f"{label} {when:%Y-%m-%d}"


def _paint_archive(canvas: Canvas, row: ArchiveRow, mark: str) -> None:
    """Draw the last archive of one egress or backup."""
    canvas.title(fit(f"{row.kind} {row.name}", 20 - len(mark)), mark)
    canvas.text(1, f"number  {row.sequence:06}" if row.sequence else "no archive yet")
    canvas.text(2, _day("written", row.written, "not on a stick yet"))
    if row.kind == "backup":
        canvas.text(3, _day("drilled", row.drilled, "no drill yet"))


@paint.register
def _(state: Recipients, canvas: Canvas, _view: View) -> None:
    report = state.box.report
    mark = page_mark(state.page, count_recipient_pages(report))
    number, half = divmod(state.page, WORD_PAGES)
    if report is None or number >= len(report.recipients):
        canvas.title("RECIPIENTS").text(1, "There are none")
    else:
        row = report.recipients[number]
        canvas.title(fit(f"{row.use} {row.name}", 20 - len(mark)), mark)
        canvas.body(fingerprint_lines(row.words, half))
    canvas.keys("#next", "*back")


@paint.register
def _(state: Roots, canvas: Canvas, _view: View) -> None:
    roots = () if state.box.report is None else state.box.report.roots
    if not roots:
        canvas.title("ROOTS").text(1, "There are none").keys("", "*back")
        return
    root = roots[state.index % len(roots)]
    if state.page == _QR_PAGE:
        _paint_qr(canvas, root.sha256, root.period)
        return
    canvas.title(fit(f"ROOT {root.period}", 14), f"{state.index % len(roots) + 1}/{len(roots)}")
    if state.page == 0:
        groups = [root.sha256[at : at + 4] for at in range(0, len(root.sha256), 4)]
        canvas.tight(tuple(" ".join(groups[at : at + 4]) for at in range(0, len(groups), 4)))
        canvas.keys("#root  D words", "*back")
    else:
        canvas.body(fingerprint_lines(root.words, state.page - 1))
        canvas.keys("#root  D words" if state.page == 1 else "#root  D QR", "*back")


@cache
def _qr(text: str) -> Image.Image:
    """Return the QR code of upper-case hex, version 3-L, dark on lit ground, with its quiet zone."""
    import segno  # only this page needs it, and the first frame must not wait for it

    modules = segno.make(text, version=3, error="l", mode="alphanumeric", boost_error=False).matrix
    image = Image.new("1", (HEIGHT, HEIGHT), 255)
    margin = (HEIGHT - len(modules) * _QR_SCALE) // 2
    for y, line in enumerate(modules):
        for x, dark in enumerate(line):
            if dark:
                left, top = margin + x * _QR_SCALE, margin + y * _QR_SCALE
                image.paste(0, (left, top, left + _QR_SCALE, top + _QR_SCALE))
    return image


def _paint_qr(canvas: Canvas, sha256: str, period: str) -> None:
    """Draw the fingerprint for a camera."""
    canvas.image.paste(_qr(sha256), (0, 0))
    canvas.text(0, "ROOT", column=11).text(1, fit(period, 10), column=11).text(2, "SHA-256", column=11)
    canvas.text(3, "D text", column=11).text(4, "*back", column=11)


@paint.register
def _(state: JournalHead, canvas: Canvas, _view: View) -> None:
    report = state.box.report
    canvas.title("JOURNAL HEAD", page_mark(state.page, WORD_PAGES))
    if report is not None:
        canvas.body(fingerprint_lines(report.journal_words, state.page))
        canvas.keys(f"#next no {report.journal_sequence}"[:15], "*back")
    else:
        canvas.keys("#next", "*back")
