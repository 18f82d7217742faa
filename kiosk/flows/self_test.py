"""The self-test: keys, pixels, then what the box finds by itself."""

from collections.abc import Sequence

from hw.ports import KEYS
from kiosk.flows.box import Box
from kiosk.flows.dialogs import wait
from kiosk.flows.flow import BACK, Flow, Page, ask, on_menu
from kiosk.screens.page import PATTERNS, Keys, Pairs, Pixels
from kiosk.text.wrap import BODY_ROWS, count_pages, fit, page_mark
from kiosk.work.health import Finding
from kiosk.work.self_test import RunSelfTest

_FINDING_COLUMNS = 8


@on_menu("9", "Self-test", while_locked=True)
def self_test(box: Box) -> Flow:  # noqa: ARG001
    """Let each key light its cell, show all pixels, and tell what was found."""
    seen = ""
    while len(seen) < len(KEYS):
        key = yield keys_page(seen)
        if key == "hold *":
            break
        seen += key
    for pattern in PATTERNS:
        yield pixels_page(pattern)
    findings = yield from ask(RunSelfTest, wait("Testing", leave=True))
    at = 0
    while (yield findings_page(findings, at)) != "*":
        at = (at + 1) % count_pages(len(findings))
    return BACK


def keys_page(seen: str) -> Page:
    """Return the keys, those lit that were pressed; `*` held goes on."""
    beside = ("Press", "each key", f"{len(seen)} of 16", "Hold *", "to go on")
    takes = "".join(key for key in KEYS if key not in seen)
    return Page(body=Keys(seen=seen, beside=beside), takes=takes, holds="*", keeps_hold=True)


def pixels_page(pattern: str) -> Page:
    """Return the whole panel in one pattern; any key goes on."""
    return Page(body=Pixels(pattern=pattern), takes=KEYS)


def findings_page(findings: Sequence[Finding], at: int) -> Page:
    """Return three findings a page."""
    is_bad = any(finding.good is False for finding in findings)
    all_told = all(finding.good is not None for finding in findings)
    rows = findings[at * BODY_ROWS : (at + 1) * BODY_ROWS]
    return Page(
        title="A TEST FAILED" if is_bad else "ALL IS WELL" if all_told else "NO FAULT FOUND",
        mark=page_mark(at, count_pages(len(findings))),
        strong=is_bad,
        body=Pairs(
            rows=tuple(
                (
                    fit(row.name, 12),
                    fit(row.text or ("FAULT" if row.good is False else "ok"), _FINDING_COLUMNS),
                )
                for row in rows
            )
        ),
        left="#next",
        right="*back",
        takes="#D*",
    )
