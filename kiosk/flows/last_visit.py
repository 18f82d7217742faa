"""What a stick's job brought: read while the stick is in, after it was pulled, and from the menu.

Rules:

1. What has to be done comes first, and that unlocks failed; then one page an archive, with one more where
   numbers before it are on no stick, then the head of the journal: all that a line of the logbook needs, so
   nobody has to unlock once more for it. What was signed before and comes now for the first time counts, too:
   a job that was cut off has told nobody.
2. They stay when the stick is pulled, until a key takes them away or a stick goes in; and in the menu until
   the box is switched off, locked or not. Nothing on them is secret: all but the journal's number is in the
   clear on the stick.
3. What is safe to remove stays said when the session ends by itself.
"""

from dataclasses import replace

from hw.ports import Stick
from kiosk.flows.box import Box
from kiosk.flows.dialogs import MORE, logbook_codes, read, tell
from kiosk.flows.flow import BACK, Flow, Locked, Page, Step, SticksChanged, on_menu
from kiosk.text.wrap import BODY_ROWS, WORD_PAGES, fingerprint_lines, fit, pack, page_mark, wrap
from kiosk.work.job import JobDone, StepDone

_KINDS = {"export": "egress", "backup": "backup"}
_HASH_DIGITS = 8
_FRONT_ROWS = BODY_ROWS + 1
_TWO_STICKS = Page(
    title="E-STICK-TWO",
    strong=True,
    body=("The job is done, all", "is safe to remove.", "Pull one of the two"),
    left="the new is untouched",
    minds_sticks=True,
)


@on_menu("B", "Last visit", while_locked=True)
def last_visit(box: Box) -> Flow:
    """Show once more what the last stick's job brought."""
    if box.last_visit is None:
        none = ("No stick was written", "since the box was", "switched on.")
        yield from tell("LAST VISIT", *none)
    else:
        done = box.last_visit
        shown = [replace(page, left="#next", right="*back") for page in result_pages(done, "LAST VISIT")]
        codes = logbook_codes(done.journal_sequence, done.journal_head, done.next_visit_by)
        yield from read([*shown, *codes])
    return BACK


def show_result(box: Box, stick: Stick, done: JobDone) -> Step[None]:
    """Say that all is on the stick, compared and journaled, until it is out and a key was pressed."""
    at = 0
    while (was_in := box.has(stick)) or not box.sticks:
        page = _in_page(done, at) if was_in else _out_page(done, at, is_open=box.session is not None)
        try:
            key = yield _TWO_STICKS if len(box.sticks) > 1 else page
        except (SticksChanged, Locked):
            continue
        if key != "D":
            return
        at = (at + 1) % len(result_pages(done, ""))


def _in_page(done: JobDone, at: int) -> Page:
    """Return a page while the stick is in; only the stick's end ends it."""
    page = result_pages(done, "SAFE TO REMOVE")[at]
    return replace(page, left="pull it now", right=MORE, takes="D", minds_sticks=True)


def _out_page(done: JobDone, at: int, *, is_open: bool) -> Page:
    """Return the same when the stick is out, and whether the box is locked."""
    page = result_pages(done, "STICK IS OUT")[at]
    right = "UNLOCKED" if is_open else "LOCKED"
    return replace(page, left=f"#ok {MORE}", right=right, takes="#*D", minds_sticks=True, rests=True)


def result_pages(done: JobDone, title: str) -> tuple[Page, ...]:
    """Return orders and the next visit, a page for each archive, and two for the journal's head.

    Args:
        done: What the job did.
        title: Of all pages but the journal's, at most 17 characters.
    """
    archives = [step for step in done.steps if step.sequence]
    bodies = (*_front(done), *(body for step in archives for body in _archive(step)))
    count = len(bodies) + WORD_PAGES
    pages = [Page(title=title, body=body) for body in bodies]
    pages += [
        Page(title=f"JOURNAL NO {done.journal_sequence}", body=fingerprint_lines(done.journal_words, half))
        for half in range(WORD_PAGES)
    ]
    return tuple(
        replace(page, mark=page_mark(at, count), strong=True, names_stuck=True)
        for at, page in enumerate(pages)
    )


def _front(done: JobDone) -> tuple[tuple[str, ...], ...]:
    """Return what has to be done, whether somebody tried, and what was done, in pages."""
    issued = sum(step.issued for step in done.steps)
    requested = sum(step.requested for step in done.steps)
    before = max((step.new for step in done.steps), default=0) - issued
    rows = (
        *orders(done.steps),
        *failed_line(done.failed_attempts),
        f"Visit by {done.next_visit_by:%Y-%m-%d}",
        *((f"{issued} signed",) if issued or before <= 0 else ()),
        *((f"{before} signed before",) if before > 0 else ()),
        *((f"{requested} by request",) if requested else ()),
    )
    return pack([(row,) for row in rows], _FRONT_ROWS)


def orders(steps: tuple[StepDone, ...]) -> tuple[str, ...]:
    """Return what has to be done with what was written, most urgent first; mostly nothing."""
    is_root_gone = any(step.revoked_roots for step in steps)
    return (
        *(("Remove revoked root",) if is_root_gone else ()),
        *(("Give out roots today",) if any(step.late_roots for step in steps) else ()),
        *(("Publish lists today",) if is_root_gone or any(step.revoked for step in steps) else ()),
    )


def failed_line(count: int) -> tuple[str, ...]:
    """Return how many tries since the unlock before ended in none; nothing where there were none."""
    return (fit(f"{count} failed unlock{'s' * (count > 1)}"),) if count else ()


def _archive(step: StepDone) -> tuple[tuple[str, ...], ...]:
    """Return the whole name of an archive, its number and the first digits of its hash; and lost numbers."""
    kind = _KINDS[step.step.partition(" ")[0]]
    name = wrap(step.name)
    told = (*name, f"{kind} {step.sequence:06} ok", f"sha {step.sha256[:_HASH_DIGITS]}")
    if not step.unseen:
        return (told,)
    first, last = step.unseen[0], step.unseen[-1]
    span = f"{first:06}" if first == last else f"{first:06}-{last:06}"
    return (told, (*name, f"{span} used up", "by a job cut off" if first == last else "by jobs cut off"))
