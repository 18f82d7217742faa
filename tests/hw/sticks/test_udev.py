"""The listening threads, over a listener that plays events and a stand-in for pyudev."""

import errno
import os
import queue
import select
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hw.errors import StickGoneError
from hw.medium.node import NodeMedium
from hw.medium.sysfs import Sysfs
from hw.ports import HardwareEvent, StickInserted, StickRemoved
from hw.sticks.insertions import BlockDevice
from hw.sticks.udev import UdevListener, UdevSticks, Watch, look_at_device
from tests.hw.disks import BASIC, EFI, judge, make_disk
from tests.hw.images import make_stick
from tests.hw.medium.fake_kernel import make_sysfs
from tests.hw.sticks.udev_events import (
    DISK,
    PARTITION,
    PARTITIONED_DISK,
    SUPERFLOPPY,
    FakeListener,
    event,
    summarize,
)


class Box:
    """The real thread over listeners that are made one after the other."""

    def __init__(self, *listeners: FakeListener | OSError) -> None:
        self._listeners = iter(listeners)
        self.events: queue.Queue[HardwareEvent] = queue.Queue()
        self.opened: list[Path] = []
        self.looked_at: list[str] = []
        self.sticks = UdevSticks(
            listen=self._listen, open_node=self._open, look=self._look, waits_s=(0.0, 0.0)
        )
        self.sticks.start(self.events.put)

    def _listen(self) -> FakeListener:
        listener = next(self._listeners)
        if isinstance(listener, OSError):
            raise listener
        return listener

    def _look(self, device: BlockDevice) -> BlockDevice:
        """Find what the event says already."""
        self.looked_at.append(f"{device.action} {device.path.rpartition('/')[2]}".strip())
        return device

    def _open(self, node: Path) -> NodeMedium:
        self.opened.append(node)
        return NodeMedium(node)

    def next(self) -> HardwareEvent:
        return self.events.get(timeout=10)


@pytest.fixture
def box() -> Iterator[Callable[..., Box]]:
    made: list[Box] = []

    def make(*listeners: FakeListener | OSError) -> Box:
        made.append(Box(*listeners))
        return made[-1]

    yield make
    for item in made:
        item.sticks.close()
        item.sticks.close()


def test_posts_what_is_in_and_then_what_changes(box: Callable[..., Box]) -> None:
    listener = FakeListener(event("", SUPERFLOPPY))
    real = box(listener)
    assert isinstance(real.next(), StickInserted)
    listener.play(None, event("change", SUPERFLOPPY), event("remove", SUPERFLOPPY, size_bytes=0))
    assert isinstance(real.next(), StickRemoved)
    real.sticks.close()
    assert listener.closed
    assert real.events.empty()


def test_a_stick_is_looked_at_once_an_insertion_and_never_when_it_leaves(box: Callable[..., Box]) -> None:
    """Each write of ours makes a change event: to look again would read a stick in the middle of its job."""
    listener = FakeListener(event("", SUPERFLOPPY))
    real = box(listener)
    real.next()
    listener.play(*[event("change", SUPERFLOPPY)] * 3, event("remove", SUPERFLOPPY, size_bytes=0))
    real.next()
    listener.play(event("add", PARTITIONED_DISK, partitions=1), event("add", PARTITION))
    listener.play(event("change", PARTITION), event("change", PARTITIONED_DISK, partitions=1))
    real.next()
    listener.play(event("remove", PARTITION, size_bytes=0))
    real.next()
    assert real.looked_at == ["sda", "add sda", "add sda1", "change sda"]


def test_the_machines_own_disk_is_not_looked_at(box: Callable[..., Box]) -> None:
    other = event("", SUPERFLOPPY | {"DISKSEQ": "9"}, path=DISK.replace("2-1", "2-2"))
    real = box(FakeListener(event("", SUPERFLOPPY), other, system=frozenset({DISK})))
    real.next()
    real.sticks.close()
    assert real.looked_at == ["sda"]


def test_what_lies_on_a_stick_is_read_off_it_whatever_udev_says(tmp_path: Path) -> None:
    disk = make_disk(tmp_path / "sda", "gpt", (EFI, "EFI"), (BASIC, "PISM-ALL"))
    properties = PARTITION | {"DEVNAME": str(tmp_path / "sda2"), "ID_FS_LABEL_ENC": "PISM-CONFIG"}
    part = judge(disk)[1]
    device = replace(event("add", properties, size_bytes=part["size"] * 512), start_bytes=part["start"] * 512)
    found = look_at_device(device)
    assert found.stick().label == "PISM-ALL"
    assert found.properties["ID_PART_ENTRY_TYPE"] == BASIC
    assert found.properties["DISKSEQ"] == PARTITION["DISKSEQ"]


def test_a_node_that_cannot_be_opened_is_no_stick(tmp_path: Path) -> None:
    device = look_at_device(event("add", SUPERFLOPPY | {"DEVNAME": str(tmp_path / "sda")}))
    assert not device.on_usb


@pytest.mark.parametrize("how", ["error", "hang up"])
def test_a_listener_that_breaks_is_made_anew_and_nothing_is_lost(box: Callable[..., Box], how: str) -> None:
    first = FakeListener(event("", SUPERFLOPPY))
    other = event("", PARTITION, path=DISK.replace("2-1", "2-2") + "/sdb1")
    second = FakeListener(other)
    real = box(first, OSError(errno.ENOBUFS, "no room"), OSError(errno.ENOBUFS, "no room"), second)
    assert isinstance(real.next(), StickInserted)
    if how == "error":
        first.play(OSError(errno.ENOBUFS, "events were lost"))
    else:
        first.hang_up()
    assert summarize((real.next(), real.next())) == ["-", "+MY LAB"]
    assert first.closed


def test_ends_also_while_udev_cannot_be_heard() -> None:
    def fail() -> FakeListener:
        raise OSError(errno.ENOENT, "no udev")

    sticks = UdevSticks(listen=fail)
    sticks.start(lambda _: None)
    sticks.close()


def test_opens_a_stick_only_as_long_as_that_insertion_lasts(box: Callable[..., Box], tmp_path: Path) -> None:
    image = make_stick(tmp_path / "sda")
    listener = FakeListener(event("", SUPERFLOPPY | {"DEVNAME": str(image)}))
    real = box(listener)
    inserted = real.next()
    assert isinstance(inserted, StickInserted)
    real.sticks.open_medium(inserted.stick).close()
    assert real.opened == [image]
    listener.play(event("remove", SUPERFLOPPY, size_bytes=0))
    real.next()
    with pytest.raises(StickGoneError):
        real.sticks.open_medium(inserted.stick)


def test_a_stick_that_leaves_while_it_is_opened_is_let_go(tmp_path: Path) -> None:
    image = make_stick(tmp_path / "sda")
    listener = FakeListener(event("", SUPERFLOPPY | {"DEVNAME": str(image)}))
    events: queue.Queue[HardwareEvent] = queue.Queue()

    def open_late(node: Path) -> NodeMedium:
        medium = NodeMedium(node)
        listener.play(event("remove", SUPERFLOPPY, size_bytes=0))
        assert isinstance(events.get(timeout=10), StickRemoved)
        return medium

    sticks = UdevSticks(listen=lambda: listener, open_node=open_late, look=lambda device: device)
    sticks.start(events.put)
    inserted = events.get(timeout=10)
    assert isinstance(inserted, StickInserted)
    with pytest.raises(StickGoneError):
        sticks.open_medium(inserted.stick)
    NodeMedium(image).close()
    sticks.close()


class FakeUdev(SimpleNamespace):
    """What UdevListener uses of pyudev: devices as libudev gives them."""

    def __init__(self, *devices: Any) -> None:
        super().__init__(calls=[], heard=list(devices), leaving=False)

    def Context(self) -> "FakeUdev":  # noqa: N802  (pyudev's name)
        return self

    @property
    def Monitor(self) -> "FakeUdev":  # noqa: N802  (pyudev's name)
        return self

    def from_netlink(self, context: object, source: str) -> "FakeUdev":
        self.calls.append(("from_netlink", source))
        return self

    def filter_by(self, subsystem: str) -> None:
        self.calls.append(("filter_by", subsystem))

    def start(self) -> None:
        self.calls.append(("start", ""))

    def fileno(self) -> int:
        return 0

    def list_devices(self, subsystem: str) -> Iterator[Any]:
        self.calls.append(("list_devices", subsystem))
        yield from self.heard
        if self.leaving:
            raise LookupError

    def poll(self, timeout: float) -> Any:
        return self.heard.pop(0) if self.heard else None


def make_listener(tmp_path: Path, **properties: str) -> tuple[UdevListener, FakeUdev, Sysfs]:
    sysfs = make_sysfs(tmp_path, size_bytes=2 << 20, read_only=True)
    path = "/devices/pci0/usb1/1-1/host6/block/sdb"
    udev = FakeUdev(SimpleNamespace(device_path=path, action="add", properties=properties))
    return UdevListener(sysfs, udev), udev, sysfs


def test_listens_before_it_enumerates(tmp_path: Path) -> None:
    listener, udev, _ = make_listener(tmp_path, DEVNAME="/dev/sdb", DISKSEQ="12")
    (device,) = listener.present()
    assert udev.calls == [
        ("from_netlink", "udev"),
        ("filter_by", "block"),
        ("start", ""),
        ("list_devices", "block"),
    ]
    assert device == event(
        "",
        {"DEVNAME": "/dev/sdb", "DISKSEQ": "12"},
        path="/devices/pci0/usb1/1-1/host6/block/sdb",
        size_bytes=2 << 20,
        partitions=1,
    ).__class__(
        action="",
        path="/devices/pci0/usb1/1-1/host6/block/sdb",
        properties={"DEVNAME": "/dev/sdb", "DISKSEQ": "12"},
        size_bytes=2 << 20,
        read_only=True,
        sequence="12",
        partitions=1,
    )


def test_hears_events_and_reads_the_sequence_from_sysfs_when_udev_has_none(tmp_path: Path) -> None:
    listener, _, sysfs = make_listener(tmp_path)
    heard = listener.receive()
    assert heard is not None
    assert (heard.action, heard.sequence) == ("add", "7")
    assert listener.receive() is None
    assert listener.fileno() == 0
    sysfs.mounts.write_text("30 1 8:17 / / rw - ext4 /dev/sdb1 rw\n")
    assert listener.system_disks() == {"/devices/pci0/usb1/1-1/host6/block/sdb"}
    listener.close()


def test_a_device_that_leaves_while_all_are_listed_breaks_the_listener(tmp_path: Path) -> None:
    listener, udev, _ = make_listener(tmp_path)
    udev.leaving = True
    with pytest.raises(OSError, match="left"):
        list(listener.present())


def test_it_wakes_for_what_can_be_read_and_for_the_end() -> None:
    watch, heard = Watch("test"), queue.SimpleQueue[dict[int, int] | None]()
    source, sink = os.pipe()

    def run() -> None:
        while (ready := watch.wait(None, source)) is not None:
            os.read(source, 1)
            heard.put(ready)
        heard.put(None)

    watch.start(run)
    os.write(sink, b"x")
    assert heard.get(timeout=10) == {source: select.POLLIN}
    watch.stop()
    assert heard.get(timeout=10) is None
    watch.stop()
    os.close(source)
    os.close(sink)


def test_nothing_is_ready_when_the_time_is_over() -> None:
    watch, heard = Watch("test"), queue.SimpleQueue[dict[int, int] | None]()
    watch.start(lambda: heard.put(watch.wait(0.001)))
    assert heard.get(timeout=10) == {}
    watch.stop()


def test_a_descriptor_that_broke_is_told_as_such() -> None:
    watch, heard = Watch("test"), queue.SimpleQueue[dict[int, int] | None]()
    source, sink = os.pipe()
    os.close(sink)
    watch.start(lambda: heard.put(watch.wait(None, source)))
    assert heard.get(timeout=10) == {source: select.POLLHUP}
    watch.stop()
    os.close(source)


def test_one_that_was_never_started_stops_at_once() -> None:
    Watch("test").stop()
