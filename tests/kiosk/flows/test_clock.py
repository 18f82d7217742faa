"""The clock ceremony, each rule by the shortest way."""

from dataclasses import replace
from datetime import timedelta

from core.api.requests import CorrectClock
from core.api.results import ClockCorrected
from hw.ports import Stick
from kiosk.entry.buffers import EntryFinished, Purpose
from kiosk.flows.clock import wrong_page
from kiosk.machine.effects import WipeEntry
from kiosk.screens.page import Entry, Large
from kiosk.work.devices import ReadClock, SetClock
from kiosk.work.job import RunJob
from tests.kiosk.facts import HERE, NOW, TROUBLE, box
from tests.kiosk.flows.steps import LEFT, Operator, unlock

DATE = EntryFinished(text="202611231534")
NOTHING = ClockCorrected(issued_after=())


def asked() -> Operator:
    operator = Operator(box(unlocked=True)).happen("#6")
    operator.asked(ReadClock)
    return operator.answer(NOW).happen("#")


def wrong() -> Operator:
    known = box(unlocked=True)
    known.clock = TROUBLE
    return Operator(known)


def test_a_date_is_typed_twice_and_set_at_a_held_key() -> None:
    operator = asked()
    assert operator.shown == Entry(purpose=Purpose.DATE)
    assert operator.happen(DATE).shown == Entry(purpose=Purpose.DATE_AGAIN)
    assert operator.happen(DATE).title == "SET THE CLOCK?"
    assert len(operator.orders) == 1
    operator.hold("#")
    assert operator.asked(SetClock) == {"instant": NOW}
    assert operator.answer(NOTHING).lines == ("It is now", "2026-11-23 15:34 UTC")


def test_a_date_that_there_is_not_is_refused() -> None:
    assert asked().happen(EntryFinished(text="202613231534")).title == "E-CLOCK-DATE"


def test_of_two_dates_that_differ_either_is_corrected_where_it_stands() -> None:
    operator = asked().happen(DATE, EntryFinished(text="202611231535", same=False))
    assert operator.title == "E-CLOCK-DATE"
    assert operator.lines == ("1st 2026-11-23 15:34", "2nd 2026-11-23 15:35", "They are not the same")
    assert WipeEntry() not in operator.effects
    assert operator.happen("#").shown == Entry(purpose=Purpose.DATE_AGAIN, again=True)
    operator.happen(EntryFinished(text="202611231535", same=False), "*")
    assert operator.shown == Entry(purpose=Purpose.DATE, again=True)
    assert operator.happen(DATE).shown == Entry(purpose=Purpose.DATE_AGAIN, again=True)
    assert operator.happen(DATE).title == "SET THE CLOCK?"


def test_a_date_that_is_refused_is_corrected_where_it_stands() -> None:
    operator = wrong().happen("#", DATE, DATE).hold("#").refuse("E-CLOCK-BEHIND", "before the journal")
    assert operator.title == "E-CLOCK-BEHIND"
    assert operator.happen("#").shown == Entry(purpose=Purpose.DATE, again=True)
    assert operator.happen(DATE).shown == Entry(purpose=Purpose.DATE_AGAIN, again=True)
    assert WipeEntry() not in operator.effects
    assert operator.happen(DATE).hold("#").answer(NOTHING).title == "CLOCK SET"
    assert WipeEntry() in operator.effects


def test_the_ceremony_is_left_page_by_page_and_what_was_typed_is_kept() -> None:
    operator = asked().happen(DATE, DATE, "*")
    assert operator.shown == Entry(purpose=Purpose.DATE_AGAIN, again=True)
    assert operator.happen(DATE).title == "SET THE CLOCK?"
    assert operator.happen("*", LEFT).shown == Entry(purpose=Purpose.DATE, again=True)
    operator.happen(LEFT)
    operator.asked(ReadClock)
    assert operator.answer(NOW).title == "CLOCK"
    assert operator.happen("*").title == "MENU"
    assert Operator(box(unlocked=True)).happen("#6").happen("*").title == "MENU"


def test_nothing_runs_before_a_wrong_clock_is_put_right() -> None:
    operator = wrong()
    assert operator.put_in(HERE).title == "E-CLOCK-BEHIND"
    operator.happen("#", DATE, DATE).hold("#").answer(NOTHING)
    assert operator.title == "STICK PISM-ALL asks", "the stick that waits is looked at"
    assert operator.box.clock is None


def test_a_ceremony_that_failed_leaves_the_clock_wrong() -> None:
    operator = wrong().happen("#", DATE, DATE).hold("#").refuse("E-CLOCK-SET", "no")
    assert operator.title == "E-CLOCK-SET"
    assert operator.happen("#", LEFT).title == "E-CLOCK-BEHIND"
    assert operator.happen("#", LEFT).title == "E-CLOCK-BEHIND"


def late(*sticks: Stick) -> Operator:
    operator = unlock(Operator(box(*sticks)), clock="E-CLOCK-LATE")
    operator.asked(ReadClock)
    return operator.answer(NOW)


def test_a_late_visit_is_confirmed_by_a_held_key_on_a_page_that_shows_the_date_large() -> None:
    operator = late()
    assert operator.title == "IS THIS THE TIME?"
    assert operator.page.body == Large(text="2026-11-23", below="15:34 UTC")
    assert operator.happen("#").title == "IS THIS THE TIME?", "a press is no hold"
    operator.hold("#")
    assert operator.asked(CorrectClock) == {}
    assert operator.answer(NOTHING).title == "UNLOCKED"
    assert operator.box.clock is None


def test_a_job_goes_on_once_a_late_visit_is_confirmed() -> None:
    operator = late(HERE).hold("#").answer(NOTHING)
    assert operator.asked(RunJob)["stick"] == HERE


def test_a_late_clock_that_is_wrong_is_set_or_the_box_is_locked() -> None:
    assert late().happen("*").title == "IS THIS THE TIME?", "one press locks nothing"
    assert late(HERE).hold("*").title == "STICK PISM-ALL asks"
    assert late().hold("*").title == "LOCKED"
    operator = late().happen("A", DATE, DATE).hold("#")
    assert operator.asked(SetClock) == {"instant": NOW}
    assert operator.answer(NOTHING).title == "CLOCK SET"


def test_nobody_there_leaves_a_late_clock_unconfirmed() -> None:
    operator = late()
    assert operator.lock_by_idleness().title == "LOCKED"
    assert operator.orders[-1].request is ReadClock


def test_two_times_of_one_minute_are_told_apart() -> None:
    known = box(unlocked=True)
    known.clock = replace(TROUBLE, now=TROUBLE.last - timedelta(seconds=4))
    ours, journals, _ = wrong_page(known).body
    assert ours.removeprefix("Box  ") != journals.removeprefix("Last ")


def test_locking_is_always_offered() -> None:
    assert wrong().happen("*").title == "E-CLOCK-BEHIND", "one press locks nothing"
    assert wrong().hold("*").title == "LOCKED"
