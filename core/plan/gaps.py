"""What a top-up must issue so that every lane is covered past the lead time.

Rules (design 3, tried by simulation; tests/core/plan/test_gaps.py holds them):
    1. For each lane, what is uncovered of [today 00:00, now + lead] is cut at the grid's boundaries and at
       the next live start. Each piece is one certificate; a piece that begins inside is issued whole.
    2. So nothing begins before today's midnight, and nothing overlaps.
    3. Roots are one lane, planned first, up to the longer of the two lead times.
    4. A signer's issuer is a live root whose coverage (core.plan.coverage, rule 2) holds the signer's start.

Pure. Keys, names and validity are core.issue.issuance's and core.issue.profile's.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Final, Literal

from core.certificate import Certificate
from core.errors import IssueError
from core.plan.coverage import (
    Span,
    live_periods,
    midnight_of,
    root_span,
    root_tail_days,
)
from core.policy.periods import Quantum, lead_days, parse_quantum
from core.policy.settings import PolicySections
from core.times import format_time

Piece = tuple[datetime, datetime, str]
_NEVER: Final[Span] = (datetime.max.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A stretch of a lane that one new certificate fills.

    Args:
        kind: root or signer.
        class_name: The signer's class; None for roots.
        target: The signer's target; None for roots.
        lane: 1..load; None for roots.
        period: Name of the calendar period that it lies in, such as 2027.1.
        issue_from: Start of the issuing period, a UTC midnight.
        issue_until: End of the issuing period, exclusive, a UTC midnight.
    """

    kind: Literal["root", "signer"]
    class_name: str | None = None
    target: str | None = None
    lane: int | None = None
    period: str
    issue_from: datetime
    issue_until: datetime

    @property
    def path(self) -> str:
        """`class/target` of a signer, `roots` of a root: as Certificate.path."""
        return f"{self.class_name}/{self.target}" if self.kind == "signer" else "roots"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All gaps at one instant, in issuing order: the earliest start first.

    Args:
        roots: To be issued before any signer.
        signers: With keys of our own.
        requests: Of targets with `own_key`: only a signing request can fill them, a top-up leaves them.
    """

    roots: tuple[Gap, ...] = ()
    signers: tuple[Gap, ...] = ()
    requests: tuple[Gap, ...] = ()

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """What a top-up issues, in issuing order."""
        return self.roots + self.signers

    def counts(self) -> tuple[tuple[str, int], ...]:
        """Return how many certificates a top-up issues per path: roots first, then targets by name."""
        counted = Counter(gap.path for gap in self.signers)
        roots = [("roots", len(self.roots))] if self.roots else []
        return (*roots, *sorted(counted.items()))

    def request_counts(self) -> tuple[tuple[str, int], ...]:
        """Return how many signing requests each target waits for, by name."""
        return tuple(sorted(Counter(gap.path for gap in self.requests).items()))

    def rows(self) -> tuple[dict[str, str | int | None], ...]:
        """Return the gaps as plain rows for JSON; times are RFC 3339."""
        return tuple(
            {
                "kind": gap.kind,
                "class": gap.class_name,
                "target": gap.target,
                "lane": gap.lane,
                "period": gap.period,
                "issue_from": format_time(gap.issue_from),
                "issue_until": format_time(gap.issue_until),
            }
            for gap in self.gaps
        )

    def late_roots(self, policy: PolicySections, now: datetime) -> tuple[Gap, ...]:
        """Return the roots that would start without having been exported spread_days before."""
        latest = now + timedelta(days=policy.spread_days)
        return tuple(gap for gap in self.roots if gap.issue_from < latest)


def find_gaps(policy: PolicySections, issued: Iterable[Certificate], now: datetime) -> Plan:
    """Return what must be issued so that every lane is covered from today past the lead time.

    Args:
        policy: Already validated.
        issued: Everything that was ever issued, any order.
        now: Aware UTC, sampled once per job.

    Returns:
        The gaps; none when nothing is due.

    Raises:
        ClockError: The year of `now` fits in no certificate (E-CLOCK).
    """
    today = midnight_of(now)
    live = live_periods(policy, issued, now)
    signer_lead = lead_days(policy.signers.lead_time)
    root_horizon = today + timedelta(days=max(signer_lead, lead_days(policy.roots.lead_time)))
    horizon = today + timedelta(days=signer_lead)
    root_grid = _grid(parse_quantum(policy.roots.quantum))
    roots = [
        Gap(kind="root", period=period, issue_from=start, issue_until=end)
        for start, end, period in _pieces(live.roots, today, root_horizon, root_grid)
    ]
    signers: list[Gap] = []
    requests: list[Gap] = []
    for class_name, target_name, target in policy.targets():
        grid = _grid(parse_quantum(target.quantum))
        found = requests if target.own_key else signers
        for lane in range(1, target.load + 1):
            spans = live.signers.get((class_name, target_name, lane), ())
            found += [
                Gap(
                    kind="signer",
                    class_name=class_name,
                    target=target_name,
                    lane=lane,
                    period=period,
                    issue_from=start,
                    issue_until=end,
                )
                for start, end, period in _pieces(spans, today, horizon, grid)
            ]
    # The sort is stable: within one start the policy's order and the lanes stay as they are.
    signers.sort(key=lambda gap: gap.issue_from)
    requests.sort(key=lambda gap: gap.issue_from)
    return Plan(roots=tuple(roots), signers=tuple(signers), requests=tuple(requests))


def _grid(quantum: Quantum) -> Callable[[datetime], tuple[datetime, str]]:
    """Return a function from an instant to its period's end and name; it remembers, since lanes repeat."""

    @cache
    def period_at(instant: datetime) -> tuple[datetime, str]:
        day = instant.date()
        following = quantum.next_start(day)
        return datetime(following.year, following.month, 1, tzinfo=UTC), quantum.name(day)

    return period_at


def _pieces(
    spans: Sequence[Span],
    today: datetime,
    horizon: datetime,
    period_at: Callable[[datetime], tuple[datetime, str]],
) -> Iterator[Piece]:
    """Yield what is uncovered from today to the horizon, both inclusive, one certificate a piece.

    Args:
        spans: The lane's live periods, sorted by start.
        today: Where planning begins.
        horizon: The last instant that must be covered.
        period_at: End and name of the calendar period of an instant.
    """
    cursor = today
    for start, end in (*spans, _NEVER):
        while cursor < start and cursor <= horizon:
            boundary, period = period_at(cursor)
            piece_end = min(boundary, start)
            yield cursor, piece_end, period
            cursor = piece_end
        cursor = max(cursor, end)


def choose_issuer(policy: PolicySections, roots: Iterable[Certificate], start: datetime) -> Certificate:
    """Return the live root that signs a signer which starts at `start`.

    Of several the one that started first is taken: it has been spread the longest.

    Args:
        policy: Already validated; its tail decides how far a root counts.
        roots: All roots, those just issued too; certificates of another kind are passed over.
        start: First instant of the signer's issuing period.

    Raises:
        IssueError: No live root covers that instant (E-ISSUE).
    """
    tail = timedelta(days=root_tail_days(policy))
    fitting = []
    for root in roots:
        if root.kind == "root" and root.revoked_at is None:
            first, end = root_span(root, tail)
            if first <= start < end:
                fitting.append(root)
    if not fitting:
        raise IssueError(f"no live root covers {start:%Y-%m-%d}, so nothing may start there")
    return min(fitting, key=lambda root: (root.issue_from, root.id))
