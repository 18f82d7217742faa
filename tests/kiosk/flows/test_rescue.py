"""A rescue on the panel, each rule by the shortest way."""

import pytest
from msgspec.structs import replace

from core.api.results import IdentitySeen
from core.policy.rules import RESERVED_LABELS
from hw.ports import KeyPressed, KeyReleased
from kiosk.entry.buffers import Purpose
from kiosk.flows.box import POLICY_LABEL, RESCUE_LABEL
from kiosk.flows.machine import CloseVault, StartEntry, StopWork, WipeEntry
from kiosk.flows.rescue import confirm_pages, done_pages
from kiosk.screens.page import Entry, Work
from kiosk.work.clock import ReadClock
from kiosk.work.rescue import BackupFound, LookForBackup, OpenIdentity, ReadBackup, Restore, TakeIdentity
from kiosk.work.worker import VaultReady
from tests.kiosk.facts import BACKUP, HALF, KEYS_ON_IT, NOW, OTHER, RESCUE, RESTORED, box
from tests.kiosk.flows.steps import DONE, HELD, LEFT, Hand

SEEN = IdentitySeen(is_identity=True, locked=False)
LOCKED_KEY = IdentitySeen(is_identity=True, locked=True)


def looking() -> Hand:
    hand = Hand(box(RESCUE, provisioned=False)).happen("#")
    hand.asked(ReadClock)
    hand.answer(NOW).happen("#")
    assert hand.asked(LookForBackup) == {"stick": RESCUE}
    return hand


def taking(*names: str) -> Hand:
    return looking().answer(BackupFound(names or KEYS_ON_IT[:1]))


def confirming() -> Hand:
    hand = taking().answer(SEEN)
    assert hand.asked(ReadBackup) == {"stick": RESCUE}
    return hand.answer(BACKUP)


def choosing() -> Hand:
    return confirming().happen("###").hold("#")


def test_the_whole_way() -> None:
    hand = choosing().happen("A##", DONE)
    assert hand.asked(Restore) == {"passphrase": Purpose.REPEAT}
    assert isinstance(hand.shown, Work)
    assert WipeEntry() not in hand.effects
    hand.answer(RESTORED)
    assert hand.title == "RESTORED"
    assert {WipeEntry(), CloseVault()} <= set(hand.effects)
    assert hand.box.provisioned
    assert hand.happen("#######").title == "PULL THE STICK"
    assert hand.happen("*#", "#").title == "LOCKED"
    assert hand.box.ignored == RESCUE.identity


def test_a_box_that_is_not_empty_is_not_touched() -> None:
    hand = Hand(box(RESCUE))
    assert hand.title == "E-STATE-EXISTS"
    assert hand.happen("D").title == "MENU"
    assert hand.happen("**").title == "LOCKED"


def test_two_sticks_are_one_too_many() -> None:
    assert Hand(box(RESCUE, OTHER, provisioned=False)).title == "E-STICK-TWO"
    ignored = box(RESCUE, OTHER, provisioned=False, ignored=RESCUE.identity)
    assert Hand(ignored).title == "FIRST SET-UP"


def test_an_ignored_stick_leaves_the_set_up() -> None:
    hand = Hand(box(RESCUE, provisioned=False))
    assert hand.happen("D*").title == "STICK PISM-RESCUE"
    assert hand.happen("*").title == "FIRST SET-UP"


def test_one_identity_is_taken_and_of_several_one_is_picked() -> None:
    assert taking().asked(TakeIdentity) == {"stick": RESCUE, "name": "backup-a.txt"}
    hand = taking(*KEYS_ON_IT)
    assert hand.title == "WHICH KEY?"
    hand.happen("DA")
    assert hand.asked(TakeIdentity) == {"stick": RESCUE, "name": "old.key"}
    left = taking(*KEYS_ON_IT).forget().happen("*")
    assert left.title == "STICK PISM-RESCUE"
    assert CloseVault() in left.effects


def test_a_locked_identity_asks_for_its_own_passphrase() -> None:
    hand = taking().answer(LOCKED_KEY)
    assert hand.title == "THE KEY IS LOCKED"
    hand.happen("#")
    assert hand.shown == Entry(purpose=Purpose.IDENTITY)
    hand.happen(DONE)
    assert hand.asked(OpenIdentity) == {"passphrase": Purpose.IDENTITY}
    hand.refuse("E-IDENTITY-LOCKED")
    assert hand.lines[0] == "It does not open it."
    hand.forget().happen("#")
    assert hand.shown == Entry(purpose=Purpose.IDENTITY, again=True)
    assert not [one for one in hand.effects if isinstance(one, StartEntry | WipeEntry)]
    hand.happen(DONE).answer(None)
    hand.asked(ReadBackup)
    assert WipeEntry() in hand.effects


@pytest.mark.parametrize("keys", ["*", "#", "#r*", "#rt"])
def test_a_locked_identity_can_be_given_up(keys: str) -> None:
    hand = taking().answer(LOCKED_KEY).forget()
    for key in keys:
        match key:
            case "r":
                hand.happen(DONE).refuse("E-IDENTITY-LOCKED")
            case "t":
                hand.seconds(60)
            case _:
                hand.happen(key)
    if isinstance(hand.shown, Entry):
        hand.happen(LEFT)
    assert hand.title == "STICK PISM-RESCUE"
    assert CloseVault() in hand.effects
    assert not hand.box.rescuing


def test_what_is_confirmed_is_shown_page_by_page_at_a_held_key() -> None:
    hand = confirming()
    assert [hand.happen("#").title for _ in range(3)] == ["WHICH ONE?", *["THE ROOT'S WORDS"] * 2]
    assert hand.happen("#").page.mark == "4/4"
    assert hand.happen("*").page.mark == "3/4"
    assert hand.happen("#").hold("#").title == "PASSPHRASE"
    assert hand.happen("*").title == "WHOSE BACKUP?", "what was confirmed may be looked at again"


def test_giving_up_closes_the_vault_that_has_the_key() -> None:
    hand = confirming().forget().happen("*")
    assert hand.title == "STICK PISM-RESCUE"
    assert CloseVault() in hand.effects


def test_the_lock_timer_ends_a_rescue_that_nobody_goes_on_with() -> None:
    hand = confirming().forget().lock_by_idleness()
    assert hand.title == "STICK PISM-RESCUE"
    assert CloseVault() in hand.effects


def test_reading_shows_its_steps_and_can_be_stopped() -> None:
    hand = taking().answer(SEEN).progress(HALF, step=2)
    assert isinstance(hand.shown, Work)
    assert hand.shown.step == 2
    hand.hold("*")
    assert StopWork() in hand.effects
    hand.refuse("E-STOPPED")
    assert hand.lines == ("The box is as empty", "as it was.")
    assert CloseVault() in hand.effects


@pytest.mark.parametrize("hand", [looking, taking, lambda: taking().answer(SEEN)])
def test_what_is_refused_ends_the_rescue_and_the_vault_is_asked_anew(hand: object) -> None:
    refused = hand().refuse("E-RESCUE-KEY", "there is none")  # type: ignore[operator]
    assert refused.title == "E-RESCUE-KEY"
    assert CloseVault() in refused.effects
    assert refused.box.provisioned is None
    assert refused.happen("#", VaultReady(provisioned=False)).title == "STICK PISM-RESCUE"


def test_a_restore_that_fails_ends_the_same_way() -> None:
    hand = choosing().happen("A##", DONE).refuse("E-FILE", "no space")
    assert hand.title == "E-FILE"
    assert {WipeEntry(), CloseVault()} <= set(hand.effects)


def test_the_stick_may_go_once_the_backup_was_read() -> None:
    hand = confirming().pull(RESCUE).happen("###").hold("#").happen("A##", DONE).answer(RESTORED)
    assert hand.title == "RESTORED"


def test_nothing_is_restored_that_was_not_seen_to_its_last_page() -> None:
    hand = confirming()
    for title in ("WHICH ONE?", "THE ROOT'S WORDS", "THE ROOT'S WORDS"):
        assert hand.happen(KeyPressed("#"), HELD).title == title
        hand.happen(KeyReleased("#"))
    assert hand.page.mark == "4/4"
    assert hand.hold("#").title == "PASSPHRASE"
    assert not [order for order in hand.orders if order.request is Restore]


def test_labels_are_the_reserved_ones_and_lines_fit() -> None:
    assert {POLICY_LABEL, RESCUE_LABEL} <= set(RESERVED_LABELS)
    told = (*confirm_pages(BACKUP), *done_pages(BACKUP, replace(RESTORED, clock_believed=False)))
    for page in told:
        assert isinstance(page.body, tuple)
        assert all(len(line) <= 21 for line in page.body)
