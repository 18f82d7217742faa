"""What each place should hold, what is due, when to look again: pure."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ClockError, PlaceError
from server.places.files import FilesPlace
from server.places.place import Place
from server.signers import Signer
from server.standing import Memory, Standing, refuse_again
from server.turns import MAX_AHEAD, MAX_BEHIND, Turn, check_clock, plan_turn, retry_delay
from tests.builders import utc
from tests.server.makers import TARGET, make_signer

START = utc("2027-01-01T00:00")
NEXT = utc("2027-04-01T00:00")
HOUR = timedelta(hours=1)
FIRST = make_signer()
SECOND = make_signer(issue_from=NEXT, issue_until=utc("2027-07-01T00:00"))


def place(**fields: object) -> Place:
    return FilesPlace(**({"target": TARGET, "folder": "/place", "plain_key": True} | fields))  # type: ignore[arg-type]


PLACES = {"etcd": place()}


def plan(
    now: datetime,
    memory: Memory,
    signers: tuple[Signer, ...] = (FIRST, SECOND),
    places: dict[str, Place] = PLACES,
) -> Turn:
    return plan_turn(places, signers, (), memory, now)


def fill(turn: Turn, memory: Memory, now: datetime) -> Memory:
    """Return the memory after all that is due was done."""
    for wanted in turn.due:
        signer = wanted.signer.id if wanted.signer else None
        standing = Standing(
            place=wanted.place, signer=signer, content_sha256=wanted.content_sha256, since=now
        )
        memory = memory.with_standing(standing)
    return memory


def test_a_place_is_due_until_it_is_filled_and_then_at_the_switch() -> None:
    memory = Memory()
    turn = plan(START, memory)
    assert [wanted.signer for wanted in turn.due] == [FIRST]
    memory = fill(turn, memory, START)
    turn = plan(START + HOUR, memory)
    assert (turn.due, turn.next_look) == ((), NEXT)
    assert [wanted.signer for wanted in plan(NEXT, memory).due] == [SECOND]


def test_who_was_off_over_the_switch_is_late_but_at_once() -> None:
    memory = fill(plan(START, Memory()), Memory(), START)
    assert [wanted.signer for wanted in plan(NEXT + 40 * 24 * HOUR, memory).due] == [SECOND]


def test_none_stands_when_none_may_and_the_reason_is_kept() -> None:
    memory = fill(plan(START, Memory()), Memory(), START)
    (due,) = plan(SECOND.issue_until, memory).due
    assert due.signer is None
    assert due.why_none is not None
    assert due.why_none.code == "E-SIGNER-RETIRED"


def test_other_settings_make_a_place_due() -> None:
    memory = fill(plan(START, Memory()), Memory(), START)
    assert plan(START, memory, places={"etcd": place(mode="0640")}).due


def test_what_was_refused_waits_longer_each_time_but_not_for_another_signer() -> None:
    (wanted,) = plan(START, Memory()).due
    refusal, delays = None, []
    for _ in range(9):
        refusal = refuse_again(refusal, PlaceError("down"), START, wanted.content_sha256)
        delays.append(retry_delay(refusal) // timedelta(minutes=1))
    assert delays == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    memory = Memory().with_standing(Standing(place="etcd", refusal=refusal))
    turn = plan(START + 59 * HOUR / 60, memory)
    assert (turn.due, turn.next_look) == ((), START + HOUR)
    assert plan(START + HOUR, memory).due
    assert plan(START, memory, signers=(make_signer(), SECOND)).due


@pytest.mark.parametrize("off", [-MAX_BEHIND, timedelta(), MAX_AHEAD])
def test_a_clock_within_reason_is_believed(off: timedelta) -> None:
    check_clock(START + off, START, None)


@pytest.mark.parametrize(
    ("off", "code"), [(-MAX_BEHIND - HOUR, "E-CLOCK-BEHIND"), (MAX_AHEAD + HOUR, "E-CLOCK-AHEAD")]
)
def test_a_clock_behind_the_archive_or_years_ahead_is_refused(off: timedelta, code: str) -> None:
    with pytest.raises(ClockError) as caught:
        check_clock(START + off, START, None)
    assert caught.value.code == code


def test_a_clock_that_went_on_is_believed_for_ever() -> None:
    """So ten years without a visit are no reason to stop while signers last."""
    believed = START
    for _ in range(20):
        believed += MAX_AHEAD / 2
        check_clock(believed, START, believed - MAX_AHEAD / 2)


@given(
    days=st.lists(st.integers(0, 40), max_size=20),
    revoked=st.booleans(),
    refusing=st.lists(st.booleans(), min_size=20, max_size=20),
)
def test_whatever_happens_no_place_holds_who_may_not_stand_after_a_turn(
    days: list[int],
    revoked: bool,  # noqa: FBT001
    refusing: list[bool],
) -> None:
    signers = (FIRST, make_signer(is_revoked=revoked, issue_from=NEXT, issue_until=SECOND.issue_until))
    memory, now = Memory(), START
    for step, refuse in zip(days, refusing, strict=False):
        now += step * 24 * HOUR
        turn = plan(now, memory, signers)
        if refuse and turn.due:
            refusal = refuse_again(
                memory.of("etcd").refusal, PlaceError("down"), now, turn.due[0].content_sha256
            )
            memory = memory.with_standing(Standing(place="etcd", refusal=refusal))
            continue
        memory = fill(turn, memory, now)
        held = memory.of("etcd")
        if held.refusal is None:
            standing = [signer.id for signer in signers if signer.may_stand(now)]
            assert held.signer == (standing[0] if standing else None)
        assert turn.next_look is None or turn.next_look > now
