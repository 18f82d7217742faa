"""Revoking, each rule by the shortest way."""

from msgspec.structs import replace

from core.api.requests import Revoke, RevokeAll
from core.api.results import ClockCorrected
from kiosk.entry.buffers import EntryFinished
from kiosk.flows.revoke import list_revocable
from kiosk.work.devices import SetClock
from tests.kiosk.facts import LATE, NOW, REPORT, box, root, signer
from tests.kiosk.flows.steps import HELD, Operator


def picking() -> Operator:
    return Operator(box(unlocked=True)).happen("#8").answer(REPORT)


def test_revocation_names_target_signer_reason_and_needs_a_held_key() -> None:
    operator = picking().happen("C")
    assert operator.page.mark == "1/3"
    operator.happen("DBB")
    assert operator.lines == ("infrastruct../avatars"[:21], "2026.4 lane 5", "Why A-D: superseded")
    assert len(operator.orders) == 1
    operator.hold("#")
    assert operator.asked(Revoke) == {"certificate": "id5", "reason": "superseded"}
    assert operator.happen("*").title == "ONE MOMENT", "an act is awaited"
    assert operator.answer(None).lines[0] == "It is on the new CRL"


def test_each_page_leads_back() -> None:
    operator = picking().happen("CA")
    assert operator.title == "REVOKE FOR GOOD?"
    assert operator.happen("*").title == "REVOKE WHOSE?"
    assert operator.happen("C*").title == "REVOKE WHOSE?"
    assert operator.happen("*").title == "MENU"


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
    assert list_revocable(report, "roots") == (("root-2026", "root 2026"),)
    assert list_revocable(report, "infrastructure/avatars") == (("id1", "2026.4 lane 1"),)


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
    assert operator.happen(HELD, "*").title == "UNLOCKED"
    assert not [order for order in operator.orders if order.request is RevokeAll]
