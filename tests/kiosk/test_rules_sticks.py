"""Sticks and work, each rule by the shortest way."""

from dataclasses import replace

from hw.ports import KeyPressed, KeyReleased, StickInserted, StickRemoved
from kiosk import effects as fx
from kiosk import events as ev
from kiosk import states as st
from kiosk.reports import Result
from kiosk.result_lines import result_lines
from tests.kiosk.facts import (
    HERE,
    JOB,
    LOCKED,
    OPEN,
    OTHER,
    RESULTS,
    stick,
    with_sticks,
)
from tests.kiosk.steps import HELD, go, hold


def test_two_sticks_wait_until_one_remains() -> None:
    state, _ = go(st.StickAsks(box=with_sticks(LOCKED, HERE)), StickInserted(OTHER))
    assert isinstance(state, st.TwoSticks)
    assert isinstance(go(state, "#*", StickInserted(stick("X", identity="x")))[0], st.TwoSticks)
    assert isinstance(go(state, StickRemoved(OTHER.identity))[0], st.StickAsks)


def test_second_stick_while_working_is_left_alone_until_the_end() -> None:
    working = st.Working(box=with_sticks(OPEN, HERE), steps=JOB, stick=HERE)
    state, _ = go(working, StickInserted(OTHER))
    assert isinstance(state, st.Working)
    state, _ = go(state, ev.JobFinished(RESULTS))
    assert state == st.TwoSticks(box=state.box, results=RESULTS)
    assert isinstance(go(state, StickRemoved(OTHER.identity))[0], st.SafeToRemove)
    assert isinstance(go(state, StickRemoved(HERE.identity))[0], st.StickAsks)


def test_second_stick_beside_one_that_is_safe_to_remove() -> None:
    safe = st.SafeToRemove(box=with_sticks(LOCKED, HERE, ignored=HERE.identity), results=RESULTS)
    assert go(safe, StickInserted(OTHER))[0] == st.TwoSticks(
        box=with_sticks(LOCKED, HERE, OTHER, ignored=HERE.identity), results=RESULTS
    )


def test_pulled_early_and_put_in_again_goes_on() -> None:
    working = st.Working(box=with_sticks(OPEN, HERE), steps=JOB, stick=HERE)
    state, _ = go(working, StickRemoved(HERE.identity), ev.JobFailed("E-STICK-GONE", "gone"))
    assert isinstance(state, st.PulledEarly)
    again = replace(HERE, identity="99:usb1")
    assert isinstance(go(state, StickInserted(OTHER))[0], st.PulledEarly)
    resumed, done = go(state, StickInserted(again))
    assert resumed == st.Working(box=resumed.box, steps=JOB, stick=again)
    assert done[-1] == fx.RunJob(again, JOB)
    quick, done = go(
        working, StickRemoved(HERE.identity), StickInserted(again), ev.JobFailed("E-STICK-GONE", "x")
    )
    assert isinstance(quick, st.Working)
    assert done[-1] == fx.RunJob(again, JOB)
    both, _ = go(state, StickInserted(OTHER), StickInserted(again))
    assert isinstance(both, st.PulledEarly)
    assert isinstance(go(both, StickRemoved(OTHER.identity))[0], st.Working)


def test_giving_up_a_pulled_job_locks_a_session_that_was_for_it() -> None:
    pulled = st.PulledEarly(box=OPEN, steps=JOB, stick=HERE)
    assert isinstance(go(pulled, "*")[0], st.Home)
    single = replace(pulled, box=replace(OPEN, single_job=True))
    state, done = go(single, "*")
    assert isinstance(state, st.Locked)
    assert fx.CloseVault() in done


def test_ignored_stick_is_not_asked_about_until_it_was_out() -> None:
    state, _ = go(st.StickAsks(box=with_sticks(LOCKED, HERE)), "*")
    assert isinstance(state, st.Locked)
    back, _ = go(state, StickRemoved(HERE.identity), StickInserted(HERE))
    assert isinstance(back, st.StickAsks)


def test_wrong_stick_is_erased_only_by_a_held_key() -> None:
    blank = stick("", filesystem="")
    state, done = go(st.WrongStick(box=with_sticks(LOCKED, blank)), "A", "B", "#")
    assert state == st.ConfirmFormat(box=state.box, stick=blank, label="PISM-BACKUP")
    assert not any(isinstance(effect, fx.FormatStick) for effect in done)
    state, done = go(state, *hold("#"))
    assert fx.FormatStick(blank, "PISM-BACKUP") in done
    made = replace(blank, label="PISM-BACKUP", filesystem="vfat")
    assert isinstance(go(state, ev.StickFormatted(made))[0], st.StickAsks)
    odd, _ = go(state, StickRemoved(blank.identity), ev.StickFormatted(made))
    assert odd == st.Finished(box=odd.box, title="STICK MADE", lines=("It is PISM-BACKUP now",))
    assert isinstance(go(state, ev.JobFailed("E-STICK-IO", "x"))[0], st.Problem)


def test_hold_let_go_early_does_nothing() -> None:
    erase = st.ConfirmFormat(box=with_sticks(LOCKED, HERE), stick=HERE, label="PISM-ALL")
    state, done = go(erase, KeyPressed("#"), KeyReleased("#"), HELD)
    assert isinstance(state, st.ConfirmFormat)
    assert fx.SetTimer(fx.Timer.HOLD, 2.0) in done
    assert fx.CancelTimer(fx.Timer.HOLD) in done


def test_hold_does_not_carry_over_to_another_screen() -> None:
    erase = st.ConfirmFormat(box=with_sticks(LOCKED, HERE), stick=HERE, label="PISM-ALL")
    state, done = go(erase, KeyPressed("#"), StickRemoved(HERE.identity))
    assert state.box.held == ""
    assert done[-2:] != (fx.SetTimer(fx.Timer.HOLD, 2.0),)
    assert fx.CancelTimer(fx.Timer.HOLD) in done


def test_star_held_stops_at_the_next_commit_once() -> None:
    working = st.Working(box=OPEN, steps=("top-up",))
    assert fx.StopJob() not in go(working, "*")[1]
    state, done = go(working, *hold("*"), *hold("*"))
    assert done.count(fx.StopJob()) == 1
    for end in (ev.Stopped(), ev.JobFailed("E-STOPPED", "x")):
        stopped, _ = go(state, end)
        assert isinstance(stopped, st.Finished)
        assert stopped.title == "STOPPED"


def test_job_without_a_stick_says_what_it_signed() -> None:
    working = st.Working(box=OPEN, steps=("top-up",))
    some, _ = go(working, ev.JobFinished(RESULTS[:1]))
    assert some == st.Finished(box=OPEN, title="TOP-UP DONE", lines=("226 signed", "Export them soon"))
    none, _ = go(working, ev.JobFinished(()))
    assert none == st.Finished(box=OPEN, title="TOP-UP DONE", lines=("Nothing was due",))
    assert isinstance(go(none, "#")[0], st.Home)


def test_a_root_that_could_not_be_spread_is_said() -> None:
    late = (Result(step="top-up", issued=2, late_roots=1),)
    assert result_lines(late) == ("2 signed", "Give out roots today")
    done, _ = go(st.Working(box=OPEN, steps=("top-up",)), ev.JobFinished(late))
    lines = ("2 signed", "Export them soon", "Give out roots today")
    assert done == st.Finished(box=OPEN, title="TOP-UP DONE", lines=lines)


def test_stick_pulled_after_the_last_byte_is_only_told() -> None:
    working = st.Working(box=with_sticks(OPEN, HERE), steps=JOB, stick=HERE)
    state, _ = go(working, StickRemoved(HERE.identity), ev.JobFinished(RESULTS))
    assert isinstance(state, st.Finished)
    assert state.title == "DONE"


def test_full_stick_keeps_the_session_for_another_one() -> None:
    working = st.Working(box=replace(with_sticks(OPEN, HERE), single_job=True), steps=JOB, stick=HERE)
    state, done = go(working, ev.JobFailed("E-STICK-FULL", "full"))
    assert isinstance(state, st.Problem)
    assert fx.CloseVault() not in done
