"""Which time is believed: the journal is the witness (design 3, Time).

1. A time is believed from the last entry on, as long as somebody may be expected: until a visit, or the next
   visit that the box itself named, whichever is later, and the spread. Who comes when told is not asked.
2. Whatever is not believed becomes the journal's time only by a correction, for which the operator vouches:
   with a held key where it is late, by typing the date where it is behind, or years ahead.
3. Nothing is founded, and no clock corrected, to a date before the release that runs was made, or in 2200 or
   later: a state whose last entry is there could not be opened any more.
4. A correction may go either way, so a wrong date can always be put right; what was issued by a clock ahead
   of the true time is listed.

It reads no clock: the time comes from the caller.
"""

from datetime import datetime, timedelta
from typing import Final

from core.api import results
from core.authority.status import summarize_signer
from core.errors import ClockAheadError, ClockBehindError, ClockError, ClockLateError, StateDamagedError
from core.plan.coverage import next_visit_by
from core.policy.policy import Policy
from core.store import journal
from core.store.store import Store
from core.times import RELEASED, UNTIL, format_time

YEARS_AHEAD: Final = timedelta(days=730)
"""So far after the last entry a time is no late visit any more."""


def require_possible_clock(now: datetime) -> None:
    """Refuse a time that this program cannot run at.

    Args:
        now: Aware UTC.

    Raises:
        ClockBehindError: It is before the release that runs (E-CLOCK-BEHIND).
        ClockAheadError: It is in 2200 or later (E-CLOCK-AHEAD).
    """
    if now >= UNTIL:
        raise ClockAheadError(f"the clock says {now:%Y-%m-%d}; PiSM counts to {UNTIL:%Y-%m-%d}")
    if now < RELEASED:
        raise ClockBehindError(
            f"the clock says {now:%Y-%m-%d %H:%M} UTC; this release of PiSM was made on {RELEASED:%Y-%m-%d}"
        )


def last_time(store: Store) -> datetime:
    """Return the time of the last journal entry.

    Raises:
        StateDamagedError: There is none (E-STATE-DAMAGED).
    """
    entry = store.last_entry()
    if entry is None:
        raise StateDamagedError("the store holds no journal")
    return entry.time


def require_clock(store: Store, policy: Policy, now: datetime) -> None:
    """Refuse a time that the journal speaks against.

    Args:
        store: Open.
        policy: The approved policy.
        now: Aware UTC.

    Raises:
        ClockBehindError: It is before the last entry (E-CLOCK-BEHIND).
        ClockLateError: It is later than somebody was expected (E-CLOCK-LATE).
        ClockAheadError: The same, and more than YEARS_AHEAD after the last entry (E-CLOCK-AHEAD).
    """
    last = last_time(store)
    if now < last:
        raise ClockBehindError(
            f"the clock says {now:%Y-%m-%d %H:%M:%S}, the journal {last:%Y-%m-%d %H:%M:%S}"
        )
    spread = timedelta(days=policy.spread_days)
    visit = last + timedelta(days=policy.visit_every_days)
    if now <= visit + spread:
        return
    # As it was named at the last entry: what the clock says now moves it nowhere.
    visit = max(visit, next_visit_by(policy, store.certificates(alive_at=last), store.crls(), last))
    if now <= visit + spread:
        return
    late = ClockLateError if now <= last + YEARS_AHEAD else ClockAheadError
    raise late(
        f"the clock says {now:%Y-%m-%d %H:%M}, {(now - last).days} days after the last entry; "
        f"a visit was expected by {visit:%Y-%m-%d}"
    )


def clock_code(store: Store, policy: Policy, now: datetime) -> str:
    """Return "" or the code that `require_clock` refuses with."""
    try:
        require_clock(store, policy, now)
    except ClockError as error:
        return error.code
    return ""


def correct_clock(store: Store, now: datetime) -> results.ClockCorrected:
    """Make `now` the journal's time, and list what was issued by a clock ahead of it.

    Args:
        store: In a transaction of the caller.
        now: Aware UTC, whole seconds; the operator vouches for it.

    Returns:
        Roots and signers that are not revoked yet; whoever revokes a root revokes its signers.

    Raises:
        ClockBehindError: It is before the release that runs (E-CLOCK-BEHIND).
        ClockAheadError: It is in 2200 or later (E-CLOCK-AHEAD).
    """
    require_possible_clock(now)
    late = tuple(
        summarize_signer(item, now)
        for item in store.issued_after(now)
        if item.kind != "seal" and item.revoked_at is None
    )
    detail = {"last": format_time(last_time(store)), "issued_after": len(late)}
    journal.append(store, "clock", detail, now)
    return results.ClockCorrected(issued_after=late)
