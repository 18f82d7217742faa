"""Whom archives are encrypted to, page by page: each key by its names, then by its words.

1. A key begins with a page of its own: what is encrypted to it, its kind, which of how many it is, its file,
   its comment. Names are whole there, on as many rows and pages as it takes.
2. Its twelve words stand on two pages, which say again which key it is; no two keys have a page alike.
3. Where a policy is judged, only what is new has to be read: the other keys are one page, and behind D.
"""

from collections.abc import Sequence
from dataclasses import replace

from core.api.results import RecipientSummary
from kiosk.flows.box import Box
from kiosk.flows.dialogs import numbered, read
from kiosk.flows.flow import BACK, Flow, Page, on_menu
from kiosk.flows.status import ask_status
from kiosk.text.counts import count
from kiosk.text.wrap import (
    COLUMNS,
    TIGHT_ROWS,
    WORD_PAGES,
    fingerprint_lines,
    pack,
    pages,
    wrap,
    wrap_name,
)

_NEW = "NEW "


@on_menu("3", "Recipients")
def recipients(box: Box) -> Flow:  # noqa: ARG001  every line of the menu is given the box
    """Whom archives are encrypted to, in words to compare."""
    report = yield from ask_status()
    shown = key_pages(report.recipients) or (Page(title="RECIPIENTS", body=("There are none",)),)
    yield from read(numbered(tuple(replace(page, left="#next", right="*back") for page in shown)))
    return BACK


def key_pages(keys: Sequence[RecipientSummary]) -> tuple[Page, ...]:
    """Return at least three pages for each key: its names, then its words; not numbered yet."""
    return tuple(page for key in keys for page in (*_name_pages(key), *_words_pages(key)))


def same_page(keys: Sequence[RecipientSummary]) -> Page:
    """Return the one page for keys that a change leaves as they are; D leads to their own.

    Args:
        keys: At least one.
    """
    names = dict.fromkeys(key.name for key in keys)
    rows = tuple(row for name in names for row in wrap_name(name))
    room = TIGHT_ROWS - 1
    if len(rows) > room:
        rows = (f"of {count(len(names), 'destination')}",)
    return Page(
        title="1 KEY STAYS" if len(keys) == 1 else f"{len(keys)} KEYS STAY",
        body=(*rows, "D shows it" if len(keys) == 1 else "D shows them"),
        left="#next",
        takes="D",
    )


def _name_pages(key: RecipientSummary) -> tuple[Page, ...]:
    """Return what the key is for, and what it is called."""
    parts = (
        wrap_name(key.name),
        (_kind(key),),
        ("It waits: no backups",) if key.waits else (),
        wrap_name(key.file) if key.file else (),
        wrap(f'"{key.comment}"') if key.comment else (),
    )
    blocks = [block for rows in parts for block in pages(rows, TIGHT_ROWS)]
    title = f"{_NEW * key.is_new}{key.kind} key"
    return tuple(Page(title=title, body=body, left="#next") for body in pack(blocks, TIGHT_ROWS))


def _kind(key: RecipientSummary) -> str:
    """Return "age-pq key 1 of 2"."""
    row = f"{key.key_kind} key {key.number} of {key.count}"
    return row if len(row) <= COLUMNS else f"{key.key_kind} key {key.number}/{key.count}"


def _words_pages(key: RecipientSummary) -> tuple[Page, ...]:
    """Return its words, under the name of its file, or else of what it is for."""
    new = _NEW * key.is_new
    called = key.file.rpartition("/")[2] or key.name
    return tuple(
        Page(
            title=new + called,
            body=(*fingerprint_lines(key.words, half), _which(key, half)),
            left="#same words",
        )
        for half in range(WORD_PAGES)
    )


def _which(key: RecipientSummary, half: int) -> str:
    """Return "key 2 of 2  words 1-6", over the whole row."""
    words = "words 7-12" if half else "words 1-6"
    head = f"key {key.number} of {key.count}"
    if len(head) + 1 + len(words) > COLUMNS:
        head = f"key {key.number}/{key.count}"
    return f"{head}{words:>{COLUMNS - len(head)}}"
