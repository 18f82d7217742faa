"""The diagnosis on the panel: which stick it takes, and how it is reached when nothing else is."""

from dataclasses import replace

from kiosk.screens.page import Page
from kiosk.work.diagnosis import WriteDiagnosis
from kiosk.work.worker import Bug, VaultLost
from tests.kiosk.facts import HERE, OTHER, box, parted, stick
from tests.kiosk.flows.steps import Operator

HOLIDAYS = stick("HOLIDAYS", identity="20:usb1")
NAME = "pism-diagnosis-20261123T153400Z.txt"


def test_it_needs_no_passphrase_and_any_fat32_stick_will_do() -> None:
    operator = Operator(box()).happen("DC")
    assert operator.lines[0] == "Put in any FAT32"
    assert operator.happen("#").put_in(HOLIDAYS).lines[0] == "HOLIDAYS 32 GB"
    operator.happen("#")
    assert operator.asked(WriteDiagnosis) == {"stick": HOLIDAYS}
    assert operator.answer(NAME).lines == (NAME[:21], NAME[21:], "Pull the stick")
    assert operator.happen("#").page.body.below == "Stick is not used"  # type: ignore[union-attr]


def test_a_stick_that_asks_for_a_job_is_not_worked_on_after_it() -> None:
    operator = Operator(box(HERE, unlocked=True, ignored=HERE.identity)).happen("#C#").answer(NAME)
    assert operator.happen("#*").title == "UNLOCKED"
    assert [order.request for order in operator.orders] == [WriteDiagnosis]


def test_a_stick_that_cannot_take_it_is_named_and_another_waited_for() -> None:
    operator = Operator(box()).happen("DC")
    for other in (stick("X", filesystem="exfat", identity="y"), parted("A", "B")):
        assert operator.put_in(other).lines[0] == "This one is not"
        assert not operator.happen("#").orders
        assert operator.pull(other).lines[0] == "Put in any FAT32"
    assert operator.put_in(HOLIDAYS).put_in(OTHER).lines[0] == "Two sticks are in."
    assert operator.pull(OTHER).page.left == "#write"
    assert operator.happen("*").title == "NOT A PiSM STICK"


def test_it_is_left_without_a_stick_and_what_is_refused_is_said() -> None:
    assert Operator(box()).happen("DC*").title == "MENU"
    operator = Operator(box(HOLIDAYS)).happen("DC#").refuse("E-STICK-FULL", "x")
    assert operator.title == "E-STICK-FULL"
    assert operator.happen("#").title == "MENU"


def test_what_broke_offers_it_since_there_may_be_no_menu() -> None:
    for code, known in (("E-VAULT", box(provisioned=None)), ("E-STATE-DAMAGED", box(provisioned=None))):
        operator = Operator(known).happen(VaultLost("why", code))
        assert (operator.title, operator.page.right) == (code, "A diagnose")
        assert operator.happen("D").lines == ("why",)
        assert operator.happen("A").title == "WRITE DIAGNOSIS"
        operator.put_in(replace(HERE, identity="z")).happen("#")
        assert operator.asked(WriteDiagnosis)["stick"].identity == "z"
    broken = Operator(box(unlocked=True)).happen(Bug())
    assert isinstance(broken.shown, Page)
    assert broken.happen("A*").title == "LOCKED"
