"""Is it my box: the words after the third word, each rule by the shortest way."""

import pytest

from core.api.requests import ChangePassphrase, Recognize, Unlock
from core.api.results import Recognized
from kiosk.entry.buffers import EntryFinished, Purpose
from kiosk.machine.effects import FeedEntry, ResumeEntry, WipeEntry
from kiosk.screens.page import Entry
from tests.kiosk.facts import SESSION, box
from tests.kiosk.flows.steps import DONE, Operator

BEGUN = EntryFinished(begun=True)
WORDS = Recognized(words=("cradle", "orbit"))


def begun() -> Operator:
    return Operator(box()).happen("#", BEGUN)


def test_after_three_words_the_box_shows_what_it_knows() -> None:
    operator = begun()
    assert operator.asked(Recognize) == {"passphrase": Purpose.UNLOCK}
    assert operator.answer(WORDS).title == "SAME AS ON PAPER?"
    assert operator.lines[0] == "cradle orbit"
    assert WipeEntry() not in operator.effects


@pytest.mark.parametrize("key", "0123456789ABCD#")
def test_whoever_types_on_loses_no_press(key: str) -> None:
    operator = begun().answer(WORDS).forget().happen(key)
    assert operator.shown == Entry(purpose=Purpose.UNLOCK, resumed=key)
    typing = [effect for effect in operator.effects if isinstance(effect, ResumeEntry | FeedEntry)]
    assert typing == [ResumeEntry(Purpose.UNLOCK), FeedEntry(key, down=True), FeedEntry(key, down=False)]
    assert operator.happen(DONE).asked(Unlock) == {"passphrase": Purpose.UNLOCK}
    assert operator.answer(SESSION).title == "UNLOCKED"


def test_a_strange_box_is_left_by_a_held_key_and_has_heard_three_words() -> None:
    operator = begun().answer(WORDS).forget().happen("*")
    assert operator.title == "SAME AS ON PAPER?"
    assert operator.hold("*").title == "LOCKED"
    assert WipeEntry() in operator.effects


def test_a_word_typed_wrong_is_named_before_another_box() -> None:
    told = " ".join(begun().answer(WORDS).lines[1:])
    assert told == "Not the same? One of the 3 words is wrong, or it's not your box."


def test_three_words_that_were_taken_back_are_compared_again() -> None:
    operator = begun().answer(WORDS).happen("2", BEGUN)
    assert operator.asked(Recognize) == {"passphrase": Purpose.UNLOCK}


def test_words_that_are_corrected_after_a_refusal_are_compared_too() -> None:
    operator = Operator(box()).happen("#", DONE).refuse("E-PASSPHRASE-WRONG", wait_s=0).happen("#", BEGUN)
    assert operator.answer(WORDS).title == "SAME AS ON PAPER?"


def test_a_box_that_knows_no_words_asks_nothing() -> None:
    operator = begun().answer(Recognized(words=()))
    assert operator.shown == Entry(purpose=Purpose.UNLOCK, resumed="")


def test_switched_off_nothing_comes_between() -> None:
    operator = Operator(box(recognition=False)).happen("#", BEGUN)
    assert operator.shown == Entry(purpose=Purpose.UNLOCK, resumed="")
    assert ResumeEntry(Purpose.UNLOCK) in operator.effects
    assert operator.happen(DONE).asked(Unlock) == {"passphrase": Purpose.UNLOCK}


def test_switched_off_nothing_is_written_down() -> None:
    operator = Operator(box(unlocked=True, recognition=False)).happen("#7", DONE, "A##", DONE)
    operator.asked(ChangePassphrase)
    assert operator.answer(None).title == "PASSPHRASE CHANGED"


def test_a_passphrase_of_two_words_has_none_to_write_down() -> None:
    operator = Operator(box(unlocked=True)).happen("#7", DONE, "A##", DONE).answer(None)
    assert operator.answer(Recognized(words=())).title == "PASSPHRASE CHANGED"
