"""The clock: the ceremony that sets it, what follows where it was wrong, and a visit that comes late.

Rules:

1. A date is typed twice, then a key is held; one wrong digit must not become the journal's time.
2. Who only comes later than expected has the date before them, and confirms it by a held key.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from core.api.requests import CorrectClock, RevokeAll
from core.api.results import ClockCorrected, SignerSummary
from kiosk.entry.buffers import Purpose
from kiosk.flows.box import Box
from kiosk.flows.dialogs import large_time, problem, tell, wait
from kiosk.flows.flow import BACK, LEFT, Entry, Flow, Page, Refused, Step, ask, on_menu
from kiosk.screens.page import Body, Pairs
from kiosk.text.dates import group_date, parse_date
from kiosk.text.wrap import BODY_ROWS, CLOCK, count_pages, fit, fit_name, page_mark
from kiosk.work.devices import ReadClock, SetClock

LATE: Final = "E-CLOCK-LATE"
SUPERSEDED: Final = "superseded"
"""Why what a clock ahead has signed is revoked: nothing is wrong with the keys, the dates are."""
_PATH_COLUMNS = 15
_MAX_COUNT = 99_999


@on_menu("6", "Clock")
def clock(box: Box) -> Flow:
    """Show the time; `#` starts the ceremony."""
    while True:
        now = yield from ask(ReadClock, wait("Reading the clock", leave=True))
        if (yield time_page(now)) == "*":
            return BACK
        date = yield from _set_date()
        if date is not None:
            return (yield from _tell_set(box, *date))


def time_page(now: datetime) -> Page:
    """Return the time."""
    return Page(title="CLOCK", icon=CLOCK, body=large_time(now), left="#set", right="*back", takes="#*")


def doubt_clock(box: Box) -> Flow:
    """Nothing runs before the clock is put right, or confirmed where it is only late; `*` held locks."""
    match (yield late_page(box.clock.now) if box.clock and box.clock.code == LATE else wrong_page(box)):
        case "hold #":
            yield from ask(CorrectClock, wait("Taking this time"))
            box.clock = None
            return None
        case "hold *":
            box.lock()
            return None
    date = yield from _set_date()
    return None if date is None else (yield from _tell_set(box, *date))


def late_page(now: datetime) -> Page:
    """Return the question whether this is the time, asked where nobody was expected so late."""
    return Page(
        title="IS THIS THE TIME?",
        icon=CLOCK,
        strong=True,
        body=large_time(now),
        left="#=yes  A set",
        right="*=lock",
        takes="A",
        holds="#*",
    )


def wrong_page(box: Box) -> Page:
    """Return what the clock says, and what the journal."""
    trouble = box.clock
    lines: tuple[str, ...] = ()
    if trouble is not None:
        # Seconds have no room beside a date; they tell two times of one minute apart.
        times = [f"{time:%Y-%m-%d %H:%M}" for time in (trouble.now, trouble.last)]
        if times[0] == times[1]:
            times = [f"{time:%H:%M:%S} UTC" for time in (trouble.now, trouble.last)]
        lines = (f"Box  {times[0]}", f"Last {times[1]}")
    return Page(
        title=fit("E-CLOCK" if trouble is None else trouble.code),
        strong=True,
        body=(*lines, "Set the true time"),
        left="#set",
        right="*=lock",
        takes="#",
        holds="*",
    )


def _set_date() -> Step[tuple[datetime, ClockCorrected] | None]:
    """Have the date typed twice and confirmed, and set it; None when it was left."""
    again = False
    while (date := (yield from type_date(again=again))) is not None:
        try:
            return date, (yield from ask(SetClock, SETTING, instant=date))
        except Refused as refused:
            yield from problem(refused.code, refused.text, secretive=True)
            again = True
    return None


def _tell_set(box: Box, date: datetime, corrected: ClockCorrected) -> Flow:
    """Say that the clock was set, or show what one ahead has signed."""
    box.clock = None
    if corrected.issued_after:
        return (yield from _revoke_late(corrected.issued_after))
    if box.stick is not None or len(box.sticks) > 1:
        return None  # and the stick that waits is looked at
    return (yield from tell("CLOCK SET", "It is now", f"{date:%Y-%m-%d %H:%M} UTC"))


# What was typed stays until the date is taken: a refused one is corrected where it stands.
SETTING = replace(wait("Setting the clock"), secretive=True)
REVOKING = wait("Revoking")


def type_date(*, again: bool = False) -> Step[datetime | None]:
    """Return a date that was typed twice and confirmed at a held key; None when it was left.

    Each `*` leads to the page before, which is as it was.

    Args:
        again: What was typed before was refused, and is there to be corrected.

    Raises:
        Refused: There is no such date (E-CLOCK-DATE).
    """
    correct_first = correct_second = again
    while (first := (yield Entry(purpose=Purpose.DATE, again=correct_first))) is not LEFT:
        correct_first = True
        date = parse_date(first.text)
        if date is None:
            raise Refused("E-CLOCK-DATE", "There is no such date and time.")
        while (second := (yield Entry(purpose=Purpose.DATE_AGAIN, again=correct_second))) is not LEFT:
            correct_second = True
            if second.same:
                if (yield confirm(date)) == "hold #":
                    return date
            elif (yield differing(first.text, second.text)) == "*":
                break
    return None


def differing(first: str, second: str) -> Page:
    """Return the two dates that are not the same, either of which can be corrected."""
    return Page(
        title="E-CLOCK-DATE",
        strong=True,
        body=(f"1st {group_date(first)}", f"2nd {group_date(second)}", "They are not the same"),
        left="#correct 2nd",
        right="*the 1st",
        takes="#*",
        secretive=True,
    )


def confirm(date: datetime) -> Page:
    """Return the date that is about to be set."""
    return Page(
        title="SET THE CLOCK?",
        strong=True,
        body=large_time(date),
        left="#hold: set",
        right="*back",
        takes="*",
        holds="#",
        secretive=True,
    )


def _revoke_late(late: Sequence[SignerSummary]) -> Flow:
    """Offer to revoke what was signed while the clock was ahead: all of it, at a held key, or none.

    Args:
        late: Roots and signers, in issuing order; at least one.
    """
    shown = late_pages(late)
    at = 0
    while (key := (yield shown[at])) == "D":
        at = (at + 1) % len(shown)
    if key == "*":
        return None
    yield from ask(RevokeAll, REVOKING, certificates=tuple(item.id for item in late), reason=SUPERSEDED)
    return (yield from tell("REVOKED", "All of them.", "Top up, then export"))


def late_pages(late: Sequence[SignerSummary]) -> tuple[Page, ...]:
    """Return the question, and the targets, three a page."""
    targets = list(Counter(item.path for item in late).items())
    count = 1 + count_pages(len(targets))
    question = (f"{min(len(late), _MAX_COUNT)} were signed", "with a later date.", "Revoke all of them?")
    bodies: list[Body] = [
        Pairs(
            rows=tuple(
                (fit_name(path, _PATH_COLUMNS), f"{min(number, _MAX_COUNT)}")
                for path, number in targets[start : start + BODY_ROWS]
            )
        )
        for start in range(0, len(targets), BODY_ROWS)
    ]
    return tuple(
        Page(
            title="CLOCK WAS AHEAD",
            mark=page_mark(at, count),
            strong=True,
            body=body,
            left="#hold yes D which",
            right="*no",
            takes="D*",
            holds="#",
        )
        for at, body in enumerate((question, *bodies))
    )
