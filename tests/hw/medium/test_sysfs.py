import os
from pathlib import Path

from hw.sticks.blockdev import BlockFacts, Counters
from tests.hw.stick_kit import DISK, PARTITION, make_sysfs


def test_finds_the_whole_disk_of_a_partition(tmp_path: Path) -> None:
    facts = make_sysfs(tmp_path, size_bytes=1 << 20)
    disk, part = facts.folder(DISK), facts.folder(PARTITION)
    assert disk
    assert part
    assert facts.disk(part) == facts.disk(disk) == disk
    assert facts.node(disk) == tmp_path / "dev/sdb"
    assert facts.partitions(disk) == (part,)
    assert facts.sequence(part) == "7"
    assert facts.size_bytes(part) == 1 << 20
    assert not facts.read_only(part)


def test_counts_in_bytes(tmp_path: Path) -> None:
    facts = make_sysfs(tmp_path, size_bytes=512)
    part = facts.folder(PARTITION)
    assert part
    assert facts.counters(part) == Counters(read_bytes=51_200, written_bytes=102_400)


def test_a_device_that_is_gone_has_no_facts(tmp_path: Path) -> None:
    facts = BlockFacts(sys=tmp_path, dev=tmp_path, mounts=tmp_path / "none")
    assert facts.folder(DISK) is None
    assert facts.counters(tmp_path) is None
    assert facts.size_bytes(tmp_path) == 0
    assert facts.sequence(tmp_path) == ""
    assert facts.node(tmp_path / "sdz") == tmp_path / "sdz"
    assert facts.system_disks() == frozenset()


def test_a_node_without_a_name_in_uevent_is_called_as_its_folder(tmp_path: Path) -> None:
    (tmp_path / "sdq").mkdir()
    (tmp_path / "sdq/uevent").write_text("MAJOR=8\n")
    assert BlockFacts(dev=Path("/dev")).node(tmp_path / "sdq") == Path("/dev/sdq")


def test_finds_the_disks_behind_the_root_through_a_mapping(tmp_path: Path) -> None:
    facts = make_sysfs(tmp_path, size_bytes=512)
    mapped = tmp_path / "sys/devices/virtual/block/dm-0"
    (mapped / "slaves").mkdir(parents=True)
    part = facts.folder(PARTITION)
    assert part
    (mapped / "slaves/sdb1").symlink_to(part)
    (facts.sys / "dev/block/253:0").symlink_to(mapped)
    facts.mounts.write_text(
        "30 1 253:0 / / rw - ext4 /dev/dm-0 rw\n"
        "31 1 0:5 / /proc rw - proc proc rw\n"
        "32 1 9:9 / /boot rw - x y rw\n"
    )
    assert facts.system_disks() == {facts.folder(DISK)}
    assert os.major(DISK) == 8
