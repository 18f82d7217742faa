"""Unlocking, each rule by the shortest way."""

from core.api.requests import Unlock
from kiosk.entry.buffers import Purpose
from kiosk.flows.machine import (
    CancelTimer,
    CloseVault,
    OpenVault,
    SetTimer,
    StartEntry,
    Timer,
    Vault,
    WipeEntry,
)
from kiosk.screens.page import Entry, Large
from kiosk.work.clock import ReadClock
from kiosk.work.worker import VaultReady
from tests.kiosk.facts import NOW, SESSION, box
from tests.kiosk.flows.steps import DONE, LEFT, Hand, unlock


def test_the_passphrase_is_sent_from_its_buffer_and_wiped() -> None:
    hand = Hand(box()).happen("#")
    assert StartEntry(Purpose.UNLOCK) in hand.effects
    hand.forget().happen(DONE)
    assert hand.asked(Unlock) == {"passphrase": Purpose.UNLOCK}
    assert WipeEntry() not in hand.effects
    assert hand.answer(SESSION).title == "UNLOCKED"
    assert WipeEntry() in hand.effects
    assert SetTimer(Timer.LOCK, 290) in hand.effects


def test_an_entry_that_is_left_leads_back() -> None:
    hand = Hand(box()).happen("#", LEFT)
    assert hand.title == "LOCKED"
    assert WipeEntry() in hand.effects


def test_wrong_passphrase_counts_down_then_the_words_may_be_corrected() -> None:
    hand = Hand(box()).happen("#", DONE)
    hand.refuse("E-PASSPHRASE-WRONG", wait_s=3, failed_attempts=2)
    assert hand.page.body == Large(text="0:03", below="2 wrong in a row")
    assert hand.forget().seconds(2).page.body == Large(text="0:01", below="2 wrong in a row")
    assert hand.effects.count(SetTimer(Timer.TICK, 1)) == 2
    assert hand.seconds(1).lines[1] == "You may correct the"
    hand.forget().happen("#")
    assert hand.shown == Entry(purpose=Purpose.UNLOCK, again=True)
    assert not [one for one in hand.effects if isinstance(one, StartEntry | WipeEntry)]
    assert CancelTimer(Timer.TICK) in hand.effects


def test_words_are_wiped_after_a_minute_or_when_they_are_given_up() -> None:
    waited = Hand(box()).happen("#", DONE).refuse("E-PASSPHRASE-WRONG", wait_s=900, failed_attempts=9)
    assert waited.page.right == "*forget words"
    waited.forget().seconds(60)
    assert WipeEntry() in waited.effects
    assert waited.page.right == ""
    assert waited.page.body == Large(text="14:00", below="9 wrong in a row")
    assert waited.seconds(840).title == "LOCKED"
    given_up = Hand(box()).happen("#", DONE).refuse("E-PASSPHRASE-WRONG", failed_attempts=1).forget()
    assert given_up.happen("*").title == "LOCKED"
    assert WipeEntry() in given_up.effects
    assert given_up.box.failed_attempts == 1
    forgotten = Hand(box()).happen("#", DONE).refuse("E-PASSPHRASE-WAIT", wait_s=5).forget()
    assert forgotten.happen("*").title == "E-PASSPHRASE-WAIT"
    assert WipeEntry() in forgotten.effects
    assert forgotten.seconds(5).title == "LOCKED"


def test_what_keeps_the_store_shut_is_said() -> None:
    assert Hand(box()).happen("#", DONE).refuse("E-STATE-DAMAGED", "x").title == "E-STATE-DAMAGED"


def test_a_wiped_store_is_asked_for_anew() -> None:
    hand = Hand(box()).happen("#", DONE)
    hand.refuse("E-STATE-WIPED", "gone")
    assert hand.title == "E-STATE-WIPED"
    assert hand.box.provisioned is None
    assert CloseVault() in hand.effects
    hand.forget().happen("#")
    assert hand.effects[0] == OpenVault()
    assert hand.happen(VaultReady(provisioned=False)).title == "FIRST SET-UP"


def test_the_wait_restarts_whole_at_boot_and_nothing_can_be_typed_before() -> None:
    hand = Hand(box(provisioned=None))
    hand.machine.vault = Vault.OPENING
    hand.happen(VaultReady(provisioned=True, failed_attempts=3, wait_s=7))
    assert hand.page.body == Large(text="0:07", below="3 wrong in a row")
    assert hand.happen("#*D").seconds(6).page.body == Large(text="0:01", below="3 wrong in a row")
    assert hand.seconds(1).title == "LOCKED"


def test_a_clock_that_is_not_believed_comes_before_all_else() -> None:
    hand = unlock(Hand(box()), clock="E-CLOCK-BEHIND")
    assert hand.asked(ReadClock) == {}
    hand.answer(NOW.replace(year=1970))
    assert hand.title == "E-CLOCK-BEHIND"
    assert hand.lines == ("Box  1970-11-23 15:34", "Last 2026-11-23 15:34", "Set the true time")
    assert hand.happen("*").title == "LOCKED"


def test_notes_of_the_session_are_shown_once_unlocked() -> None:
    hand = unlock(Hand(box()), failed_attempts=2, policy_changes=("a: 1 -> 2",))
    assert hand.lines == ("Visit by 2027-02-01", "D see policy change", "2 wrong passphrases")
