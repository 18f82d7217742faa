"""What is true in all flows: locking, dimming, holding, power, a lost vault, sticks and stuck keys."""

import dataclasses

import pytest
from msgspec.structs import replace

from core.policy.settings import Kiosk
from hw.ports import KeyPressed, KeyReleased, KeyStuck, StickInserted, UsbRefused
from kiosk.entry.buffers import Purpose
from kiosk.flows.box import Settings
from kiosk.flows.power import ENDING, GOING_OFF, RESTARTING
from kiosk.flows.resting import STARTING
from kiosk.machine.auto_lock import locks_in
from kiosk.machine.effects import (
    Blank,
    CancelTimer,
    CloseVault,
    Dim,
    FeedEntry,
    OpenVault,
    SetTimer,
    StartEntry,
    StopWork,
    SwitchOff,
    Timer,
    Wake,
    WipeEntry,
)
from kiosk.machine.events import DeviceFailed, Event, PowerAsked, TimerFired
from kiosk.machine.light import Glass
from kiosk.machine.machine import Machine, Vault
from kiosk.screens.page import Entry, Large, Page, Work
from kiosk.text.wrap import LOCK
from kiosk.work.worker import Answer, Bug, VaultLost, VaultReady
from tests.kiosk.facts import FOUND, HALF, HERE, NOW, RESULTS, SESSION, TABLE, box, failed
from tests.kiosk.flows.steps import DONE, Operator, unlock


def test_start_opens_the_vault_at_once() -> None:
    machine = Machine(Settings(sticks=TABLE, kiosk=Kiosk(lock_after_s=300, dim_after_s=30)))
    assert machine.start() == (OpenVault(), SetTimer(Timer.DIM, 30))
    assert machine.shown == STARTING


def test_a_card_that_starts_shows_the_words_of_its_system_as_soon_as_they_are_known() -> None:
    machine = Machine(Settings(sticks=TABLE))
    machine.start()
    machine.step(dataclasses.replace(FOUND, system_words=("one", "two", "three", "four")))
    assert isinstance(machine.shown, Page)
    assert machine.shown.title == "PiSM starts: system"
    assert machine.shown.body == ("one        two", "three      four")
    machine.step(VaultReady(provisioned=True))
    assert machine.shown.body == Large(text="LOCKED", icon=LOCK, below="Put in a stick", names_stuck=True)


def test_idle_session_is_warned_about_then_locked() -> None:
    operator = Operator(box(unlocked=True)).happen("5", TimerFired(Timer.LOCK))
    assert operator.page == locks_in(10)
    assert SetTimer(Timer.LOCK, 290) in operator.effects
    kept = operator.seconds(1, Timer.COUNT).happen("5")
    assert kept.title == "UNLOCKED"
    assert CancelTimer(Timer.COUNT) in kept.effects
    locked = operator.forget().lock_by_idleness()
    assert locked.title == "LOCKED"
    assert CloseVault() in locked.effects


def test_lock_wipes_an_entry() -> None:
    operator = Operator(box(unlocked=True)).happen("#7")
    assert operator.shown == Entry(purpose=Purpose.CURRENT)
    assert operator.forget().happen("2").lock_by_idleness().title == "LOCKED"
    assert WipeEntry() in operator.effects


def test_key_that_keeps_the_session_does_not_reach_the_entry() -> None:
    operator = Operator(box(unlocked=True)).happen("#7").forget()
    operator.happen(TimerFired(Timer.LOCK), "5")
    assert operator.shown == Entry(purpose=Purpose.CURRENT)
    assert not [one for one in operator.effects if isinstance(one, FeedEntry | StartEntry | WipeEntry)]


def test_stick_ends_the_warning_where_it_is_looked_at() -> None:
    operator = Operator(box(unlocked=True)).happen(TimerFired(Timer.LOCK)).put_in(HERE)
    assert operator.title == "STICK PISM-ALL asks"
    reading = Operator(box(unlocked=True)).happen("#6").answer(NOW).happen(TimerFired(Timer.LOCK))
    assert reading.put_in(HERE).page == locks_in(10)
    assert reading.box.sticks == (HERE,)
    assert reading.happen("5").title == "CLOCK"


def test_work_never_locks_nor_blanks() -> None:
    operator = Operator(box(unlocked=True)).happen("#2")
    operator.machine.light.glass = Glass.DIM
    operator.forget().happen(TimerFired(Timer.LOCK))
    assert isinstance(operator.shown, Work)
    operator.happen(TimerFired(Timer.BLANK))
    assert operator.machine.light.glass is Glass.DIM
    assert operator.effects == [SetTimer(Timer.BLANK, 240)]


def test_panel_dims_moves_and_goes_blank_and_lets_the_vault_go() -> None:
    operator = Operator(box()).forget().happen(TimerFired(Timer.DIM))
    assert operator.effects == [Dim(), SetTimer(Timer.DIM, 60), SetTimer(Timer.BLANK, 240)]
    assert operator.happen(TimerFired(Timer.DIM)).machine.light.shift == 1
    operator.forget().happen(TimerFired(Timer.BLANK))
    assert set(operator.effects) == {Blank(), CancelTimer(Timer.DIM), CloseVault()}
    assert operator.forget().happen(TimerFired(Timer.DIM)).effects == []
    unlocked = Operator(box(unlocked=True)).happen(TimerFired(Timer.DIM)).forget()
    assert CloseVault() not in unlocked.happen(TimerFired(Timer.BLANK)).effects
    assert unlocked.box.session is not None


@pytest.mark.parametrize("glass", [Glass.DIM, Glass.BLANK])
def test_a_dark_panel_swallows_the_key_that_wakes_it(glass: Glass) -> None:
    operator = Operator(box()).happen("#")
    assert isinstance(operator.shown, Entry)
    operator.machine.light.glass = glass
    operator.forget().happen(KeyPressed("5"))
    assert operator.machine.light.glass is Glass.BRIGHT
    assert Wake() in operator.effects
    operator.happen(KeyReleased("5"))
    assert not [one for one in operator.effects if isinstance(one, FeedEntry)]
    assert operator.happen("5").effects[-1] == FeedEntry("5", down=False)


def test_another_page_wakes_the_panel_and_progress_does_not() -> None:
    operator = Operator(box(unlocked=True)).happen("#2")
    operator.machine.light.glass = Glass.DIM
    assert Wake() not in operator.forget().happen(TimerFired(Timer.DIM)).effects
    operator = Operator(box(unlocked=True)).happen("#2", TimerFired(Timer.DIM))
    assert Wake() not in operator.progress(HALF).effects
    assert Wake() in operator.answer(RESULTS).effects


def test_a_stick_and_a_session_wake_the_panel_always() -> None:
    operator = Operator(box()).forget().put_in(HERE)
    assert Wake() in operator.effects
    assert Wake() in unlock(operator.forget()).effects


def test_stuck_key_is_ignored_until_it_came_up() -> None:
    operator = Operator(box()).happen(KeyStuck(("#",)))
    assert operator.machine.stuck == ("#",)
    assert operator.happen(KeyPressed("#")).title == "LOCKED"
    assert operator.happen(KeyReleased("#"), "#").title == "unlock"
    assert operator.machine.stuck == ()


def test_hold_ends_on_another_page() -> None:
    operator = Operator(box(HERE)).happen("D")
    assert operator.title.startswith("STICK")
    held = Operator(box(unlocked=True)).happen("#9").forget().happen(KeyPressed("*"))
    assert SetTimer(Timer.HOLD, 2.0) in held.effects
    assert CancelTimer(Timer.HOLD) not in held.happen("1").effects, "the test of keys goes on with it"
    assert held.happen(TimerFired(Timer.HOLD)).title == "Pixels"


def test_a_key_let_go_early_is_not_held() -> None:
    operator = Operator(box(unlocked=True)).happen("#2").forget().happen(KeyPressed("*"), KeyReleased("*"))
    assert CancelTimer(Timer.HOLD) in operator.effects
    assert StopWork() not in operator.happen(TimerFired(Timer.HOLD)).effects


@pytest.mark.parametrize("end", ["answer", "stopped", "timer", "lost", "bug"])
def test_power_off_while_working_stops_first_and_waits_half_a_minute(end: str) -> None:
    operator = Operator(box(unlocked=True)).happen("#2", PowerAsked())
    assert operator.page == ENDING[False]
    assert {StopWork(), SetTimer(Timer.POWER, 30)} <= set(operator.effects)
    ticket = operator.orders[-1].ticket
    ends: dict[str, Event] = {
        "answer": Answer(ticket, RESULTS),
        "stopped": Answer(ticket, failed("E-STOPPED")),
        "timer": TimerFired(Timer.POWER),
        "lost": VaultLost(),
        "bug": Bug(),
    }
    operator.forget().happen(ends[end])
    assert operator.page == GOING_OFF
    assert operator.box.session is None
    assert CancelTimer(Timer.POWER) in operator.effects
    assert operator.effects.index(CloseVault()) < len(operator.effects) - 1
    assert operator.effects[-1] == SwitchOff(ticket + 1, restart=False)


def test_power_menu_restarts_or_goes_off() -> None:
    assert Operator(box(unlocked=True)).happen("#0*").title == "MENU"
    again = Operator(box(unlocked=True)).happen("#0A")
    assert isinstance(again.effects[-1], SwitchOff)
    assert again.effects[-1].restart
    operator = Operator(box(unlocked=True)).happen("#0B")
    assert operator.page == GOING_OFF
    assert CloseVault() in operator.effects
    assert operator.forget().happen(PowerAsked(), "#*").effects == [SetTimer(Timer.DIM, 60)] * 2
    assert operator.happen(PowerAsked(restart=True)).page == RESTARTING


def test_a_power_off_that_is_refused_is_said_and_the_box_goes_on() -> None:
    operator = Operator(box(unlocked=True)).happen("#0B")
    refused = operator.effects[-1]
    assert isinstance(refused, SwitchOff)
    assert operator.happen(Answer(refused.ticket, failed("E-POWER", "no"))).title == "E-POWER"
    assert operator.happen("#").title == "LOCKED"


def test_power_asked_under_a_warning_wipes_the_entry() -> None:
    operator = Operator(box(unlocked=True)).happen("#7", TimerFired(Timer.LOCK)).forget()
    assert operator.happen(PowerAsked(restart=True)).page == RESTARTING
    assert WipeEntry() in operator.effects


def test_lost_vault_is_a_problem_only_where_it_is_needed() -> None:
    calm = Operator(box()).happen(VaultLost("x"))
    assert calm.title == "LOCKED"
    assert calm.machine.vault is Vault.CLOSED
    for operator in (Operator(box(unlocked=True)), Operator(box(provisioned=None)), Operator(box(HERE))):
        operator.happen(VaultLost("x"))
        assert operator.title == "E-VAULT"
        assert operator.machine.vault is Vault.CLOSED
        assert operator.box.session is None


def test_a_vault_that_cannot_be_opened_says_why_and_is_tried_again_by_a_key() -> None:
    operator = Operator(box(provisioned=None)).happen(VaultLost("x", "E-SWAP"))
    assert operator.title == "E-SWAP"
    operator.forget().happen("#")
    assert operator.shown == STARTING
    assert OpenVault() in operator.effects


def test_vault_that_answers_after_it_was_closed_stays_closed() -> None:
    operator = Operator(box(unlocked=True)).hold("*")
    assert operator.machine.vault is Vault.CLOSED
    operator.happen(VaultReady(provisioned=False, failed_attempts=3))
    assert operator.box.provisioned
    assert operator.box.failed_attempts == 0


def test_an_answer_that_nobody_waits_for_is_dropped() -> None:
    operator = Operator(box(unlocked=True)).happen("#6")
    late = Answer(operator.orders[-1].ticket, NOW)
    assert operator.happen("*").title == "MENU"
    assert operator.happen(late).title == "MENU"
    assert operator.happen("6").happen(late).title == "ONE MOMENT", "another question has another ticket"


def test_unlocked_shows_what_holds_after_an_act_not_what_held_at_the_unlock() -> None:
    operator = Operator(box(unlocked=True))
    assert operator.lines[0] == "Visit by 2027-02-01"
    operator.happen("#2")
    now = replace(SESSION, next_visit_by=NOW, policy_changes=("a: 1 -> 2",))
    operator.happen(Answer(operator.orders[-1].ticket, failed("E-STOPPED"), now), "#*")
    assert operator.lines[:2] == ("Visit by 2026-11-23", "D see policy change")


def test_what_is_said_of_a_session_that_ended_opens_none() -> None:
    operator = Operator(box(unlocked=True)).happen("#2")
    late = Answer(operator.orders[-1].ticket, RESULTS, SESSION)
    assert operator.happen(Bug(), late, "#").title == "LOCKED"
    assert operator.box.session is None


def test_usb_device_that_was_refused_is_named_at_rest_only() -> None:
    operator = Operator(box()).happen(UsbRefused("USB Keyboard"))
    assert operator.lines[0] == "USB Keyboard"
    assert operator.happen("#").title == "LOCKED"
    assert operator.happen("#", UsbRefused("USB Keyboard")).title == "unlock"


def test_a_device_that_fails_is_said_at_rest() -> None:
    failure = DeviceFailed("E-KEYPAD", "no pins")
    assert Operator(box()).happen(failure).title == "E-KEYPAD"
    assert Operator(box(provisioned=None)).happen(failure).title == "E-KEYPAD"
    assert Operator(box()).happen("#", failure).title == "unlock"


def test_bug_locks_from_anywhere() -> None:
    operator = unlock(Operator(box())).forget().happen(Bug())
    assert operator.title == "E-BUG"
    assert operator.box.session is None
    assert CloseVault() in operator.effects
    typing = Operator(box()).happen("#").forget().happen(Bug())
    assert typing.title == "E-BUG"
    assert WipeEntry() in typing.effects


def test_a_stick_that_comes_while_something_is_typed_changes_nothing() -> None:
    operator = Operator(box()).happen("#").forget().happen(StickInserted(HERE))
    assert operator.title == "unlock"
    assert operator.happen(DONE).answer(failed("E-FILE", "x")).title == "E-FILE"
    assert operator.happen("#").title == "STICK PISM-ALL asks"
