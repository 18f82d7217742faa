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
