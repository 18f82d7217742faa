"""From udev's properties to sticks that come and go."""

from pathlib import Path
from typing import Any

import pytest

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


def test_only_a_disk_without_table_is_a_whole_stick() -> None:
    assert event("add", SUPERFLOPPY).is_whole_stick
    assert not event("add", PARTITION).is_whole_stick
    assert not event("add", PARTITIONED_DISK, partitions=1).is_whole_stick


def test_takes_down_what_is_known() -> None:
    stick = event("add", PARTITION).stick()
    assert (stick.node, stick.label, stick.uuid) == (Path("/dev/sda1"), "MY LAB", "3D27-2EA2")
    assert (stick.filesystem, stick.size_bytes, stick.read_only) == ("vfat", SIZE, False)
    assert stick.identity == f"3:{DISK}/sda1"
    assert event("add", PARTITION).disk_path == DISK


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
