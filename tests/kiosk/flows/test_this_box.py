"""Is it my box: what differs from the last visit is said while locked and after the unlock; faults too."""

from dataclasses import replace

from msgspec.structs import replace as change

from kiosk.flows.flow import Page
from kiosk.flows.this_box import box_pages
from kiosk.work.inspection import Inspected
from kiosk.work.worker import VaultReady
from tests.kiosk.facts import FOUND, HERE, RAN_BEFORE, RUNS, SESSION, box
from tests.kiosk.flows.steps import DONE, Operator, unlock

CHANGED = replace(FOUND, ran_before=RAN_BEFORE)
FAULTS = ("Power supply is weak", "Board is hot: 83 C", "Card has errors")


def start(found: Inspected) -> Operator:
    """Return a box that has just started, and was looked at."""
    operator = Operator(box(provisioned=None))
    operator.machine.vault = operator.machine.vault.OPENING
    return operator.happen(found, VaultReady(provisioned=True))


def lines(page: Page) -> tuple[str, ...]:
    assert isinstance(page.body, tuple)
    return page.body


def below(operator: Operator) -> str:
    return getattr(operator.page.body, "below", "")


def test_a_box_that_is_as_it_was_says_nothing_of_it() -> None:
    assert below(start(FOUND)) == "Put in a stick"
    assert below(start(replace(FOUND, ran_before=None))) == "Put in a stick"


def test_one_thing_stands_under_locked_and_several_stand_in_rows() -> None:
    assert below(start(CHANGED)) == "Not what ran before"
    assert below(start(replace(FOUND, faults=FAULTS[:1]))) == FAULTS[0]
    two = start(replace(CHANGED, faults=FAULTS[:1]))
    assert (two.title, two.lines) == ("LOCKED", ("Not what ran before", FAULTS[0]))
    many = start(replace(CHANGED, faults=FAULTS))
    assert many.lines == ("Not what ran before", FAULTS[0], "2 more: D, then #")
    assert many.happen("D#").title == "THIS BOX"


def test_the_menu_has_it_while_locked_and_while_unlocked() -> None:
    for operator in (start(FOUND).happen("D"), unlock(start(FOUND)).happen("#")):
        assert operator.happen("#").lines == ("PiSM 0.1.0", "installed", "2026-11-23 09:12:40")
        assert operator.happen("#").lines == ("Raspberry Pi 4 Model", "B Rev 1.4", "no 10000000abcdef12")
        assert operator.happen("#").title == "ITS FILES"
        assert operator.happen("*").title == "MENU"


def test_a_box_that_was_not_looked_at_says_so() -> None:
    assert Operator(box()).happen("D#").lines == ("It was not looked at", "yet.")


def test_every_page_says_what_it_is_about_and_what_was_before() -> None:
    pages = box_pages(replace(CHANGED, faults=FAULTS))
    assert [page.title for page in pages] == [
        *("THIS BOX", "BOARD", "ITS FILES", "ITS FILES", "BAD", "NOT AS BEFORE", "NOT AS BEFORE")
    ]
    assert lines(pages[5]) == ("PiSM was 0.0.9", "Its files are others")
    assert lines(pages[6]) == ("Its number was", "10000000deadbeef")


def test_what_the_vault_remembers_otherwise_is_said_before_anything_else_is_done() -> None:
    operator = unlock(start(FOUND), ran_before=RAN_BEFORE)
    assert (operator.title, operator.page.mark) == ("NOT AS BEFORE", "1/2")
    assert operator.happen("##").title == "UNLOCKED"


def test_a_sticks_job_waits_until_it_was_read() -> None:
    operator = start(FOUND).put_in(HERE).happen("#", DONE)
    operator.answer(change(SESSION, ran_before=RAN_BEFORE))
    assert operator.title == "NOT AS BEFORE"
    assert operator.happen("##").title == "WORK"


def test_what_is_unlocked_is_what_ran_before_from_then_on() -> None:
    operator = unlock(start(CHANGED))
    assert operator.title == "UNLOCKED"
    assert below(operator.hold("*")) == "Put in a stick"


def test_a_board_that_tells_nothing_is_called_so() -> None:
    silent = replace(FOUND, runs=change(RUNS, board="", serial="", installed=""), words=())
    assert [lines(page) for page in box_pages(replace(silent, ran_before=None))] == [
        ("PiSM 0.1.0", "installed", "not told"),
        ("not told", "no not told"),
    ]
