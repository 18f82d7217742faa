"""Locking, dimming, power and the menu, each rule by the shortest way."""

from dataclasses import replace

from hw.ports import KeyPressed, KeyReleased, KeyStuck, StickInserted, UsbRefused
from kiosk import effects as fx
from kiosk import events as ev
from kiosk import states as st
from kiosk.reports import SignerRow
from tests.kiosk.facts import (
    CHANGES,
    HERE,
    LOCKED,
    NOW,
    OPEN,
    PROPOSAL,
    REPORT,
    RESULTS,
    SESSION,
    with_sticks,
)
from tests.kiosk.steps import go, hold


def test_idle_session_is_warned_about_then_locked() -> None:
    home = st.Home(box=OPEN)
    state, done = go(home, "x", ev.TimerFired(fx.Timer.LOCK))
    assert isinstance(state, st.Warned)
    assert state.left_s == 10
    assert fx.SetTimer(fx.Timer.LOCK, 290) in done
    second = ev.TimerFired(fx.Timer.COUNT)
    kept, _ = go(state, second, "5")
    assert kept == replace(home, box=kept.box)
    locked, done = go(state, *[second] * 10)
    assert isinstance(locked, st.Locked)
    assert fx.CloseVault() in done
    assert fx.CancelTimer(fx.Timer.COUNT) in done


def test_lock_wipes_an_entry_and_keeps_what_is_safe_to_remove() -> None:
    seconds = [ev.TimerFired(fx.Timer.COUNT)] * 10
    entering = st.Entering(box=OPEN, purpose=fx.Purpose.CURRENT)
    state, done = go(entering, "2", ev.TimerFired(fx.Timer.LOCK), *seconds)
    assert isinstance(state, st.Locked)
    assert fx.WipeEntry() in done
    safe = st.SafeToRemove(box=with_sticks(OPEN, HERE, ignored=HERE.identity), results=RESULTS)
    state, done = go(safe, ev.TimerFired(fx.Timer.LOCK), *seconds)
    assert isinstance(state, st.SafeToRemove)
    assert fx.CloseVault() in done


def test_key_that_keeps_the_session_does_not_reach_the_entry() -> None:
    entering = st.Entering(box=OPEN, purpose=fx.Purpose.CURRENT)
    state, done = go(entering, ev.TimerFired(fx.Timer.LOCK), "5")
    assert isinstance(state, st.Entering)
    assert not any(isinstance(effect, fx.FeedEntry | fx.StartEntry | fx.WipeEntry) for effect in done)


def test_stick_ends_the_warning_where_it_is_looked_at() -> None:
    warned, _ = go(st.Home(box=OPEN), ev.TimerFired(fx.Timer.LOCK))
    assert isinstance(go(warned, StickInserted(HERE))[0], st.StickAsks)
    reading, _ = go(st.ClockPage(box=OPEN, now=NOW), ev.TimerFired(fx.Timer.LOCK))
    still, _ = go(reading, StickInserted(HERE))
    assert isinstance(still, st.Warned)
    assert still.under.box.sticks == (HERE,)


def test_work_never_locks_nor_blanks() -> None:
    working = st.Working(box=replace(OPEN, glass=st.Glass.DIM), steps=("top-up",))
    assert go(working, ev.TimerFired(fx.Timer.LOCK)) == (working, ())
    state, done = go(working, ev.TimerFired(fx.Timer.BLANK))
    assert state.box.glass is st.Glass.DIM
    assert fx.Blank() not in done


def test_glass_dims_moves_and_goes_blank_and_lets_the_vault_go() -> None:
    locked = st.Locked(box=LOCKED)
    state, done = go(locked, ev.TimerFired(fx.Timer.DIM))
    assert done == (fx.Dim(), fx.SetTimer(fx.Timer.DIM, 60), fx.SetTimer(fx.Timer.BLANK, 240))
    state, _ = go(state, ev.TimerFired(fx.Timer.DIM))
    assert state.box.shift == 1
    state, done = go(state, ev.TimerFired(fx.Timer.BLANK))
    assert done == (fx.Blank(), fx.CancelTimer(fx.Timer.DIM), fx.CloseVault())
    assert go(state, ev.TimerFired(fx.Timer.DIM)) == (state, ())
    open_box, done = go(st.Home(box=replace(OPEN, glass=st.Glass.DIM)), ev.TimerFired(fx.Timer.BLANK))
    assert open_box.box.session is not None
    assert fx.CloseVault() not in done


def test_stuck_key_is_ignored_until_it_came_up() -> None:
    state, _ = go(st.Locked(box=LOCKED), KeyStuck(("#",)))
    assert isinstance(go(state, KeyPressed("#"))[0], st.Locked)
    free, _ = go(state, KeyReleased("#"))
    assert isinstance(go(free, "#")[0], st.Entering)


def test_power_off_while_working_stops_first_and_waits_half_a_minute() -> None:
    working = st.Working(box=OPEN, steps=("top-up",))
    state, done = go(working, ev.PowerAsked())
    assert isinstance(state, st.Ending)
    assert {fx.StopJob(), fx.SetTimer(fx.Timer.POWER, 30)} <= set(done)
    for end in (ev.Stopped(), ev.JobFinished(()), ev.TimerFired(fx.Timer.POWER), ev.VaultLost(), ev.Bug()):
        off, done = go(state, end)
        assert off == st.Off(box=off.box, restart=False)
        assert done[-2:] == (fx.CloseVault(), fx.PowerOff())
        assert fx.CancelTimer(fx.Timer.POWER) in done


def test_power_menu_restarts_or_goes_off() -> None:
    menu = st.PowerMenu(box=OPEN)
    assert go(menu, "A")[1][-1] == fx.Restart()
    off, done = go(menu, "B")
    assert done[-1] == fx.PowerOff()
    assert fx.CloseVault() in done
    assert go(off, ev.PowerAsked()) == (off, ())
    assert go(off, ev.PowerAsked(restart=True))[1][-1] == fx.Restart()
    assert isinstance(go(off, ev.JobFailed("E-POWER", "no"))[0], st.Problem)
    assert isinstance(go(menu, "*")[0], st.Menu)


def test_power_asked_under_a_warning_wipes_the_entry() -> None:
    warned, _ = go(st.Entering(box=OPEN, purpose=fx.Purpose.CURRENT), ev.TimerFired(fx.Timer.LOCK))
    off, done = go(warned, ev.PowerAsked(restart=True))
    assert isinstance(off, st.Off)
    assert fx.WipeEntry() in done


def test_lost_vault_is_a_problem_only_where_it_is_needed() -> None:
    locked = st.Locked(box=LOCKED)
    calm, _ = go(locked, ev.VaultLost("x"))
    assert calm == st.Locked(box=replace(LOCKED, vault=st.Vault.CLOSED))
    for state in (st.Home(box=OPEN), st.Boot(box=LOCKED), st.StickAsks(box=with_sticks(LOCKED, HERE))):
        lost, _ = go(state, ev.VaultLost("x"))
        assert isinstance(lost, st.Problem)
        assert (lost.code, lost.box.vault) == ("E-VAULT", st.Vault.CLOSED)


def test_boot_that_failed_is_tried_again_by_a_key() -> None:
    boot = st.Boot(box=replace(LOCKED, provisioned=None))
    problem, _ = go(boot, ev.JobFailed("E-STATE-MODE", "x"))
    again, done = go(problem, "#")
    assert isinstance(again, st.Boot)
    assert fx.OpenVault() in done


def test_locked_menu_offers_no_secret_function() -> None:
    menu = st.Menu(box=LOCKED)
    for key in "12345678":
        assert isinstance(go(menu, key)[0], st.Menu)
    assert isinstance(go(menu, "9")[0], st.TestKeys)


def test_revocation_names_target_signer_reason_and_needs_a_held_key() -> None:
    menu, done = go(st.Menu(box=OPEN), "8", ev.StatusReady(REPORT), "B")
    assert fx.AskSigners("services", "mongo") in done
    row = SignerRow(certificate_id="id7", title="2026.2 lane 1")
    confirm, _ = go(menu, ev.SignersReady((row,)), "B", "A", "B")
    assert confirm == st.ConfirmRevoke(
        box=confirm.box, path="services/mongo", signer=row, reason="superseded"
    )
    assert isinstance(go(confirm, "*")[0], st.PickTarget)
    asked, done = go(confirm, *hold("#"))
    assert fx.Revoke("id7", "superseded") in done
    told, _ = go(asked, "*", ev.Revoked())
    assert isinstance(told, st.Finished)
    assert told.box.report is None


def test_policy_change_is_approved_on_its_last_page_by_a_held_key() -> None:
    home = st.Home(box=replace(OPEN, session=replace(SESSION, policy_differs=True)))
    assert isinstance(go(st.Home(box=OPEN), "D")[0], st.Home)
    review, done = go(home, "D", ev.PolicyProposal(CHANGES))
    assert fx.AskPolicy() in done
    assert fx.ApprovePolicy() not in go(review, *hold("#"))[1]
    last, _ = go(review, "#####")
    asked, done = go(last, "#", *hold("#"))
    assert fx.ApprovePolicy() in done
    told, _ = go(asked, ev.Unlocked(SESSION))
    lines = ("It holds from now on.", "Top up, then export.")
    assert told == st.Finished(box=told.box, title="POLICY APPROVED", lines=lines)
    same, _ = go(st.Review(box=OPEN, proposal=PROPOSAL, page=3), "#")
    assert isinstance(same, st.Home)
    assert isinstance(go(st.Review(box=OPEN, proposal=PROPOSAL, page=3), *hold("#"))[0], st.Home)


def test_passphrase_is_changed_by_current_and_new() -> None:
    state, _ = go(st.Menu(box=OPEN), "7", ev.EntryFinished(), "A##")
    assert state == st.Entering(box=state.box, purpose=fx.Purpose.REPEAT, proposed=True, change=True)
    state, done = go(state, ev.EntryFinished())
    assert done[-1] == fx.ChangePassphrase() or fx.ChangePassphrase() in done
    told, done = go(state, ev.PassphraseChanged())
    assert isinstance(told, st.Finished)
    assert fx.WipeEntry() in done
    refused, done = go(state, ev.UnlockRefused("E-PASSPHRASE-WRONG", "wrong", 1, 1))
    assert isinstance(refused, st.Problem)
    assert refused.box.failed_attempts == 1
    assert fx.WipeEntry() in done


def test_self_test_goes_on_when_every_key_was_seen() -> None:
    keys, _ = go(st.TestKeys(box=OPEN), "123A456B789C*0")
    assert keys == st.TestKeys(box=keys.box, seen="123A456B789C*0")
    pixels, _ = go(keys, "#DD")
    assert pixels == st.TestPixels(box=pixels.box, pattern=1)
    asked, done = go(pixels, "###")
    assert done[-1] == fx.RunSelfTest() or fx.RunSelfTest() in done
    assert isinstance(go(asked, ev.SelfTestReady(()), "#", "*")[0], st.Menu)
    assert isinstance(go(keys, *hold("*"))[0], st.TestPixels)


def test_question_can_be_left_but_an_act_is_awaited() -> None:
    asking = st.Asking(box=OPEN, topic=st.Topic.STATUS)
    assert isinstance(go(asking, "*")[0], st.Home)
    assert go(asking, ev.JobFailed("E-FILE", "x"))[0] == st.Problem(box=OPEN, code="E-FILE", text="x")
    act = st.Asking(box=OPEN, topic=st.Topic.REVOKE)
    assert isinstance(go(act, "*")[0], st.Asking)


def test_pages_to_read_turn_and_leave() -> None:
    status = st.Status(box=OPEN)
    assert go(status, "#D")[0] == replace(status, page=2, box=status.box)
    assert isinstance(go(status, "*")[0], st.Menu)
    assert isinstance(go(status, StickInserted(HERE))[0], st.StickAsks)
    roots = st.Roots(box=OPEN)
    assert go(roots, "#D")[0] == replace(roots, index=1, page=1, box=roots.box)
    problem = st.Problem(box=LOCKED, code="E-FILE", text="word " * 30)
    assert go(problem, "D")[0] == replace(problem, page=1)
    assert go(problem, "DDD")[0] == problem


def test_vault_that_answers_after_it_was_closed_stays_closed() -> None:
    closed = st.Locked(box=replace(OPEN, session=None, vault=st.Vault.CLOSED))
    state, _ = go(closed, ev.VaultReady(provisioned=False, failed_attempts=3))
    assert state.box == closed.box


def test_usb_device_that_was_refused_is_named_at_rest_only() -> None:
    told, _ = go(st.Locked(box=LOCKED), UsbRefused("USB Keyboard"))
    assert isinstance(told, st.Finished)
    assert told.lines[0] == "USB Keyboard"
    assert isinstance(go(told, KeyPressed("#"))[0], st.Locked)
    entering = go(st.Locked(box=LOCKED), KeyPressed("#"))[0]
    assert go(entering, UsbRefused("USB Keyboard"))[0] == entering
