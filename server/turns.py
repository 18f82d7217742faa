"""What each place should hold now, which places are due, and when to look again: pure.

Rules:
1. A place should hold the signer that server.signers chooses for its lane, or none with the reason.
2. It is due when it holds something else, other roots to trust, or was filled by other settings. No date is
   remembered: a machine that slept or was off over a switch makes it late, but at once.
3. A place that refused is tried again after 1 minute, then 2, 4 and so on up to an hour; at once when what it
   should hold has changed.
4. The next look is at the next change of any lane, the next expiry of a root, or the next try.
5. A clock behind the newest archive by more than a day, or a year and more ahead both of it and of the time
   that was last believed, is wrong: nothing is due by it. A newer archive makes a right clock believed again.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import msgspec

from core.errors import ClockAheadError, ClockBehindError, SignerError
from core.times import format_time
from server.opened import Root
from server.places.place import Place
from server.signers import Signer, choose, find_lane, next_change
from server.standing import Memory, Refusal, Standing

MAX_BEHIND: Final = timedelta(days=1)
MAX_AHEAD: Final = timedelta(days=366)
_FIRST_RETRY: Final = timedelta(minutes=1)
_LAST_RETRY: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a place should hold.

    Args:
        place: Its name.
        signer: Who should stand there; None: nobody may.
        why_none: Then the reason.
        content_sha256: Over all that it is to be given, and its settings.
    """

    place: str
    signer: Signer | None
    why_none: SignerError | None
    content_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What is to be done now.

    Args:
        wanted: Of each place, in order.
        due: Those of them that are not as they should be, and whose time for a try has come.
        next_look: When something changes by the calendar, or is to be tried again; None: only by an archive.
    """

    wanted: tuple[Wanted, ...]
    due: tuple[Wanted, ...]
    next_look: datetime | None


def check_clock(now: datetime, newest: datetime, believed: datetime | None) -> None:
    """Refuse a clock that cannot be right (rule 5).

    Args:
        now: What it shows.
        newest: When the newest archive was made.
        believed: What was believed last.

    Raises:
        ClockBehindError: It is behind (E-CLOCK-BEHIND).
        ClockAheadError: It is ahead (E-CLOCK-AHEAD).
    """
    if now < newest - MAX_BEHIND:
        raise ClockBehindError(f"the clock shows {format_time(now)}; an archive is of {format_time(newest)}")
    known = max(newest, believed or newest)
    if now > known + MAX_AHEAD:
        raise ClockAheadError(
            f"the clock shows {format_time(now)}; the last known time is {format_time(known)}"
        )


def plan_turn(
    places: Mapping[str, Place],
    signers: Sequence[Signer],
    roots: Sequence[Root],
    memory: Memory,
    now: datetime,
) -> Turn:
    """Return what is to be done.

    Args:
        places: By name.
        signers: Of all opened archives.
        roots: All of them.
        memory: What stands where.
        now: Aware UTC, believed.
    """
    trusted = [root for root in roots if root.is_trusted(now)]
    wanted = tuple(_want(name, place, signers, trusted, now) for name, place in places.items())
    due = []
    looks = [root.certificate.not_valid_after_utc + timedelta(seconds=1) for root in trusted]
    for each in wanted:
        looks.extend(_changes(places[each.place], signers, now))
        standing = memory.of(each.place)
        if standing.content_sha256 == each.content_sha256 and standing.refusal is None:
            continue
        retry = _retry_at(standing, each)
        if retry is None or retry <= now:
            due.append(each)
        else:
            looks.append(retry)
    return Turn(wanted=wanted, due=tuple(due), next_look=min(looks, default=None))


def retry_delay(refusal: Refusal) -> timedelta:
    """Return how long after a refusal a place is tried again (rule 3)."""
    return min(_FIRST_RETRY * (1 << min(refusal.tries - 1, 16)), _LAST_RETRY)


def _want(
    name: str, place: Place, signers: Sequence[Signer], trusted: Sequence[Root], now: datetime
) -> Wanted:
    signer, why_none = None, None
    try:
        lane = find_lane(signers, place.target, lane=place.lane, name=place.lane_of)
        signer = choose(signers, place.target, lane, now)
    except SignerError as error:
        why_none = error
    content = (
        msgspec.to_builtins(place),
        (signer.id, signer.archive) if signer else None,
        [root.id for root in trusted],
    )
    digest = hashlib.sha256(msgspec.json.encode(content)).hexdigest()
    return Wanted(place=name, signer=signer, why_none=why_none, content_sha256=digest)


def _changes(place: Place, signers: Sequence[Signer], now: datetime) -> Iterator[datetime]:
    try:
        lane = find_lane(signers, place.target, lane=place.lane, name=place.lane_of)
    except SignerError:
        return
    change = next_change(signers, place.target, lane, now)
    if change is not None:
        yield change


def _retry_at(standing: Standing, wanted: Wanted) -> datetime | None:
    """Return when a place is to be tried again; None: at once."""
    refusal = standing.refusal
    if refusal is None or refusal.content_sha256 != wanted.content_sha256:
        return None
    return refusal.last + retry_delay(refusal)
