"""A stick with several parts: which one is meant, and what the panel offers where none is."""

from dataclasses import replace

import pytest

from core.policy.rules import RESERVED_LABELS
from kiosk.work.devices import FormatStick
from kiosk.work.job import RunJob
from tests.kiosk.facts import BRINGING, HERE, box, parted, stick
from tests.kiosk.flows.steps import Operator, unlock


def test_of_several_parts_the_one_that_asks_for_something_is_meant() -> None:
    for labels in (("PHOTOS", "PISM-ALL"), ("PISM-ALL", ""), ("A", "B", "PISM-ALL")):
        whole = parted(*labels)
        operator = unlock(Operator(box(whole)))
        assert operator.title == "WORK"
        assert operator.asked(RunJob)["stick"] == whole.parts[labels.index("PISM-ALL")]


def test_a_stick_whose_second_part_comes_late_is_one_stick() -> None:
    whole = parted("PHOTOS", "PISM-ALL")
    operator = Operator(box()).put_in(whole.parts[0])
    assert operator.title == "NOT A PiSM STICK"
    assert operator.put_in(whole).title == "STICK PISM-ALL asks"
    assert operator.pull(whole).title == "LOCKED"


@pytest.mark.parametrize(
    ("labels", "lines"),
    [
        (("PHOTOS", ""), ("It has several parts:", "PHOTOS 7.5 GB", "blank 15 GB")),
        (("PISM-ALL", "PISM-EXPORT"), ("It has several parts:", "PISM-ALL 7.5 GB", "PISM-EXPORT 15 GB")),
        (("A", "B", "C"), ("It has 3 parts:", "A 7.5 GB", "and 2 more")),
    ],
)
def test_of_several_parts_none_is_guessed_and_all_can_be_erased(
    labels: tuple[str, ...], lines: tuple[str, ...]
) -> None:
    whole = parted(*labels)
    operator = Operator(box(whole))
    assert (operator.title, operator.lines) == ("E-STICK-PARTS", lines)
    assert operator.happen("AC").lines[0] == f"{len(labels)} parts, 32 GB"
    operator.hold("#")
    assert operator.asked(FormatStick) == {"stick": whole, "label": "PISM-ALL"}
    made = replace(whole, label="PISM-ALL", filesystem="vfat", parts=())
    assert operator.answer(made).title == "STICK PISM-ALL asks"
    assert operator.pull(whole).title == "LOCKED"


@pytest.mark.parametrize(
    ("filesystem", "line"),
    [
        ("vfat", "It has no label"),
        ("", "It has no label"),
        ("ntfs", "It has no label"),
        ("xfs", "Label is not read"),
    ],
)
def test_a_label_that_nobody_looked_for_is_not_called_missing(filesystem: str, line: str) -> None:
    assert Operator(box(stick("", filesystem=filesystem))).lines[0] == line


def test_a_stick_with_several_parts_beside_another_is_the_second_stick() -> None:
    assert Operator(box(parted("A", "PISM-ALL"), replace(HERE, identity="x"))).title == "E-STICK-TWO"


def test_a_stick_with_a_jobs_label_that_cannot_be_used_says_why_and_can_be_erased() -> None:
    operator = unlock(Operator(box(HERE))).refuse("E-STICK-FORMAT", "it is FAT16")
    assert (operator.title, operator.lines[0]) == ("E-STICK-FORMAT", "No FAT32 we can use")
    assert operator.happen("D").lines == ("it is FAT16",)
    assert operator.happen("D").page.left == "A erase D why"
    assert operator.happen("AC").title == "ERASE THE STICK?"
    operator.hold("#")
    assert operator.asked(FormatStick) == {"stick": HERE, "label": "PISM-ALL"}
    assert operator.answer(HERE).title == "STICK PISM-ALL asks"
    assert operator.happen("#").asked(RunJob)["stick"] == HERE


def test_an_unusable_part_is_erased_with_the_whole_stick_or_left() -> None:
    whole = parted("PHOTOS", "PISM-ALL")
    refused = unlock(Operator(box(whole))).refuse("E-STICK-FORMAT", "it is FAT16")
    assert refused.happen("AC").lines[0] == "2 parts, 32 GB"
    assert refused.hold("#").asked(FormatStick)["stick"] == whole
    left = unlock(Operator(box(HERE))).refuse("E-STICK-FORMAT", "it is FAT16").happen("*")
    assert left.title == "STICK PISM-ALL asks"
    gone = unlock(Operator(box(HERE))).pull(HERE).refuse("E-STICK-FORMAT", "it is FAT16")
    assert gone.page.left == "#ok B QR D more"


def test_a_stick_with_a_policy_that_cannot_be_used_is_not_offered_to_be_erased() -> None:
    operator = unlock(Operator(box(BRINGING))).refuse("E-STICK-FORMAT", "it is FAT16")
    assert operator.page.left == "#ok B QR D more"


@pytest.mark.parametrize("label", RESERVED_LABELS)
def test_a_stick_with_a_reserved_label_is_never_offered_to_be_erased(label: str) -> None:
    for known in (stick(label, filesystem="exfat"), parted("PISM-ALL", label), parted(label, label)):
        for unlocked in (False, True):
            operator = Operator(box(known, unlocked=unlocked)).happen("A")
            assert "erase" not in f"{operator.page.left} {operator.page.title.lower()}"
            operator.happen("D")  # the menu, or nothing: no key leads to it


def test_a_policy_is_found_in_a_part() -> None:
    operator = Operator(box(parted("PHOTOS", "PISM-CONFIG"), provisioned=False))
    assert operator.lines[1:] == ("PISM-CONFIG is in:", "its policy is used.")
