"""One suite for the port Medium: block node, image file, and the emulated stick without and with its cache.

A block node is a file that the kernel's stand-in takes for one, described by a sysfs of its own; a real
one, and a real pull, are the test machine's.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest

from hw.errors import StickExistsError, StickGoneError, StickInUseError, StickReadOnlyError
from hw.fat.mkfs import MIN_BYTES, format_stick
from hw.fat.volume import FatVolume
from hw.medium.node import NodeMedium
from hw.medium.part import PartMedium
from hw.ports import Medium
from hw.sticks.emulated import EmulatedSticks, Faults
from tests.hw.disks import BASIC, EFI, judge, make_disk
from tests.hw.images import make_stick
from tests.hw.medium.fake_kernel import BUSY, DISK, PARTITION, TestKernel, make_sysfs

NAME = "pism-receipt-main-kudo-000001.json"
DATA = bytes(range(256)) * 200


class Bench(Protocol):
    """A stick that can be claimed and pulled; `path` is its node or image."""

    path: Path

    def claim(self) -> Medium: ...

    def claim_twice(self) -> Medium: ...

    def pull(self) -> None: ...


class ImageBench:
    def __init__(self, folder: Path, *, read_only: bool) -> None:
        self.path = make_stick(folder / "a.img")
        self.path.chmod(0o400 if read_only else 0o600)

    def claim(self) -> Medium:
        return NodeMedium(self.path)

    def claim_twice(self) -> Medium:
        return NodeMedium(self.path)

    def pull(self) -> None:
        self.path.unlink()


class BlockBench:
    def __init__(self, folder: Path, *, read_only: bool) -> None:
        self._folder = folder
        size_bytes = make_stick(folder / "stick").stat().st_size
        self._sysfs = make_sysfs(folder, size_bytes=size_bytes, read_only=read_only)
        self.path = (folder / "stick").rename(folder / "dev/sdb1")
        (folder / "dev/sdb").touch()

    def claim(self) -> Medium:
        kernel = TestKernel(blocks={"sdb": DISK, "sdb1": PARTITION})
        return NodeMedium(self.path, kernel=kernel, sysfs=self._sysfs)

    def claim_twice(self) -> Medium:
        kernel = TestKernel(blocks={"sdb": DISK, "sdb1": PARTITION}, errors={("open", "sdb"): BUSY})
        return NodeMedium(self.path, kernel=kernel, sysfs=self._sysfs)

    def pull(self) -> None:
        sequence = self._folder / "sys/devices/pci0/usb1/1-1/host6/block/sdb/diskseq"
        sequence.write_text("8\n")


class EmulatedBench:
    """Without a fault, or with one that never comes: then a copy stands for the page cache."""

    def __init__(self, folder: Path, *, read_only: bool, cached: bool = False) -> None:
        self._sticks = EmulatedSticks()
        self.path = make_stick(folder / "a.img")
        self.path.chmod(0o400 if read_only else 0o600)
        faults = Faults(yank_at_byte=1 << 40) if cached else None
        self._stick = self._sticks.insert(self.path, faults)

    def claim(self) -> Medium:
        return self._sticks.open_medium(self._stick)

    def claim_twice(self) -> Medium:
        return self.claim()

    def pull(self) -> None:
        self._sticks.pull(self._stick)


class CachedBench(EmulatedBench):
    def __init__(self, folder: Path, *, read_only: bool) -> None:
        super().__init__(folder, read_only=read_only, cached=True)


class PartBench:
    """The second part of an image of a whole disk."""

    def __init__(self, folder: Path, *, read_only: bool) -> None:
        self.path = make_disk(folder / "disk.img", "gpt", (EFI, None), (BASIC, "PISM-ALL"))
        self.path.chmod(0o400 if read_only else 0o600)
        self._part = judge(self.path)[1]

    def claim(self) -> Medium:
        return PartMedium(NodeMedium(self.path), self._part["start"] * 512, self._part["size"] * 512)

    def claim_twice(self) -> Medium:
        return self.claim()

    def pull(self) -> None:
        self.path.unlink()


SIDES = [ImageBench, BlockBench, EmulatedBench, CachedBench, PartBench]


@pytest.fixture(params=SIDES, ids=["image", "block node", "emulated", "emulated with cache", "part"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Bench]:
    def made(*, read_only: bool = False) -> Bench:
        bench: Bench = request.param(tmp_path, read_only=read_only)
        return bench

    return made


@pytest.fixture
def bench(make: Callable[..., Bench]) -> Bench:
    return make()


@pytest.fixture
def medium(bench: Bench) -> Iterator[Medium]:
    claimed = bench.claim()
    yield claimed
    claimed.close()


def write(medium: Medium, data: bytes, offset: int) -> None:
    """Write as a tool does: the descriptor is opened again, for writing."""
    with open(f"/proc/self/fd/{medium.fileno()}", "r+b", buffering=0) as node:  # noqa: PTH123
        os.pwrite(node.fileno(), data, medium.offset_bytes + offset)


def read(medium: Medium, offset: int, length: int) -> bytes:
    pieces = medium.read_past_cache(offset, length)
    assert pieces is not None
    return b"".join(pieces)


def test_says_what_it_is(bench: Bench, medium: Medium) -> None:
    assert medium.path == bench.path
    assert medium.size_bytes == (MIN_BYTES if medium.offset_bytes else bench.path.stat().st_size)
    assert not medium.read_only
    medium.check()


def test_says_that_it_is_write_protected(make: Callable[..., Bench]) -> None:
    medium = make(read_only=True).claim()
    assert medium.read_only
    with FatVolume(medium) as volume, pytest.raises(StickReadOnlyError):
        volume.put_small(NAME, DATA)


def test_what_was_flushed_is_read_past_the_cache(medium: Medium) -> None:
    told: list[int] = []
    write(medium, DATA, 20_000_001)
    medium.flush(told.append)
    assert read(medium, 20_000_001, len(DATA)) == DATA
    assert read(medium, 20_000_000, 2) == b"\0" + DATA[:1]
    medium.flush()


def test_what_a_tool_wrote_is_read_before_it_is_flushed(medium: Medium) -> None:
    write(medium, DATA, 20_000_001)
    assert b"".join(medium.read(20_000_001, len(DATA))) == DATA
    assert [len(piece) for piece in medium.read(1, (1 << 20) + 5)] == [1 << 20, 5]
    assert b"".join(medium.read(medium.size_bytes - 3, 10)) == bytes(3)


def test_a_second_claim_is_refused(bench: Bench, medium: Medium) -> None:
    medium.check()
    with pytest.raises(StickInUseError):
        bench.claim_twice()


def test_a_pulled_stick_is_gone(bench: Bench, medium: Medium) -> None:
    write(medium, DATA, 20_000_001)
    bench.pull()
    with pytest.raises(StickGoneError):
        list(medium.read(medium.size_bytes, 1))
    for ask in (medium.check, medium.flush, medium.reopen):
        with pytest.raises(StickGoneError):
            ask()
    assert medium.fileno() < 0  # what cannot be claimed anew is let go


def test_it_is_claimed_anew_with_what_it_held(bench: Bench, medium: Medium) -> None:
    write(medium, DATA, 20_000_001)
    medium.flush()
    medium.reopen()
    assert read(medium, 20_000_001, len(DATA)) == DATA
    with pytest.raises(StickInUseError):
        bench.claim_twice()


def test_the_node_stays_open_while_the_claim_is_let_go(medium: Medium) -> None:
    with medium.unclaimed():
        write(medium, DATA, 20_000_001)
    medium.flush()
    assert read(medium, 20_000_001, len(DATA)) == DATA


def test_closing_lets_another_claim_it_and_may_be_repeated(bench: Bench, medium: Medium) -> None:
    medium.close()
    medium.close()
    assert medium.fileno() < 0
    bench.claim().close()


def test_a_volume_keeps_a_file_and_overwrites_none(bench: Bench) -> None:
    with FatVolume(bench.claim()) as volume:
        volume.put_small(NAME, DATA)
        with pytest.raises(StickExistsError):
            volume.put_small(NAME, b"other")
    with FatVolume(bench.claim()) as volume:
        assert volume.get(NAME, len(DATA)) == DATA


def test_a_volume_is_gone_with_its_stick(bench: Bench) -> None:
    with FatVolume(bench.claim()) as volume:
        bench.pull()
        with pytest.raises(StickGoneError):
            volume.put_small(NAME, DATA)


def test_formatting_leaves_an_empty_volume(bench: Bench) -> None:
    with FatVolume(bench.claim()) as volume:
        volume.put_small(NAME, DATA)
    format_stick(bench.claim(), "PISM-NEW")
    with FatVolume(bench.claim()) as volume:
        assert volume.label == "PISM-NEW"
        assert volume.list() == ()
