"""A policy under review, each rule by the shortest way."""

from msgspec.structs import replace

from core.api.requests import ApprovePolicy, AskPolicy
from kiosk.flows.policy import review_pages
from kiosk.work.policy_stick import ReadPolicy
from tests.kiosk.facts import BRINGING, BROUGHT, CHANGES, OTHER, PROPOSAL, SESSION, box
from tests.kiosk.flows.steps import DONE, Operator, unlock

DIFFERS = replace(SESSION, policy_changes=("a: 1 -> 2",))


def differing() -> Operator:
    known = box(unlocked=True)
    known.session = DIFFERS
    return Operator(known)


def test_a_change_is_approved_on_its_last_page_by_a_held_key() -> None:
    assert Operator(box(unlocked=True)).happen("D").title == "UNLOCKED"
    operator = differing().happen("D")
    operator.asked(AskPolicy)
    operator.answer(CHANGES)
    assert operator.hold("#").title == "POLICY CHANGES", "a held key is one key press here"
    operator.happen("####")
    assert operator.page.left == "#hold: approve"
    assert operator.happen("#").page.left == "#hold: approve"
    operator.hold("#")
    assert operator.asked(ApprovePolicy) == {"policy_sha256": CHANGES.policy_sha256}
    operator.answer(SESSION)
    assert operator.lines == ("It holds from now on.", "Top up, then export.")
    assert operator.box.session == SESSION


def test_a_policy_that_changes_nothing_is_one_page() -> None:
    operator = differing().happen("D").answer(replace(PROPOSAL, untaken=("hardware", "kiosk")))
    assert operator.title == "NO DIFFERENCE"
    assert operator.lines == ("Nothing to approve.", "hardware: not taken", "kiosk: not taken")
    assert operator.happen("#").title == "UNLOCKED"
    assert len(operator.orders) == 1


def test_pages_turn_back_and_the_first_is_left() -> None:
    operator = differing().happen("D").answer(CHANGES).happen("##*")
    assert operator.page.mark == "2/6"
    assert operator.happen("**").title == "UNLOCKED"


def test_the_file_may_be_left_while_it_is_read() -> None:
    assert differing().happen("D*").title == "UNLOCKED"


def test_a_stick_brings_one_and_is_served_by_that() -> None:
    operator = unlock(Operator(box(BRINGING)))
    assert operator.asked(ReadPolicy) == {"stick": BRINGING}
    operator.answer(BROUGHT)
    assert operator.page.title == "FROM PISM-CONFIG"
    assert operator.lines[1:] == ("2 differences", "hardware: not taken", "kiosk: not taken")
    assert operator.happen("*").title == "UNLOCKED"
    assert operator.box.ignored == BRINGING.identity
    assert operator.pull(BRINGING).put_in(BRINGING).title == "PISM-CONFIG asks"


def test_reading_cannot_be_left_so_that_one_stick_never_answers_for_another() -> None:
    operator = unlock(Operator(box(BRINGING)))
    assert operator.happen("*#D").title == "ONE MOMENT"
    assert operator.pull(BRINGING).put_in(OTHER).title == "ONE MOMENT"


def test_a_stick_that_was_pulled_after_it_was_read_does_not_matter() -> None:
    operator = unlock(Operator(box(BRINGING))).answer(BROUGHT).pull(BRINGING).happen("######").hold("#")
    assert operator.asked(ApprovePolicy) == {"policy_sha256": BROUGHT.policy_sha256}
    gone = unlock(Operator(box(BRINGING))).pull(BRINGING).put_in(OTHER).answer(BROUGHT).happen("*")
    assert gone.title == "PISM-EXPORT asks", "another stick is not the one that was served"


def test_what_the_vault_refuses_is_said() -> None:
    operator = differing().happen("D").answer(CHANGES).happen("#####").hold("#")
    assert operator.refuse("E-POLICY", "it changed").title == "E-POLICY"


def test_a_stick_unlocks_first() -> None:
    operator = Operator(box(BRINGING)).happen("#", DONE).refuse("E-FILE")
    assert operator.title == "E-FILE"


def test_every_page_says_what_hash_sign_does() -> None:
    for last in ("", "#done", "#hold: approve"):
        for page in review_pages(BROUGHT, "PISM-CONFIG", last):
            assert page.left.startswith("#")
