"""What a stick's job brought, as long as somebody may want to read it."""

from dataclasses import replace

import pytest

from core.api.requests import Unlock
from kiosk.flows.last_visit import result_pages
from kiosk.machine.effects import CloseVault, OpenVault
from kiosk.screens.page import Page
from kiosk.work.job import JobDone, StepDone
from tests.kiosk.facts import HERE, MUCH, OTHER, PRINT, RESULTS, box, visited
from tests.kiosk.flows.steps import Operator, unlock


def done() -> Operator:
    """Return an operator whose stick's job ended, and the session with it."""
    return unlock(Operator(box(HERE))).answer(RESULTS)


def text(*pages: Page) -> str:
    return " ".join(" ".join((page.title, *page.body)) for page in pages if isinstance(page.body, tuple))


def test_orders_and_the_next_visit_are_on_the_first_page() -> None:
    first = result_pages(MUCH, "SAFE TO REMOVE")[0]
    assert first.body == ("Give out roots today", "Visit by 2027-02-01", "226 signed", "2 by request")
    assert first.mark == "1/4"


REVOKED = StepDone(step="export a", name="a", sequence=3, sha256="3fa41b9c" * 8, revoked=2)


def test_what_was_revoked_is_to_be_published_and_a_root_to_be_removed() -> None:
    lists = replace(RESULTS, steps=(REVOKED,))
    assert result_pages(lists, "SAFE TO REMOVE")[0].body == (
        "Publish lists today",
        "Visit by 2027-02-01",
        "0 signed",
    )
    root = replace(REVOKED, revoked_roots=1, late_roots=1)
    front = result_pages(replace(RESULTS, steps=(root,)), "SAFE TO REMOVE")[:2]
    assert [page.body for page in front] == [
        ("Remove revoked root", "Give out roots today", "Publish lists today", "Visit by 2027-02-01"),
        ("0 signed",),
    ]


def test_after_a_job_that_was_cut_off_what_it_signed_and_the_numbers_it_used_up_are_told() -> None:
    export = replace(REVOKED, revoked=0, sequence=2, new=226, unseen=(1,))
    pages = result_pages(replace(RESULTS, steps=(export,)), "SAFE TO REMOVE")
    assert pages[0].body == ("Visit by 2027-02-01", "226 signed before")
    assert pages[2].body == ("a", "000001 used up", "by a job cut off")
    both = replace(RESULTS, steps=(StepDone(step="top-up", issued=6), replace(export, unseen=(1, 2, 3))))
    pages = result_pages(both, "SAFE TO REMOVE")
    assert pages[0].body == ("Visit by 2027-02-01", "6 signed", "220 signed before")
    assert pages[2].body == ("a", "000001-000003 used up", "by jobs cut off")
    assert [page.mark for page in pages] == ["1/5", "2/5", "3/5", "4/5", "5/5"]
    same = replace(RESULTS, steps=(StepDone(step="top-up", issued=226), replace(export, unseen=())))
    assert result_pages(same, "SAFE TO REMOVE")[0].body == ("Visit by 2027-02-01", "226 signed")


@pytest.mark.parametrize(("count", "line"), [(1, "1 failed unlock"), (12, "12 failed unlocks")])
def test_a_visit_of_a_stick_tells_of_wrong_passphrases(count: int, line: str) -> None:
    operator = unlock(Operator(box(HERE)), failed_attempts=count).answer(RESULTS)
    assert operator.lines[0] == line
    assert operator.pull(HERE).lines[0] == line


def test_an_archive_is_one_page_with_its_whole_name() -> None:
    pages = result_pages(MUCH, "SAFE TO REMOVE")
    assert pages[1].body == ("avatars-frankfurt-nor", "th1", "egress 000012 ok", "sha 3fa41b9c")
    bodies = [page.body for page in result_pages(RESULTS, "SAFE TO REMOVE")[1:3]]
    assert bodies == [
        ("main-kudo", "egress 000001 ok", "sha 3fa41b9c"),
        ("main-backup", "backup 000001 ok", "sha 77aa01de"),
    ]


@pytest.mark.parametrize("brought", [RESULTS, MUCH])
def test_all_that_the_logbook_asks_for_is_on_the_pages_without_a_second_unlock(brought: JobDone) -> None:
    told = text(*result_pages(brought, "SAFE TO REMOVE"))
    assert f"JOURNAL NO {brought.journal_sequence}" in told
    assert [word for line in told.split() for word in [line] if word in PRINT] == list(PRINT)
    for step in brought.steps:
        assert step.name in told.replace("nor th1", "north1")
        assert step.sha256[:8] in told
        assert not step.sequence or f"{step.sequence:06}" in told


def test_pages_are_turned_and_do_not_go_away_while_the_stick_is_in() -> None:
    operator = done()
    marks = [operator.page.mark, *(operator.happen("D").page.mark for _ in range(5))]
    assert marks == ["1/5", "2/5", "3/5", "4/5", "5/5", "1/5"]
    assert operator.happen("#*").title == "SAFE TO REMOVE"


def test_after_the_pull_the_page_stays_until_a_key_takes_it_away() -> None:
    operator = done().happen("D").pull(HERE)
    assert (operator.title, operator.page.mark) == ("STICK IS OUT", "2/5")
    assert operator.page.right == "LOCKED"
    assert operator.happen("D").page.mark == "3/5"
    assert operator.happen("#").title == "LOCKED"
    assert done().pull(HERE).happen("*").title == "LOCKED"


def test_a_stick_that_goes_in_takes_the_page_away() -> None:
    assert done().pull(HERE).put_in(OTHER).title == "PISM-EXPORT asks"


def test_what_was_done_is_in_the_menu_of_a_locked_box_and_unlocks_nothing() -> None:
    operator = done().pull(HERE).happen("#").forget().happen("DB")
    assert (operator.title, operator.page.mark) == ("LAST VISIT", "1/5")
    assert operator.happen("#D").page.mark == "3/5"
    assert operator.happen("*").title == "MENU"
    assert OpenVault() not in operator.effects
    assert not [order for order in operator.orders if order.request is Unlock]


def test_a_box_that_wrote_no_stick_says_so() -> None:
    operator = Operator(box()).happen("DB")
    assert operator.lines[0] == "No stick was written"
    assert operator.happen("#").title == "MENU"


def test_another_job_takes_the_place_of_the_last() -> None:
    operator = unlock(Operator(box())).put_in(HERE).happen("#").answer(RESULTS).pull(HERE).put_in(OTHER)
    assert operator.happen("#").answer(MUCH).box.last_visit == MUCH
    assert visited(MUCH).last_visit == MUCH


def test_what_is_safe_to_remove_stays_said_when_the_session_ends_by_itself() -> None:
    operator = unlock(Operator(box())).put_in(HERE).happen("#").answer(RESULTS).forget().lock_by_idleness()
    assert operator.title == "SAFE TO REMOVE"
    assert CloseVault() in operator.effects
    out = unlock(Operator(box())).put_in(HERE).happen("#").answer(RESULTS).pull(HERE)
    assert out.page.right == "UNLOCKED"
    assert out.lock_by_idleness().page.right == "LOCKED"
