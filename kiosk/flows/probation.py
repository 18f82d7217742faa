"""Backup keys on probation: said yes to once more, after the box was off.

A policy that was approved while the box was open brings them; until then backups are not encrypted to them
(core.policy.probation). They are asked about right after an unlock, before anything else runs.
"""

from collections.abc import Iterable
from dataclasses import replace

from core.api.requests import ConfirmRecipients
from core.api.results import RecipientSummary
from kiosk.flows.box import Box
from kiosk.flows.dialogs import numbered, read_to_end, wait
from kiosk.flows.flow import Page, Step, ask
from kiosk.flows.recipients import key_pages
from kiosk.text.counts import count

CONFIRMING = wait("Noting it in", "the journal")


def confirm_keys(box: Box) -> Step[None]:
    """Ask about the keys that wait; left with `*`, they go on waiting until the next unlock."""
    if box.session is None or box.session.clock or not box.session.to_confirm:
        return
    keys = box.session.to_confirm
    if (yield from read_to_end(question(len(keys), key_pages(keys)))):
        names = tuple(dict.fromkeys(key.key for key in keys))
        box.unlock((yield from ask(ConfirmRecipients, CONFIRMING, recipients=names)))


def question(keys: int, shown: tuple[Page, ...]) -> tuple[Page, ...]:
    """Return what is asked: what waits, each key with its words, and a held key for yes.

    Args:
        keys: How many.
        shown: Their pages.
    """
    lines = (count(keys, "backup key"), "came with a policy.", "Is it really yours?")
    first = Page(title="STILL YES?", strong=True, body=lines, left="#next")
    *before, last = numbered((first, *shown))
    front, *between = (replace(page, right="*back", takes="#*") for page in before)
    end = replace(last, left="#hold: yes", right="*back", takes="*", holds="#")
    pages = (replace(front, right="*not now"), *between, end)
    return tuple(replace(page, needs_vault=True, names_stuck=True) for page in pages)


def orders(keys: Iterable[RecipientSummary]) -> tuple[str, ...]:
    """Return what is to be done once a policy with these keys was approved; nothing where none waits.

    Args:
        keys: All of the policy's.
    """
    backups = [key for key in keys if key.kind == "backup"]
    waiting = {key.key for key in backups if key.is_new} - {key.key for key in backups if not key.is_new}
    if not waiting:
        return ()
    which = "New backup keys wait:" if len(waiting) > 1 else "New backup key waits:"
    return (which, "restart, say yes.")
