"""Signing requests on the panel: each is approved or left; what the stick does meanwhile, what follows."""

from dataclasses import replace

import pytest

from hw.ports import KeyPressed, StickInserted, StickRemoved
from kiosk import effects as fx
from kiosk import events as ev
from kiosk import states as st
from kiosk.reports import RequestRow
from tests.kiosk.facts import HERE, JOB, OPEN, OTHER, REQUESTS, RESULTS, with_sticks
from tests.kiosk.steps import HELD, go, hold

BOX = with_sticks(OPEN, HERE)
WORKING = st.Working(box=BOX, steps=JOB, stick=HERE)
FOUND = ev.RequestsFound(REQUESTS)
LEAVE = KeyPressed("*")


def jobs(effects: tuple[fx.Effect, ...]) -> list[fx.RunJob]:
    return [effect for effect in effects if isinstance(effect, fx.RunJob)]


def test_what_is_approved_and_what_is_not_goes_back_to_the_job() -> None:
    state, done = go(WORKING, FOUND)
    assert isinstance(state, st.RequestAsked)
    assert not jobs(done)
    state, done = go(state, "#", *hold("#"))
    assert isinstance(state, st.RequestAsked)
    assert state.review.index == 1
    state, done = go(state, "*")
    assert isinstance(state, st.RequestRefused)
    assert not jobs(done)
    state, done = go(state, "#")
    assert isinstance(state, st.Working)
    assert jobs(done) == [fx.RunJob(HERE, JOB, (REQUESTS[0].approval,))]


def test_all_may_be_left_and_the_job_goes_on() -> None:
    state, done = go(WORKING, FOUND, "***")
    assert isinstance(state, st.Working)
    assert jobs(done) == [fx.RunJob(HERE, JOB, ())]


def test_a_request_may_be_left_after_its_key_was_seen() -> None:
    state, _ = go(WORKING, FOUND, "#")
    assert isinstance(state, st.RequestKey)
    state, _ = go(state, "*")
    assert isinstance(state, st.RequestAsked)
    assert (state.review.index, state.review.approved) == (1, ())


def test_a_tap_approves_nothing() -> None:
    state, done = go(WORKING, FOUND, "#######")
    assert isinstance(state, st.RequestKey)
    assert state.review.approved == ()
    assert not jobs(done)


def test_a_key_that_went_down_before_the_fingerprint_was_shown_approves_nothing() -> None:
    """Who keeps # down on the first page has not seen the second for two seconds."""
    state, _ = go(WORKING, FOUND, KeyPressed("#"), HELD)
    assert isinstance(state, st.RequestKey)
    assert state.review.approved == ()


def test_one_hold_approves_one_request() -> None:
    twice = (REQUESTS[0], replace(REQUESTS[0], approval="c" * 64))
    state, _ = go(WORKING, ev.RequestsFound(twice), "#", KeyPressed("#"), HELD, HELD)
    assert isinstance(state, st.RequestAsked)
    assert state.review.approved == (twice[0].approval,)


@pytest.mark.parametrize("keys", ["", "#", "*", "**"])
def test_a_stick_that_goes_is_waited_for_and_its_requests_are_shown_anew(keys: str) -> None:
    state, done = go(WORKING, FOUND, keys, StickRemoved(HERE.identity))
    assert isinstance(state, st.PulledEarly)
    assert not jobs(done)
    again = replace(HERE, identity="20:usb1")
    state, done = go(state, StickInserted(again))
    assert isinstance(state, st.Working)
    assert jobs(done) == [fx.RunJob(again, JOB)]


def test_a_second_stick_is_not_touched_and_told_of_at_the_end() -> None:
    state, _ = go(WORKING, FOUND, StickInserted(OTHER), StickRemoved("nobody"))
    assert isinstance(state, st.RequestAsked)
    state, _ = go(state, "***", ev.JobFinished(RESULTS))
    assert isinstance(state, st.TwoSticks)


def test_requests_found_while_the_job_is_stopping_are_not_shown() -> None:
    state, _ = go(replace(WORKING, stopping=True), FOUND)
    assert isinstance(state, st.Finished)
    assert state.title == "STOPPED"


def test_a_box_that_goes_down_does_not_wait_for_an_answer() -> None:
    state, _ = go(WORKING, ev.PowerAsked(), FOUND)
    assert isinstance(state, st.Off)
    state, done = go(WORKING, FOUND, ev.PowerAsked())
    assert isinstance(state, st.Off)
    assert fx.CloseVault() in done


def test_nobody_there_locks_and_nothing_is_signed() -> None:
    single = replace(WORKING, box=replace(BOX, single_job=True))
    state, done = go(single, FOUND, ev.TimerFired(fx.Timer.LOCK))
    assert isinstance(state, st.Warned)
    for _ in range(11):
        state, more = go(state, ev.TimerFired(fx.Timer.COUNT))
        done += more
    assert isinstance(state, st.StickAsks)
    assert state.box.session is None
    assert fx.CloseVault() in done
    assert not jobs(done)


def test_an_answer_that_comes_late_changes_nothing() -> None:
    home = st.Home(box=OPEN)
    assert go(home, FOUND)[0] == home


def test_refused_ones_alone_are_told_and_the_job_goes_on() -> None:
    refused = (RequestRow(file="a.csr", code="E-REQUEST-NAME"), RequestRow(file="b.csr", code="E-REQUEST"))
    state, _ = go(WORKING, ev.RequestsFound(refused))
    assert isinstance(state, st.RequestRefused)
    state, done = go(state, "##")
    assert isinstance(state, st.Working)
    assert jobs(done) == [fx.RunJob(HERE, JOB, ())]
