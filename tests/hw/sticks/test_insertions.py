"""From udev's properties to sticks that come and go."""

from pathlib import Path
from typing import Any

import pytest

from hw.ports import StickInserted
from hw.sticks.insertions import BlockDevice, InsertedSticks, decode_label
from tests.hw.sticks.udev_events import (
    BLANK,
    DISK,
    EXFAT,
    PARTITION,
    PARTITIONED_DISK,
    PULLED_DISK,
    PULLED_PARTITION,
    SIZE,
    SUPERFLOPPY,
    event,
    summarize,
)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("PISM-ALL", "PISM-ALL"),
        ("MY\\x20LAB", "MY LAB"),
        ("A\\x5cB", "A\\B"),
        ("\\xc3\\xa4", "ä"),
        ("ä", "ä"),
        ("\\xff", "\ufffd"),
        ("", ""),
    ],
)
def test_decodes_what_udev_writes_for_a_label(text: str, label: str) -> None:
    assert decode_label(text) == label


@pytest.mark.parametrize(
    ("device", "is_stick"),
    [
        (event("add", SUPERFLOPPY), True),
        (event("add", PARTITION), True),
        (event("add", EXFAT), True),
        (event("add", BLANK), True),
        (event("add", PARTITIONED_DISK, partitions=1), False),
        (event("add", PARTITIONED_DISK), True),
        (event("add", PARTITION | {"ID_PART_ENTRY_TYPE": "0xf"}), False),
        (event("add", BLANK, size_bytes=0), False),
        (event("add", PARTITION, size_bytes=512), False),
        (event("add", SUPERFLOPPY | {"ID_BUS": "scsi"}), True),
        (event("add", SUPERFLOPPY | {"ID_BUS": "ata"}, path="/devices/pci0/ata1/host1/block/sda"), False),
        (event("add", {"DEVTYPE": "disk", "ID_BUS": "usb"}), False),
    ],
)
def test_a_volume_or_a_blank_place_on_usb_is_a_stick(device: BlockDevice, *, is_stick: bool) -> None:
    assert device.is_stick is is_stick


def test_takes_down_what_is_known() -> None:
    stick = event("add", PARTITION).stick()
    assert (stick.node, stick.label, stick.uuid) == (Path("/dev/sda1"), "MY LAB", "3D27-2EA2")
    assert (stick.filesystem, stick.size_bytes, stick.read_only) == ("vfat", SIZE, False)
    assert stick.identity == f"3:{DISK}"
    assert event("add", PARTITION).disk_path == DISK


@pytest.mark.parametrize(
    ("kind", "label", "told"),
    [
        ("vfat", "pism-all", "PISM-ALL"),
        ("vfat", "Pism-All", "PISM-ALL"),
        ("vfat", "gr\\xc3\\xbcn", "grün"),
        ("exfat", "pism-all", "pism-all"),
    ],
)
def test_the_label_of_a_fat_has_no_case(kind: str, label: str, told: str) -> None:
    properties = PARTITION | {"ID_FS_TYPE": kind, "ID_FS_LABEL_ENC": label}
    assert event("add", properties).stick().label == told


NOTHING: frozenset[str] = frozenset()


def play(*devices: Any) -> list[str]:
    """Return what a new inserted tells of these events."""
    inserted = InsertedSticks()
    return [line for device in devices for line in summarize(inserted.apply(device, NOTHING))]


def test_a_partition_comes_and_goes() -> None:
    assert play(
        event("add", PARTITIONED_DISK, partitions=1),
        event("add", PARTITION),
        event("remove", PARTITION, size_bytes=0),
        event("remove", PARTITIONED_DISK, size_bytes=0),
    ) == ["+MY LAB", "-"]


def test_a_stick_without_partition_table_comes_and_goes() -> None:
    assert play(event("add", SUPERFLOPPY), event("remove", SUPERFLOPPY, size_bytes=0)) == ["+PISM-ALL", "-"]


@pytest.mark.parametrize(("properties", "told"), [(EXFAT, "+EX"), (BLANK, "+blank")])
def test_what_is_no_fat_is_told_too(properties: dict[str, str], told: str) -> None:
    assert play(event("add", properties)) == [told]


def test_changes_that_our_own_writes_make_are_not_answered() -> None:
    formatted = BLANK | {"ID_FS_LABEL_ENC": "PISM-NEW", "ID_FS_TYPE": "vfat", "ID_FS_USAGE": "filesystem"}
    changes = [event("change", BLANK), event("change", formatted), event("change", formatted)]
    assert play(event("add", BLANK), *changes) == ["+blank"]


def test_a_stick_pulled_while_udev_looked_at_it_is_not_told() -> None:
    assert (
        play(
            event("add", PULLED_DISK, size_bytes=0),
            event("add", PULLED_PARTITION, size_bytes=0),
            event("remove", PULLED_PARTITION, size_bytes=0),
            event("remove", PULLED_DISK, size_bytes=0),
        )
        == []
    )


def test_a_removal_that_lost_its_properties_is_matched_by_place() -> None:
    assert play(
        event("add", SUPERFLOPPY), event("remove", {"DEVTYPE": "disk", "ID_BUS": "scsi"}, size_bytes=0)
    ) == [
        "+PISM-ALL",
        "-",
    ]


def test_a_medium_that_changes_in_its_slot_is_another_stick() -> None:
    other = SUPERFLOPPY | {"ID_FS_LABEL_ENC": "OTHER", "DISKSEQ": "9"}
    assert play(event("add", SUPERFLOPPY), event("change", other)) == ["+PISM-ALL", "-", "+OTHER"]
    assert play(event("add", SUPERFLOPPY), event("change", SUPERFLOPPY, size_bytes=0)) == ["+PISM-ALL", "-"]
    assert play(event("add", BLANK, size_bytes=0), event("change", SUPERFLOPPY)) == ["+PISM-ALL"]


EFI, RESERVED = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b", "e3c9e316-0b5c-4db8-817d-f92df00215ae"
BASIC, GIB = "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7", 1 << 30


def part(number: int, kind: str, label: str = "", size_bytes: int = GIB) -> BlockDevice:
    """Return a part as udev tells it; without a label it has no file system."""
    none = dict.fromkeys(("ID_FS_USAGE", "ID_FS_TYPE", "ID_FS_LABEL_ENC"), "")
    named = {"ID_FS_LABEL_ENC": label} if label else none
    properties = PARTITION | {"DEVNAME": f"/dev/sda{number}", "ID_PART_ENTRY_TYPE": kind} | named
    return event("add", properties, path=f"{DISK}/sda{number}", size_bytes=size_bytes)


def disk(partitions: int, action: str = "add") -> BlockDevice:
    return event(action, PARTITIONED_DISK, partitions=partitions, size_bytes=15 * GIB)


LAYOUTS = {
    "a Mac's Disk Utility, scheme GUID": (part(1, EFI, "EFI"), part(2, BASIC, "PISM-ALL")),
    "Windows on a drive that calls itself fixed": (part(1, RESERVED), part(2, BASIC, "PISM-ALL")),
    "a stick that starts installers": (part(1, "0xc", "PISM-ALL"), part(2, "0xef", "VTOYEFI")),
    "with room for alignment": (part(1, "0xc", "TINY", 1 << 19), part(2, "0xc", "PISM-ALL")),
    "in an extended part": (part(1, "0x5", "", 1024), part(5, "0xb", "PISM-ALL")),
    "a system's alone": (part(1, EFI, "PISM-ALL"),),
}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_a_stick_with_parts_that_systems_keep_is_its_one_volume(layout: tuple[BlockDevice, ...]) -> None:
    inserted = InsertedSticks()
    told = [found for device in (disk(len(layout)), *layout) for found in inserted.apply(device, NOTHING)]
    assert summarize(tuple(told)) == ["+PISM-ALL"]
    pulled = (
        *(event("remove", one.properties, path=one.path, size_bytes=0) for one in layout),
        disk(0, "remove"),
    )
    told = [found for device in pulled for found in inserted.apply(device, NOTHING)]
    assert summarize(tuple(told)) == ["-"]


SEVERAL = (part(1, BASIC, "PHOTOS"), part(2, BASIC, "PISM-ALL"), part(3, "0x83"))


def test_a_stick_with_several_volumes_is_one_stick_with_parts() -> None:
    inserted = InsertedSticks()
    told = [found for device in (disk(3), *SEVERAL) for found in inserted.apply(device, NOTHING)]
    assert len(told) == 1
    assert isinstance(told[0], StickInserted)
    stick = told[0].stick
    assert (stick.node, stick.label, stick.filesystem, stick.size_bytes) == (
        Path("/dev/sda"),
        "",
        "",
        15 * GIB,
    )
    assert [(one.node, one.label) for one in stick.parts] == [
        (Path("/dev/sda1"), "PHOTOS"),
        (Path("/dev/sda2"), "PISM-ALL"),
        (Path("/dev/sda3"), ""),
    ]
    assert {one.identity for one in stick.parts} == {stick.identity}
    assert stick.identity in inserted


def test_a_part_that_comes_late_makes_the_stick_another_one() -> None:
    assert play(disk(0), *SEVERAL[:2]) == ["+blank", "+PHOTOS", "+blank"]


def test_a_stick_is_gone_with_any_of_its_parts_and_told_once() -> None:
    pulled = [event("remove", one.properties, path=one.path, size_bytes=0) for one in SEVERAL]
    assert play(disk(3), *SEVERAL, *pulled, disk(0, "remove")) == ["+blank", "-"]
    assert play(disk(3), *SEVERAL, disk(0, "remove"), *pulled) == ["+blank", "-"]


def test_a_stick_of_parts_that_was_erased_as_a_whole_is_one_volume() -> None:
    erased = PARTITIONED_DISK | {"ID_FS_USAGE": "filesystem", "ID_FS_TYPE": "vfat", "ID_FS_LABEL_ENC": "NEW"}
    gone = [event("remove", one.properties, path=one.path, size_bytes=0) for one in SEVERAL]
    whole = event("change", erased, size_bytes=15 * GIB)
    assert play(disk(3), *SEVERAL, whole, *gone) == ["+blank", "+NEW"]
    assert play(disk(3), *SEVERAL, *gone, whole, disk(0, "remove")) == ["+blank", "-", "+NEW", "-"]


def test_sticks_are_counted_by_disk_when_they_are_enumerated() -> None:
    inserted = InsertedSticks()
    assert summarize(inserted.compare((*SEVERAL, disk(3)), NOTHING)) == ["+blank"]
    assert inserted.compare((*SEVERAL, disk(3)), NOTHING) == ()
    assert summarize(inserted.compare((*SEVERAL[:2], disk(2)), NOTHING)) == ["-", "+blank"]
    assert summarize(inserted.compare((), NOTHING)) == ["-"]


def test_partitions_of_a_disk_that_is_a_volume_itself_are_none() -> None:
    assert play(event("add", SUPERFLOPPY, partitions=1), event("add", PARTITION)) == ["+PISM-ALL"]


def test_the_machines_own_disk_is_no_stick() -> None:
    assert InsertedSticks().apply(event("add", PARTITION), frozenset({DISK})) == ()


def test_an_enumeration_tells_what_came_and_what_went() -> None:
    inserted = InsertedSticks()
    first = event("", SUPERFLOPPY)
    assert summarize(inserted.compare((first,), NOTHING)) == ["+PISM-ALL"]
    assert inserted.compare((first,), NOTHING) == ()
    other = event("", PARTITION, path=DISK.replace("2-1", "2-2") + "/sdb1")
    assert summarize(inserted.compare((other,), NOTHING)) == ["-", "+MY LAB"]
    assert first.identity not in inserted
    assert other.identity in inserted
