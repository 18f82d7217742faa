"""Free room is counted in the FAT, whatever the FS information sector claims."""

import os
import random
import re
from pathlib import Path

import pytest

from hw.errors import StickFormatError, StickFullError, StickIoError
from hw.fat.listing import Geometry
from hw.fat.space import count_free_clusters, read_hint
from hw.fat.volume import FatVolume, open_volume
from hw.medium.node import NodeMedium
from tests.hw.images import ARCHIVE, check_fat, copy_in, mtools, set_hint
from tests.hw.medium.fake_kernel import BROKEN, TestKernel

WRONG = [0, 1, 5, 200_000, 0xFFFFFFF0, 0xFFFFFFFF]


def free_clusters_by_fsck(image: Path) -> int:
    """Return how many clusters are free, as the judge counts them."""
    used, all_of_them = re.search(r"(\d+)/(\d+) clusters", check_fat(image)).groups()  # type: ignore[union-attr]  it says so
    return int(all_of_them) - int(used)


@pytest.mark.parametrize("hint", WRONG)
def test_free_room_is_counted_and_a_wrong_hint_is_not_believed(image: Path, hint: int) -> None:
    copy_in(image, "a.bin", b"x" * 5000)
    expected = free_clusters_by_fsck(image) * 512
    set_hint(image, hint)
    with open_volume(image) as volume:
        assert volume.free_bytes == expected


@pytest.mark.parametrize("hint", WRONG)
def test_a_stick_with_a_wrong_hint_takes_files_and_stays_sound(image: Path, hint: int) -> None:
    data = random.Random(hint).randbytes(40_000)
    set_hint(image, hint)
    with open_volume(image) as volume:
        before = volume.free_bytes
        volume.put_small(ARCHIVE, data)
        volume.put_small("public/roots.pem", data)
        assert volume.get("public/roots.pem", len(data)) == data
        assert before - volume.free_bytes == (79 + 79 + 1) * 512
    with open_volume(image) as volume:
        assert volume.get(ARCHIVE, len(data)) == data
    check_fat(image)


def test_a_hint_that_is_right_stays_right(image: Path) -> None:
    with open_volume(image) as volume:
        volume.put_small(ARCHIVE, b"x" * 5000)
    assert f"free clusters={free_clusters_by_fsck(image)}" in mtools(image, "minfo", "::")


def test_a_full_stick_is_full_though_it_claims_to_be_empty(image: Path) -> None:
    with open_volume(image) as volume:
        free = volume.free_bytes
    copy_in(image, "filler.bin", bytes(free - 512))
    set_hint(image, 60_000)
    with open_volume(image) as volume:
        assert volume.free_bytes == 512
        with pytest.raises(StickFullError, match="the stick has 1 KB free"):
            volume.put_small(ARCHIVE, b"x")


def test_an_information_sector_that_is_none_says_nothing(image: Path) -> None:
    with image.open("r+b") as file:
        os.pwrite(file.fileno(), bytes(512), 512)
    with open_volume(image) as volume:
        volume.put_small(ARCHIVE, b"x" * 5000)
        assert volume.get(ARCHIVE, 5000) == b"x" * 5000


def shape(clusters: int, *, fat_offset: int = 0, info_offset: int = 0) -> Geometry:
    return Geometry(
        cluster_bytes=512, data_offset=0, clusters=clusters, fat_offset=fat_offset, info_offset=info_offset
    )


def write_fat(path: Path, entries: list[int]) -> Path:
    path.write_bytes(b"".join(entry.to_bytes(4, "little") for entry in (0x0FFFFFF8, 0x0FFFFFFF, *entries)))
    return path


@pytest.mark.parametrize("clusters", [1, 1000, (1 << 18) - 2, (1 << 18) - 1, 1 << 18, 600_000])
def test_every_entry_of_the_volume_counts_and_none_behind_it(tmp_path: Path, clusters: int) -> None:
    noise = random.Random(clusters)
    # the four reserved bits are no part of the number; 0x0FFFFFF7 is a bad cluster
    kinds = (0, 0, 0xF0000000, 0x10000000, 1, 3, 0x0FFFFFF7, 0x0FFFFFFF, 0x01000000)
    entries = noise.choices(kinds, k=clusters)
    image = write_fat(tmp_path / "fat", [*entries, 0, 0])
    medium = NodeMedium(image)
    free = sum(entry & 0x0FFFFFFF == 0 for entry in entries)
    assert count_free_clusters(medium, shape(clusters)) == free
    assert count_free_clusters(medium, shape(clusters), free) == free
    assert count_free_clusters(medium, shape(clusters), free + 1) == free
    medium.close()


def test_a_fat_that_ends_too_early_is_refused(tmp_path: Path) -> None:
    medium = NodeMedium(write_fat(tmp_path / "fat", [0] * 10))
    with pytest.raises(StickFormatError):
        count_free_clusters(medium, shape(11))
    assert read_hint(medium, shape(10, info_offset=10)) is None
    medium.close()


def test_a_fat_that_cannot_be_read_is_a_failing_stick(image: Path) -> None:
    with pytest.raises(StickIoError):
        FatVolume(NodeMedium(image, kernel=TestKernel(errors={("pread", ""): BROKEN})))
    kernel = TestKernel()
    with FatVolume(NodeMedium(image, kernel=kernel)) as volume:
        kernel.errors[("pread", "")] = BROKEN
        with pytest.raises(StickIoError):
            _ = volume.free_bytes
        with pytest.raises(StickIoError):
            volume.put_small(ARCHIVE, b"x")


def test_room_is_told_for_whole_clusters_and_the_folders_growth_and_nothing_is_written(image: Path) -> None:
    before = image.read_bytes()
    with open_volume(image) as volume:
        free = volume.free_bytes - 2 * 512
        assert volume.has_room([free])
        assert volume.has_room([free - 512, 1])
        assert not volume.has_room([free - 512, 1, 1])
        assert not volume.has_room([free + 1])
    assert image.read_bytes() == before
