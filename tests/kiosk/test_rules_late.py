"""What was signed while the clock was ahead, each rule by the shortest way."""

from dataclasses import replace

from hw.ports import StickInserted
from kiosk import effects as fx
from kiosk import events as ev
from kiosk import states as st
from kiosk.reports import LateIssue
from tests.kiosk.facts import HERE, LATE, NOW, OPEN, TROUBLE, with_sticks
from tests.kiosk.steps import go, hold

SETTING = st.Asking(box=replace(OPEN, clock=TROUBLE), topic=st.Topic.SET_CLOCK)


def test_a_clock_put_right_shows_what_it_had_signed_and_a_held_key_revokes_all_of_it() -> None:
    state, _ = go(SETTING, ev.ClockSet(NOW, LATE))
    assert state == st.SignedAhead(box=state.box, late=LATE)
    assert state.box.clock is None
    assert not any(isinstance(effect, fx.RevokeAll) for effect in go(state, "#")[1])
    state, done = go(state, *hold("#"))
    assert fx.RevokeAll(LATE.certificate_ids, "superseded") in done
    assert go(state, "*")[0] == state
    state, _ = go(state, ev.Revoked())
    assert isinstance(state, st.Finished)
    assert state.box.report is None


def test_it_can_be_left_as_it_is() -> None:
    state, done = go(st.SignedAhead(box=OPEN, late=LATE), "*")
    assert isinstance(state, st.Home)
    assert not any(isinstance(effect, fx.RevokeAll) for effect in done)


def test_its_pages_turn_and_any_of_them_revokes() -> None:
    state: st.Screen = st.SignedAhead(box=OPEN, late=LATE)
    for page in (1, 2, 0, 1):
        state, _ = go(state, "D")
        assert isinstance(state, st.SignedAhead)
        assert state.page == page
    assert any(isinstance(effect, fx.RevokeAll) for effect in go(state, *hold("#"))[1])


def test_a_refusal_is_told_and_nothing_else_follows() -> None:
    asking = st.Asking(box=OPEN, topic=st.Topic.REVOKE_LATE)
    assert isinstance(go(asking, ev.JobFailed("E-POLICY", "It is revoked already."))[0], st.Problem)


def test_a_clock_that_had_signed_nothing_goes_on_at_once() -> None:
    assert isinstance(go(SETTING, ev.ClockSet(NOW, LateIssue()))[0], st.Finished)
    waiting = replace(SETTING, box=with_sticks(SETTING.box, HERE))
    assert isinstance(go(waiting, ev.ClockSet(NOW))[0], st.StickAsks)
    shown, _ = go(waiting, ev.ClockSet(NOW, LATE), "*")
    assert isinstance(shown, st.StickAsks)


def test_a_stick_that_comes_meanwhile_waits_for_the_answer() -> None:
    state, _ = go(st.SignedAhead(box=OPEN, late=LATE), StickInserted(HERE))
    assert isinstance(state, st.SignedAhead)
    assert isinstance(go(state, "*")[0], st.StickAsks)


def test_at_first_set_up_nothing_was_signed() -> None:
    setup = st.Asking(box=OPEN, topic=st.Topic.SETUP_CLOCK)
    assert go(setup, ev.ClockSet(NOW))[0] == st.Asking(box=OPEN, topic=st.Topic.SETUP_DATE)
