"""A policy under review, each rule by the shortest way."""

from msgspec.structs import replace

from core.api.requests import ApprovePolicy, AskPolicy
from kiosk.flows.policy import review_pages
from kiosk.work.policy_stick import ReadPolicy
from tests.kiosk.facts import BRINGING, BROUGHT, CHANGES, OTHER, PROPOSAL, SESSION, box
from tests.kiosk.flows.steps import DONE, Hand, unlock

DIFFERS = replace(SESSION, policy_changes=("a: 1 -> 2",))


def differing() -> Hand:
    known = box(unlocked=True)
    known.session = DIFFERS
    return Hand(known)


def test_a_change_is_approved_on_its_last_page_by_a_held_key() -> None:
    assert Hand(box(unlocked=True)).happen("D").title == "UNLOCKED"
    hand = differing().happen("D")
    hand.asked(AskPolicy)
    hand.answer(CHANGES)
    assert hand.hold("#").title == "POLICY CHANGES", "a held key is one key press here"
    hand.happen("####")
    assert hand.page.left == "#hold: approve"
    assert hand.happen("#").page.left == "#hold: approve"
    hand.hold("#")
    assert hand.asked(ApprovePolicy) == {"policy_sha256": CHANGES.policy_sha256}
    hand.answer(SESSION)
    assert hand.lines == ("It holds from now on.", "Top up, then export.")
    assert hand.box.session == SESSION


def test_a_policy_that_changes_nothing_is_only_read() -> None:
    hand = differing().happen("D").answer(PROPOSAL).happen("###")
    assert hand.page.left == "#done"
    assert hand.hold("#").title == "UNLOCKED"
    assert len(hand.orders) == 1


def test_pages_turn_back_and_the_first_is_left() -> None:
    hand = differing().happen("D").answer(CHANGES).happen("##*")
    assert hand.page.mark == "2/6"
    assert hand.happen("**").title == "UNLOCKED"


def test_the_file_may_be_left_while_it_is_read() -> None:
    assert differing().happen("D*").title == "UNLOCKED"


def test_a_stick_brings_one_and_is_served_by_that() -> None:
    hand = unlock(Hand(box(BRINGING)))
    assert hand.asked(ReadPolicy) == {"stick": BRINGING}
    hand.answer(BROUGHT)
    assert hand.page.title == "FROM PISM-CONFIG"
    assert hand.lines[1:] == ("2 differences", "hardware: not taken", "kiosk: not taken")
    assert hand.happen("*").title == "UNLOCKED"
    assert hand.box.ignored == BRINGING.identity
    assert hand.pull(BRINGING).put_in(BRINGING).title == "PISM-CONFIG asks"


def test_reading_cannot_be_left_so_that_one_stick_never_answers_for_another() -> None:
    hand = unlock(Hand(box(BRINGING)))
    assert hand.happen("*#D").title == "ONE MOMENT"
    assert hand.pull(BRINGING).put_in(OTHER).title == "ONE MOMENT"


def test_a_stick_that_was_pulled_after_it_was_read_does_not_matter() -> None:
    hand = unlock(Hand(box(BRINGING))).answer(BROUGHT).pull(BRINGING).happen("######").hold("#")
    assert hand.asked(ApprovePolicy) == {"policy_sha256": BROUGHT.policy_sha256}
    gone = unlock(Hand(box(BRINGING))).pull(BRINGING).put_in(OTHER).answer(BROUGHT).happen("*")
    assert gone.title == "PISM-EXPORT asks", "another stick is not the one that was served"


def test_what_the_vault_refuses_is_said() -> None:
    hand = differing().happen("D").answer(CHANGES).happen("#####").hold("#")
    assert hand.refuse("E-POLICY", "it changed").title == "E-POLICY"


def test_a_stick_unlocks_first() -> None:
    hand = Hand(box(BRINGING)).happen("#", DONE).refuse("E-FILE")
    assert hand.title == "E-FILE"


def test_every_page_says_what_hash_sign_does() -> None:
    for last in ("", "#done", "#hold: approve"):
        for page in review_pages(BROUGHT, "PISM-CONFIG", last):
            assert page.left.startswith("#")
