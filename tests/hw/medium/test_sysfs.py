import os
from pathlib import Path

from hw.medium.sysfs import Sysfs
from hw.ports import Counters
from tests.hw.medium.fake_kernel import DISK, PARTITION, make_sysfs


def test_finds_the_whole_disk_of_a_partition(tmp_path: Path) -> None:
    sysfs = make_sysfs(tmp_path, size_bytes=1 << 20)
    disk, part = sysfs.folder(DISK), sysfs.folder(PARTITION)
    assert disk
    assert part
    assert sysfs.disk(part) == sysfs.disk(disk) == disk
    assert sysfs.node(disk) == tmp_path / "dev/sdb"
    assert sysfs.partitions(disk) == (part,)
    assert sysfs.sequence(part) == "7"
    assert sysfs.size_bytes(part) == 1 << 20
    assert not sysfs.read_only(part)


def test_counts_in_bytes(tmp_path: Path) -> None:
    sysfs = make_sysfs(tmp_path, size_bytes=512)
    part = sysfs.folder(PARTITION)
    assert part
    assert sysfs.counters(part) == Counters(read_bytes=51_200, written_bytes=102_400)


def test_a_device_that_is_gone_has_no_facts(tmp_path: Path) -> None:
    sysfs = Sysfs(sys=tmp_path, dev=tmp_path, mounts=tmp_path / "none")
    assert sysfs.folder(DISK) is None
    assert sysfs.counters(tmp_path) is None
    assert sysfs.size_bytes(tmp_path) == 0
    assert sysfs.sequence(tmp_path) == ""
    assert sysfs.node(tmp_path / "sdz") == tmp_path / "sdz"
    assert sysfs.system_disks() == frozenset()


def test_a_node_without_a_name_in_uevent_is_called_as_its_folder(tmp_path: Path) -> None:
    (tmp_path / "sdq").mkdir()
    (tmp_path / "sdq/uevent").write_text("MAJOR=8\n")
    assert Sysfs(dev=Path("/dev")).node(tmp_path / "sdq") == Path("/dev/sdq")


def test_finds_the_disks_behind_the_root_through_a_mapping(tmp_path: Path) -> None:
    sysfs = make_sysfs(tmp_path, size_bytes=512)
    mapped = tmp_path / "sys/devices/virtual/block/dm-0"
    (mapped / "slaves").mkdir(parents=True)
    part = sysfs.folder(PARTITION)
    assert part
    (mapped / "slaves/sdb1").symlink_to(part)
    (sysfs.sys / "dev/block/253:0").symlink_to(mapped)
    sysfs.mounts.write_text(
        "30 1 253:0 / / rw - ext4 /dev/dm-0 rw\n"
        "31 1 0:5 / /proc rw - proc proc rw\n"
        "32 1 9:9 / /boot rw - x y rw\n"
    )
    assert sysfs.system_disks() == {sysfs.folder(DISK)}
    assert os.major(DISK) == 8
