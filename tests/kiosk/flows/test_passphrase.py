"""Choosing and changing a passphrase, each rule by the shortest way."""

from core.api.requests import ChangePassphrase
from kiosk.entry.buffers import EntryFinished, Purpose
from kiosk.flows.flow import ProposeWords
from kiosk.flows.machine import StartEntry, WipeEntry
from kiosk.screens.page import Entry
from tests.kiosk.facts import box
from tests.kiosk.flows.steps import DONE, LEFT, Hand

DIFFERENT = EntryFinished(same=False)


def choosing() -> Hand:
    return Hand(box(unlocked=True)).happen("#7", DONE)


def test_a_passphrase_is_changed_by_the_current_and_the_new_one() -> None:
    hand = choosing().happen("A##")
    assert hand.shown == Entry(purpose=Purpose.REPEAT)
    assert WipeEntry() not in hand.effects
    hand.happen(DONE)
    assert hand.asked(ChangePassphrase) == {"old": Purpose.CURRENT, "new": Purpose.REPEAT}
    assert hand.answer(None).title == "PASSPHRASE CHANGED"
    assert WipeEntry() in hand.effects


def test_a_wrong_current_one_is_said_and_counted() -> None:
    hand = choosing().happen("A##", DONE).refuse("E-PASSPHRASE-WRONG", failed_attempts=1)
    assert hand.title == "E-PASSPHRASE-WRONG"
    assert hand.box.failed_attempts == 1
    assert WipeEntry() in hand.effects


def test_words_are_proposed_and_others_on_demand() -> None:
    hand = choosing().happen("#")
    assert hand.page.mark == "1-4 of 8"
    assert hand.effects.count(ProposeWords()) == 1
    assert hand.happen("#").page.mark == "5-8 of 8"
    assert hand.happen("D").page.mark == "1-4 of 8"
    assert hand.effects.count(ProposeWords()) == 2
    assert hand.happen("#*").page.mark == "1-4 of 8"
    assert hand.happen("*").title == "NEW PASSPHRASE"


def test_words_that_were_not_written_down_are_shown_again() -> None:
    hand = choosing().happen("A##", DIFFERENT)
    assert hand.page.right == "*see words"
    assert hand.happen("*").page.mark == "1-4 of 8"
    again = choosing().happen("A##", DIFFERENT, "#")
    assert again.shown == Entry(purpose=Purpose.REPEAT)
    assert again.effects.count(StartEntry(Purpose.REPEAT)) == 2
    assert again.happen(LEFT).page.mark == "1-4 of 8"


def test_ones_own_is_typed_twice() -> None:
    hand = choosing().happen("B")
    assert hand.shown == Entry(purpose=Purpose.CHOOSE)
    assert hand.happen(DONE).shown == Entry(purpose=Purpose.REPEAT)
    assert hand.happen(DIFFERENT).page.right == "*start over"
    assert hand.happen("*").shown == Entry(purpose=Purpose.CHOOSE)
    assert hand.happen(DONE, LEFT).shown == Entry(purpose=Purpose.CHOOSE)
    assert hand.happen(LEFT).title == "NEW PASSPHRASE"
    assert hand.happen("*").title == "UNLOCKED"


def test_leaving_the_current_one_leads_to_the_menu() -> None:
    assert Hand(box(unlocked=True)).happen("#7", LEFT).title == "MENU"


def test_a_store_that_was_wiped_meanwhile_is_asked_for_anew() -> None:
    hand = choosing().happen("A##", DONE).refuse("E-STATE-WIPED")
    assert hand.title == "E-STATE-WIPED"
    assert hand.box.provisioned is None
