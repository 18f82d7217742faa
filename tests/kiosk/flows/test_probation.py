"""Backup keys on probation: asked about after an unlock, and told after an approval."""

from msgspec.structs import replace

from core.api.requests import ConfirmRecipients
from kiosk.flows.probation import orders
from tests.kiosk.facts import SESSION, box, recipient
from tests.kiosk.flows.steps import DONE, Operator

NEW = recipient("backup", "main-backup", "keys/backup-b.pub", number=2, is_new=True)
WAITING = replace(SESSION, to_confirm=(NEW,))


def asked() -> Operator:
    return Operator(box()).happen("#", DONE).answer(WAITING)


def test_keys_that_wait_are_asked_about_right_after_the_unlock() -> None:
    operator = asked()
    assert operator.title == "STILL YES?"
    assert operator.lines[0] == "1 backup key"
    operator.happen("###")
    assert operator.page.left == "#hold: yes"
    assert operator.happen("#").page.left == "#hold: yes", "one press confirms nothing"
    operator.hold("#")
    assert operator.asked(ConfirmRecipients) == {"recipients": (NEW.key,)}
    assert operator.answer(SESSION).title == "UNLOCKED"


def test_not_now_leaves_them_waiting() -> None:
    operator = asked().happen("*")
    assert operator.title == "UNLOCKED"
    assert not [order for order in operator.orders if order.request is ConfirmRecipients]


def test_nothing_is_asked_under_a_clock_that_is_doubted() -> None:
    operator = Operator(box()).happen("#", DONE).answer(replace(WAITING, clock="E-CLOCK-AHEAD"))
    assert operator.title != "STILL YES?"


def test_an_approval_says_that_new_backup_keys_wait() -> None:
    known = recipient("backup", "main-backup", "keys/backup-a.pub")
    egress = recipient("egress", "main-kudo", "keys/kudo.pub", is_new=True)
    assert orders((known, egress)) == ()
    assert orders((known, egress, NEW)) == ("New backup key waits:", "restart, say yes.")
    again = replace(NEW, key=known.key)
    assert orders((known, again)) == ()
