"""Putting the box away: the number is journaled, seen on LOCKED, and compared with the journal."""

from dataclasses import replace

from core.api.requests import NoteSeal
from core.api.results import Acknowledged
from kiosk.entry.buffers import EntryFinished, Purpose
from kiosk.flows.power import GOING_OFF
from kiosk.screens.page import Entry
from tests.kiosk.facts import FOUND, HERE, RAN_BEFORE, box
from tests.kiosk.flows.steps import LEFT, Operator, unlock

SEALED = replace(FOUND, seal="004711")


def locked(found: object = SEALED) -> Operator:
    operator = Operator(box())
    operator.box.inspected = found  # type: ignore[assignment] # one of a look
    return operator.happen("D*")  # drawn anew


def below(operator: Operator) -> str:
    return getattr(operator.page.body, "below", "")


def test_the_number_is_typed_journaled_and_the_box_goes_off() -> None:
    operator = Operator(box(unlocked=True)).happen("A")
    assert operator.shown == Entry(purpose=Purpose.SEAL)
    operator.happen(EntryFinished(text="123456"))
    assert operator.asked(NoteSeal) == {"number": "123456"}
    assert operator.answer(Acknowledged()).title == "SEAL 123456"
    assert operator.happen("#").page == GOING_OFF


def test_it_is_left_before_a_digit_and_after_it_was_noted() -> None:
    assert Operator(box(unlocked=True)).happen("A", LEFT).title == "UNLOCKED"
    operator = Operator(box(unlocked=True)).happen("A", EntryFinished(text="1")).answer(Acknowledged())
    assert operator.happen("*").title == "UNLOCKED"


def test_a_number_that_could_not_be_journaled_is_said() -> None:
    operator = Operator(box(unlocked=True)).happen("A", EntryFinished(text="1")).refuse("E-FILE")
    assert operator.title == "E-FILE"
    assert operator.happen("#").title == "UNLOCKED"


def test_a_locked_box_shows_it_first_and_cannot_note_another() -> None:
    assert below(locked()) == "Seal 004711"
    assert locked().happen("A").title == "LOCKED"
    several = locked(replace(SEALED, ran_before=RAN_BEFORE, faults=("Card has errors",)))
    assert several.lines == ("Seal 004711", "Not what ran before", "Card has errors")
    ignored = locked().put_in(HERE).happen("*")
    assert ignored.lines == ("Seal 004711", "Stick is not used")


def test_a_number_that_the_journal_has_otherwise_is_told_after_the_unlock() -> None:
    operator = unlock(locked(), seal="123456")
    assert operator.lines == ("The journal has", "seal 123456", "LOCKED said otherwise")
    assert operator.happen("#").title == "UNLOCKED"
    assert below(operator.hold("*")) == "Seal 123456"
    assert unlock(locked(), seal="").lines[1] == "no seal at all."
    assert unlock(locked(), seal="004711").title == "UNLOCKED"


def test_the_menu_shows_it_with_this_box() -> None:
    operator = locked().happen("D#####")
    assert (operator.title, operator.lines) == ("SEAL", ("004711", "Is it on the bag?"))
