from pathlib import Path

import pytest

from hw.sticks.udev import BlockDevice, decode_label
from tests.hw.udev_kit import BLANK, DISK, EXFAT, PARTITION, PARTITIONED_DISK, SIZE, SUPERFLOPPY, event


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
