"""Where the box rests when nothing is under way, by what is known and what is plugged in.

Order: the vault is asked how things stand, an empty box offers its set-up or a rescue, a clock that is not
believed comes before all else, then sticks, then LOCKED or UNLOCKED.
"""

from dataclasses import replace

from hw.ports import Stick
from kiosk.flows.box import RESCUE_LABEL, Box
from kiosk.flows.clock import doubt_clock
from kiosk.flows.flow import Flow, Page, SticksChanged
from kiosk.flows.format import wrong_stick
from kiosk.flows.last_visit import failed_line
from kiosk.flows.menu import menu
from kiosk.flows.policy import review_own
from kiosk.flows.rescue import not_empty, rescue
from kiosk.flows.seal import put_away
from kiosk.flows.setup import set_up
from kiosk.flows.stick_job import stick_asks
from kiosk.flows.this_box import NOT_AS_BEFORE
from kiosk.flows.unlock import unlock, wait_out_at_start
from kiosk.screens.page import Large
from kiosk.text.wrap import BODY_ROWS, KEY, LOCK, fit, word_lines

STARTING = Page(body=Large(text="PiSM", below="starting ...", top=10), busy=True, awaits_vault=True)
"""The picture from power-on until the vault has answered; kiosk.daemon.first_light draws the same."""


def starting(box: Box) -> Page:
    """Return the picture of a box that starts: on a card, with its system's words as soon as they are known.

    Args:
        box: What is known of it.
    """
    words = box.inspected.system_words if box.inspected else ()
    if not words:
        return STARTING
    return replace(STARTING, title="PiSM starts: system", body=word_lines(words))


def rest(box: Box) -> Flow:
    """Return the flow that a box is in when nothing is under way."""
    stick = box.stick
    if box.provisioned is None:
        return start(box)
    if not box.provisioned:
        return _rest_empty(box)
    if box.clock is not None:
        return doubt_clock(box)
    if len(box.sticks) > 1:
        return two_sticks(box)
    if stick is None:
        return locked(box) if box.session is None else unlocked(box)
    return _rest_with(box, stick)


def _rest_with(box: Box, stick: Stick) -> Flow:
    """Return what the one stick that is in is good for."""
    if stick.filesystem == "vfat" and box.steps(stick.label):
        return stick_asks(box, stick)
    return not_empty(box, stick) if stick.label == RESCUE_LABEL else wrong_stick(box, stick)


def _rest_empty(box: Box) -> Flow:
    """Return where a box without an authority rests: before its set-up, or asked for a rescue."""
    stick = box.stick
    if stick is not None and stick.label == RESCUE_LABEL:
        return rescue(box, stick)
    rescues = any(one.label == RESCUE_LABEL and one.identity != box.ignored for one in box.volumes)
    return two_sticks(box) if rescues else set_up(box)


def start(box: Box) -> Flow:
    """Wait until the vault says how things stand; a wait that restarts at boot is shown first."""
    ready = yield STARTING
    if ready.wait_s > 0:
        yield from wait_out_at_start(box, ready.wait_s)
    return None


def two_sticks(box: Box) -> Flow:
    """Wait until one of two sticks is left."""
    while len(box.sticks) > 1:
        try:
            yield Page(
                title="E-STICK-TWO",
                strong=True,
                body=("Two sticks are in.", "One at a time, please", "Pull one of the two"),
                left="nothing was touched",
                minds_sticks=True,
            )
        except SticksChanged:
            continue
    return None


def locked(box: Box) -> Flow:
    """Locked, and no stick that asks for something."""
    key = yield locked_page(_lines_under_locked(box))
    return (yield from unlock(box) if key == "#" else menu(box))


def locked_page(lines: tuple[str, ...]) -> Page:
    """Return LOCKED and what is to be said under it: one line, or up to three in a row below the title.

    Args:
        lines: At least one, the most important first.
    """
    page = Page(
        body=Large(text="LOCKED", icon=LOCK, below=lines[0], names_stuck=True),
        left="#unlock",
        right="D menu",
        takes="#D",
        minds_sticks=True,
        rests=True,
        tells_time=True,
    )
    if len(lines) == 1:
        return page
    rest_of_them = len(lines) - BODY_ROWS
    shown = lines if rest_of_them <= 0 else (*lines[: BODY_ROWS - 1], f"{rest_of_them + 1} more: D, then #")
    return replace(page, title="LOCKED", icon=LOCK, body=shown, names_stuck=True)


def _lines_under_locked(box: Box) -> tuple[str, ...]:
    """Return what matters, most of all first; else what to do."""
    found = box.inspected
    lines = (
        *((f"Seal {found.seal}",) if found and found.seal else ()),
        *((f"{box.failed_attempts} failed in a row",) if box.failed_attempts else ()),
        *((fit(box.settings.note),) if box.settings.note else ()),
        *((NOT_AS_BEFORE,) if found and found.has_changed else ()),
        *(found.faults if found else ()),
        *(("Stick is not used",) if box.sticks else ()),
    )
    return lines or ("Put in a stick",)


def unlocked(box: Box) -> Flow:
    """Unlocked, and no stick that asks for something."""
    session = box.session
    if session is None:
        return None
    lines = (
        f"Visit by {session.next_visit_by:%Y-%m-%d}",
        *(("D see policy change",) if session.policy_changes else ()),
        *failed_line(session.failed_attempts),
        "Stick is not used" if box.sticks else "Put in a stick, or #",
    )
    key = yield Page(
        title="UNLOCKED",
        icon=KEY,
        body=lines[:BODY_ROWS],
        left="#menu A seal",
        right="*=lock",
        takes="#AD" if session.policy_changes else "#A",
        holds="*",
        minds_sticks=True,
        rests=True,
        names_stuck=True,
    )
    match key:
        case "#":
            return (yield from menu(box))
        case "A":
            return (yield from put_away(box))
        case "D":
            return (yield from review_own(box))
    box.lock()
    return None
