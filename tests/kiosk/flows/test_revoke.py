"""Revoking, each rule by the shortest way."""

from msgspec.structs import replace

from core.api.requests import Revoke, RevokeAll
from core.api.results import ClockCorrected, StatusReport
from kiosk.entry.buffers import EntryFinished
from kiosk.flows.revoke import list_revocable
from kiosk.work.devices import SetClock
from kiosk.work.job import RunJob
from tests.kiosk.facts import LATE, NOW, REPORT, box, root, signer
from tests.kiosk.flows.steps import HELD, Operator


def picking(report: StatusReport = REPORT) -> Operator:
    return Operator(box(unlocked=True)).happen("#8").answer(report)


def test_revocation_names_target_signer_reason_and_needs_a_held_key() -> None:
    operator = picking().happen("C")
    assert operator.page.mark == "1/4"
    operator.happen("DDA")
    assert operator.lines == ("A key stolen", "B superseded", "C out of use", "D no reason")
    assert operator.happen("B").lines == ("infrastructure/", "avatars", "2026.4 lane 5")
    assert operator.hold("#").page.mark == "2/2", "a hold on the first page is a press"
    assert operator.lines == (
        "serial 3fa41ba1",
        "from   2026-11-23",
        "to     2027-04-02",
        "why    superseded",
    )
    assert operator.happen("#").page.mark == "2/2"
    assert len(operator.orders) == 1
    operator.hold("#")
    assert operator.asked(Revoke) == {"certificate": "id5", "reason": "superseded"}
    assert operator.happen("*").title == "ONE MOMENT", "an act is awaited"
    assert operator.answer(None).lines[0] == "It is on the new CRL."


def test_a_top_up_is_offered_at_once() -> None:
    revoked = picking().happen("CAB#").hold("#").answer(None)
    revoked.happen("#")
    assert revoked.asked(RunJob) == {"stick": None, "steps": ("top-up",), "approved": None}
    assert picking().happen("CAB#").hold("#").answer(None).happen("*").title == "MENU"


def test_each_page_leads_back() -> None:
    operator = picking().happen("CAB#")
    assert operator.page.mark == "2/2"
    assert operator.happen("*").page.mark == "1/2"
    assert operator.happen("*").title == "WHY?"
    assert operator.happen("*").lines[0] == "A 2026.4 lane 1"
    assert operator.happen("*").title == "REVOKE WHOSE?"
    assert operator.happen("*").title == "MENU"


def test_each_list_is_come_back_to_where_something_was_picked() -> None:
    operator = picking().happen("C4")
    assert operator.lines == ("A 2026.4 lane 4", "", "Type the lane: 4_")
    assert operator.happen("A").title == "WHY?"
    assert operator.happen("*").lines == ("A 2026.4 lane 4", "", "Type the lane: 4_")
    operator.happen("*DDA")
    assert (operator.title, operator.happen("*").page.mark) == ("WHY?", "3/4")
    report = replace(REPORT, signers=tuple(replace(signer(n), lane=1) for n in range(1, 6)))
    operator = picking(report).happen("CDB")
    assert (operator.title, operator.happen("*").page.mark) == ("WHY?", "2/2")


def test_of_a_list_only_the_keys_that_pick_are_named() -> None:
    operator = picking(replace(REPORT, signers=tuple(replace(signer(n), lane=1) for n in (1, 2)))).happen("C")
    assert (operator.lines, operator.page.left) == (("A 2026.4 lane 1", "B 2026.4 lane 1"), "A or B")
    operator = picking(replace(REPORT, signers=(signer(1),))).happen("C")
    assert (operator.lines, operator.page.left) == (("A 2026.4 lane 1",), "A")


def test_a_root_says_how_many_die_with_it() -> None:
    operator = picking().happen("AAA")
    assert operator.lines == ("root 2026", "423 signers", "die with it")


def test_digits_pick_a_lane_and_pages_turn_both_ways() -> None:
    operator = picking().happen("C")
    assert operator.lines == ("A 2026.4 lane 1", "B 2026.4 lane 2", "Type the lane: _")
    assert operator.happen("C").lines[0] == "A 2026.4 lane 7", "back from the first is the last"
    assert operator.happen("D").lines[0] == "A 2026.4 lane 1"
    assert operator.happen("4").lines == ("A 2026.4 lane 4", "", "Type the lane: 4_")
    assert operator.happen("2").lines == ("There is none", "", "Type the lane: 42_")
    assert operator.happen("AB0000").lines[-1] == "Type the lane: 42000_"
    assert operator.happen("***").lines[-1] == "Type the lane: 42_"
    assert operator.happen("*").lines[0] == "A 2026.4 lane 4"
    assert operator.happen("*").lines[0] == "A 2026.4 lane 1"
    assert operator.happen("*").title == "REVOKE WHOSE?"


def test_the_last_of_600_is_revoked_with_12_presses() -> None:
    numbers = range(1200)  # two periods each
    signers = tuple(replace(signer(n, lane=1 + n // 2), period=f"2027.{1 + n % 2}") for n in numbers)
    keys = "C600BA#"
    operator = picking(replace(REPORT, signers=signers)).happen(keys).hold("#")
    assert operator.asked(Revoke)["certificate"] == "id1199"
    presses = len("#8") + len(keys) + 1
    print(f"revoking the last of 600: {presses} presses, the goal is 12")
    assert presses <= 12


def test_a_target_without_a_certificate_says_so() -> None:
    operator = picking().happen("B")
    assert operator.lines == ("Nothing to revoke",)
    assert operator.happen("*").title == "REVOKE WHOSE?"


def test_a_key_that_names_no_line_does_nothing() -> None:
    operator = picking().happen("D")
    assert operator.page.mark == "2/2"
    assert operator.happen("BC").page.mark == "2/2"


def test_what_is_revoked_already_is_not_offered() -> None:
    report = replace(
        REPORT,
        roots=(root("2026", "aa" * 32), root("2027", "bb" * 32, "revoked")),
        signers=(signer(1), replace(signer(2), status="revoked"), signer(3, "services/mongo")),
    )
    assert [one.name for one in list_revocable(report, "roots")] == ["root 2026"]
    assert [one.name for one in list_revocable(report, "infrastructure/avatars")] == ["2026.4 lane 1"]


def corrected() -> Operator:
    date = EntryFinished(text="202611231534")
    operator = Operator(box(unlocked=True)).happen("#6").answer(NOW).happen("#", date, date).hold("#")
    operator.asked(SetClock)
    return operator.answer(ClockCorrected(issued_after=LATE))


def test_what_a_clock_ahead_has_signed_is_revoked_all_at_a_held_key() -> None:
    operator = corrected()
    assert operator.lines == ("226 were signed", "with a later date.", "Revoke all of them?")
    assert operator.happen("D").page.body.rows[0] == ("roots", "6")  # type: ignore[union-attr]
    operator.hold("#")
    assert operator.asked(RevokeAll) == {
        "certificates": tuple(item.id for item in LATE),
        "reason": "superseded",
    }
    assert operator.answer(None).lines[0] == "All of them."


def test_or_it_is_left() -> None:
    operator = corrected().happen("DDD")
    assert operator.page.mark == "1/3"
    assert operator.happen(HELD, "*").title == "MENU"
    assert not [order for order in operator.orders if order.request is RevokeAll]
