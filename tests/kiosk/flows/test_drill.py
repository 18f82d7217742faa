"""The words of a drill on the panel, each rule by the shortest way."""

from core.api.requests import RecordDrill
from kiosk.entry.buffers import Purpose
from kiosk.flows.machine import StartEntry, WipeEntry
from kiosk.screens.page import Entry
from kiosk.work.drill import ReadDrill
from tests.kiosk.facts import DRILLS, HERE, OTHER, box, stick
from tests.kiosk.flows.steps import DONE, LEFT, Hand


def typing() -> Hand:
    return Hand(box(unlocked=True)).happen("#A")


def test_the_words_are_sent_from_their_buffer_and_wiped() -> None:
    hand = typing()
    assert StartEntry(Purpose.DRILL) in hand.effects
    hand.happen(DONE)
    assert hand.asked(RecordDrill) == {"words": Purpose.DRILL, "name": None}
    hand.answer(DRILLS[0])
    assert hand.title == "DRILL RECORDED"
    assert hand.lines == ("main-backup 000007 ok",)
    assert WipeEntry() in hand.effects


def test_wrong_words_may_be_corrected_and_are_counted_for_the_eye() -> None:
    hand = typing().happen(DONE).refuse("E-DRILL", "none waits")
    assert hand.lines[2] == "Nothing has changed"
    hand.forget().happen("#")
    assert hand.shown == Entry(purpose=Purpose.DRILL, again=True)
    assert hand.effects[-1:] != [StartEntry(Purpose.DRILL)]
    assert WipeEntry() not in hand.effects
    assert hand.happen(DONE).refuse("E-DRILL", "none waits").lines[2] == "2 tries"
    assert hand.happen("*").title == "MENU"
    assert WipeEntry() in hand.effects


def test_another_refusal_is_said_as_it_is() -> None:
    assert typing().happen(DONE).refuse("E-STATE-DAMAGED", "x").title == "E-STATE-DAMAGED"


def test_words_that_are_left_lead_back_to_the_menu() -> None:
    assert typing().happen(LEFT).title == "MENU"


def test_a_stick_that_is_in_offers_to_be_read() -> None:
    hand = Hand(box(HERE, unlocked=True, ignored=HERE.identity)).happen("#A")
    assert hand.lines == ("A type six words", "B read PISM-ALL")
    assert hand.happen("*").title == "MENU"
    hand.happen("AB")
    assert hand.asked(ReadDrill) == {"stick": HERE}
    hand.answer(DRILLS)
    assert hand.lines == ("main-backup 000007 ok", "second-ba.. 000012 ok")
    typed = Hand(box(HERE, unlocked=True, ignored=HERE.identity)).happen("#AA")
    assert typed.shown == Entry(purpose=Purpose.DRILL)


def test_what_a_stick_cannot_give_is_said() -> None:
    hand = Hand(box(HERE, unlocked=True, ignored=HERE.identity)).happen("#AB")
    assert hand.refuse("E-STICK-MISSING", "no file").title == "E-STICK-MISSING"


def test_only_one_readable_stick_is_offered() -> None:
    exfat = stick("X", filesystem="exfat")
    for known in (box(exfat, unlocked=True, ignored=exfat.identity),):
        assert Hand(known).happen("#A").shown == Entry(purpose=Purpose.DRILL)


def test_a_stick_that_comes_or_goes_ends_the_choice() -> None:
    hand = Hand(box(HERE, unlocked=True, ignored=HERE.identity)).happen("#A")
    assert hand.put_in(OTHER).title == "E-STICK-TWO"


def test_many_drills_are_counted() -> None:
    hand = Hand(box(HERE, unlocked=True, ignored=HERE.identity)).happen("#AB").answer(DRILLS * 3)
    assert hand.lines[2] == "and 4 more"
