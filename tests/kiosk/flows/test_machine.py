"""What is true in all flows: locking, dimming, holding, power, a lost vault, sticks and stuck keys."""

import pytest

from hw.ports import KeyPressed, KeyReleased, KeyStuck, StickInserted, UsbRefused
from kiosk.entry.buffers import Purpose
from kiosk.flows import machine as mc
from kiosk.flows.box import Settings
from kiosk.flows.machine import (
    Blank,
    CancelTimer,
    CloseVault,
    Dim,
    FeedEntry,
    Glass,
    Machine,
    OpenVault,
    PowerAsked,
    SetTimer,
    StartEntry,
    StopWork,
    SwitchOff,
    Timer,
    TimerFired,
    Vault,
    Wake,
    WipeEntry,
)
from kiosk.flows.resting import STARTING
from kiosk.screens.page import Entry, Work
from kiosk.work.worker import Answer, Bug, VaultLost, VaultReady
from tests.kiosk.facts import HALF, HERE, NOW, RESULTS, TABLE, box, failed
from tests.kiosk.flows.steps import DONE, Hand, unlock


def test_start_opens_the_vault_at_once() -> None:
    machine = Machine(Settings(sticks=TABLE, dim_after_s=30))
    assert machine.start() == (OpenVault(), SetTimer(Timer.DIM, 30))
    assert machine.shown == STARTING


def test_idle_session_is_warned_about_then_locked() -> None:
    hand = Hand(box(unlocked=True)).happen("5", TimerFired(Timer.LOCK))
    assert hand.page == mc.locks_in(10)
    assert SetTimer(Timer.LOCK, 290) in hand.effects
    kept = hand.seconds(1, Timer.COUNT).happen("5")
    assert kept.title == "UNLOCKED"
    locked = hand.forget().lock_by_idleness()
    assert locked.title == "LOCKED"
    assert CloseVault() in locked.effects


def test_lock_wipes_an_entry() -> None:
    hand = Hand(box(unlocked=True)).happen("#7")
    assert hand.shown == Entry(purpose=Purpose.CURRENT)
    assert hand.forget().happen("2").lock_by_idleness().title == "LOCKED"
    assert WipeEntry() in hand.effects


def test_key_that_keeps_the_session_does_not_reach_the_entry() -> None:
    hand = Hand(box(unlocked=True)).happen("#7").forget()
    hand.happen(TimerFired(Timer.LOCK), "5")
    assert hand.shown == Entry(purpose=Purpose.CURRENT)
    assert not [one for one in hand.effects if isinstance(one, FeedEntry | StartEntry | WipeEntry)]


def test_stick_ends_the_warning_where_it_is_looked_at() -> None:
    hand = Hand(box(unlocked=True)).happen(TimerFired(Timer.LOCK)).put_in(HERE)
    assert hand.title == "STICK PISM-ALL asks"
    reading = Hand(box(unlocked=True)).happen("#6").answer(NOW).happen(TimerFired(Timer.LOCK))
    assert reading.put_in(HERE).page == mc.locks_in(10)
    assert reading.box.sticks == (HERE,)
    assert reading.happen("5").title == "CLOCK"


def test_work_never_locks_nor_blanks() -> None:
    hand = Hand(box(unlocked=True)).happen("#2")
    hand.machine.glass = Glass.DIM
    hand.forget().happen(TimerFired(Timer.LOCK))
    assert isinstance(hand.shown, Work)
    hand.happen(TimerFired(Timer.BLANK))
    assert hand.machine.glass is Glass.DIM
    assert hand.effects == [SetTimer(Timer.BLANK, 240)]


def test_panel_dims_moves_and_goes_blank_and_lets_the_vault_go() -> None:
    hand = Hand(box()).forget().happen(TimerFired(Timer.DIM))
    assert hand.effects == [Dim(), SetTimer(Timer.DIM, 60), SetTimer(Timer.BLANK, 240)]
    assert hand.happen(TimerFired(Timer.DIM)).machine.shift == 1
    hand.forget().happen(TimerFired(Timer.BLANK))
    assert set(hand.effects) == {Blank(), CancelTimer(Timer.DIM), CloseVault()}
    assert hand.forget().happen(TimerFired(Timer.DIM)).effects == []
    unlocked = Hand(box(unlocked=True)).happen(TimerFired(Timer.DIM)).forget()
    assert CloseVault() not in unlocked.happen(TimerFired(Timer.BLANK)).effects
    assert unlocked.box.session is not None


@pytest.mark.parametrize("glass", [Glass.DIM, Glass.BLANK])
def test_a_dark_panel_swallows_the_key_that_wakes_it(glass: Glass) -> None:
    hand = Hand(box()).happen("#")
    assert isinstance(hand.shown, Entry)
    hand.machine.glass = glass
    hand.forget().happen(KeyPressed("5"))
    assert hand.machine.glass is Glass.BRIGHT
    assert Wake() in hand.effects
    hand.happen(KeyReleased("5"))
    assert not [one for one in hand.effects if isinstance(one, FeedEntry)]
    assert hand.happen("5").effects[-1] == FeedEntry("5", down=False)


def test_another_page_wakes_the_panel_and_progress_does_not() -> None:
    hand = Hand(box(unlocked=True)).happen("#2")
    hand.machine.glass = Glass.DIM
    assert Wake() not in hand.forget().happen(TimerFired(Timer.DIM)).effects
    hand = Hand(box(unlocked=True)).happen("#2", TimerFired(Timer.DIM))
    assert Wake() not in hand.progress(HALF).effects
    assert Wake() in hand.answer(RESULTS[:1]).effects


def test_a_stick_and_a_session_wake_the_panel_always() -> None:
    hand = Hand(box()).forget().put_in(HERE)
    assert Wake() in hand.effects
    assert Wake() in unlock(hand.forget()).effects


def test_stuck_key_is_ignored_until_it_came_up() -> None:
    hand = Hand(box()).happen(KeyStuck(("#",)))
    assert hand.machine.stuck == ("#",)
    assert hand.happen(KeyPressed("#")).title == "LOCKED"
    assert hand.happen(KeyReleased("#"), "#").title == "unlock"
    assert hand.machine.stuck == ()


def test_hold_ends_on_another_page() -> None:
    hand = Hand(box(HERE)).happen("D")
    assert hand.title.startswith("STICK")
    held = Hand(box(unlocked=True)).happen("#9").forget().happen(KeyPressed("*"))
    assert SetTimer(Timer.HOLD, 2.0) in held.effects
    assert CancelTimer(Timer.HOLD) not in held.happen("1").effects, "the test of keys goes on with it"
    assert held.happen(TimerFired(Timer.HOLD)).title == "Pixels"


def test_a_key_let_go_early_is_not_held() -> None:
    hand = Hand(box(unlocked=True)).happen("#2").forget().happen(KeyPressed("*"), KeyReleased("*"))
    assert CancelTimer(Timer.HOLD) in hand.effects
    assert StopWork() not in hand.happen(TimerFired(Timer.HOLD)).effects


@pytest.mark.parametrize("end", ["answer", "stopped", "timer", "lost", "bug"])
def test_power_off_while_working_stops_first_and_waits_half_a_minute(end: str) -> None:
    hand = Hand(box(unlocked=True)).happen("#2", PowerAsked())
    assert hand.page == mc.ENDING[False]
    assert {StopWork(), SetTimer(Timer.POWER, 30)} <= set(hand.effects)
    ticket = hand.orders[-1].ticket
    ends: dict[str, mc.Event] = {
        "answer": Answer(ticket, RESULTS),
        "stopped": Answer(ticket, failed("E-STOPPED")),
        "timer": TimerFired(Timer.POWER),
        "lost": VaultLost(),
        "bug": Bug(),
    }
    hand.forget().happen(ends[end])
    assert hand.page == mc.GOING_OFF
    assert hand.box.session is None
    assert CancelTimer(Timer.POWER) in hand.effects
    assert hand.effects.index(CloseVault()) < len(hand.effects) - 1
    assert hand.effects[-1] == SwitchOff(ticket + 1, restart=False)


def test_power_menu_restarts_or_goes_off() -> None:
    assert Hand(box(unlocked=True)).happen("#0*").title == "MENU"
    again = Hand(box(unlocked=True)).happen("#0A")
    assert isinstance(again.effects[-1], SwitchOff)
    assert again.effects[-1].restart
    hand = Hand(box(unlocked=True)).happen("#0B")
    assert hand.page == mc.GOING_OFF
    assert CloseVault() in hand.effects
    assert hand.forget().happen(PowerAsked(), "#*").effects == [SetTimer(Timer.DIM, 60)] * 2
    assert hand.happen(PowerAsked(restart=True)).page == mc.RESTARTING


def test_a_power_off_that_is_refused_is_said_and_the_box_goes_on() -> None:
    hand = Hand(box(unlocked=True)).happen("#0B")
    refused = hand.effects[-1]
    assert isinstance(refused, SwitchOff)
    assert hand.happen(Answer(refused.ticket, failed("E-POWER", "no"))).title == "E-POWER"
    assert hand.happen("#").title == "LOCKED"


def test_power_asked_under_a_warning_wipes_the_entry() -> None:
    hand = Hand(box(unlocked=True)).happen("#7", TimerFired(Timer.LOCK)).forget()
    assert hand.happen(PowerAsked(restart=True)).page == mc.RESTARTING
    assert WipeEntry() in hand.effects


def test_lost_vault_is_a_problem_only_where_it_is_needed() -> None:
    calm = Hand(box()).happen(VaultLost("x"))
    assert calm.title == "LOCKED"
    assert calm.machine.vault is Vault.CLOSED
    for hand in (Hand(box(unlocked=True)), Hand(box(provisioned=None)), Hand(box(HERE))):
        hand.happen(VaultLost("x"))
        assert hand.title == "E-VAULT"
        assert hand.machine.vault is Vault.CLOSED
        assert hand.box.session is None


def test_a_vault_that_cannot_be_opened_says_why_and_is_tried_again_by_a_key() -> None:
    hand = Hand(box(provisioned=None)).happen(VaultLost("x", "E-SWAP"))
    assert hand.title == "E-SWAP"
    hand.forget().happen("#")
    assert hand.shown == STARTING
    assert OpenVault() in hand.effects


def test_vault_that_answers_after_it_was_closed_stays_closed() -> None:
    hand = Hand(box(unlocked=True)).happen("*")
    assert hand.machine.vault is Vault.CLOSED
    hand.happen(VaultReady(provisioned=False, failed_attempts=3))
    assert hand.box.provisioned
    assert hand.box.failed_attempts == 0


def test_an_answer_that_nobody_waits_for_is_dropped() -> None:
    hand = Hand(box(unlocked=True)).happen("#6")
    late = Answer(hand.orders[-1].ticket, NOW)
    assert hand.happen("*").title == "UNLOCKED"
    assert hand.happen(late).title == "UNLOCKED"
    assert hand.happen("#6").happen(late).title == "ONE MOMENT", "another question has another ticket"


def test_usb_device_that_was_refused_is_named_at_rest_only() -> None:
    hand = Hand(box()).happen(UsbRefused("USB Keyboard"))
    assert hand.lines[0] == "USB Keyboard"
    assert hand.happen("#").title == "LOCKED"
    assert hand.happen("#", UsbRefused("USB Keyboard")).title == "unlock"


def test_a_device_that_fails_is_said_at_rest() -> None:
    failure = mc.DeviceFailed("E-KEYPAD", "no pins")
    assert Hand(box()).happen(failure).title == "E-KEYPAD"
    assert Hand(box(provisioned=None)).happen(failure).title == "E-KEYPAD"
    assert Hand(box()).happen("#", failure).title == "unlock"


def test_bug_locks_from_anywhere() -> None:
    hand = unlock(Hand(box())).forget().happen(Bug())
    assert hand.title == "E-BUG"
    assert hand.box.session is None
    assert CloseVault() in hand.effects
    typing = Hand(box()).happen("#").forget().happen(Bug())
    assert typing.title == "E-BUG"
    assert WipeEntry() in typing.effects


def test_a_stick_that_comes_while_something_is_typed_changes_nothing() -> None:
    hand = Hand(box()).happen("#").forget().happen(StickInserted(HERE))
    assert hand.title == "unlock"
    assert hand.happen(DONE).answer(failed("E-FILE", "x")).title == "E-FILE"
    assert hand.happen("#").title == "STICK PISM-ALL asks"
