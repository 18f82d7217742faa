"""Partition tables, as sfdisk makes them, damaged, and hostile."""

import os
import random
import struct
from pathlib import Path

import pytest

from hw.medium.table import EXTENDED_KINDS, Part, leave_out_system, read_table
from tests.hw.disks import BASIC, EFI, RESERVED, judge, make_disk, table

SIZE = 64 << 20


def read(path: Path) -> tuple[Part, ...]:
    with path.open("rb") as image:
        return read_table(
            lambda offset, length: os.pread(image.fileno(), length, offset), path.stat().st_size
        )


def disk(path: Path, script: str) -> Path:
    with path.open("xb") as image:
        image.truncate(SIZE)
    table(path, script)
    return path


TABLES = [
    "label: dos\nstart=2048, type=c",
    "label: dos\nstart=2048, size=4096, type=c\nstart=8192, size=4096, type=ef, bootable",
    (
        "label: dos\nstart=2048, size=2048, type=83\nstart=6144, type=f\n"
        "start=8192, size=4096, type=b\nstart=16384, size=2048, type=7\nstart=32768, size=4096, type=c"
    ),
    (
        "label: dos\nstart=2048, size=90000, type=5\nstart=100000, type=c\n"
        "start=4096, size=4096, type=b\nstart=16384, size=2048, type=7"
    ),
    "label: gpt\nstart=2048, type=uefi",
    f"label: gpt\nstart=2048, size=4096, type={RESERVED}\nstart=8192, type={BASIC}, name=Ä",
    "label: gpt\n" + "\n".join(f"size=2048, type={BASIC}" for _ in range(60)),
]


@pytest.mark.parametrize("script", TABLES)
def test_the_parts_are_those_that_the_judge_sees(tmp_path: Path, script: str) -> None:
    path = disk(tmp_path / "disk.img", script)
    gpt = "gpt" in script
    expected = [
        (
            int(part["start"]) * 512,
            int(part["size"]) * 512,
            part["type"].lower() if gpt else f"0x{part['type']}",
        )
        for part in judge(path)
    ]
    found = [(part.offset, part.size_bytes, part.kind) for part in read(path)]
    assert sorted(found) == sorted(part for part in expected if part[2] not in EXTENDED_KINDS)


def test_numbers_are_those_of_the_kernel(tmp_path: Path) -> None:
    assert [part.number for part in read(disk(tmp_path / "a.img", TABLES[2]))] == [1, 5, 6, 7]
    assert [part.number for part in read(disk(tmp_path / "b.img", TABLES[5]))] == [1, 2]


def test_a_gpt_whose_first_copy_is_damaged_is_read_from_the_last(tmp_path: Path) -> None:
    path = disk(tmp_path / "disk.img", TABLES[5])
    before = read(path)
    with path.open("r+b") as image:
        os.pwrite(image.fileno(), b"x", 512 + 40)
    assert read(path) == before
    with path.open("r+b") as image:
        os.pwrite(image.fileno(), b"x", SIZE - 512 + 40)
    assert read(path) == ()


@pytest.mark.parametrize("size", [0, 100, 512, 4096])
def test_what_has_no_table_has_no_parts(tmp_path: Path, size: int) -> None:
    (tmp_path / "a").write_bytes(random.Random(size).randbytes(size))
    assert read(tmp_path / "a") == ()


def test_a_part_that_does_not_lie_on_the_disk_is_none(tmp_path: Path) -> None:
    path = disk(tmp_path / "disk.img", "label: dos\nstart=2048, size=4096, type=c\nstart=8192, type=c")
    os.truncate(path, 5 << 20)
    assert [part.number for part in read(path)] == [1]


def test_a_chain_of_parts_that_has_no_end_is_followed_so_far(tmp_path: Path) -> None:
    path = disk(tmp_path / "disk.img", TABLES[2])
    link = 6144 * 512 + 446 + 16
    with path.open("r+b") as image:
        os.pwrite(image.fileno(), struct.pack("<B3xB3xII", 0, 5, 0, 4096), link)
    assert len(read(path)) < 100


@pytest.mark.parametrize("seed", range(30))
def test_damage_ends_in_parts_on_the_disk_or_none(tmp_path: Path, seed: int) -> None:
    noise = random.Random(seed)
    path = disk(tmp_path / "disk.img", noise.choice(TABLES))
    with path.open("r+b") as image:
        for _ in range(20):
            os.pwrite(
                image.fileno(), noise.randbytes(1), noise.choice([446, 512, 1024]) + noise.randrange(64)
            )
    for part in read(path):
        assert 0 < part.offset < part.offset + part.size_bytes <= SIZE


def test_what_a_system_keeps_for_itself_is_left_out_unless_there_is_nothing_else(tmp_path: Path) -> None:
    parts = read(make_disk(tmp_path / "a.img", "gpt", (EFI, None), (RESERVED, None), (BASIC, None)))
    assert [part.number for part in leave_out_system(parts)] == [3]
    assert leave_out_system(parts[:2]) == parts[:2]
    assert [part.kind for part in read(make_disk(tmp_path / "b.img", "dos", ("ef", None)))] == ["0xef"]
