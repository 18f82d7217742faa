"""A policy under review: what a stick brought or the box's own file says, approved at a held key.

1. What is approved is named by the hash of what was shown; the vault takes no other.
2. What differs is read: each difference, new names that look like others, each new key with its words. Keys
   that stay are one page: whoever must read the same words at every change soon reads none.
"""

from collections.abc import Iterable
from dataclasses import replace

from core.api.requests import ApprovePolicy, AskPolicy
from core.api.results import PolicyProposal, RecipientSummary
from hw.ports import Stick
from kiosk.flows.box import Box
from kiosk.flows.dialogs import numbered, read_to_end, tell, wait
from kiosk.flows.flow import Flow, Page, ask
from kiosk.flows.probation import orders
from kiosk.flows.recipients import key_pages, same_page
from kiosk.text.counts import count
from kiosk.text.wrap import TIGHT_ROWS, look_alike, pack, pages, wrap, wrap_name, wrap_path
from kiosk.work.policy_stick import ReadPolicy

READING_FILE = wait("Reading config.yaml", leave=True)
READING_STICK = wait("Reading the stick")


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
    shown = review_pages(proposal, source, "#hold: approve")
    if not (yield from read_to_end(shown, aside=_same_pages(proposal))):
        return None
    approved = yield from ask(ApprovePolicy, wait("Pinning the policy"), policy_sha256=proposal.policy_sha256)
    box.unlock(approved)
    then = orders(proposal.recipients) or ("Top up, then export.",)
    return (yield from tell("POLICY APPROVED", "It holds from now on.", *then))


def review_pages(proposal: PolicyProposal, source: str, last: str) -> tuple[Page, ...]:
    """Return what a policy says: its stick, each difference, then the keys, new ones first.

    Args:
        proposal: What the vault made of it.
        source: Label of the stick that brought it; "" for the box's own file.
        last: What `#` does on the last page; "#hold..." where it is held.
    """
    same = _same_keys(proposal)
    shown = numbered(
        (
            *_source_pages(proposal, source),
            *(page for text in proposal.changes for page in _titled("POLICY CHANGES", _rows(text))),
            *(page for names in _alike(proposal) for page in _titled("LOOK ALIKE", _whole(names))),
            *key_pages([key for key in proposal.recipients if key.is_new]),
            *([same_page(same)] if same else ()),
        )
        or (Page(title="POLICY", body=("Nothing differs",), left="#same words"),)
    )
    *before, end = (_reviewed(page) for page in shown)
    held = last.startswith("#hold")
    end = replace(
        end,
        left=last or end.left,
        takes=end.takes.replace("#", "") if held else end.takes,
        holds="#" if held else "",
    )
    return (*before, end)


def _reviewed(page: Page) -> Page:
    """Return a page as it stands in a review: the stick may go, the box may not lose the vault."""
    return replace(page, right="*back", takes=f"#*{page.takes}", needs_vault=True, names_stuck=True)


def _titled(title: str, bodies: Iterable[tuple[str, ...]]) -> tuple[Page, ...]:
    return tuple(Page(title=title, body=body, left="#next") for body in bodies)


def _rows(text: str) -> tuple[tuple[str, ...], ...]:
    return pages(wrap_path(text), TIGHT_ROWS)


def _whole(names: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    return pages(tuple(row for name in names for row in wrap_name(name)), TIGHT_ROWS)


def _alike(proposal: PolicyProposal) -> tuple[tuple[str, ...], ...]:
    """Return names that look alike in a list, of which one at least is new."""
    new = frozenset(proposal.new_names)
    return tuple(names for names in look_alike(proposal.names) if not new.isdisjoint(names))


def _same_keys(proposal: PolicyProposal) -> tuple[RecipientSummary, ...]:
    return tuple(key for key in proposal.recipients if not key.is_new)


def _same_pages(proposal: PolicyProposal) -> tuple[Page, ...]:
    """Return the pages of the keys that stay."""
    return tuple(_reviewed(page) for page in numbered(key_pages(_same_keys(proposal))))


def _source_pages(proposal: PolicyProposal, source: str) -> tuple[Page, ...]:
    """Return what a stick brought, before all else; none for the box's own policy."""
    if not source:
        return ()
    changes, keys = len(proposal.changes), len(proposal.recipients)
    what = count(changes, "difference") if changes else count(keys, "recipient")
    untaken = tuple(f"{name}: not taken" for name in proposal.untaken)
    blocks = (*pages(wrap(proposal.authority), TIGHT_ROWS), (what,), untaken)
    return _titled(f"FROM {source}", pack(blocks, TIGHT_ROWS))
