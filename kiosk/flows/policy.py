"""A policy under review: what a stick brought or the box's own file says, approved at a held key.

Rule: what is approved is named by the hash of what was shown; the vault takes no other.
"""

from dataclasses import replace

from core.api.requests import ApprovePolicy, AskPolicy
from core.api.results import PolicyProposal
from hw.ports import Stick
from kiosk.flows.box import Box
from kiosk.flows.dialogs import read_to_end, tell, wait
from kiosk.flows.flow import Flow, Page, ask
from kiosk.flows.status import WORD_PAGES, words_page
from kiosk.text.wrap import fit, page_mark, pages, wrap_path
from kiosk.work.policy_stick import ReadPolicy

READING_FILE = wait("Reading config.yaml", leave=True)
READING_STICK = wait("Reading the stick")
_ROWS = 4
_TITLE_COLUMNS = 20


def review_own(box: Box) -> Flow:
    """Review what the box's own config.yaml says now."""
    proposal = yield from ask(AskPolicy, READING_FILE)
    return (yield from _approve(box, proposal, ""))


def review_stick(box: Box, stick: Stick) -> Flow:
    """Review what a stick brought; from then on the stick is served."""
    proposal = yield from ask(ReadPolicy, READING_STICK, stick=stick)
    if box.has(stick):
        box.ignore(stick)
    return (yield from _approve(box, proposal, stick.label))


def _approve(box: Box, proposal: PolicyProposal, source: str) -> Flow:
    if not proposal.changes:
        untaken = (f"{name}: not taken" for name in proposal.untaken)
        return (yield from tell("NO DIFFERENCE", "Nothing to approve.", *untaken))
    if not (yield from read_to_end(review_pages(proposal, source, "#hold: approve"))):
        return None
    approved = yield from ask(ApprovePolicy, wait("Pinning the policy"), policy_sha256=proposal.policy_sha256)
    box.unlock(approved)
    return (yield from tell("POLICY APPROVED", "It holds from now on.", "Top up, then export."))


def review_pages(proposal: PolicyProposal, source: str, last: str) -> tuple[Page, ...]:
    """Return what a policy says: its stick, each difference, then two pages for each recipient.

    Args:
        proposal: What the vault made of it.
        source: Label of the stick that brought it; "" for the box's own file.
        last: What `#` does on the last page; "#hold..." where it is held.
    """
    front = _source_lines(proposal, source)
    changes = tuple(page for text in proposal.changes for page in pages(wrap_path(text), _ROWS))
    count = max(1, bool(front) + len(changes) + WORD_PAGES * len(proposal.recipients))
    marks = [page_mark(at, count) for at in range(count)]
    shown = []
    if front:
        title = fit(f"FROM {source}", _TITLE_COLUMNS - len(marks[0]))
        shown.append(Page(title=title, mark=marks[0], body=front, left="#next"))
    for body in changes:
        shown.append(Page(title="POLICY CHANGES", mark=marks[len(shown)], body=body, left="#next"))
    for recipient in proposal.recipients:
        for half in range(WORD_PAGES):
            shown.append(words_page(recipient, half, marks[len(shown)], left="#same words"))
    if not shown:
        shown.append(Page(title="POLICY", body=("Nothing differs",), left="#same words"))
    return tuple(
        replace(
            page,
            left=(last or page.left) if at == count - 1 else page.left,
            right="*back",
            takes="*" if at == count - 1 and last.startswith("#hold") else "#*",
            holds="#" if at == count - 1 and last.startswith("#hold") else "",
            needs_vault=True,
            names_stuck=True,
        )
        for at, page in enumerate(shown)
    )


def _source_lines(proposal: PolicyProposal, source: str) -> tuple[str, ...]:
    """Return what a stick brought, before all else; none for the box's own policy."""
    if not source:
        return ()
    changes, recipients = len(proposal.changes), len(proposal.recipients)
    what = _count(changes, "difference") if changes else _count(recipients, "recipient")
    return (fit(proposal.authority), what, *(f"{name}: not taken" for name in proposal.untaken))


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"
