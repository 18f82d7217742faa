"""Unlocking: the passphrase, its check, and the wait after a wrong one.

Rules:

1. After a wrong passphrase the words may be corrected for KEEP_S, also while the wait runs; then they are
   wiped. Before that only a held key throws them away.
2. A wrong passphrase costs nothing but its wait here; the vault counts it before it looks at it. One that was
   not changed since is not tried again.
"""

from dataclasses import replace
from typing import Final

from core.api.requests import Unlock
from kiosk.entry.buffers import Purpose
from kiosk.flows.box import Box, ClockTrouble
from kiosk.flows.clock import LATE, doubt_clock
from kiosk.flows.flow import LEFT, TICK, Flow, Page, Refused, Step, ask
from kiosk.flows.probation import confirm_keys
from kiosk.flows.recognition import type_passphrase
from kiosk.flows.this_box import tell_changes
from kiosk.screens.page import Large
from kiosk.text.messages import explain
from kiosk.work.devices import ReadClock

KEEP_S: Final = 60
"""How long the words may be corrected after a refusal."""
TRY_AGAIN: Final = frozenset({"E-PASSPHRASE-WRONG", "E-PASSPHRASE-WAIT"})

CHECKING = Page(
    title="ONE MOMENT",
    body=("The passphrase is", "being checked."),
    left="do not unplug",
    busy=True,
    secretive=True,
    needs_vault=True,
)


def unlock(box: Box) -> Flow:
    """Open the box, and rest there."""
    yield from open_session(box)
    return None


def open_session(box: Box) -> Step[bool]:
    """Ask for the passphrase until it is right or given up; tell whether the box is open now.

    Raises:
        Refused: Something else than the passphrase kept the store shut.
    """
    again = is_wrong = False
    while (yield from type_passphrase(box, again=again, refused=is_wrong)) is not LEFT:
        try:
            session = yield from ask(Unlock, CHECKING, passphrase=Purpose.UNLOCK)
        except Refused as refused:
            if refused.code == "E-STATE-WIPED":
                # What the vault said at start is no longer so: it is asked anew when this is over.
                box.provisioned, box.failed_attempts, box.closing = None, 0, True
            if refused.code not in TRY_AGAIN:
                raise
            box.failed_attempts = refused.failed_attempts
            counted = f"{box.failed_attempts} failed in a row" if box.failed_attempts else "Then try again"
            is_wrong = refused.code == "E-PASSPHRASE-WRONG"
            again = yield from wait_out(refused.code, refused.wait_s, counted)
            if not again:
                return False
        else:
            box.unlock(session)
            if session.clock:
                now = yield from ask(ReadClock, CHECKING)
                box.clock = ClockTrouble(code=session.clock, now=now, last=session.last_entry_at)
            yield from tell_changes(box)
            if session.clock == LATE:  # asked at once, so that a stick's job goes on by itself
                yield from doubt_clock(box)
            yield from confirm_keys(box)
            return box.session is not None
    return False


def wait_out(code: str, wait_s: int, counted: str) -> Step[bool]:
    """Count down, and offer what was typed for correction; False when it is given up or was wiped meanwhile.

    Args:
        code: Of the refusal.
        wait_s: Seconds until the next try is taken.
        counted: What was wrong, in a line.
    """
    title = explain(code).code
    kept_s = KEEP_S
    while wait_s or kept_s:
        if wait_s:
            page = Page(
                body=Large(text=f"{wait_s // 60}:{wait_s % 60:02}", below=counted),
                left="wait",
                right="*=forget words" if kept_s else "",
                holds="*" if kept_s else "",
            )
        else:
            page = Page(
                body=(counted, "You may correct the", "words for a minute."),
                left="#correct",
                right="*=give up",
                takes="#",
                holds="*",
            )
        sent = yield _refusal(title, page, secretive=kept_s > 0)
        if sent == "#":
            return True
        if sent is TICK:
            wait_s, kept_s = max(0, wait_s - 1), max(0, kept_s - 1)
        else:
            kept_s = 0
    return False


def wait_out_at_start(box: Box, wait_s: int) -> Step[None]:
    """Show the wait that restarts whole at boot, before anything can be typed."""
    title = explain("E-PASSPHRASE-WAIT").code
    counted = f"{box.failed_attempts} failed in a row" if box.failed_attempts else "Then try again"
    while wait_s:
        body = Large(text=f"{wait_s // 60}:{wait_s % 60:02}", below=counted)
        yield _refusal(title, Page(body=body, left="wait"), secretive=False)
        wait_s -= 1


def _refusal(title: str, page: Page, *, secretive: bool) -> Page:
    """Return a page of the wait, under the code of what was refused."""
    return replace(
        page, title=title, strong=True, ticks=True, keeps_hold=True, names_stuck=True, secretive=secretive
    )
