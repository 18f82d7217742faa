"""A box that is visited again and again, with certificates but no keys; what must hold after each visit.

The checks are written anew, day by day or stretch by stretch, and share no code with core.plan.gaps.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from core.certificate import Certificate
from core.plan.coverage import find_coverage, next_visit_by
from core.plan.gaps import Gap, choose_issuer, find_gaps
from core.policy.periods import lead_days, parse_quantum
from core.policy.policy import Policy

SECOND = timedelta(seconds=1)


def need_of(policy: Policy) -> timedelta:
    """Return how long a root must go on after its issuing period."""
    needs = [
        parse_quantum(target.quantum).longest_days + target.leaf_lifetime_days
        for targets in policy.signers.classes.values()
        for target in targets.values()
    ]
    return timedelta(days=max(needs))


@dataclass
class Box:
    """The certificates of one authority over its life."""

    issued: list[Certificate] = field(default_factory=list)

    def certify(self, policy: Policy, gap: Gap) -> Certificate:
        """Add the certificate that fills a gap."""
        number = str(len(self.issued))
        if gap.kind == "root":
            issuer, tail = number, need_of(policy)
        else:
            assert gap.class_name is not None
            assert gap.target is not None
            issuer = choose_issuer(policy, self.issued, gap.issue_from).id
            tail = timedelta(days=policy.signers.classes[gap.class_name][gap.target].leaf_lifetime_days)
        made = Certificate(
            id=number,
            kind=gap.kind,
            class_name=gap.class_name,
            target=gap.target,
            lane=gap.lane,
            period=gap.period,
            algorithm=policy.algorithm,
            issue_from=gap.issue_from,
            issue_until=gap.issue_until,
            not_before=gap.issue_from,
            not_after=gap.issue_until + tail - SECOND,
            serial=len(self.issued) + 1,
            issuer=issuer,
            sha256="0" * 64,
        )
        self.issued.append(made)
        return made

    def revoke(self, number: int, now: datetime) -> None:
        """Revoke one certificate; the number is taken modulo what there is."""
        if self.issued:
            place = number % len(self.issued)
            self.issued[place] = replace(self.issued[place], revoked_at=now, reason="superseded")

    def top_up(self, policy: Policy, now: datetime) -> list[Certificate]:
        """Fill every gap and return what was made."""
        return [self.certify(policy, gap) for gap in find_gaps(policy, self.issued, now).gaps]

    def live(self) -> dict[tuple[Any, ...], list[Certificate]]:
        """Return the live certificates by (kind, class, target, lane), sorted by start."""
        by_id = {item.id: item for item in self.issued}
        lanes: dict[tuple[Any, ...], list[Certificate]] = {}
        for item in sorted(self.issued, key=lambda item: item.issue_from):
            if item.revoked_at is None and by_id[item.issuer].revoked_at is None:
                lanes.setdefault((item.kind, item.class_name, item.target, item.lane), []).append(item)
        return lanes


def assert_rules(box: Box, policy: Policy, made: list[Certificate], now: datetime) -> None:
    """Assert every invariant of design 3 right after a top-up at `now`."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    ahead = timedelta(days=lead_days(policy.signers.lead_time))
    root_ahead = max(ahead, timedelta(days=lead_days(policy.roots.lead_time)))
    for item in made:
        assert_lies_on_grid(policy, item)
        assert item.issue_from >= today, "issued for the past"
        horizon = today + (root_ahead if item.kind == "root" else ahead)
        assert item.issue_from <= horizon, "begins after the lead time"
    assert_nested(box, made)
    roots = box.live().get(("root", None, None, None), [])
    assert_roots_carry(roots, need_of(policy), today, today + root_ahead)
    assert_new_roots_apart(roots, need_of(policy), made)
    assert_signers_cover(box, policy, today, today + ahead)
    assert find_gaps(policy, box.issued, now).gaps == (), "a second top-up issues something"
    for cover in find_coverage(policy, box.issued, now):
        assert cover.until > today + (root_ahead if cover.target is None else ahead)
    visit = timedelta(days=policy.visit_every_days)
    assert next_visit_by(policy, box.issued, (), now) > today + visit


def assert_lies_on_grid(policy: Policy, item: Certificate) -> None:
    """Assert that an issuing period lies inside one calendar period and has its name."""
    years = policy.roots.quantum
    if item.class_name is not None and item.target is not None:
        years = policy.signers.classes[item.class_name][item.target].quantum
    quantum = parse_quantum(years)
    last_day = (item.issue_until - SECOND).date()
    assert item.issue_from < item.issue_until
    assert quantum.start_of(item.issue_from.date()) == quantum.start_of(last_day), "crosses the grid"
    assert item.period == quantum.name(last_day)


def assert_nested(box: Box, made: list[Certificate]) -> None:
    """Assert that every signer lies inside its root, and that new ones start in a live root's period."""
    by_id = {item.id: item for item in box.issued}
    for item in box.issued:
        if item.kind == "signer":
            root = by_id[item.issuer]
            assert root.not_before <= item.not_before <= item.not_after <= root.not_after, "does not nest"
    for item in made:
        if item.kind == "signer":
            root = by_id[item.issuer]
            assert root.revoked_at is None, "signed by a revoked root"
            assert root.issue_from <= item.issue_from < root.issue_until, "signed outside the root's period"


def assert_roots_carry(roots: list[Certificate], need: timedelta, day: datetime, last: datetime) -> None:
    """Assert that on each day some root outlives the longest that could start there."""
    while day <= last:
        assert any(
            root.issue_from <= day < root.issue_until and day + need <= root.not_after + SECOND
            for root in roots
        ), f"no root on {day}"
        day += timedelta(days=1)


def assert_new_roots_apart(roots: list[Certificate], need: timedelta, made: list[Certificate]) -> None:
    """Assert that a new root overlaps nothing that counts as cover."""
    for new in made:
        for root in roots:
            counted_until = min(root.issue_until, root.not_after + SECOND - need)
            if new.kind == "root" and root is not new and root.issue_from < counted_until:
                apart = new.issue_until <= root.issue_from or counted_until <= new.issue_from
                assert apart, "roots overlap"


def assert_signers_cover(box: Box, policy: Policy, today: datetime, last: datetime) -> None:
    """Assert that every lane is covered from today to `last`, without a hole and without overlap."""
    live = box.live()
    for class_name, targets in policy.signers.classes.items():
        for target_name, target in targets.items():
            for lane in range(1, target.load + 1):
                lived = live.get(("signer", class_name, target_name, lane), [])
                for one, two in pairwise(lived):
                    assert one.issue_until <= two.issue_from, "overlap"
                reached = today
                for item in lived:
                    if item.issue_until > reached and reached <= last:
                        assert item.issue_from <= reached, "hole"
                        reached = item.issue_until
                assert reached > last, "cover ends inside the lead time"
