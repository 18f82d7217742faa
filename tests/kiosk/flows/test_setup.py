"""First set-up, each rule by the shortest way."""

from msgspec.structs import replace

from core.api.requests import AskPolicy, Init
from core.api.results import ClockCorrected
from kiosk.entry.buffers import EntryFinished, Purpose
from kiosk.flows.machine import CloseVault, OpenVault, Vault, WipeEntry
from kiosk.screens.page import Work
from kiosk.work.clock import ReadClock, SetClock
from kiosk.work.policy_stick import ReadPolicy
from tests.kiosk.facts import BRINGING, HERE, NOW, OTHER, PROPOSAL, SESSION, TABLE, box
from tests.kiosk.flows.steps import DONE, LEFT, Hand

DATE = EntryFinished(text="202611231534")


def dated(*sticks: object) -> Hand:
    hand = Hand(box(*sticks, provisioned=False)).happen("#")  # type: ignore[arg-type]
    hand.asked(ReadClock)
    return hand.answer(NOW)


def choosing() -> Hand:
    hand = dated().happen("#")
    hand.asked(AskPolicy)
    return hand.answer(PROPOSAL).happen("####")


def test_the_whole_way() -> None:
    hand = choosing().happen("A##", DONE)
    assert hand.asked(Init) == {"passphrase": Purpose.REPEAT, "policy_sha256": PROPOSAL.policy_sha256}
    assert isinstance(hand.shown, Work)
    assert WipeEntry() not in hand.effects
    hand.answer(replace(SESSION, sticks={"PISM-X": ("top-up",)}))
    assert hand.title == "SET-UP IS DONE"
    assert {WipeEntry(), CloseVault()} <= set(hand.effects)
    assert hand.box.provisioned
    assert hand.box.session is None
    assert hand.box.table == (("PISM-X", ("top-up",)),)
    assert hand.happen("#").title == "LOCKED"


def test_the_vault_is_opened_when_the_date_is_asked() -> None:
    hand = Hand(box(provisioned=False))
    hand.machine.vault = Vault.CLOSED
    assert OpenVault() in hand.forget().happen("#").answer(NOW).effects


def test_a_date_that_is_wrong_is_set_first_and_asked_again() -> None:
    hand = dated().happen("A", DATE, DATE).hold("#")
    assert hand.asked(SetClock) == {"instant": NOW}
    hand.answer(ClockCorrected(issued_after=()))
    assert hand.asked(ReadClock) == {}
    assert hand.answer(NOW).title == "IS THIS THE TIME?"


def test_each_page_can_be_left() -> None:
    assert dated().happen("*").title == "FIRST SET-UP"
    assert dated().happen("A", LEFT).title == "FIRST SET-UP"
    assert dated().happen("#").answer(PROPOSAL).happen("*").title == "FIRST SET-UP"
    assert choosing().happen("*").title == "FIRST SET-UP"
    assert Hand(box(provisioned=False)).happen("D").title == "MENU"


def test_a_policy_that_cannot_be_used_is_said() -> None:
    assert dated().happen("#").refuse("E-CONFIG-KEY", "line 3").title == "E-CONFIG-KEY"


def test_a_stick_that_brings_the_policy_is_served_by_the_set_up() -> None:
    hand = dated(BRINGING).happen("#")
    assert hand.asked(ReadPolicy) == {"stick": BRINGING}
    hand.answer(PROPOSAL).happen("#####A##", DONE).answer(SESSION)
    assert hand.title == "SET-UP IS DONE"
    assert hand.box.ignored == BRINGING.identity
    assert hand.happen("#").title == "LOCKED"


def test_only_the_stick_that_brings_a_policy_may_be_in() -> None:
    assert dated(BRINGING, OTHER).happen("#").title == "E-STICK-TWO"
    assert dated(HERE).happen("#").asked(AskPolicy) == {}


def test_a_refused_founding_leaves_the_box_empty() -> None:
    hand = choosing().happen("A##", DONE).refuse("E-FILE", "no space")
    assert hand.title == "E-FILE"
    assert WipeEntry() in hand.effects
    assert hand.happen("#").title == "FIRST SET-UP"


def test_a_table_without_sticks_keeps_that_of_the_file() -> None:
    hand = choosing().happen("A##", DONE).answer(replace(SESSION, sticks={}))
    assert hand.box.table == TABLE
