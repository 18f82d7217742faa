"""A policy under review, each rule by the shortest way."""

from msgspec.structs import replace

from core.api.requests import ApprovePolicy, AskPolicy
from kiosk.flows.policy import review_pages
from kiosk.work.policy_stick import ReadPolicy
from tests.kiosk.facts import BRINGING, BROUGHT, CHANGES, OTHER, PROPOSAL, SESSION, box, recipient
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
    assert operator.lines == ("It holds from now on.", "New backup key waits:", "restart, say yes.")
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
    assert operator.lines == ("Example Virtual", "Worlds", "2 differences")
    assert operator.happen("#").lines == ("hardware: not taken", "kiosk: not taken")
    operator.happen("*")
    assert operator.happen("*").title == "UNLOCKED"
    assert operator.box.ignored == BRINGING.identity
    assert operator.pull(BRINGING).put_in(BRINGING).title == "PISM-CONFIG asks"


def test_reading_cannot_be_left_so_that_one_stick_never_answers_for_another() -> None:
    operator = unlock(Operator(box(BRINGING)))
    assert operator.happen("*#D").title == "ONE MOMENT"
    assert operator.pull(BRINGING).put_in(OTHER).title == "ONE MOMENT"


def test_a_stick_that_was_pulled_after_it_was_read_does_not_matter() -> None:
    operator = unlock(Operator(box(BRINGING))).answer(BROUGHT).pull(BRINGING).happen("#" * 7).hold("#")
    assert operator.asked(ApprovePolicy) == {"policy_sha256": BROUGHT.policy_sha256}
    gone = unlock(Operator(box(BRINGING))).pull(BRINGING).put_in(OTHER).answer(BROUGHT).happen("*")
    assert gone.title == "PISM-EXPORT asks", "another stick is not the one that was served"


def test_what_the_vault_refuses_is_said() -> None:
    operator = differing().happen("D").answer(CHANGES).happen("#####").hold("#")
    assert operator.refuse("E-POLICY", "it changed").title == "E-POLICY"


def test_a_stick_unlocks_first() -> None:
    operator = Operator(box(BRINGING)).happen("#", DONE).refuse("E-FILE")
    assert operator.title == "E-FILE"


def test_new_keys_are_read_first_and_those_that_stay_are_one_page() -> None:
    shown = review_pages(CHANGES, "", "#hold: approve")
    assert [page.title for page in shown[2:]] == [
        "NEW backup key",
        "NEW backup-b.pub",
        "NEW backup-b.pub",
        "2 KEYS STAY",
    ]
    assert shown[2].body == ("main-backup", "ssh-ed25519 key 2/2", "keys/backup-b.pub", '"root@main-backup"')
    assert shown[5].body == ("main-kudo", "main-backup", "D shows them")
    of_a_set_up = review_pages(PROPOSAL, "", "")
    assert all(page.title.startswith("NEW ") for page in of_a_set_up)


def test_no_title_of_a_long_review_is_cut_in_its_middle() -> None:
    old, *_, new = CHANGES.recipients
    keys = (
        *[replace(old, number=n) for n in range(1, 13)],
        *[replace(new, file=f"keys/backup-{c}.pub") for c in "bcd"],
    )
    shown = review_pages(replace(CHANGES, recipients=keys), "", "#hold: approve")
    assert len(shown) > 9
    assert shown[-1].title == "12 KEYS STAY"
    assert "NEW backup-d" in [page.title for page in shown]
    assert not any(".." in page.title for page in shown)


def test_keys_that_stay_are_looked_at_by_d_which_leads_back() -> None:
    operator = differing().happen("D").answer(CHANGES).happen("#####")
    assert operator.title == "2 KEYS STAY"
    assert operator.happen("D").page.mark == "1/6"
    assert operator.title == "egress key"
    assert operator.happen("*").title == "2 KEYS STAY"
    assert operator.happen("D######").title == "2 KEYS STAY"
    operator.hold("#")
    assert operator.asked(ApprovePolicy) == {"policy_sha256": CHANGES.policy_sha256}


def test_no_two_keys_have_a_page_alike() -> None:
    shown = [page.title + "".join(page.body) for page in review_pages(PROPOSAL, "", "")]  # type: ignore[arg-type]
    assert len({*shown}) == len(shown)


def test_more_names_than_a_page_has_rows_are_counted() -> None:
    many = replace(
        PROPOSAL, recipients=tuple(recipient("egress", f"server-{at}") for at in range(12)), new_names=()
    )
    (page,) = review_pages(many, "", "#hold: approve")
    assert page.body == ("of 12 destinations", "D shows them")


def test_new_names_that_look_like_others_are_shown_whole() -> None:
    one, other = "services/world1-frankfurt-north", "services/world2-frankfurt-north"
    alike = replace(PROPOSAL, names=(one, other), new_names=(other,))
    assert review_pages(alike, "", "")[0].body == (
        "services/world1-frank",
        "furt-north",
        "services/world2-frank",
        "furt-north",
    )
    known = replace(alike, new_names=())
    assert "LOOK ALIKE" not in {page.title for page in review_pages(known, "", "")}, "it was said before"


def test_the_whole_name_of_the_authority_is_shown() -> None:
    name = "The Association of Virtual Worlds of the Northern Hemisphere, eV"
    front = [
        page
        for page in review_pages(replace(BROUGHT, authority=name), "PISM-CONFIG", "")
        if "FROM" in page.title
    ]
    assert name in " ".join(row for page in front for row in page.body)  # type: ignore[union-attr]


def test_every_page_says_what_hash_sign_does() -> None:
    for last in ("", "#done", "#hold: approve"):
        for page in review_pages(BROUGHT, "PISM-CONFIG", last):
            assert page.left.startswith("#")
