"""First set-up, unlocking and the clock ceremony, each by the shortest way."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from hw.ports import KeyPressed, StickInserted, StickRemoved
from kiosk import effects as fx
from kiosk import events as ev
from kiosk import states as st
from kiosk.text.dates import parse_date
from tests.kiosk.facts import (
    CHANGES,
    FACTORY,
    HALF,
    HERE,
    JOB,
    LOCKED,
    NOW,
    OPEN,
    OTHER,
    PROPOSAL,
    RESULTS,
    SESSION,
    TABLE,
    with_sticks,
)
from tests.kiosk.steps import go, hold


def test_set_up_goes_from_boot_to_locked_with_proposed_words() -> None:
    state, done = go(
        st.Boot(box=replace(FACTORY, provisioned=None, vault=st.Vault.OPENING)),
        ev.VaultReady(provisioned=False),
        "#",
        ev.ClockRead(NOW),
        "#",
        ev.PolicyProposal(PROPOSAL),
        "####",
        "A##",
    )
    assert state == st.Entering(box=state.box, purpose=fx.Purpose.REPEAT, proposed=True)
    asked = [one for one in done if not isinstance(one, fx.SetTimer | fx.CancelTimer | fx.FeedEntry)]
    assert asked == [fx.AskClock(), fx.AskPolicy(), fx.ProposeWords(), fx.StartEntry(fx.Purpose.REPEAT)]
    state, done = go(state, "2", ev.EntryChanged(), ev.EntryFinished(), HALF, ev.Created())
    assert isinstance(state, st.SetUpDone)
    assert (state.box.provisioned, state.box.vault) == (True, st.Vault.CLOSED)
    assert fx.FeedEntry("2", down=True) in done
    assert fx.Create() in done
    assert done.index(fx.CloseVault()) < len(done)
    assert fx.WipeEntry() in done
    assert isinstance(go(state, "#")[0], st.Locked)


def test_words_typed_back_wrongly_can_be_seen_again() -> None:
    entering = st.Entering(box=FACTORY, purpose=fx.Purpose.REPEAT, proposed=True)
    mismatch, _ = go(entering, ev.EntryFinished(same=False))
    assert mismatch == st.Mismatch(box=mismatch.box, proposed=True)
    again, done = go(mismatch, "#")
    assert isinstance(again, st.Entering)
    assert fx.StartEntry(fx.Purpose.REPEAT) in done
    assert isinstance(go(mismatch, "*")[0], st.ProposedWords)


def test_own_passphrase_is_chosen_repeated_and_started_over() -> None:
    state, _ = go(st.ChoosePassphrase(box=FACTORY), "B", ev.EntryFinished())
    assert state == st.Entering(box=state.box, purpose=fx.Purpose.REPEAT)
    mismatch, _ = go(state, ev.EntryFinished(same=False))
    over, done = go(mismatch, "*")
    assert isinstance(over, st.Entering)
    assert over.purpose is fx.Purpose.CHOOSE
    assert fx.StartEntry(fx.Purpose.CHOOSE) in done


def test_words_can_be_turned_back_and_drawn_anew() -> None:
    state = st.ProposedWords(box=FACTORY)
    second, _ = go(state, "#")
    assert second == replace(state, page=1, box=second.box)
    assert go(second, "*")[0] == replace(state, box=second.box)
    drawn, done = go(second, "D")
    assert fx.ProposeWords() in done
    assert drawn == replace(state, box=drawn.box)
    left, done = go(state, "*")
    assert isinstance(left, st.ChoosePassphrase)
    assert fx.WipeEntry() not in done


@pytest.mark.parametrize(
    ("purpose", "fields", "back"),
    [
        (fx.Purpose.UNLOCK, {}, st.Welcome),
        (fx.Purpose.CURRENT, {}, st.Menu),
        (fx.Purpose.CHOOSE, {}, st.ChoosePassphrase),
        (fx.Purpose.REPEAT, {"proposed": True}, st.ProposedWords),
        (fx.Purpose.REPEAT, {}, st.Entering),
        (fx.Purpose.DATE, {"setup": True}, st.Welcome),
    ],
)
def test_leaving_an_entry_goes_back(
    purpose: fx.Purpose, fields: dict[str, bool], back: type[st.Screen]
) -> None:
    assert isinstance(go(st.Entering(box=FACTORY, purpose=purpose, **fields), ev.EntryLeft())[0], back)


def test_date_of_set_up_can_be_set() -> None:
    state, done = go(st.ConfirmDate(box=FACTORY, now=NOW), "A", ev.EntryFinished(text="202611231600"))
    assert isinstance(state, st.Entering)
    assert (state.purpose, state.setup) == (fx.Purpose.DATE_AGAIN, True)
    state, done = go(state, ev.EntryFinished(text="202611231600"), *hold("#"), ev.ClockSet(NOW))
    assert state == st.Asking(box=state.box, topic=st.Topic.SETUP_DATE)
    assert fx.SetClock(datetime(2026, 11, 23, 16, 0, tzinfo=UTC)) in done


def test_refused_policy_leaves_nothing_set_up() -> None:
    assert isinstance(go(st.Review(box=FACTORY, proposal=PROPOSAL, setup=True), "*")[0], st.Welcome)
    assert isinstance(go(st.ConfirmDate(box=FACTORY, now=NOW), "*")[0], st.Welcome)
    assert isinstance(go(st.ChoosePassphrase(box=FACTORY), "*")[0], st.Welcome)


def test_stick_in_while_locked_opens_the_vault_and_asks() -> None:
    state, done = go(st.Locked(box=replace(LOCKED, vault=st.Vault.CLOSED)), StickInserted(HERE))
    assert isinstance(state, st.StickAsks)
    assert fx.OpenVault() in done
    assert go(state, "#")[0] == st.Entering(box=state.box, purpose=fx.Purpose.UNLOCK, stick=HERE.identity)


def test_unlock_for_a_stick_starts_its_job_and_locks_after_it() -> None:
    asks = st.StickAsks(box=with_sticks(LOCKED, HERE))
    state, done = go(asks, "#", ev.EntryFinished(), ev.Unlocked(SESSION))
    assert state == st.Working(box=state.box, steps=JOB, stick=HERE)
    assert fx.Unlock() in done
    assert done[-1] == fx.RunJob(HERE, JOB)
    assert fx.WipeEntry() in done
    safe, done = go(state, HALF, ev.JobFinished(RESULTS))
    assert safe == st.SafeToRemove(box=safe.box, results=RESULTS)
    assert fx.CloseVault() in done
    assert go(safe, StickRemoved(HERE.identity))[0] == st.Locked(box=replace(safe.box, sticks=(), ignored=""))


def test_pinned_steps_that_differ_are_shown_before_they_run() -> None:
    box = replace(
        with_sticks(LOCKED, HERE), settings=replace(LOCKED.settings, sticks=(("PISM-ALL", ("top-up",)),))
    )
    state, done = go(st.StickAsks(box=box), "#", ev.EntryFinished(), ev.Unlocked(SESSION))
    assert isinstance(state, st.StickAsks)
    assert not any(isinstance(effect, fx.RunJob) for effect in done)
    working, done = go(state, "#")
    assert fx.RunJob(HERE, JOB) in done
    assert isinstance(go(working, ev.JobFinished(RESULTS))[0], st.SafeToRemove)


def test_stick_changed_during_entry_does_not_run_by_itself() -> None:
    asks = st.StickAsks(box=with_sticks(LOCKED, HERE))
    swapped = (StickRemoved(HERE.identity), StickInserted(OTHER))
    state, done = go(asks, "#", *swapped, ev.EntryFinished(), ev.Unlocked(SESSION))
    assert isinstance(state, st.StickAsks)
    assert not any(isinstance(effect, fx.RunJob) for effect in done)


def test_two_sticks_do_not_need_two_passphrases() -> None:
    state, _ = go(st.Locked(box=LOCKED), "#", ev.EntryFinished(), ev.Unlocked(SESSION))
    assert isinstance(state, st.Home)
    for one in (HERE, OTHER):
        state, done = go(state, StickInserted(one), "#")
        assert fx.RunJob(one, dict(TABLE)[one.label]) in done
        state, done = go(state, ev.JobFinished(RESULTS))
        assert isinstance(state, st.SafeToRemove)
        assert fx.CloseVault() not in done
        state, _ = go(state, StickRemoved(one.identity))
    assert isinstance(state, st.Home)


def test_wrong_passphrase_counts_down_then_the_words_are_still_there() -> None:
    entering = st.Entering(box=LOCKED, purpose=fx.Purpose.UNLOCK, stick="12:usb1")
    state, done = go(entering, ev.EntryFinished(), ev.UnlockRefused("E-PASSPHRASE-WRONG", "wrong", 3, 2))
    assert state == st.Refused(box=state.box, code="E-PASSPHRASE-WRONG", wait_s=3, stick="12:usb1")
    assert state.box.failed_attempts == 2
    assert {fx.SetTimer(fx.Timer.KEEP, 60), fx.SetTimer(fx.Timer.WAIT, 1)} <= set(done)
    second = ev.TimerFired(fx.Timer.WAIT)
    assert go(state, "#", second, second)[0] == replace(state, wait_s=1)
    state, _ = go(state, second, second, second)
    back, done = go(state, "#")
    assert back == replace(entering, box=back.box)
    assert not any(isinstance(effect, fx.StartEntry | fx.WipeEntry) for effect in done)
    assert {fx.CancelTimer(fx.Timer.KEEP), fx.CancelTimer(fx.Timer.WAIT)} <= set(done)


def test_words_are_wiped_after_a_minute_or_at_the_operators_wish() -> None:
    state = st.Refused(box=LOCKED, code="E-PASSPHRASE-WRONG", wait_s=900)
    for event in (ev.TimerFired(fx.Timer.KEEP), KeyPressed("*")):
        wiped, done = go(state, event)
        assert wiped == replace(state, kept=False, box=wiped.box)
        assert fx.WipeEntry() in done
    over, _ = go(replace(state, kept=False, wait_s=1), ev.TimerFired(fx.Timer.WAIT))
    assert isinstance(over, st.Locked)
    done_waiting, done = go(replace(state, wait_s=0), ev.TimerFired(fx.Timer.KEEP))
    assert isinstance(done_waiting, st.Locked)
    assert fx.WipeEntry() in done
    again, done = go(replace(state, wait_s=0, kept=False), "#")
    assert isinstance(again, st.Entering)
    assert fx.StartEntry(fx.Purpose.UNLOCK) in done


def test_wait_restarts_whole_at_boot() -> None:
    state, _ = go(st.Boot(box=replace(LOCKED, provisioned=None)), ev.VaultReady(provisioned=True, wait_s=900))
    assert state == st.Refused(box=state.box, code="E-PASSPHRASE-WAIT", wait_s=900, kept=False)


def test_refusal_of_another_kind_is_a_problem() -> None:
    checking = st.Checking(box=LOCKED)
    assert go(checking, ev.UnlockRefused("E-STATE-DAMAGED", "x"))[0] == st.Problem(
        box=LOCKED, code="E-STATE-DAMAGED", text="x"
    )
    assert isinstance(go(checking, ev.JobFailed("E-SWAP", "x"))[0], st.Problem)


def test_wrong_clock_holds_everything_until_it_is_set() -> None:
    checking = st.Checking(box=with_sticks(LOCKED, HERE), stick=HERE.identity)
    state, done = go(checking, ev.ClockWrong("E-CLOCK-AHEAD", NOW, NOW, SESSION))
    assert isinstance(state, st.ClockIsWrong)
    assert not any(isinstance(effect, fx.RunJob) for effect in done)
    typed = ev.EntryFinished(text="202611231534")
    state, done = go(state, "#", typed, typed, *hold("#"))
    assert fx.SetClock(NOW) in done
    assert fx.WipeEntry() in done
    assert isinstance(go(state, ev.ClockSet(NOW))[0], st.StickAsks)
    assert isinstance(go(state, "*")[0], st.Asking)
    locked, done = go(
        st.ClockIsWrong(box=replace(OPEN, clock=st.ClockTrouble(code="E-CLOCK", now=NOW, last=NOW))), "*"
    )
    assert isinstance(locked, st.Locked)
    assert fx.CloseVault() in done


def test_clock_from_the_menu_says_that_it_is_set() -> None:
    state, _ = go(st.Asking(box=OPEN, topic=st.Topic.SET_CLOCK), ev.ClockSet(NOW))
    assert state == st.Finished(box=OPEN, title="CLOCK SET", lines=("It is now", "2026-11-23 15:34 UTC"))


@pytest.mark.parametrize("finished", [ev.EntryFinished(same=False), ev.EntryFinished(text="20261301000000")])
def test_impossible_or_different_dates_are_refused(finished: ev.EntryFinished) -> None:
    purpose = fx.Purpose.DATE if finished.text else fx.Purpose.DATE_AGAIN
    state, _ = go(st.Entering(box=OPEN, purpose=purpose, date=NOW), finished)
    assert isinstance(state, st.Problem)
    assert state.code == "E-CLOCK-DATE"


@pytest.mark.parametrize(
    "digits", ["", "202611231", "202611232460", "201911231534", "220011231534", "2026112315341"]
)
def test_no_date_is_made_of_other_digits(digits: str) -> None:
    assert parse_date(digits) is None


def test_a_wiped_box_asks_the_vault_anew_and_begins_again() -> None:
    checking = st.Checking(box=replace(LOCKED, vault=st.Vault.OPEN))
    problem, done = go(checking, ev.UnlockRefused("E-STATE-WIPED", "5 wrong passphrases"))
    assert isinstance(problem, st.Problem)
    assert fx.CloseVault() in done
    boot, done = go(problem, "#")
    assert isinstance(boot, st.Boot)
    welcome, _ = go(boot, ev.VaultReady(provisioned=False))
    assert isinstance(welcome, st.Welcome)


def test_a_hold_that_turned_the_page_approves_nothing() -> None:
    state = st.Review(box=OPEN, proposal=CHANGES, page=4)
    after, done = go(state, *hold("#"))
    assert after == replace(state, page=5, box=after.box)
    assert fx.ApprovePolicy() not in done
