"""Which signer stands in a lane: by the calendar, never a future, retired, revoked or expired one."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import SignerError, SignerLaneError, SignerMissingError
from server.signers import Signer, choose, covered_until, find_lane, lanes_of, next_change
from tests.builders import utc
from tests.server.makers import TARGET, make_signer

START = utc("2027-01-01T00:00")
HOUR = timedelta(hours=1)


def quarter(number: int, **fields: object) -> Signer:
    """A signer of a quarter of 2027, from 0, with a month's tail."""
    months = ("01", "04", "07", "10")
    ends = (*months[1:], None)
    until = utc(f"2027-{ends[number]}-01T00:00") if ends[number] else utc("2028-01-01T00:00")
    return make_signer(issue_from=utc(f"2027-{months[number]}-01T00:00"), issue_until=until, **fields)


def code_at(signers: tuple[Signer, ...], now: datetime, lane: int = 1) -> str:
    with pytest.raises(SignerError) as caught:
        choose(signers, TARGET, lane, now)
    return caught.value.code


def test_the_signer_changes_at_the_very_instant() -> None:
    first, second = quarter(0), quarter(1)
    change = utc("2027-04-01T00:00")
    assert choose((first, second), TARGET, 1, change - timedelta(seconds=1)) == first
    assert choose((first, second), TARGET, 1, change) == second
    assert next_change((first, second), TARGET, 1, START) == change


def test_a_future_one_is_refused_and_its_day_named() -> None:
    assert code_at((quarter(1),), START) == "E-SIGNER-FUTURE"
    with pytest.raises(SignerError, match="2027-04-01T00:00:00Z"):
        choose((quarter(1),), TARGET, 1, START)


def test_a_retired_one_is_refused_while_it_is_valid_and_an_expired_one_after() -> None:
    only = quarter(0)
    assert code_at((only,), only.issue_until) == "E-SIGNER-RETIRED"
    assert code_at((only,), only.not_after) == "E-SIGNER-RETIRED"
    assert code_at((only,), only.not_after + HOUR) == "E-SIGNER-EXPIRED"


def test_a_revoked_one_is_refused_and_what_fills_its_hole_stands() -> None:
    revoked = quarter(0, is_revoked=True)
    assert code_at((revoked,), START) == "E-SIGNER-REVOKED"
    filler = quarter(0)
    assert choose((revoked, filler), TARGET, 1, START) == filler


def test_of_two_the_later_archive_stands() -> None:
    old = quarter(0)
    new = quarter(0, archive_created=old.archive_created + HOUR)
    assert choose((new, old), TARGET, 1, START) == choose((old, new), TARGET, 1, START) == new


def test_a_lane_is_told_or_the_only_one_or_falls_by_name() -> None:
    signers = tuple(make_signer(lane=lane) for lane in (1, 2, 3))
    assert lanes_of(signers, TARGET) == (1, 2, 3)
    assert find_lane(signers, TARGET, lane=2) == 2
    assert find_lane(signers[:1], TARGET) == 1
    assert {find_lane(signers, TARGET, name=f"node-{number}") for number in range(50)} == {1, 2, 3}
    assert find_lane(signers, TARGET, name="node-1") == find_lane(signers, TARGET, name="node-1")
    with pytest.raises(SignerLaneError, match="1 to 3"):
        find_lane(signers, TARGET)
    with pytest.raises(SignerMissingError, match="no lane 4"):
        find_lane(signers, TARGET, lane=4)
    with pytest.raises(SignerMissingError, match=f"known are: {TARGET}"):
        find_lane(signers, "services/other")


def test_cover_ends_at_the_first_hole() -> None:
    signers = (quarter(0), quarter(1), quarter(3))
    assert covered_until(signers, TARGET, 1, START) == utc("2027-07-01T00:00")
    assert covered_until(signers, TARGET, 1, utc("2027-08-01T00:00")) == utc("2027-08-01T00:00")


DAYS = st.integers(0, 60)


@st.composite
def lanes(draw: st.DrawFn) -> tuple[Signer, ...]:
    """Signers of two lanes: holes, overlaps, revoked ones, restored boxes."""
    made = []
    for _ in range(draw(st.integers(0, 8))):
        begin = START + timedelta(days=draw(DAYS))
        until = begin + timedelta(days=draw(st.integers(1, 30)))
        made.append(
            make_signer(
                lane=draw(st.integers(1, 2)),
                issue_from=begin,
                issue_until=until,
                is_revoked=draw(st.booleans()),
                archive_created=START + timedelta(days=draw(DAYS)),
            )
        )
    return tuple(made)


def standing(signers: tuple[Signer, ...], lane: int, now: datetime) -> Signer | None:
    try:
        return choose(signers, TARGET, lane, now)
    except SignerError:
        return None


@given(signers=lanes(), hours=st.integers(-48, 24 * 100))
def test_whoever_stands_issues_then_and_is_live_and_of_that_lane(
    signers: tuple[Signer, ...], hours: int
) -> None:
    now = START + hours * HOUR
    stands = standing(signers, 1, now)
    fitting = [s for s in signers if s.lane == 1 and not s.is_revoked and s.issue_from <= now < s.issue_until]
    assert (stands in fitting) if fitting else stands is None


@given(signers=lanes(), hours=st.integers(-48, 24 * 100))
def test_nothing_changes_before_the_next_change(signers: tuple[Signer, ...], hours: int) -> None:
    """So whoever sleeps until then, or wakes late, misses nothing."""
    now = START + hours * HOUR
    before = standing(signers, 1, now)
    change = next_change(signers, TARGET, 1, now)
    probe = now
    while probe < (change or now + timedelta(days=150)):
        assert standing(signers, 1, probe) == before
        probe += timedelta(hours=12)
    if change:
        assert standing(signers, 1, change - timedelta(seconds=1)) == before


@given(signers=lanes(), seed=st.randoms(use_true_random=False))
def test_the_order_of_the_archives_decides_nothing(signers: tuple[Signer, ...], seed: object) -> None:
    mixed = list(signers)
    seed.shuffle(mixed)  # type: ignore[attr-defined]
    for day in range(0, 90, 5):
        now = START + timedelta(days=day)
        assert standing(signers, 1, now) == standing(tuple(mixed), 1, now)


def test_revoking_never_makes_another_one_stand_too_early() -> None:
    signers = (quarter(0), quarter(1))
    gone = (replace(signers[0], is_revoked=True), signers[1])
    assert standing(gone, 1, START) is None
    assert next_change(gone, TARGET, 1, START) == signers[1].issue_from
