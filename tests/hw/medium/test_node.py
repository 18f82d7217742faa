import os
import threading
from pathlib import Path

import pytest

from hw.errors import StickFormatError, StickGoneError, StickInUseError, StickIoError, StickReadOnlyError
from hw.medium.node import NodeMedium
from hw.medium.sysfs import Sysfs
from tests.hw.medium.fake_kernel import (
    BROKEN,
    BUSY,
    DISK,
    GONE,
    PARTITION,
    REFUSED,
    TestKernel,
    count_io,
    make_sysfs,
)

SIZE = 1 << 20


class StoppedError(Exception):
    pass


def make_block(
    tmp_path: Path, *, errors: dict[tuple[str, str], int] | None = None, read_only: bool = False
) -> tuple[Path, TestKernel, Sysfs]:
    """Make a disk sdb with a partition sdb1: files that the kernel takes for devices."""
    sysfs = make_sysfs(tmp_path, size_bytes=SIZE, read_only=read_only)
    for name in ("sdb", "sdb1"):
        (tmp_path / "dev" / name).write_bytes(os.urandom(SIZE))
    kernel = TestKernel(blocks={"sdb": DISK, "sdb1": PARTITION}, errors=errors)
    return tmp_path / "dev/sdb1", kernel, sysfs


def make_image(tmp_path: Path) -> Path:
    path = tmp_path / "a.img"
    path.write_bytes(bytes(range(256)) * (SIZE // 256))
    return path


def test_claims_the_whole_disk_of_a_partition(tmp_path: Path) -> None:
    node, kernel, sysfs = make_block(tmp_path)
    medium = NodeMedium(node, kernel=kernel, sysfs=sysfs)
    assert [name for name, flags in kernel.opened if flags & os.O_EXCL] == ["sdb"]
    assert medium.size_bytes == SIZE
    assert medium.path == node
    assert not medium.read_only
    medium.close()
    medium.close()


@pytest.mark.parametrize(
    ("errors", "error"),
    [
        ({("open", "sdb"): BUSY}, StickInUseError),
        ({("open", "sdb1"): GONE}, StickGoneError),
        ({("open", "sdb1"): BROKEN}, StickIoError),
        ({("open", "sdb"): GONE}, StickGoneError),
    ],
)
def test_says_why_a_node_cannot_be_claimed(
    tmp_path: Path, errors: dict[tuple[str, str], int], error: type[Exception]
) -> None:
    node, kernel, sysfs = make_block(tmp_path, errors=errors)
    with pytest.raises(error):
        NodeMedium(node, kernel=kernel, sysfs=sysfs)


def test_never_takes_the_disk_that_the_machine_runs_from(tmp_path: Path) -> None:
    node, kernel, sysfs = make_block(tmp_path)
    sysfs.mounts.write_text("30 1 8:16 / / rw - ext4 /dev/sdb rw\n")
    with pytest.raises(StickInUseError, match="runs from"):
        NodeMedium(node, kernel=kernel, sysfs=sysfs)


def test_a_node_that_has_left_sysfs_is_gone(tmp_path: Path) -> None:
    node, kernel, sysfs = make_block(tmp_path)
    (sysfs.sys / "dev/block/8:17").unlink()
    with pytest.raises(StickGoneError):
        NodeMedium(node, kernel=kernel, sysfs=sysfs)


def test_a_device_says_that_it_is_write_protected(tmp_path: Path) -> None:
    node, kernel, sysfs = make_block(tmp_path, read_only=True)
    assert NodeMedium(node, kernel=kernel, sysfs=sysfs).read_only


def test_another_insertion_at_the_same_place_is_not_ours(tmp_path: Path) -> None:
    node, kernel, sysfs = make_block(tmp_path)
    medium = NodeMedium(node, kernel=kernel, sysfs=sysfs)
    medium.check()
    (sysfs.sys / "devices/pci0/usb1/1-1/host6/block/sdb/diskseq").write_text("8\n")
    with pytest.raises(StickGoneError):
        medium.check()
    with pytest.raises(StickGoneError, match="another stick"):
        medium.reopen()
    assert medium.fileno() < 0


def test_reopening_lets_every_handle_go_and_claims_again(tmp_path: Path) -> None:
    node, kernel, sysfs = make_block(tmp_path)
    medium = NodeMedium(node, kernel=kernel, sysfs=sysfs)
    kernel.opened.clear()
    medium.reopen()
    assert [name for name, flags in kernel.opened if flags & os.O_EXCL] == ["sdb"]
    kernel.errors[("open", "sdb")] = BUSY
    with pytest.raises(StickInUseError):
        medium.reopen()
    assert medium.fileno() < 0


def test_lets_the_claim_go_for_a_tool_that_claims_itself(tmp_path: Path) -> None:
    node, kernel, sysfs = make_block(tmp_path)
    medium = NodeMedium(node, kernel=kernel, sysfs=sysfs)
    kernel.opened.clear()
    with medium.unclaimed():
        assert kernel.opened == []
    assert [name for name, _ in kernel.opened] == ["sdb"]
    image = NodeMedium(make_image(tmp_path))
    with image.unclaimed():
        pass
    image.check()


@pytest.mark.parametrize(("number", "error"), [(BROKEN, StickIoError), (GONE, StickGoneError)])
@pytest.mark.parametrize("telling", [False, True])
def test_only_fsync_tells_that_writing_failed(
    tmp_path: Path, number: int, error: type[Exception], *, telling: bool
) -> None:
    node, kernel, sysfs = make_block(tmp_path, errors={("sync", ""): number})
    medium = NodeMedium(node, kernel=kernel, sysfs=sysfs)
    with pytest.raises(error):
        medium.flush((lambda _: None) if telling else None)


def test_a_failed_fsync_of_a_stick_that_left_says_gone(tmp_path: Path) -> None:
    node, kernel, sysfs = make_block(tmp_path, errors={("sync", ""): BROKEN})
    medium = NodeMedium(node, kernel=kernel, sysfs=sysfs)
    (sysfs.sys / "devices/pci0/usb1/1-1/host6/block/sdb/diskseq").write_text("8\n")
    with pytest.raises(StickGoneError):
        medium.flush()


def test_tells_how_far_the_device_is_while_it_flushes(tmp_path: Path) -> None:
    node, kernel, sysfs = make_block(tmp_path)

    class SlowKernel(TestKernel):
        def sync(self, descriptor: int) -> None:
            asked.wait(5)
            count_io(sysfs, read_sectors=100, written_sectors=208)

    def tell(written_bytes: int) -> None:
        told.append(written_bytes)
        asked.set()

    asked = threading.Event()
    told: list[int] = []
    NodeMedium(node, kernel=SlowKernel(blocks=kernel.blocks), sysfs=sysfs).flush(tell)
    assert (told[0], told[-1]) == (0, 8 * 512)


def test_flushing_ends_also_when_the_device_leaves(tmp_path: Path) -> None:
    node, kernel, sysfs = make_block(tmp_path)

    class LeavingKernel(TestKernel):
        def sync(self, descriptor: int) -> None:
            for path in sysfs.sys.glob("devices/**/stat"):
                path.unlink()

    told: list[int] = []
    NodeMedium(node, kernel=LeavingKernel(blocks=kernel.blocks), sysfs=sysfs).flush(told.append)
    assert told == []


def test_flushing_ends_also_when_the_caller_stops(tmp_path: Path) -> None:
    node, kernel, sysfs = make_block(tmp_path)
    flushed: list[int] = []

    class WaitingKernel(TestKernel):
        def sync(self, descriptor: int) -> None:
            told.wait(5)
            flushed.append(descriptor)

    told = threading.Event()

    def stop(_: int) -> None:
        told.set()
        raise StoppedError

    with pytest.raises(StoppedError):
        NodeMedium(node, kernel=WaitingKernel(blocks=kernel.blocks), sysfs=sysfs).flush(stop)
    assert flushed


def test_reads_off_the_medium_at_any_offset(tmp_path: Path) -> None:
    node, kernel, sysfs = make_block(tmp_path)
    medium = NodeMedium(node, kernel=kernel, sysfs=sysfs)
    data = node.read_bytes()
    for offset, length in ((0, 10), (4095, 2), (513, SIZE - 513), (100, 0)):
        pieces = medium.read_past_cache(offset, length)
        assert pieces is not None
        assert b"".join(pieces) == data[offset : offset + length]


def test_says_where_reading_past_the_cache_is_refused(tmp_path: Path) -> None:
    node, kernel, sysfs = make_block(tmp_path, errors={("direct", ""): REFUSED})
    medium = NodeMedium(node, kernel=kernel, sysfs=sysfs)
    assert medium.read_past_cache(0, 10) is None
    kernel.errors.clear()
    assert medium.read_past_cache(0, 10) is None


def test_a_refusal_may_come_with_the_first_read(tmp_path: Path) -> None:
    node, kernel, sysfs = make_block(tmp_path, errors={("read", ""): REFUSED})
    assert NodeMedium(node, kernel=kernel, sysfs=sysfs).read_past_cache(0, 10) is None


def test_a_read_that_fails_is_no_refusal(tmp_path: Path) -> None:
    node, kernel, sysfs = make_block(tmp_path, errors={("read", ""): BROKEN})
    medium = NodeMedium(node, kernel=kernel, sysfs=sysfs)
    with pytest.raises(StickIoError):
        medium.read_past_cache(0, 10)
    kernel.errors.clear()
    pieces = medium.read_past_cache(0, 10)
    assert pieces is not None
    kernel.errors[("read", "")] = BROKEN
    with pytest.raises(StickIoError):
        list(pieces)


def test_a_medium_that_ends_early_gives_less(tmp_path: Path) -> None:
    medium = NodeMedium(make_image(tmp_path), kernel=TestKernel())
    assert b"".join(medium.read_past_cache(SIZE - 5, 100) or ()) == bytes(range(251, 256))


def test_an_image_is_locked_instead(tmp_path: Path) -> None:
    image = make_image(tmp_path)
    medium = NodeMedium(image)
    assert medium.counters() is None
    with pytest.raises(StickInUseError):
        NodeMedium(image)
    medium.flush(lambda _: None)
    medium.close()
    NodeMedium(image).close()


def test_an_image_that_was_deleted_is_gone(tmp_path: Path) -> None:
    image = make_image(tmp_path)
    medium = NodeMedium(image)
    medium.check()
    image.unlink()
    with pytest.raises(StickGoneError):
        medium.check()
    medium.close()
    with pytest.raises(StickGoneError):
        medium.check()


def test_an_image_without_write_bits_is_write_protected(tmp_path: Path) -> None:
    image = make_image(tmp_path)
    image.chmod(0o444)
    assert NodeMedium(image).read_only


def test_refuses_what_is_no_node_and_no_file(tmp_path: Path) -> None:
    with pytest.raises(StickFormatError):
        NodeMedium(tmp_path)
    with pytest.raises(StickGoneError):
        NodeMedium(tmp_path / "none")


def test_a_file_system_that_went_read_only_says_so(tmp_path: Path) -> None:
    medium = NodeMedium(make_image(tmp_path), kernel=TestKernel(errors={("sync", ""): 30}))
    with pytest.raises(StickReadOnlyError):
        medium.flush()
