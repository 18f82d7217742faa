"""How the menu's reports are cut into pages; counts for the rules, slices for the screens."""

from kiosk.reports import ArchiveRow, CoverRow, StatusReport
from kiosk.review import WORD_PAGES
from kiosk.text.wrap import BODY_ROWS

ROOT_PAGES = 4
"""Of each root: text, two halves of its words, QR."""

StatusPage = tuple[CoverRow, ...] | ArchiveRow | None


def status_pages(report: StatusReport | None) -> tuple[StatusPage, ...]:
    """Return the pages: the dates (None), three covers a page, one archive a page."""
    if report is None:
        return (None,)
    covers = report.covers
    charts = tuple(covers[at : at + BODY_ROWS] for at in range(0, len(covers), BODY_ROWS))
    return (None, *charts, *report.archives)


def count_status_pages(report: StatusReport | None) -> int:
    """Return how many pages the status has."""
    return len(status_pages(report))


def count_recipient_pages(report: StatusReport | None) -> int:
    """Return how many pages the recipients have: two for each."""
    return 1 if report is None else max(1, WORD_PAGES * len(report.recipients))
