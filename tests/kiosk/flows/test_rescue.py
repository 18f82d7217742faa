"""A rescue on the panel, each rule by the shortest way."""

import pytest
from msgspec.structs import replace

from core.api.results import IdentitySeen
from core.policy.rules import RESERVED_LABELS
from hw.ports import KeyPressed, KeyReleased
from kiosk.entry.buffers import Purpose
from kiosk.flows.box import RESCUE_LABEL, RESERVED_STEPS
from kiosk.flows.rescue import confirm_pages, done_pages
from kiosk.machine.effects import CloseVault, StartEntry, StopWork, WipeEntry
from kiosk.screens.page import Entry, Work
from kiosk.work.devices import ReadClock
from kiosk.work.rescue import BackupFound, LookForBackup, OpenIdentity, ReadBackup, Restore, TakeIdentity
from kiosk.work.worker import VaultReady
from tests.kiosk.facts import BACKUP, HALF, KEYS_ON_IT, NOW, OTHER, RESCUE, RESTORED, box
from tests.kiosk.flows.steps import DONE, HELD, LEFT, Operator

SEEN = IdentitySeen(is_identity=True, locked=False)
LOCKED_KEY = IdentitySeen(is_identity=True, locked=True)


def looking() -> Operator:
    operator = Operator(box(RESCUE, provisioned=False)).happen("#")
    operator.asked(ReadClock)
    operator.answer(NOW).happen("#")
    assert operator.asked(LookForBackup) == {"stick": RESCUE}
    return operator


def taking(*names: str) -> Operator:
    return looking().answer(BackupFound(names or KEYS_ON_IT[:1]))


def confirming() -> Operator:
    operator = taking().answer(SEEN)
    assert operator.asked(ReadBackup) == {"stick": RESCUE}
    return operator.answer(BACKUP)


def choosing() -> Operator:
    return confirming().happen("###").hold("#")


def test_the_whole_way() -> None:
    operator = choosing().happen("A##", DONE)
    assert operator.asked(Restore) == {"passphrase": Purpose.REPEAT}
    assert isinstance(operator.shown, Work)
    assert WipeEntry() not in operator.effects
    operator.answer(RESTORED).written_down()
    assert operator.title == "RESTORED"
    assert {WipeEntry(), CloseVault()} <= set(operator.effects)
    assert operator.box.provisioned
    assert operator.happen("######").title == "PULL THE STICK"
    assert operator.happen("*#", "#").title == "LOCKED"
    assert operator.box.ignored == RESCUE.identity


def test_a_box_that_is_not_empty_is_not_touched() -> None:
    operator = Operator(box(RESCUE))
    assert operator.title == "E-STATE-EXISTS"
    assert operator.happen("D").title == "MENU"
    assert operator.happen("**").title == "LOCKED"


def test_two_sticks_are_one_too_many() -> None:
    assert Operator(box(RESCUE, OTHER, provisioned=False)).title == "E-STICK-TWO"
    ignored = box(RESCUE, OTHER, provisioned=False, ignored=RESCUE.identity)
    assert Operator(ignored).title == "FIRST SET-UP"


def test_an_ignored_stick_leaves_the_set_up() -> None:
    operator = Operator(box(RESCUE, provisioned=False))
    assert operator.happen("D*").title == "STICK PISM-RESCUE"
    assert operator.happen("*").title == "FIRST SET-UP"


def test_one_identity_is_taken_and_of_several_one_is_picked() -> None:
    assert taking().asked(TakeIdentity) == {"stick": RESCUE, "name": "backup-a.txt"}
    operator = taking(*KEYS_ON_IT)
    assert operator.title == "WHICH KEY?"
    operator.happen("DA")
    assert operator.asked(TakeIdentity) == {"stick": RESCUE, "name": "old.key"}
    left = taking(*KEYS_ON_IT).forget().happen("*")
    assert left.title == "STICK PISM-RESCUE"
    assert CloseVault() in left.effects


def test_a_locked_identity_asks_for_its_own_passphrase() -> None:
    operator = taking().answer(LOCKED_KEY)
    assert operator.title == "THE KEY IS LOCKED"
    assert operator.shown.body[1:] == ("Type its passphrase.", "Any ASCII, also space")
    operator.happen("#")
    assert operator.shown == Entry(purpose=Purpose.IDENTITY)
    operator.happen(DONE)
    assert operator.asked(OpenIdentity) == {"passphrase": Purpose.IDENTITY}
    operator.refuse("E-IDENTITY-LOCKED")
    assert operator.lines[0] == "It does not open it."
    operator.forget().happen("#")
    assert operator.shown == Entry(purpose=Purpose.IDENTITY, again=True, refused=True)
    assert not [one for one in operator.effects if isinstance(one, StartEntry | WipeEntry)]
    operator.happen(DONE).answer(None)
    operator.asked(ReadBackup)
    assert WipeEntry() in operator.effects


@pytest.mark.parametrize("keys", ["*", "#", "#rh", "#rt"])
def test_a_locked_identity_can_be_given_up(keys: str) -> None:
    operator = taking().answer(LOCKED_KEY).forget()
    for key in keys:
        match key:
            case "r":
                operator.happen(DONE).refuse("E-IDENTITY-LOCKED")
            case "t":
                operator.seconds(60)
            case "h":
                operator.hold("*")
            case _:
                operator.happen(key)
    if isinstance(operator.shown, Entry):
        assert operator.happen(LEFT).title == "THE KEY IS LOCKED"
        operator.happen("*")
    assert operator.title == "STICK PISM-RESCUE"
    assert CloseVault() in operator.effects
    assert not operator.box.rescuing


def test_what_is_confirmed_is_shown_page_by_page_at_a_held_key() -> None:
    operator = confirming()
    assert [operator.happen("#").title for _ in range(3)] == ["WHICH ONE?", *["OLD BOX'S WORDS"] * 2]
    assert operator.happen("#").page.mark == "4/4"
    assert operator.happen("*").page.mark == "3/4"
    assert operator.happen("#").hold("#").title == "PASSPHRASE"
    assert operator.happen("*").title == "WHOSE BACKUP?", "what was confirmed may be looked at again"


def test_of_format_1_the_roots_words_are_compared() -> None:
    pages = confirm_pages(replace(BACKUP, box_words=()))
    assert [page.title for page in pages[2:]] == ["THE ROOT'S WORDS"] * 2


def test_what_came_back_says_to_tell_receivers_the_words_of_this_box() -> None:
    pages = done_pages(BACKUP, replace(RESTORED, box_words=tuple(f"word{number}" for number in range(12))))
    titles = [page.title for page in pages]
    at = titles.index("TELL RECEIVERS")
    assert titles[at + 1 : at + 3] == ["THIS BOX'S WORDS"] * 2
    told = " ".join(line for page in pages[at + 1 : at + 3] for line in page.body if isinstance(line, str))  # type: ignore[union-attr]
    assert told.split() == [f"word{number}" for number in range(12)]


def test_giving_up_closes_the_vault_that_has_the_key() -> None:
    operator = confirming().forget().happen("*")
    assert operator.title == "STICK PISM-RESCUE"
    assert CloseVault() in operator.effects


def test_the_lock_timer_ends_a_rescue_that_nobody_goes_on_with() -> None:
    operator = confirming().forget().lock_by_idleness()
    assert operator.title == "STICK PISM-RESCUE"
    assert CloseVault() in operator.effects


def test_reading_shows_its_steps_and_can_be_stopped() -> None:
    operator = taking().answer(SEEN).progress(HALF, step=2)
    assert isinstance(operator.shown, Work)
    assert operator.shown.step == 2
    operator.hold("*")
    assert StopWork() in operator.effects
    operator.refuse("E-STOPPED")
    assert operator.lines == ("The box is as empty", "as it was.")
    assert CloseVault() in operator.effects


@pytest.mark.parametrize("operator", [looking, taking, lambda: taking().answer(SEEN)])
def test_what_is_refused_ends_the_rescue_and_the_vault_is_asked_anew(operator: object) -> None:
    refused = operator().refuse("E-RESCUE-KEY", "there is none")  # type: ignore[operator]
    assert refused.title == "E-RESCUE-KEY"
    assert CloseVault() in refused.effects
    assert refused.box.provisioned is None
    assert refused.happen("#", VaultReady(provisioned=False)).title == "STICK PISM-RESCUE"


def test_a_restore_that_fails_ends_the_same_way() -> None:
    operator = choosing().happen("A##", DONE).refuse("E-FILE", "no space")
    assert operator.title == "E-FILE"
    assert {WipeEntry(), CloseVault()} <= set(operator.effects)


def test_the_stick_may_go_once_the_backup_was_read() -> None:
    operator = confirming().pull(RESCUE).happen("###").hold("#").happen("A##", DONE).answer(RESTORED)
    assert operator.written_down().title == "RESTORED"


def test_nothing_is_restored_that_was_not_seen_to_its_last_page() -> None:
    operator = confirming()
    for title in ("WHICH ONE?", "OLD BOX'S WORDS", "OLD BOX'S WORDS"):
        assert operator.happen(KeyPressed("#"), HELD).title == title
        operator.happen(KeyReleased("#"))
    assert operator.page.mark == "4/4"
    assert operator.hold("#").title == "PASSPHRASE"
    assert not [order for order in operator.orders if order.request is Restore]


def test_labels_are_the_reserved_ones_and_lines_fit() -> None:
    assert {RESCUE_LABEL, *RESERVED_STEPS} == set(RESERVED_LABELS)
    told = (*confirm_pages(BACKUP), *done_pages(BACKUP, replace(RESTORED, clock_believed=False)))
    for page in told:
        assert isinstance(page.body, tuple)
        assert all(len(line) <= 21 for line in page.body)
