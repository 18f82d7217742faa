"""Is it my box, and what runs on it? Version, hash, board and serial number, and what is bad, page by page.

It needs no passphrase, and nothing of it is secret. What differs from the last visit is said on LOCKED, by
what the kiosk kept, and after the unlock once more, by what the vault remembers.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from core.api.results import Runs
from kiosk.flows.box import Box
from kiosk.flows.dialogs import numbered, paged, read, read_to_end, tell
from kiosk.flows.flow import BACK, Flow, Page, Step, on_menu
from kiosk.text.wrap import BODY_ROWS, WORD_PAGES, fingerprint_lines, fit, pack, word_lines, wrap
from kiosk.work.inspection import Inspected

NOT_AS_BEFORE: Final = "Not what ran before"
_UNKNOWN: Final = "not told"
_WORDS: Final = 4


@on_menu("#", "This box", while_locked=True)
def this_box(box: Box) -> Flow:
    """Show what the box knows of itself."""
    if box.inspected is None:
        yield from tell("THIS BOX", "It was not looked at yet.")
    else:
        yield from read(box_pages(box.inspected))
    return BACK


def box_pages(found: Inspected) -> tuple[Page, ...]:
    """Return what runs, on which board, the words of its files and its system, what changed, what is bad.

    Args:
        found: As it was looked at.
    """
    runs = found.runs
    installed = (*wrap(runs.installed),) or (_UNKNOWN,)
    pages = [
        Page(title="THIS BOX", body=(fit(f"PiSM {runs.version}"), "installed", *installed)),
        Page(
            title="BOARD",
            body=(*wrap(runs.board or _UNKNOWN)[: BODY_ROWS - 1], fit(f"no {runs.serial or _UNKNOWN}")),
        ),
        *(
            Page(title="ITS FILES", body=fingerprint_lines(found.words, half))
            for half in range(WORD_PAGES if found.words else 0)
        ),
        *(
            Page(title="ITS SYSTEM", body=word_lines(found.system_words[at : at + _WORDS]))
            for at in range(0, len(found.system_words), _WORDS)
        ),
        *((Page(title="SEAL", body=(found.seal, "Is it on the bag?")),) if found.seal else ()),
        *(Page(title="BAD", body=lines, strong=True) for lines in paged(found.faults) if lines),
    ]
    if found.has_changed and found.ran_before is not None:
        pages += change_pages(found.ran_before, runs)
    return tuple(replace(page, left="#next", right="*back") for page in numbered(pages))


def tell_changes(box: Box) -> Step[None]:
    """Say what the vault remembers otherwise than it is, or than LOCKED said."""
    session, found = box.session, box.inspected
    if session is None or found is None:
        return
    pages = [] if session.seal == found.seal else [seal_page(session.seal)]
    pages += change_pages(session.ran_before, found.runs) if session.ran_before is not None else ()
    box.inspected = replace(found, seal=session.seal)
    if pages:
        yield from read_to_end([replace(page, left="#ok", takes="#*") for page in numbered(pages)])


def seal_page(seal: str) -> Page:
    """Return that LOCKED showed another seal than the journal has."""
    named = f"seal {seal}" if seal else "no seal at all."
    body = ("The journal has", named, "LOCKED said otherwise")
    return Page(title="NOT AS BEFORE", body=body, strong=True)


def change_pages(before: Runs, now: Runs) -> tuple[Page, ...]:
    """Return what was otherwise at the last unlock; nothing where nothing was.

    Args:
        before: What ran then.
        now: What runs.
    """
    return tuple(
        Page(title="NOT AS BEFORE", body=lines, strong=True)
        for lines in pack(list(_tell_changes(before, now)), BODY_ROWS)
        if lines
    )


def _tell_changes(before: Runs, now: Runs) -> Iterable[tuple[str, ...]]:
    """Yield a few rows for each difference."""
    if before.version != now.version:
        yield (fit(f"PiSM was {before.version}"),)
    if before.files != now.files:
        yield ("Its files are others",)
    if before.board != now.board:
        yield ("The board was", fit(before.board or _UNKNOWN))
    if before.serial != now.serial:
        yield ("Its number was", fit(before.serial or _UNKNOWN))
    if before.installed != now.installed:
        yield ("It was installed", fit(before.installed or _UNKNOWN))
