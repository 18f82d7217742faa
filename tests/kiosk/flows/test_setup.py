"""First set-up, each rule by the shortest way."""

from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from core.api.requests import AskPolicy, Init
from core.api.results import ClockCorrected
from core.times import RELEASED
from kiosk.entry.buffers import EntryFinished, Purpose
from kiosk.machine.effects import CloseVault, OpenVault, WipeEntry
from kiosk.machine.machine import Vault
from kiosk.screens.page import Work
from kiosk.work.devices import ReadClock, SetClock
from kiosk.work.policy_stick import ReadPolicy
from tests.kiosk.facts import BRINGING, HERE, NOW, OTHER, PROPOSAL, SESSION, TABLE, box
from tests.kiosk.flows.steps import DONE, LEFT, Operator

DATE = EntryFinished(text="202611231534")


def dated(*sticks: object) -> Operator:
    operator = Operator(box(*sticks, provisioned=False)).happen("#")  # type: ignore[arg-type]
    operator.asked(ReadClock)
    return operator.answer(NOW)


def choosing() -> Operator:
    operator = dated().happen("#")
    operator.asked(AskPolicy)
    return operator.answer(PROPOSAL).happen("#" * 9)


def test_the_whole_way() -> None:
    operator = choosing().happen("A##", DONE)
    assert operator.asked(Init) == {"passphrase": Purpose.REPEAT, "policy_sha256": PROPOSAL.policy_sha256}
    assert isinstance(operator.shown, Work)
    assert WipeEntry() not in operator.effects
    operator.answer(replace(SESSION, sticks={"PISM-X": ("top-up",)})).written_down()
    assert operator.title == "SET-UP IS DONE"
    assert {WipeEntry(), CloseVault()} <= set(operator.effects)
    assert operator.box.provisioned
    assert operator.box.session is None
    assert operator.box.table == (("PISM-X", ("top-up",)),)
    assert operator.happen("#").title == "LOCKED"


def test_the_vault_is_opened_when_the_date_is_asked() -> None:
    operator = Operator(box(provisioned=False))
    operator.machine.vault = Vault.CLOSED
    assert OpenVault() in operator.forget().happen("#").answer(NOW).effects


def test_a_date_that_is_wrong_is_set_first_and_asked_again() -> None:
    operator = dated().happen("A", DATE, DATE).hold("#")
    assert operator.asked(SetClock) == {"instant": NOW}
    operator.answer(ClockCorrected(issued_after=()))
    assert operator.asked(ReadClock) == {}
    assert operator.answer(NOW).title == "IS THIS THE TIME?"


def test_a_clock_before_the_release_is_refused_at_its_page_and_set() -> None:
    for behind in (RELEASED - timedelta(seconds=1), datetime(1970, 1, 1, tzinfo=UTC)):
        operator = Operator(box(provisioned=False)).happen("#").answer(behind)
        assert operator.title == "E-CLOCK-BEHIND"
        assert operator.lines[2] == "Set the true time"
        operator.happen("#", DATE, DATE).hold("#")
        assert operator.asked(SetClock) == {"instant": NOW}
        operator.answer(ClockCorrected(issued_after=()))
        assert operator.answer(behind).title == "E-CLOCK-BEHIND", "it fell back"
        assert operator.happen("*").title == "FIRST SET-UP"
    assert Operator(box(provisioned=False)).happen("#").answer(RELEASED).title == "IS THIS THE TIME?"


def test_the_passphrase_leads_back_to_the_page_before_it() -> None:
    operator = choosing()
    assert operator.title == "PASSPHRASE"
    assert operator.happen("*").page.mark == "9/9"
    assert operator.happen("#").title == "PASSPHRASE"
    assert operator.happen("*" * 9).page.mark == "1/9"


def test_each_page_can_be_left() -> None:
    assert dated().happen("*").title == "FIRST SET-UP"
    operator = dated().happen("A", LEFT)
    operator.asked(ReadClock)
    assert operator.answer(NOW).title == "IS THIS THE TIME?"
    assert dated().happen("#").answer(PROPOSAL).happen("*").title == "FIRST SET-UP"
    assert Operator(box(provisioned=False)).happen("D").title == "MENU"


def test_a_policy_that_cannot_be_used_is_said() -> None:
    assert dated().happen("#").refuse("E-CONFIG-KEY", "line 3").title == "E-CONFIG-KEY"


def test_a_stick_that_brings_the_policy_is_served_by_the_set_up() -> None:
    operator = dated(BRINGING).happen("#")
    assert operator.asked(ReadPolicy) == {"stick": BRINGING}
    operator.answer(PROPOSAL).happen("#" * 10 + "A##", DONE).answer(SESSION).written_down()
    assert operator.title == "SET-UP IS DONE"
    assert operator.box.ignored == BRINGING.identity
    assert operator.happen("#").title == "LOCKED"


def test_only_the_stick_that_brings_a_policy_may_be_in() -> None:
    assert dated(BRINGING, OTHER).happen("#").title == "E-STICK-TWO"
    assert dated(HERE).happen("#").asked(AskPolicy) == {}


def test_a_refused_founding_leaves_the_box_empty() -> None:
    operator = choosing().happen("A##", DONE).refuse("E-FILE", "no space")
    assert operator.title == "E-FILE"
    assert WipeEntry() in operator.effects
    assert operator.happen("#").title == "FIRST SET-UP"


def test_a_table_without_sticks_keeps_that_of_the_file() -> None:
    operator = choosing().happen("A##", DONE).answer(replace(SESSION, sticks={}))
    assert operator.box.table == TABLE
