"""The plan covers every lane past the lead time, whatever happened before."""

import json
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import ClockError, IssueError
from core.plan.coverage import find_coverage, next_visit_by, root_span, root_tail_days
from core.plan.gaps import Plan, choose_issuer, find_gaps
from core.policy.periods import lead_days
from core.policy.policy import Policy
from core.policy.settings import RootSettings, SignerSettings, Target
from tests.builders import make_policy, utc
from tests.core.simulation import Box, assert_rules

QUANTA = (1 / 12, 0.167, 0.25, 0.3333, 0.5, 1.0, 2.0, 3.0, 5.0, 20.0)


def policy_of(*, lead_time: float = 0.5, roots: RootSettings | None = None, **targets: Target) -> Policy:
    """Return a policy with these targets in class services."""
    signers = SignerSettings(lead_time=lead_time, classes={"services": targets})
    return make_policy(signers=signers, roots=roots or RootSettings(quantum=1.0, lead_time=1.0))


def spans(plan: Plan, lane: int = 1) -> list[tuple[str, str]]:
    """Return the days on which one lane's new periods begin and end."""
    return [
        (f"{gap.issue_from:%Y-%m-%d}", f"{gap.issue_until:%Y-%m-%d}")
        for gap in plan.signers
        if gap.lane == lane
    ]


MONGO = policy_of(mongo=Target(quantum=0.25))
NOW = utc("2027-02-10T15:30:00")


def test_first_start_begins_today_and_issues_the_last_piece_whole() -> None:
    plan = find_gaps(MONGO, (), NOW)
    # 183 days on is 2027-08-12: the third quarter begins inside and is issued to its end.
    assert spans(plan) == [
        ("2027-02-10", "2027-04-01"),
        ("2027-04-01", "2027-07-01"),
        ("2027-07-01", "2027-10-01"),
    ]
    assert [gap.period for gap in plan.signers] == ["2027.1", "2027.2", "2027.3"]
    assert [gap.period for gap in plan.roots] == ["2027", "2028"]
    assert plan.roots[0].issue_from == utc("2027-02-10")


def test_horizon_is_inclusive() -> None:
    lead = timedelta(days=lead_days(0.5))
    on_it, before_it = utc("2027-07-01") - lead, utc("2027-06-30") - lead
    assert spans(find_gaps(MONGO, (), on_it + timedelta(hours=23)))[-1][0] == "2027-07-01"
    assert spans(find_gaps(MONGO, (), before_it))[-1][0] == "2027-04-01"


def test_every_lane_up_to_the_load_has_its_own_chain() -> None:
    plan = find_gaps(policy_of(avatars=Target(quantum=0.25, load=200)), (), NOW)
    assert {gap.lane for gap in plan.signers} == set(range(1, 201))
    assert len(plan.signers) == 600
    assert all(spans(plan, lane) == spans(plan, 1) for lane in range(2, 201))


def test_issuing_order_is_by_start_then_target_then_lane() -> None:
    plan = find_gaps(policy_of(b=Target(quantum=0.5, load=2), a=Target(quantum=0.25)), (), NOW)
    order = [(gap.issue_from, gap.path, gap.lane) for gap in plan.signers]
    assert order == sorted(order)
    assert plan.gaps == plan.roots + plan.signers


def test_greater_load_begins_today_and_leaves_the_other_lanes_alone() -> None:
    box = Box()
    box.top_up(MONGO, NOW)
    more = policy_of(mongo=Target(quantum=0.25, load=2))
    later = NOW + timedelta(days=20)
    plan = find_gaps(more, box.issued, later)
    assert {gap.lane for gap in plan.signers} == {2}
    assert spans(plan, 2)[0] == ("2027-03-02", "2027-04-01")


def test_smaller_load_issues_nothing_for_the_lanes_above_it() -> None:
    box = Box()
    box.top_up(policy_of(mongo=Target(quantum=0.25, load=3)), NOW)
    plan = find_gaps(MONGO, box.issued, NOW + timedelta(days=90))
    assert {gap.lane for gap in plan.signers} == {1}


def test_revoked_signer_is_filled_from_today_up_to_the_next_live_start() -> None:
    box = Box()
    box.top_up(MONGO, NOW)
    first = next(place for place, item in enumerate(box.issued) if item.kind == "signer")
    later = NOW + timedelta(days=5)
    box.revoke(first, later)
    assert spans(find_gaps(MONGO, box.issued, later)) == [("2027-02-15", "2027-04-01")]


def test_revoked_root_takes_its_signers_with_it() -> None:
    box = Box()
    box.top_up(MONGO, NOW)
    box.revoke(0, NOW)
    plan = find_gaps(MONGO, box.issued, NOW)
    assert [gap.issue_from for gap in plan.roots] == [utc("2027-02-10")]
    assert len(spans(plan)) == 3


def test_signer_of_an_unknown_root_is_no_cover() -> None:
    box = Box()
    box.top_up(MONGO, NOW)
    orphans = [item for item in box.issued if item.id != "0"]
    assert len(find_gaps(MONGO, orphans, NOW).signers) == 3


def test_changed_quantum_begins_where_cover_ends_and_is_cut_at_the_new_grid() -> None:
    box = Box()
    box.top_up(MONGO, NOW)
    yearly = policy_of(mongo=Target(quantum=1.0))
    assert spans(find_gaps(yearly, box.issued, utc("2027-04-02"))) == [("2027-10-01", "2028-01-01")]


def test_stretch_is_cut_at_the_next_live_start() -> None:
    box = Box()
    box.top_up(MONGO, NOW)
    middle = next(place for place, item in enumerate(box.issued) if item.period == "2027.2")
    box.revoke(middle, NOW)
    yearly = policy_of(mongo=Target(quantum=1.0))
    assert spans(find_gaps(yearly, box.issued, NOW)) == [("2027-04-01", "2027-07-01")]


def test_nothing_is_issued_for_a_missed_period() -> None:
    box = Box()
    box.top_up(MONGO, NOW)
    assert spans(find_gaps(MONGO, box.issued, utc("2029-05-20")))[0] == ("2029-05-20", "2029-07-01")


def test_roots_reach_to_the_longer_lead_time() -> None:
    far = policy_of(lead_time=3.0, mongo=Target(quantum=1.0))
    assert [gap.period for gap in find_gaps(far, (), NOW).roots] == ["2027", "2028", "2029", "2030"]


def test_need_is_the_longest_period_plus_leaf_lifetime() -> None:
    policy = policy_of(a=Target(quantum=0.25, leaf_lifetime_days=400), b=Target(quantum=1.0))
    assert root_tail_days(policy) == 92 + 400


def test_policy_that_needs_longer_roots_opens_a_root_gap() -> None:
    box = Box()
    box.top_up(MONGO, NOW)
    longer = policy_of(mongo=Target(quantum=0.25, leaf_lifetime_days=60))
    # Need grew by 30 days: each root counts 30 days less, so a new one must stand in at once where it stops.
    plan = find_gaps(longer, box.issued, NOW)
    assert [(gap.issue_from, gap.issue_until) for gap in plan.roots] == [
        (utc("2027-12-02"), utc("2028-01-01")),
    ]


def test_root_too_short_for_the_policy_counts_for_nothing() -> None:
    box = Box()
    box.top_up(MONGO, NOW)
    much_longer = policy_of(mongo=Target(quantum=0.25, leaf_lifetime_days=2000))
    first, end = root_span(box.issued[0], timedelta(days=root_tail_days(much_longer)))
    assert end < first
    assert find_gaps(much_longer, box.issued, NOW).roots[0].issue_from == utc("2027-02-10")


def test_target_with_foreign_keys_is_planned_but_not_issued() -> None:
    policy = policy_of(mongo=Target(quantum=0.25), visitor=Target(quantum=0.25, own_key=True, load=2))
    plan = find_gaps(policy, (), NOW)
    assert {gap.target for gap in plan.signers} == {"mongo"}
    assert {gap.target for gap in plan.requests} == {"visitor"}
    assert len(plan.requests) == 6
    assert plan.request_counts() == (("services/visitor", 6),)


def test_plan_lists_itself_as_rows_and_counts() -> None:
    plan = find_gaps(policy_of(mongo=Target(quantum=0.25), etcd=Target(quantum=0.5, load=2)), (), NOW)
    assert plan.counts() == (("roots", 2), ("services/etcd", 4), ("services/mongo", 3))
    rows = plan.rows()
    assert len(rows) == len(plan.gaps)
    assert rows[0] == {
        "kind": "root",
        "class": None,
        "target": None,
        "lane": None,
        "period": "2027",
        "issue_from": "2027-02-10T00:00:00Z",
        "issue_until": "2028-01-01T00:00:00Z",
    }
    assert rows[2]["target"] == "etcd"
    assert json.loads(json.dumps(rows)) == list(rows)
    assert Plan().counts() == Plan().rows() == ()


def test_root_without_its_spread_is_named() -> None:
    plan = find_gaps(MONGO, (), NOW)
    assert [gap.period for gap in plan.late_roots(MONGO, NOW)] == ["2027"]


@pytest.mark.parametrize("year", [1, 1949, 9901, 9999])
def test_clock_that_no_certificate_can_hold_is_refused(year: int) -> None:
    now = datetime(year, 1, 1, tzinfo=UTC)
    for ask in (find_gaps, find_coverage):
        with pytest.raises(ClockError, match=f"year {year} is outside") as caught:
            ask(MONGO, (), now)
        assert caught.value.code == "E-CLOCK"


def test_issuer_is_a_live_root_that_covers_the_start() -> None:
    box = Box()
    box.top_up(MONGO, NOW)
    assert choose_issuer(MONGO, box.issued, utc("2027-12-31")).period == "2027"
    assert choose_issuer(MONGO, box.issued, utc("2028-01-01")).period == "2028"
    with pytest.raises(IssueError, match="no live root covers 2040-01-01"):
        choose_issuer(MONGO, box.issued, utc("2040-01-01"))
    box.revoke(0, NOW)
    with pytest.raises(IssueError):
        choose_issuer(MONGO, box.issued, utc("2027-12-31"))


def test_of_two_fitting_roots_the_one_spread_longest_signs() -> None:
    box = Box()
    box.top_up(MONGO, NOW)
    newer = replace(box.issued[0], id="newer", issue_from=utc("2027-06-01"))
    assert choose_issuer(MONGO, [newer, *box.issued], utc("2027-07-01")).id == "0"


def test_cover_names_every_lane_and_ends_at_the_first_hole() -> None:
    box = Box()
    box.top_up(policy_of(mongo=Target(quantum=0.25, load=2)), NOW)
    place = next(n for n, item in enumerate(box.issued) if item.lane == 2 and item.period == "2027.2")
    box.revoke(place, NOW)
    policy = policy_of(etcd=Target(quantum=0.25), mongo=Target(quantum=0.25, load=3))
    covers = find_coverage(policy, box.issued, NOW)
    assert [(item.class_name, item.target, item.lane, item.until) for item in covers] == [
        (None, None, None, utc("2029-01-01")),
        ("services", "etcd", 1, NOW),
        ("services", "mongo", 1, utc("2027-10-01")),
        ("services", "mongo", 2, utc("2027-04-01")),
        ("services", "mongo", 3, NOW),
    ]


@dataclass(frozen=True)
class Dates:
    """The dates of a CRL."""

    issuer: str
    next_update: datetime


def test_next_visit_is_when_the_shortest_lane_falls_under_its_spread() -> None:
    box = Box()
    box.top_up(MONGO, NOW)
    assert next_visit_by(MONGO, box.issued, (), NOW) == utc("2027-10-01") - timedelta(days=30)


def test_next_visit_is_when_a_crl_expires_that_its_root_outlives() -> None:
    box = Box()
    box.top_up(MONGO, NOW)
    ending = Dates("0", box.issued[0].not_after)
    assert next_visit_by(MONGO, box.issued, [ending, Dates("?", NOW)], NOW) == utc("2027-09-01")
    early = Dates("1", utc("2027-06-05T01:02:03"))
    assert next_visit_by(MONGO, box.issued, [ending, early], NOW) == early.next_update


def test_a_list_that_ended_before_its_root_is_due_no_more_when_the_root_has_ended() -> None:
    box = Box()
    box.top_up(MONGO, NOW)
    root = box.issued[0]
    missed = Dates(root.id, root.not_after - timedelta(days=40))
    before = root.not_after - timedelta(seconds=1)
    box.top_up(MONGO, before)
    assert next_visit_by(MONGO, box.issued, [missed], before) == before
    after = root.not_after + timedelta(days=1)
    box.top_up(MONGO, after)
    assert next_visit_by(MONGO, box.issued, [missed], after) > after + timedelta(days=90)


def test_next_visit_is_now_when_overdue() -> None:
    box = Box()
    assert next_visit_by(MONGO, (), (), NOW) == NOW
    box.top_up(MONGO, NOW)
    later = utc("2027-09-20T08:00:00")
    assert next_visit_by(MONGO, box.issued, (), later) == later


def test_lane_for_foreign_keys_counts_from_its_first_signer_on() -> None:
    policy = policy_of(mongo=Target(quantum=0.25), visitor=Target(quantum=0.25, own_key=True))
    box = Box()
    box.top_up(policy, NOW)
    assert next_visit_by(policy, box.issued, (), NOW) == utc("2027-09-01")
    box.certify(policy, find_gaps(policy, box.issued, NOW).requests[0])
    assert next_visit_by(policy, box.issued, (), NOW) == utc("2027-03-02")


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Draw a policy whose lead times outlast a visit, small enough to look at day by day."""
    lead_time = draw(st.floats(min_value=0.02, max_value=2.5))
    visit = draw(st.integers(min_value=1, max_value=max(1, lead_days(lead_time) - 1)))
    spread = draw(st.integers(min_value=0, max_value=lead_days(lead_time) - visit))
    targets = st.builds(
        Target,
        quantum=st.sampled_from(QUANTA),
        load=st.integers(min_value=1, max_value=3),
        leaf_lifetime_days=st.one_of(
            st.integers(min_value=1, max_value=90), st.integers(min_value=1, max_value=7320)
        ),
    )
    classes: dict[str, Any] = draw(
        st.dictionaries(
            st.sampled_from("ab"),
            st.dictionaries(st.sampled_from("xyz"), targets, min_size=1, max_size=2),
            min_size=1,
        )
    )
    root_lead = draw(
        st.floats(min_value=lead_time, max_value=4.0) | st.floats(min_value=lead_time / 2, max_value=4)
    )
    return make_policy(
        visit_every_days=visit,
        spread_days=spread,
        roots=RootSettings(quantum=draw(st.sampled_from(QUANTA)), lead_time=root_lead),
        signers=SignerSettings(lead_time=lead_time, classes=classes),
    )


visits = st.tuples(
    # Days since the last visit: the same day, early, in time, late, or so late that periods were missed.
    st.one_of(st.just(0), st.integers(min_value=0, max_value=120), st.integers(min_value=0, max_value=1500)),
    st.integers(min_value=0, max_value=86_399),
    st.none() | policies(),
    st.lists(st.integers(min_value=0, max_value=10_000), max_size=4),
)


@settings(max_examples=120, deadline=None)
@given(
    policy=policies(),
    first=st.datetimes(
        min_value=datetime(2020, 1, 1),  # noqa: DTZ001  made aware below
        max_value=datetime(2110, 1, 1),  # noqa: DTZ001
    ),
    later=st.lists(visits, max_size=6),
)
def test_every_lane_stays_covered_whatever_happens_between_visits(
    policy: Policy, first: datetime, later: list[tuple[int, int, Policy | None, list[int]]]
) -> None:
    box, now = Box(), first.replace(microsecond=0, tzinfo=UTC)
    assert_rules(box, policy, box.top_up(policy, now), now)
    for days, second, changed, revoked in later:
        now = max(now, now.replace(hour=0, minute=0, second=0) + timedelta(days=days, seconds=second))
        policy = changed or policy
        for number in revoked:
            box.revoke(number, now)
        assert_rules(box, policy, box.top_up(policy, now), now)


def test_ten_thousand_lanes_and_fifty_thousand_certificates_are_planned_at_once() -> None:
    policy = policy_of(avatars=Target(quantum=0.25, load=10_000))
    box = Box()
    plan = find_gaps(policy, (), NOW)
    for gap in plan.roots:
        box.certify(policy, gap)
    pattern = box.issued[0]
    issued = list(box.issued)
    for age in range(5):
        start, end = utc(f"{2026 - age}-01-01"), utc(f"{2027 - age}-01-01")
        issued += [
            replace(
                pattern,
                kind="signer",
                class_name="services",
                target="avatars",
                lane=lane,
                issuer="0",
                issue_from=start,
                issue_until=end,
            )
            for lane in range(1, 10_001)
        ]
    began = time.process_time()
    again = find_gaps(policy, issued, NOW)
    took = time.process_time() - began
    assert len(again.signers) == 30_000
    assert took < 3
