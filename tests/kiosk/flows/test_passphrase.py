"""Choosing and changing a passphrase, each rule by the shortest way."""

from core.api.requests import ChangePassphrase
from kiosk.entry.buffers import EntryFinished, Purpose
from kiosk.flows.flow import ProposeWords
from kiosk.machine.effects import CorrectEntry, StartEntry, WipeEntry
from kiosk.screens.page import Entry
from tests.kiosk.facts import box
from tests.kiosk.flows.steps import DONE, LEFT, Operator

DIFFERENT = EntryFinished(same=False)


def choosing() -> Operator:
    return Operator(box(unlocked=True)).happen("#7", DONE)


def test_a_passphrase_is_changed_by_the_current_and_the_new_one() -> None:
    operator = choosing().happen("A##")
    assert operator.shown == Entry(purpose=Purpose.REPEAT)
    assert WipeEntry() not in operator.effects
    operator.happen(DONE)
    assert operator.asked(ChangePassphrase) == {"old": Purpose.CURRENT, "new": Purpose.REPEAT}
    assert operator.answer(None).written_down().title == "PASSPHRASE CHANGED"
    assert WipeEntry() in operator.effects


def test_a_wrong_current_one_is_said_and_counted() -> None:
    operator = choosing().happen("A##", DONE).refuse("E-PASSPHRASE-WRONG", failed_attempts=1)
    assert operator.title == "E-PASSPHRASE-WRONG"
    assert operator.box.failed_attempts == 1
    assert WipeEntry() in operator.effects


def test_words_are_proposed_and_others_on_demand() -> None:
    operator = choosing()
    assert operator.happen("#").title == "NEW PASSPHRASE", "it takes what it names"
    assert operator.happen("A").page.mark == "1-4 of 8"
    assert operator.effects.count(ProposeWords()) == 1
    assert operator.happen("#").page.mark == "5-8 of 8"
    assert operator.happen("D").page.mark == "5-8 of 8", "one press throws nothing away"
    assert operator.hold("D").page.mark == "1-4 of 8"
    assert operator.effects.count(ProposeWords(others=True)) == 1
    assert operator.happen("#*").page.mark == "1-4 of 8"
    assert operator.happen("*").title == "NEW PASSPHRASE"


def test_words_that_may_be_on_paper_are_thrown_away_by_a_held_key_only() -> None:
    operator = choosing().happen("A##", LEFT, "**")
    assert operator.lines[:2] == ("A the eight words", "  you wrote down")
    assert operator.happen("*").title == "NEW PASSPHRASE"
    assert operator.happen("A").page.mark == "1-4 of 8"
    assert ProposeWords(others=True) not in operator.effects
    assert operator.happen("##").shown == Entry(purpose=Purpose.REPEAT, again=True), "nor what was typed"
    assert operator.happen(LEFT, "*B", LEFT, "A##").shown == Entry(purpose=Purpose.REPEAT)
    assert WipeEntry() not in operator.effects
    assert operator.happen(LEFT, "*").hold("*").title == "MENU"
    assert WipeEntry() in operator.effects


def test_words_that_were_not_written_down_are_shown_again_and_what_was_typed_is_kept() -> None:
    operator = choosing().happen("A##", LEFT)
    assert operator.page.mark == "1-4 of 8"
    assert operator.happen("##").shown == Entry(purpose=Purpose.REPEAT, again=True)
    assert operator.effects.count(StartEntry(Purpose.REPEAT)) == 1
    assert CorrectEntry(Purpose.REPEAT, refused=False) in operator.effects
    other = operator.happen(LEFT).hold("D").happen("##")
    assert other.shown == Entry(purpose=Purpose.REPEAT)
    assert other.effects.count(StartEntry(Purpose.REPEAT)) == 2


def test_ones_own_is_typed_twice() -> None:
    operator = choosing().happen("B")
    assert operator.shown == Entry(purpose=Purpose.CHOOSE)
    assert operator.happen(DONE).shown == Entry(purpose=Purpose.REPEAT)
    assert operator.happen(DIFFERENT).page.right == "*=start over"
    assert operator.happen("*").title == "NOT THE SAME", "one press too many throws nothing away"
    assert operator.hold("*").shown == Entry(purpose=Purpose.CHOOSE)
    assert operator.happen(DONE, LEFT).shown == Entry(purpose=Purpose.CHOOSE)
    assert operator.happen(LEFT).title == "NEW PASSPHRASE"
    assert operator.happen("*").title == "MENU"


def test_leaving_the_current_one_leads_to_the_menu() -> None:
    assert Operator(box(unlocked=True)).happen("#7", LEFT).title == "MENU"


def test_a_store_that_was_wiped_meanwhile_is_asked_for_anew() -> None:
    operator = choosing().happen("A##", DONE).refuse("E-STATE-WIPED")
    assert operator.title == "E-STATE-WIPED"
    assert operator.box.provisioned is None
