import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from hw.errors import StickVerifyError
from hw.fat.listing import Extent
from hw.fat.readback import hash_extents, hash_reopened
from hw.medium.node import NodeMedium
from tests.hw.medium.fake_kernel import DISK, PARTITION, REFUSED, TestKernel, make_sysfs

DATA = bytes(range(256)) * 64


def make_medium(tmp_path: Path, **errors: int) -> NodeMedium:
    sysfs = make_sysfs(tmp_path, size_bytes=len(DATA))
    for name in ("sdb", "sdb1"):
        (tmp_path / "dev" / name).write_bytes(DATA)
    kernel = TestKernel(
        blocks={"sdb": DISK, "sdb1": PARTITION}, errors={(key, ""): number for key, number in errors.items()}
    )
    return NodeMedium(tmp_path / "dev/sdb1", kernel=kernel, sysfs=sysfs)


def reader(tmp_path: Path, *, sectors: int) -> Callable[[Callable[[bytes], object]], None]:
    """Read the file, with the device counting that many sectors."""

    def read(sink: Callable[[bytes], object]) -> None:
        sink(DATA)
        for path in tmp_path.glob("sys/devices/**/stat"):
            path.write_text(f"1 2 {100 + sectors} 4 5 6 200 8\n")

    return read


def test_hashes_the_extents_in_order(tmp_path: Path) -> None:
    medium = make_medium(tmp_path)
    told: list[int] = []
    extents = (Extent(offset=512, length=100), Extent(offset=0, length=7))
    digest = hash_extents(medium, extents, told.append)
    assert digest == hashlib.sha256(DATA[512:612] + DATA[:7]).hexdigest()
    assert told == [100, 107]


def test_says_where_the_cache_cannot_be_passed(tmp_path: Path) -> None:
    medium = make_medium(tmp_path, direct=REFUSED)
    assert hash_extents(medium, (Extent(offset=0, length=7),), lambda _: None) is None


def test_reads_again_with_every_handle_closed(tmp_path: Path) -> None:
    medium = make_medium(tmp_path)
    sectors = len(DATA) // 512
    digest = hash_reopened(medium, len(DATA), reader(tmp_path, sectors=sectors))
    assert digest == hashlib.sha256(DATA).hexdigest()


def test_refuses_bytes_that_the_device_did_not_count(tmp_path: Path) -> None:
    medium = make_medium(tmp_path)
    with pytest.raises(StickVerifyError, match="cache"):
        hash_reopened(medium, len(DATA), reader(tmp_path, sectors=len(DATA) // 512 - 1))


def test_an_image_has_nobody_who_counts(tmp_path: Path) -> None:
    image = tmp_path / "a.img"
    image.write_bytes(DATA)
    digest = hash_reopened(NodeMedium(image), len(DATA), reader(tmp_path, sectors=0))
    assert digest == hashlib.sha256(DATA).hexdigest()
