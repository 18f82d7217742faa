"""What lies on a medium, held against libblkid, the judge, over media that others made."""

import random
import struct
import subprocess
from pathlib import Path

import pytest

from hw.fat.look import look
from hw.sticks.insertions import decode_label
from tests.hw.disks import BASIC, EFI, judge, make_disk
from tests.hw.images import ask_blkid, make_stick, mtools

MIB = 1 << 20
PLENTY = 5000
"""Reads that one look may take: a folder's bound in the smallest clusters, and a table."""


def look_at(image: Path | bytes, offset: int = 0, size_bytes: int = 0) -> dict[str, str]:
    """Look at an image in this process."""
    data = image if isinstance(image, bytes) else image.read_bytes()
    reads = 0

    def read(place: int, length: int) -> bytes:
        nonlocal reads
        reads += 1
        assert place >= 0
        assert 0 <= length <= MIB
        assert reads < PLENTY
        return data[place : place + length]

    return look(read, len(data), offset, size_bytes or len(data) - offset)


def agree(image: Path, kind: str | None = None) -> None:
    """Hold the two readings against each other."""
    ours, theirs = look_at(image), ask_blkid(image)
    assert ours.get("ID_FS_TYPE") == (kind or theirs.get("ID_FS_TYPE"))
    for name in ("ID_FS_USAGE", "ID_FS_UUID"):
        assert name not in ours or ours[name] == theirs[name]
    assert decode_label(ours.get("ID_FS_LABEL_ENC", "")) == decode_label(theirs.get("ID_FS_LABEL_ENC", ""))


def make(path: Path, *command: str, mib: int = 64) -> Path:
    with path.open("xb") as image:
        image.truncate(mib * MIB)
    subprocess.run([*command, path], check=True, capture_output=True)
    return path


@pytest.mark.parametrize("label", ["PISM-ALL", "A", "WITH SPACE", "elevenchars", ""])
@pytest.mark.parametrize(
    ("bits", "mib", "more"),
    [
        ("12", 4, ()),
        ("16", 32, ()),
        ("32", 64, ()),
        ("32", 64, ("-s", "1")),
        ("32", 300, ("-S", "4096")),
        ("32", 64, ("--mbr=y",)),
    ],
    ids=["FAT12", "FAT16", "FAT32", "small clusters", "large sectors", "with a table in it"],
)
def test_reads_a_fat_as_the_judge_does(
    tmp_path: Path, bits: str, mib: int, more: tuple[str, ...], label: str
) -> None:
    name = ("-n", label) if label else ()
    image = make(tmp_path / "a.img", "mkfs.vfat", "--mbr=n", "-F", bits, *more, *name, mib=mib)
    agree(image)
    assert look_at(image)["ID_FS_TYPE"] == "vfat"


@pytest.mark.parametrize("label", ["PISM-ALL", "\N{LATIN SMALL LETTER U WITH DIAERESIS}ber uns", ""])
def test_reads_an_exfat_as_the_judge_does(tmp_path: Path, label: str) -> None:
    agree(make(tmp_path / "a.img", "mkfs.exfat", *(("-L", label) if label else ())))


def make_ntfs(path: Path, label: str) -> Path:
    """Make as much of an NTFS as has a label: the boot sector, and file records of 1024 bytes."""
    data = bytearray(8 * MIB)
    data[:3], data[3:11], data[510:512] = b"\xeb\x52\x90", b"NTFS    ", b"\x55\xaa"
    struct.pack_into("<HB", data, 11, 512, 8)
    data[21] = 0xF8
    struct.pack_into("<QQQb3xb", data, 40, len(data) // 512 - 1, 4, 2, -10, 1)
    name = label.encode("utf-16-le")
    for number in range(16):
        place = 4 * 4096 + number * 1024
        data[place : place + 4] = b"FILE"
        struct.pack_into("<HHII", data, place + 20, 56, 1, 1024, 1024)
        information = struct.pack("<IIB7xIH2x", 0x10, 72, 0, 48, 24).ljust(72, b"\0")
        named = struct.pack("<IIB7xIH2x", 0x60, -(-(24 + len(name)) // 8) * 8, 0, len(name), 24) + name
        attributes = information + (named.ljust(-(-len(named) // 8) * 8, b"\0") if number == 3 else b"")
        data[place + 56 : place + 56 + len(attributes) + 4] = attributes + b"\xff" * 4
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("label", ["PISM-RESCUE", "\N{LATIN SMALL LETTER U WITH DIAERESIS}ber", ""])
def test_reads_an_ntfs_as_the_judge_does(tmp_path: Path, label: str) -> None:
    image = make_ntfs(tmp_path / "a.img", label)
    assert ask_blkid(image)["ID_FS_TYPE"] == "ntfs"
    agree(image)


@pytest.mark.parametrize("label", ["PISM-ALL", "sixteen letters!", ""])
def test_reads_an_ext_as_the_judge_does(tmp_path: Path, label: str) -> None:
    image = make(tmp_path / "a.img", "mkfs.ext4", "-q", *(("-L", label) if label else ()))
    assert ask_blkid(image)["ID_FS_TYPE"] == "ext4"
    agree(image, "ext")


@pytest.mark.parametrize(
    ("place", "magic", "kind"),
    [
        (0x8001, b"CD001", "iso9660"),
        (0x400, b"H+", "hfsplus"),
        (0x20, b"NXSB", "apfs"),
        (0x10040, b"_BHRfS_M", "btrfs"),
        (0, b"LUKS\xba\xbe", "luks"),
    ],
)
def test_what_holds_somebodys_files_is_not_called_blank(
    tmp_path: Path, place: int, magic: bytes, kind: str
) -> None:
    image = tmp_path / "a.img"
    image.write_bytes(bytes(place) + magic + bytes(MIB))
    assert look_at(image) == {"ID_FS_USAGE": "filesystem", "ID_FS_TYPE": kind}


@pytest.mark.parametrize("table", ["dos", "gpt"])
def test_a_disk_with_a_table_is_no_volume_and_its_parts_are(tmp_path: Path, table: str) -> None:
    kinds = (EFI, BASIC) if table == "gpt" else ("ef", "c")
    disk = make_disk(tmp_path / "disk.img", table, (kinds[0], "EFI"), (kinds[1], "PISM-ALL"))
    assert look_at(disk) == {}
    for part in judge(disk):
        offset, size_bytes = part["start"] * 512, part["size"] * 512
        ours, theirs = look_at(disk, offset, size_bytes), ask_blkid(disk, offset, size_bytes)
        assert ours["ID_FS_UUID"] == theirs["ID_FS_UUID"]
        assert decode_label(ours["ID_FS_LABEL_ENC"]) == theirs["ID_FS_LABEL"]
        kind = part["type"].lower()
        assert ours["ID_PART_ENTRY_TYPE"] == (kind if table == "gpt" else f"0x{kind}")


def test_a_blank_medium_has_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.img").write_bytes(bytes(MIB))
    (tmp_path / "b.img").write_bytes(bytes(100))
    assert look_at(tmp_path / "a.img") == look_at(tmp_path / "b.img") == {}


def test_a_label_counts_that_stands_behind_files_and_a_deleted_one_does_not(tmp_path: Path) -> None:
    image = make(tmp_path / "a.img", "mkfs.vfat", "--mbr=n", "-F", "32", "-s", "1", "-n", "FIRST")
    for number in range(40):  # more than a cluster of entries, with long names
        source = tmp_path / f"a long name with the number {number}"
        source.touch()
        mtools(image, "mcopy", str(source), "::")
    mtools(image, "mlabel", "-c", "::")
    agree(image)
    mtools(image, "mlabel", "::LATE")
    agree(image)
    assert decode_label(look_at(image)["ID_FS_LABEL_ENC"]) == "LATE"


@pytest.mark.parametrize("label", [b"PISM-ALL\0\0\0", b"PISM-ALL \0\0", b"PISM\0ALL   ", b"PISM-ALL\t\t\t"])
def test_a_fats_label_ends_where_the_judge_ends_it(tmp_path: Path, label: bytes) -> None:
    image = make_stick(tmp_path / "a.img")
    data = bytearray(image.read_bytes())
    place = data.index(b"PISM-ALL   ", 512 * 16)  # behind the boot sectors, which have it as well
    data[place : place + 11] = label
    image.write_bytes(data)
    agree(image)


def test_a_chain_that_runs_in_a_circle_ends(tmp_path: Path) -> None:
    image = make(tmp_path / "a.img", "mkfs.vfat", "--mbr=n", "-F", "32", "-s", "1")
    data = bytearray(image.read_bytes())
    sector_bytes, _, reserved, fats = struct.unpack_from("<HBHB", data, 11)
    (per_fat,) = struct.unpack_from("<I", data, 36)
    struct.pack_into("<I", data, reserved * sector_bytes + 8, 2)  # the root's first cluster follows itself
    root = (reserved + fats * per_fat) * sector_bytes
    data[root : root + sector_bytes] = b"FILE    TXT\x20".ljust(32, b"\0") * (sector_bytes // 32)
    image.write_bytes(data)
    assert "ID_FS_LABEL_ENC" not in look_at(image)


@pytest.mark.parametrize("kind", ["fat", "exfat", "ntfs"])
def test_whatever_the_bytes_are_the_look_is_bounded_and_ends(tmp_path: Path, kind: str) -> None:
    """Numbers of the boot sector are thrown about; each read is held to its bounds by `look_at`."""
    image = tmp_path / "a.img"
    if kind == "fat":
        make_stick(image)
    elif kind == "ntfs":
        make_ntfs(image, "PISM-ALL")
    else:
        make(image, "mkfs.exfat", mib=4)
    with image.open("rb") as file:
        first = file.read(MIB)
    dice = random.Random(11)
    for _ in range(400):
        data = bytearray(first)
        for _ in range(dice.randint(1, 4)):
            data[dice.randrange(11, 120)] = dice.choice((0, 1, 2, 0x7F, 0x80, 0xFF, dice.randrange(256)))
        found = look_at(bytes(data))
        assert set(found) <= {"ID_FS_USAGE", "ID_FS_TYPE", "ID_FS_UUID", "ID_FS_LABEL_ENC"}
