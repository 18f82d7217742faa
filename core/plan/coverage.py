"""Coverage: the live periods of each lane, how long they last, and when to visit next.

1. A signer is live unless it is revoked, or its root is revoked or unknown.
2. A root covers [issue_from, min(issue_until, NotAfter - tail)): whatever starts in there and is as long as
   the policy allows still ends inside the root. The tail grows with the policy, so coverage can shrink.
3. Coverage is counted without a hole: it ends at the first instant that no live period holds.
4. The next visit is due when a lane falls under spread_days of coverage, or when a CRL expires that its root
   outlives, as long as that root has not ended. A lane for foreign keys counts from its first signer on:
   before that no visit can help.

Pure. It issues nothing and plans nothing (core.plan.gaps does).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from core.certificate import Certificate
from core.errors import ClockError
from core.policy.periods import parse_quantum
from core.policy.settings import PolicySections

Lane = tuple[str | None, str | None, int | None]  # class, target, lane; none is None for a signer
Span = tuple[datetime, datetime]
_SECOND: Final = timedelta(seconds=1)
_FIRST_YEAR: Final = 1950  # RFC 5280 4.1.2.5: UTCTime begins here
_LAST_YEAR: Final = 9900  # and GeneralizedTime ends with 9999, less the longest lead, period and tail


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How long one lane is covered without a hole.

    Args:
        class_name: The lane's class; None for the roots.
        target: The lane's target; None for the roots.
        lane: 1..load; None for the roots.
        until: End of the coverage, exclusive; `now` itself where nothing covers now.
    """

    class_name: str | None
    target: str | None
    lane: int | None
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LivePeriods:
    """The live issuing periods that are not over, sorted by start.

    Args:
        roots: As far as each root counts as lane.
        signers: By (class, target, lane); a lane without any is not there.
    """

    roots: Sequence[Span]
    signers: Mapping[Lane, Sequence[Span]]


class CrlDates(Protocol):
    """What the next visit depends on of a CRL."""

    @property
    def issuer(self) -> str:
        """UUID of the root that signed it."""

    @property
    def next_update(self) -> datetime:
        """When it expires."""


def midnight_of(now: datetime) -> datetime:
    """Return today's midnight.

    Args:
        now: Aware UTC.

    Raises:
        ClockError: The year is none that certificates made now could hold (E-CLOCK).
    """
    if not _FIRST_YEAR <= now.year <= _LAST_YEAR:
        raise ClockError(f"the year {now.year} is outside {_FIRST_YEAR} to {_LAST_YEAR}")
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


def root_tail_days(policy: PolicySections) -> int:
    """Return the days that a root must outlive its issuing period: the longest period plus leaf lifetime."""
    return max(
        parse_quantum(target.quantum).longest_days + target.leaf_lifetime_days
        for _, _, target in policy.targets()
    )


def root_span(root: Certificate, tail: timedelta) -> Span:
    """Return the stretch that a root covers; empty or reversed when it is too short for all."""
    return root.issue_from, min(root.issue_until, root.not_after + _SECOND - tail)


def live_periods(policy: PolicySections, issued: Iterable[Certificate], now: datetime) -> LivePeriods:
    """Return what still covers something at `now` or later.

    Args:
        policy: Already validated.
        issued: Everything that was ever issued, any order.
        now: Aware UTC, sampled once per job.
    """
    tail = timedelta(days=root_tail_days(policy))
    certificates = tuple(issued)
    live_roots = {item.id: item for item in certificates if item.kind == "root" and item.revoked_at is None}
    roots = [root_span(root, tail) for root in live_roots.values()]
    signers: dict[Lane, list[Span]] = {}
    for item in certificates:
        live = item.revoked_at is None and item.issuer in live_roots
        if item.kind == "signer" and live and item.issue_until > now:
            lane = (item.class_name, item.target, item.lane)
            signers.setdefault(lane, []).append((item.issue_from, item.issue_until))
    for spans in signers.values():
        spans.sort()
    return LivePeriods(
        roots=sorted((start, end) for start, end in roots if end > max(start, now)), signers=signers
    )


def find_coverage(
    policy: PolicySections, issued: Iterable[Certificate], now: datetime
) -> tuple[Coverage, ...]:
    """Return how long each lane is covered: the roots first, then every lane of the policy, sorted.

    Args:
        policy: Already validated.
        issued: Everything that was ever issued, any order.
        now: Aware UTC, sampled once per job.

    Raises:
        ClockError: The year of `now` fits in no certificate (E-CLOCK).
    """
    midnight_of(now)
    live = live_periods(policy, issued, now)
    found = [Coverage(class_name=None, target=None, lane=None, until=_end_of_coverage(live.roots, now))]
    for class_name, target_name, target in policy.targets():
        for lane in range(1, target.load + 1):
            until = _end_of_coverage(live.signers.get((class_name, target_name, lane), ()), now)
            found.append(Coverage(class_name=class_name, target=target_name, lane=lane, until=until))
    return tuple(found)


def _end_of_coverage(spans: Sequence[Span], now: datetime) -> datetime:
    """Return the first instant from `now` on that none of the sorted spans holds."""
    until = now
    for start, end in spans:
        if start > until:
            break
        until = max(until, end)
    return until


def next_visit_by(
    policy: PolicySections, issued: Iterable[Certificate], crls: Iterable[CrlDates], now: datetime
) -> datetime:
    """Return the instant by which the box must be visited again; `now` when it is due or overdue.

    Args:
        policy: Already validated.
        issued: Everything that was ever issued, any order.
        crls: The latest CRL of each root.
        now: Aware UTC, sampled once per job.

    Raises:
        ClockError: The year of `now` fits in no certificate (E-CLOCK).
    """
    certificates = tuple(issued)
    spread = timedelta(days=policy.spread_days)
    foreign = {(name, target) for name, target, settings in policy.targets() if settings.own_key}
    dues = [
        lane.until - spread
        for lane in find_coverage(policy, certificates, now)
        if lane.until > now or (lane.class_name, lane.target) not in foreign
    ]
    # A root that has ended signs no more: its last list is nobody's business, however early it ended.
    ends = {item.id: item.not_after for item in certificates if item.kind == "root" and now < item.not_after}
    dues += [crl.next_update for crl in crls if crl.next_update < ends.get(crl.issuer, crl.next_update)]
    return max(now, min(dues))
