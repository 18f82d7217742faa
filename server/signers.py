"""Which signer stands in a lane at an instant: pure, from what the opened archives say of their signers.

Rules:
1. A signer may stand while its issuing period lasts, `issue_from` inclusive, `issue_until` exclusive. Never
   before, since nobody would verify what it signs; never after, since that would outlive it.
2. A revoked one never stands, whichever of the opened archives says so, at no instant.
3. Of two that may stand (a restored box issued another one), the one of the later archive does, then the
   one that began later; the id decides the rest, so that every server of a lane decides alike.
4. Where none may stand, the refusal says what became of the one that is nearest.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.errors import (
    SignerError,
    SignerExpiredError,
    SignerFutureError,
    SignerLaneError,
    SignerMissingError,
    SignerRetiredError,
    SignerRevokedError,
)
from core.times import format_time


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """A signer of an opened archive.

    Args:
        id: Its UUID.
        target: `class/target`.
        lane: From 1.
        period: Name of its issuing period, such as 2027.1.
        algorithm: A name of config.yaml.
        issue_from: First instant of its issuing period, aware UTC.
        issue_until: End of it, exclusive.
        not_before: First instant of its validity.
        not_after: Last instant of its validity, inclusive.
        leaf_lifetime: The longest time that a leaf of its target may live.
        root: UUID of its root.
        is_revoked: Whether it or its root is.
        has_key: Whether its private key is in the archive; False where the server made the key.
        archive: Name of the folder that holds it.
        archive_created: When that archive was made.
    """

    id: str
    target: str
    lane: int
    period: str
    algorithm: str
    issue_from: datetime
    issue_until: datetime
    not_before: datetime
    not_after: datetime
    leaf_lifetime: timedelta
    root: str
    is_revoked: bool
    has_key: bool
    archive: str
    archive_created: datetime

    def may_stand(self, now: datetime) -> bool:
        """Return whether it may sign at `now` (rules 1 and 2)."""
        return not self.is_revoked and self.issue_from <= now < self.issue_until


def lanes_of(signers: Iterable[Signer], target: str) -> tuple[int, ...]:
    """Return the lanes of a target, rising; none if no archive names it."""
    return tuple(sorted({signer.lane for signer in signers if signer.target == target}))


def find_lane(
    signers: Sequence[Signer], target: str, *, lane: int | None = None, name: str | None = None
) -> int:
    """Return the lane that a server works in.

    Args:
        signers: Of all opened archives.
        target: `class/target`.
        lane: The one that it was told, from 1.
        name: Else a name of its own, which falls on one of the lanes by its hash. The same name falls on
            the same lane as long as there are as many lanes.

    Raises:
        SignerMissingError: No archive names the target or that lane (E-SIGNER-MISSING).
        SignerLaneError: There are several lanes, and nothing says which (E-SIGNER-LANE).
    """
    lanes = lanes_of(signers, target)
    if not lanes:
        known = ", ".join(sorted({signer.target for signer in signers})) or "none at all"
        raise SignerMissingError(f"no opened archive has signers of {target}; known are: {known}")
    if lane is None and name is not None:
        digest = hashlib.sha256(name.encode()).digest()
        return lanes[int.from_bytes(digest) % len(lanes)]
    if lane is None and len(lanes) > 1:
        raise SignerLaneError(f"{target} has the lanes {lanes[0]} to {lanes[-1]}: say which")
    if lane is not None and lane not in lanes:
        raise SignerMissingError(f"{target} has no lane {lane}; the last one is {lanes[-1]}")
    return lanes[0] if lane is None else lane


def choose(signers: Iterable[Signer], target: str, lane: int, now: datetime) -> Signer:
    """Return the signer that stands in a lane.

    Args:
        signers: Of all opened archives.
        target: `class/target`.
        lane: From 1.
        now: Aware UTC.

    Raises:
        SignerError: None may; the class and code say why: E-SIGNER-MISSING, -FUTURE, -RETIRED, -EXPIRED or
            -REVOKED.
    """
    mine = [signer for signer in signers if (signer.target, signer.lane) == (target, lane)]
    standing = [signer for signer in mine if signer.may_stand(now)]
    if not standing:
        raise _refuse(mine, f"{target} lane {lane}", now)
    return max(standing, key=lambda signer: (signer.archive_created, signer.issue_from, signer.id))


def next_change(signers: Iterable[Signer], target: str, lane: int, now: datetime) -> datetime | None:
    """Return the next instant at which another signer may stand in a lane, or none any more.

    Arguments as for `choose`. None: nothing changes without another archive.
    """
    instants = (
        instant
        for signer in signers
        if (signer.target, signer.lane) == (target, lane) and not signer.is_revoked
        for instant in (signer.issue_from, signer.issue_until)
    )
    return min((instant for instant in instants if instant > now), default=None)


def covered_until(signers: Sequence[Signer], target: str, lane: int, now: datetime) -> datetime:
    """Return the first instant, from `now` on, at which no signer may stand in a lane; `now` if none does.

    Arguments as for `choose`.
    """
    mine = [signer for signer in signers if (signer.target, signer.lane) == (target, lane)]
    end = now
    while standing := [signer for signer in mine if signer.may_stand(end)]:
        end = max(signer.issue_until for signer in standing)
    return end


def _refuse(mine: Sequence[Signer], where: str, now: datetime) -> SignerError:
    """Say why none of a lane's signers may stand (rule 4)."""
    revoked = [
        signer for signer in mine if signer.is_revoked and signer.issue_from <= now < signer.issue_until
    ]
    live = [signer for signer in mine if not signer.is_revoked]
    future = min((signer.issue_from for signer in live if signer.issue_from > now), default=None)
    then = f"; the next one issues from {format_time(future)}" if future else ""
    if revoked:
        return SignerRevokedError(f"the signer of {where}, {revoked[0].id}, is revoked{then}")
    past = max(
        (signer for signer in live if signer.issue_until <= now),
        key=lambda signer: signer.issue_until,
        default=None,
    )
    if past is None and future is None:
        return SignerMissingError(f"there is no signer of {where} that is not revoked")
    if past is None:
        return SignerFutureError(f"there is no signer of {where} yet{then}")
    if now <= past.not_after:
        return SignerRetiredError(
            f"the last signer of {where} issued until {format_time(past.issue_until)}{then}"
        )
    return SignerExpiredError(f"the last signer of {where} expired at {format_time(past.not_after)}{then}")
