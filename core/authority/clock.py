"""Which time is believed: the journal is the witness (design 3, Time).

1. A time is believed from the last entry on, and no further ahead of it than a visit plus spread.
2. Whatever is not believed becomes the journal's time only by a correction, for which the operator vouches.
3. Before there is a journal, the release that runs is the witness: nothing is founded before it was made.
4. A correction may go either way, so a wrong date can always be put right; what was issued by a clock ahead
   of the true time is listed.

It reads no clock: the time comes from the caller.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from core.api import results
from core.authority.status import summarize_signer
from core.errors import ClockAheadError, ClockBehindError, ClockError, StateDamagedError
from core.policy.policy import Policy
from core.store import journal
from core.store.store import Store
from core.times import format_time

RELEASED: Final = datetime(2026, 11, 23, tzinfo=UTC)
"""When this release was made; CHANGELOG.md's newest date, once there is one."""


def require_founding_clock(now: datetime) -> None:
    """Refuse a time that this program cannot run at.

    Args:
        now: Aware UTC.

    Raises:
        ClockBehindError: It is before the release that runs (E-CLOCK-BEHIND).
    """
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
        ClockAheadError: It is further after it than a visit plus spread (E-CLOCK-AHEAD).
    """
    last = last_time(store)
    if now < last:
        raise ClockBehindError(
            f"the clock says {now:%Y-%m-%d %H:%M:%S}, the journal {last:%Y-%m-%d %H:%M:%S}"
        )
    longest = timedelta(days=policy.visit_every_days + policy.spread_days)
    if now > last + longest:
        raise ClockAheadError(
            f"the clock says {now:%Y-%m-%d}, {(now - last).days} days after the last entry; "
            f"at most {longest.days} are expected"
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
    """
    late = tuple(
        summarize_signer(item, now)
        for item in store.issued_after(now)
        if item.kind != "seal" and item.revoked_at is None
    )
    detail = {"last": format_time(last_time(store)), "issued_after": len(late)}
    journal.append(store, "clock", detail, now)
    return results.ClockCorrected(issued_after=late)
