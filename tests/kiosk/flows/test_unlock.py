"""Unlocking, each rule by the shortest way."""

from core.api.requests import Unlock
from hw.ports import KeyPressed, KeyReleased
from kiosk.entry.buffers import Purpose
from kiosk.machine.effects import (
    CancelTimer,
    CloseVault,
    CorrectEntry,
    OpenVault,
    SetTimer,
    StartEntry,
    Timer,
    WipeEntry,
)
from kiosk.machine.machine import HOLD_S, Vault
from kiosk.screens.page import Entry, Large
from kiosk.work.devices import ReadClock
from kiosk.work.worker import VaultReady
from tests.kiosk.facts import NOW, SESSION, box
from tests.kiosk.flows.steps import DONE, HELD, LEFT, Operator, unlock


def test_the_passphrase_is_sent_from_its_buffer_and_wiped() -> None:
    operator = Operator(box()).happen("#")
    assert StartEntry(Purpose.UNLOCK) in operator.effects
    operator.forget().happen(DONE)
    assert operator.asked(Unlock) == {"passphrase": Purpose.UNLOCK}
    assert WipeEntry() not in operator.effects
    assert operator.answer(SESSION).title == "UNLOCKED"
    assert WipeEntry() in operator.effects
    assert SetTimer(Timer.LOCK, 290) in operator.effects


def test_an_entry_that_is_left_leads_back() -> None:
    operator = Operator(box()).happen("#", LEFT)
    assert operator.title == "LOCKED"
    assert WipeEntry() in operator.effects


def test_wrong_passphrase_counts_down_then_the_words_may_be_corrected() -> None:
    operator = Operator(box()).happen("#", DONE)
    operator.refuse("E-PASSPHRASE-WRONG", wait_s=3, failed_attempts=2)
    assert operator.page.body == Large(text="0:03", below="2 failed in a row")
    assert operator.forget().seconds(2).page.body == Large(text="0:01", below="2 failed in a row")
    assert operator.effects.count(SetTimer(Timer.TICK, 1)) == 2
    assert operator.seconds(1).lines[1] == "You may correct the"
    operator.forget().happen("#")
    assert operator.shown == Entry(purpose=Purpose.UNLOCK, again=True, refused=True)
    assert not [one for one in operator.effects if isinstance(one, StartEntry | WipeEntry)]
    assert CorrectEntry(Purpose.UNLOCK, refused=True) in operator.effects
    assert CancelTimer(Timer.TICK) in operator.effects


def test_a_passphrase_that_was_not_looked_at_may_be_tried_as_it_stands() -> None:
    operator = Operator(box()).happen("#", DONE).refuse("E-PASSPHRASE-WAIT", wait_s=1).seconds(1).happen("#")
    assert operator.shown == Entry(purpose=Purpose.UNLOCK, again=True)


def test_words_are_wiped_after_a_minute_or_when_they_are_given_up() -> None:
    waited = Operator(box()).happen("#", DONE).refuse("E-PASSPHRASE-WRONG", wait_s=900, failed_attempts=9)
    assert waited.page.right == "*=forget words"
    waited.forget().seconds(60)
    assert WipeEntry() in waited.effects
    assert waited.page.right == ""
    assert waited.page.body == Large(text="14:00", below="9 failed in a row")
    assert waited.seconds(840).title == "LOCKED"
    given_up = Operator(box()).happen("#", DONE).refuse("E-PASSPHRASE-WRONG", failed_attempts=1).forget()
    assert given_up.happen("***").title == "E-PASSPHRASE-WRONG", "one press too many throws nothing away"
    assert WipeEntry() not in given_up.effects
    assert given_up.hold("*").title == "LOCKED"
    assert WipeEntry() in given_up.effects
    assert given_up.box.failed_attempts == 1
    forgotten = Operator(box()).happen("#", DONE).refuse("E-PASSPHRASE-WAIT", wait_s=5).forget()
    assert forgotten.happen("*").page.right == "*=forget words"
    forgotten.happen(KeyPressed("*")).seconds(2)
    assert SetTimer(Timer.HOLD, HOLD_S) in forgotten.effects
    assert CancelTimer(Timer.HOLD) not in forgotten.effects[-3:], "the countdown does not let go"
    assert forgotten.happen(HELD, KeyReleased("*")).title == "E-PASSPHRASE-WAIT"
    assert WipeEntry() in forgotten.effects
    assert forgotten.seconds(3).title == "LOCKED"


def test_what_keeps_the_store_shut_is_said() -> None:
    assert Operator(box()).happen("#", DONE).refuse("E-STATE-DAMAGED", "x").title == "E-STATE-DAMAGED"


def test_a_wiped_store_is_asked_for_anew() -> None:
    operator = Operator(box()).happen("#", DONE)
    operator.refuse("E-STATE-WIPED", "gone")
    assert operator.title == "E-STATE-WIPED"
    assert operator.box.provisioned is None
    assert CloseVault() in operator.effects
    operator.forget().happen("#")
    assert operator.effects[0] == OpenVault()
    assert operator.happen(VaultReady(provisioned=False)).title == "FIRST SET-UP"


def test_the_wait_restarts_whole_at_boot_and_nothing_can_be_typed_before() -> None:
    operator = Operator(box(provisioned=None))
    operator.machine.vault = Vault.OPENING
    operator.happen(VaultReady(provisioned=True, failed_attempts=3, wait_s=7))
    assert operator.page.body == Large(text="0:07", below="3 failed in a row")
    assert operator.happen("#*D").seconds(6).page.body == Large(text="0:01", below="3 failed in a row")
    assert operator.seconds(1).title == "LOCKED"


def test_a_clock_that_is_not_believed_comes_before_all_else() -> None:
    operator = unlock(Operator(box()), clock="E-CLOCK-BEHIND")
    assert operator.asked(ReadClock) == {}
    operator.answer(NOW.replace(year=1970))
    assert operator.title == "E-CLOCK-BEHIND"
    assert operator.lines == ("Box  1970-11-23 15:34", "Last 2026-11-23 15:34", "Set the true time")
    assert operator.hold("*").title == "LOCKED"


def test_notes_of_the_session_are_shown_once_unlocked() -> None:
    operator = unlock(Operator(box()), failed_attempts=2, policy_changes=("a: 1 -> 2",))
    assert operator.lines == ("Visit by 2027-02-01", "D see policy change", "2 failed unlocks")
