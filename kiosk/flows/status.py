"""What the box knows of itself, page by page: the status, its words, its roots, the journal's head."""

from core.api.requests import AskStatus
from core.api.results import ArchiveState, BoxSummary, RootSummary, StatusReport, TargetCoverage
from kiosk.flows.box import Box
from kiosk.flows.dialogs import logbook_codes, read, wait
from kiosk.flows.flow import BACK, Flow, Page, Step, ask, on_menu
from kiosk.screens.page import Chart, Large, QrCode
from kiosk.text.wrap import BODY_ROWS, WORD_PAGES, fingerprint_lines, fit, fit_name, page_mark

BOX_WORDS = "THIS BOX'S WORDS"
"""The title of the words that receivers ask for."""
_NAME_COLUMNS = 9
_TITLE_COLUMNS = 20
_MAX_DAYS = 9999
_ROOT_PAGES = 4


def ask_status() -> Step[StatusReport]:
    """Return the whole picture, as it is now."""
    report: StatusReport = yield from ask(AskStatus, wait("Asking the vault", leave=True))
    return report


@on_menu("1", "Status")
def status(box: Box) -> Flow:  # noqa: ARG001  every line of the menu is given the box
    """Next visit, coverage of each target, the last archives."""
    yield from read(status_pages((yield from ask_status())))
    return BACK


def status_pages(report: StatusReport) -> tuple[Page, ...]:
    """Return the date, three targets a page, one archive a page."""
    covers = report.covers
    charts = [covers[at : at + BODY_ROWS] for at in range(0, len(covers), BODY_ROWS)]
    count = 1 + len(charts) + len(report.archives)
    marks = iter([page_mark(at, count) for at in range(count)])
    return (
        _visit_page(report, next(marks)),
        *(_coverage_page(report, chart, next(marks)) for chart in charts),
        *(
            archive_page(archive, next(marks), due=archive.name in report.undrilled)
            for archive in report.archives
        ),
    )


def _visit_page(report: StatusReport, mark: str) -> Page:
    """Return when the next visit is due."""
    if not report.covers:
        lines = ("Nothing is covered:", "top up now.")
        return Page(title="STATUS", mark=mark, body=lines, left="#next", right="*back")
    days = (report.next_visit_by - report.now).days
    below = f"{-days} days ago" if days < 0 else f"in {days} days"
    return Page(
        title="VISIT OVERDUE" if days < 0 else "NEXT VISIT BY",
        mark=mark,
        strong=days < 0,
        body=Large(text=f"{report.next_visit_by:%Y-%m-%d}", below=below),
        left="#next",
        right="*back",
    )


def _coverage_page(report: StatusReport, covers: tuple[TargetCoverage, ...], mark: str) -> Page:
    """Return a bar for each target: days covered of the days that a top-up gives."""
    bars = []
    for cover in covers:
        days = max(0, (cover.until - report.now).days)
        name = fit_name(cover.target or "roots", _NAME_COLUMNS)
        bars.append((name, days / max(1, cover.lead_days), f"{min(days, _MAX_DAYS)}"))
    return Page(title="COVER IN DAYS", mark=mark, body=Chart(bars=tuple(bars)), left="#next", right="*back")


def archive_page(archive: ArchiveState, mark: str, *, due: bool) -> Page:
    """Return the last archive of one egress or backup.

    Args:
        archive: Which.
        mark: Number of the page.
        due: No drill has proven it for as long as the policy allows.
    """
    lines = [
        f"{archive.kind}  {archive.sequence:06}" if archive.sequence else f"no {archive.kind} yet",
        _written_line(archive),
    ]
    if archive.kind == "backup":
        lines.append(f"drilled {archive.drilled:%Y-%m-%d}" if archive.drilled else "no drill yet")
    return Page(
        title=fit_name(archive.name, _TITLE_COLUMNS - len(mark)),
        mark=mark,
        body=tuple(lines),
        left="#next drill due" if archive.kind == "backup" and due and archive.sequence else "#next",
        right="*back",
    )


def _written_line(archive: ArchiveState) -> str:
    """Return when the archive was seen on a stick, or which earlier one was."""
    if archive.written is None:
        return "not on a stick yet"
    if archive.written_sequence != archive.sequence:
        return f"only {archive.written_sequence:06} written"
    return f"written {archive.written:%Y-%m-%d}"


@on_menu("4", "Box and roots")
def box_and_roots(box: Box) -> Flow:  # noqa: ARG001
    """The box's words, which receivers ask for; then each root as hex, as words, and for a camera.

    `#` goes on to the next of them, D turns the pages of one.
    """
    report = yield from ask_status()
    live = [root for root in report.roots if root.status in ("future", "active", "retired")]
    index = at = 0  # 0 is the box
    while True:
        page = root_page(live[index - 1], at, page_mark(index - 1, len(live)) or "1/1") if index else None
        match (yield page or box_page(report.box, at)):
            case "*":
                return BACK
            case "#":
                index = (index + 1) % (1 + len(live))
                at = at if index > 1 else 0
            case _:
                at = (at + 1) % (_ROOT_PAGES if index else WORD_PAGES)


def box_page(box: BoxSummary, half: int) -> Page:
    """Return six of the words of the box key."""
    return Page(
        title=BOX_WORDS,
        mark=page_mark(half, WORD_PAGES),
        body=fingerprint_lines(box.words, half),
        left="#root  D words",
        right="*back",
        takes="#D*",
        minds_sticks=True,
    )


def root_page(root: RootSummary, at: int, mark: str) -> Page:
    """Return one of the four pages of a root: hex, two halves of its words, QR."""
    sha256 = root.sha256.upper()
    if at == _ROOT_PAGES - 1:
        beside = ("ROOT", fit(root.period, 10), "SHA-256", "D text", "*back")
        return Page(body=QrCode(text=sha256, beside=beside), takes="#D*", minds_sticks=True)
    groups = [sha256[start : start + 4] for start in range(0, len(sha256), 4)]
    hex_lines = tuple(" ".join(groups[start : start + 4]) for start in range(0, len(groups), 4))
    return Page(
        title=fit(f"ROOT {root.period}", 14),
        mark=mark,
        body=hex_lines if at == 0 else fingerprint_lines(root.words, at - 1),
        left="#root  D QR" if at == WORD_PAGES else "#root  D words",
        right="*back",
        takes="#D*",
        minds_sticks=True,
    )


@on_menu("5", "Journal head")
def journal_head(box: Box) -> Flow:  # noqa: ARG001
    """Sequence and words of the last journal entry."""
    report = yield from ask_status()
    yield from read(journal_pages(report))
    return BACK


def journal_pages(report: StatusReport) -> tuple[Page, ...]:
    """Return the words of the journal's head, on two pages, and what a camera takes of it."""
    words = tuple(
        Page(
            title="JOURNAL HEAD",
            mark=page_mark(half, WORD_PAGES + 2),
            body=fingerprint_lines(report.journal_words, half),
            left=f"#next no {report.journal_sequence}"[:15],
            right="*back",
        )
        for half in range(WORD_PAGES)
    )
    return words + logbook_codes(report.journal_sequence, report.journal_head, report.next_visit_by)
