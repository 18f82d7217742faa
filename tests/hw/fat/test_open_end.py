"""A root whose chain a pull left open is what it was before; every other damage stays as it is."""

import os
import struct
from contextlib import suppress
from pathlib import Path

import pytest

from hw.errors import StickFormatError
from hw.fat.volume import open_volume
from tests.hw.images import check_fat, copy_in, mtools

END, FAR = 0x0FFFFFFF, 60_000
NAMES = [f"holiday-picture-number-{number}.jpg" for number in range(6)]  # more than one cluster of entries


class Fats:
    """The two FATs of an image, by cluster."""

    def __init__(self, image: Path) -> None:
        self.image = image
        boot = image.read_bytes()[:512]
        (sector_bytes,), (reserved,) = struct.unpack_from("<H", boot, 11), struct.unpack_from("<H", boot, 14)
        (sectors,) = struct.unpack_from("<I", boot, 36)
        self.starts = [(reserved + number * sectors) * sector_bytes for number in range(2)]
        (self.root,) = struct.unpack_from("<I", boot, 44)

    def put(self, fat: int, cluster: int, value: int) -> None:
        with self.image.open("r+b") as file:
            os.pwrite(file.fileno(), struct.pack("<I", value), self.starts[fat] + 4 * cluster)

    def get(self, fat: int, cluster: int) -> int:
        with self.image.open("rb") as file:
            return int(struct.unpack("<I", os.pread(file.fileno(), 4, self.starts[fat] + 4 * cluster))[0])

    def last(self, first: int | None = None) -> int:
        cluster = first or self.root
        while self.get(0, cluster) < 0x0FFFFFF8:
            cluster = self.get(0, cluster)
        return cluster


@pytest.fixture
def fats(image: Path) -> Fats:
    """A stick with files, whose root has several clusters."""
    for name in NAMES:
        copy_in(image, name, b"of the operator")
    fats = Fats(image)
    assert fats.last() != fats.root
    return fats


def names(image: Path) -> list[str]:
    with open_volume(image) as volume:
        return [item.name for item in volume.list()]


def test_a_root_that_a_pull_left_open_is_closed_and_holds_what_it_held(fats: Fats) -> None:
    last = fats.last()
    fats.put(0, last, FAR)
    assert names(fats.image) == NAMES
    assert fats.get(0, last) == fats.get(1, last) == END
    check_fat(fats.image)
    assert names(fats.image) == NAMES


def test_a_folder_of_ours_that_a_pull_left_open_is_closed_with_the_parts(fats: Fats) -> None:
    mtools(fats.image, "mmd", "::public")
    for name in NAMES:
        copy_in(fats.image, f"public/{name}", b"of the operator")
    first = int(mtools(fats.image, "mshowfat", "::public").split("<")[1].split(">")[0])
    last = fats.last(first)
    assert last != first
    fats.put(0, last, FAR)
    with open_volume(fats.image) as volume:
        assert volume.clean_parts() == ()
        volume.put_small("public/roots.pem", b"x" * 600)
        assert [item.name for item in volume.list("public")] == [*NAMES, "roots.pem"]
    check_fat(fats.image)


PARTS = ("pism__________________.part", "pism--------.part")


def chain(image: Path, name: str) -> list[int]:
    """Return the first and the last cluster of a file that lies in one piece."""
    return [
        int(each) for each in mtools(image, "mshowfat", f"::{name}").split("<")[1].split(">")[0].split("-")
    ]


@pytest.mark.parametrize("kept", [0, 1, 3], ids=lambda kept: f"{kept} clusters")
def test_parts_whose_clusters_a_pull_had_freed_are_cleaned_away(fats: Fats, kept: int) -> None:
    media = [fats.get(fat, 0) for fat in (0, 1)]
    taken: list[int] = []
    for name in PARTS:
        copy_in(fats.image, name, b"x" * 3000)
    for name in PARTS:
        first, last = chain(fats.image, name)
        assert last - first > kept
        taken += range(first, last + 1)
        for cluster in range(first + kept, last + 1):
            for fat in (0, 1):
                fats.put(fat, cluster, 0)
    with open_volume(fats.image) as volume:
        assert sorted(volume.clean_parts()) == sorted(PARTS)
        assert [item.name for item in volume.list()] == NAMES
    assert [fats.get(fat, 0) for fat in (0, 1)] == media
    assert {fats.get(fat, cluster) for fat in (0, 1) for cluster in taken} == {0}


def tear_long_name(fats: Fats, short: bytes) -> None:
    """Delete the first slot of a long name, as a pull inside a deletion leaves it."""
    checksum = 0
    for each in short:  # Microsoft FAT specification 1.03, ChkSum
        checksum = ((checksum >> 1) + ((checksum & 1) << 7) + each) & 0xFF
    data = fats.image.read_bytes()
    begins = 2 * fats.starts[1] - fats.starts[0]  # behind both FATs
    (place,) = (
        at
        for at in range(begins, begins + 64 * 1024, 32)
        if data[at] & 0x40 and data[at + 11] == 0x0F and data[at + 13] == checksum and data[at] != 0xE5
    )
    with fats.image.open("r+b") as file:
        os.pwrite(file.fileno(), b"\xe5", place)


def test_a_part_whose_long_name_a_pull_has_torn_is_known_by_its_short_one(fats: Fats) -> None:
    copy_in(fats.image, PARTS[0], b"x")
    tear_long_name(fats, b"PISM__~1PAR")
    copy_in(fats.image, "pismologist's notes.parable", b"of the operator")
    tear_long_name(fats, b"PISMOL~1PAR")
    assert {"PISM__~1.PAR", "PISMOL~1.PAR"} <= set(names(fats.image))
    with open_volume(fats.image) as volume:
        assert volume.clean_parts() == ("PISM__~1.PAR",)
        assert [item.name for item in volume.list()] == [*NAMES, "PISMOL~1.PAR"]


@pytest.mark.parametrize("damage", ["both are open", "the second goes elsewhere", "the cluster is taken"])
def test_every_other_damage_is_left_as_it_is(fats: Fats, damage: str) -> None:
    last = fats.last()
    fats.put(0, last, FAR)
    match damage:
        case "both are open":
            fats.put(1, last, FAR)
        case "the second goes elsewhere":
            fats.put(1, last, FAR + 1)
        case "the cluster is taken":
            fats.put(1, FAR, END)
    assert_untouched(fats.image)


def test_a_stick_without_write_bits_is_left_as_it_is(fats: Fats) -> None:
    fats.put(0, fats.last(), FAR)
    fats.image.chmod(0o400)
    assert_untouched(fats.image)


def test_where_one_fat_is_kept_nothing_says_how_it_was(fats: Fats) -> None:
    fats.put(0, fats.last(), FAR)
    with fats.image.open("r+b") as file:
        os.pwrite(file.fileno(), struct.pack("<H", 0x80), 40)
    assert_untouched(fats.image)


def assert_untouched(image: Path) -> None:
    before = image.read_bytes()
    with suppress(StickFormatError), open_volume(image) as volume:
        volume.list()
    assert image.read_bytes() == before
