import errno
import queue
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hw.ports import HardwareEvent, StickGoneError, StickInserted, StickRemoved
from hw.sticks.blockdev import BlockFacts
from hw.sticks.node import NodeMedium
from hw.sticks.sticks import StickBook, UdevListener, UdevSticks
from tests.hw.stick_kit import make_stick, make_sysfs
from tests.hw.udev_kit import (
    BLANK,
    DISK,
    EXFAT,
    PARTITION,
    PARTITIONED_DISK,
    PULLED_DISK,
    PULLED_PARTITION,
    SUPERFLOPPY,
    FakeListener,
    event,
)

NOTHING: frozenset[str] = frozenset()


def summary(events: tuple[HardwareEvent, ...]) -> list[str]:
    """Return events in short: + label for a stick that came, - for one that left."""
    told = []
    for item in events:
        if isinstance(item, StickInserted):
            told.append(f"+{item.stick.label or item.stick.filesystem or 'blank'}")
        elif isinstance(item, StickRemoved):
            told.append("-")
    return told


def play(*devices: Any) -> list[str]:
    """Return what a new book tells of these events."""
    book = StickBook()
    return [line for device in devices for line in summary(book.take(device, NOTHING))]


def test_a_partition_comes_and_goes() -> None:
    assert play(
        event("add", PARTITIONED_DISK, partitions=1),
        event("add", PARTITION),
        event("remove", PARTITION, size_bytes=0),
        event("remove", PARTITIONED_DISK, size_bytes=0),
    ) == ["+MY LAB", "-"]


def test_a_stick_without_partition_table_comes_and_goes() -> None:
    assert play(event("add", SUPERFLOPPY), event("remove", SUPERFLOPPY, size_bytes=0)) == ["+PISM-ALL", "-"]


@pytest.mark.parametrize(("properties", "told"), [(EXFAT, "+EX"), (BLANK, "+blank")])
def test_what_is_no_fat_is_told_too(properties: dict[str, str], told: str) -> None:
    assert play(event("add", properties)) == [told]


def test_changes_that_our_own_writes_make_are_not_answered() -> None:
    formatted = BLANK | {"ID_FS_LABEL_ENC": "PISM-NEW", "ID_FS_TYPE": "vfat", "ID_FS_USAGE": "filesystem"}
    changes = [event("change", BLANK), event("change", formatted), event("change", formatted)]
    assert play(event("add", BLANK), *changes) == ["+blank"]


def test_a_stick_pulled_while_udev_looked_at_it_is_not_told() -> None:
    assert (
        play(
            event("add", PULLED_DISK, size_bytes=0),
            event("add", PULLED_PARTITION, size_bytes=0),
            event("remove", PULLED_PARTITION, size_bytes=0),
            event("remove", PULLED_DISK, size_bytes=0),
        )
        == []
    )


def test_a_removal_that_lost_its_properties_is_matched_by_place() -> None:
    assert play(
        event("add", SUPERFLOPPY), event("remove", {"DEVTYPE": "disk", "ID_BUS": "scsi"}, size_bytes=0)
    ) == [
        "+PISM-ALL",
        "-",
    ]


def test_a_medium_that_changes_in_its_slot_is_another_stick() -> None:
    other = SUPERFLOPPY | {"ID_FS_LABEL_ENC": "OTHER", "DISKSEQ": "9"}
    assert play(event("add", SUPERFLOPPY), event("change", other)) == ["+PISM-ALL", "-", "+OTHER"]
    assert play(event("add", SUPERFLOPPY), event("change", SUPERFLOPPY, size_bytes=0)) == ["+PISM-ALL", "-"]
    assert play(event("add", BLANK, size_bytes=0), event("change", SUPERFLOPPY)) == ["+PISM-ALL"]


def test_partitions_of_a_disk_that_is_a_volume_itself_are_none() -> None:
    assert play(event("add", SUPERFLOPPY, partitions=1), event("add", PARTITION)) == ["+PISM-ALL"]


def test_the_machines_own_disk_is_no_stick() -> None:
    assert StickBook().take(event("add", PARTITION), frozenset({DISK})) == ()


def test_an_enumeration_tells_what_came_and_what_went() -> None:
    book = StickBook()
    first = event("", SUPERFLOPPY)
    assert summary(book.compare((first,), NOTHING)) == ["+PISM-ALL"]
    assert book.compare((first,), NOTHING) == ()
    other = event("", PARTITION, path=DISK.replace("2-1", "2-2") + "/sdb1")
    assert summary(book.compare((other,), NOTHING)) == ["-", "+MY LAB"]
    assert first.identity not in book
    assert other.identity in book


class Box:
    """The real thread over listeners that are made one after the other."""

    def __init__(self, *listeners: FakeListener | OSError) -> None:
        self._listeners = iter(listeners)
        self.events: queue.Queue[HardwareEvent] = queue.Queue()
        self.opened: list[Path] = []
        self.sticks = UdevSticks(listen=self._listen, open_node=self._open, waits_s=(0.0, 0.0))
        self.sticks.start(self.events.put)

    def _listen(self) -> FakeListener:
        listener = next(self._listeners)
        if isinstance(listener, OSError):
            raise listener
        return listener

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
    assert summary((real.next(), real.next())) == ["-", "+MY LAB"]
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

    sticks = UdevSticks(listen=lambda: listener, open_node=open_late)
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


def make_listener(tmp_path: Path, **properties: str) -> tuple[UdevListener, FakeUdev, BlockFacts]:
    facts = make_sysfs(tmp_path, size_bytes=2 << 20, read_only=True)
    path = "/devices/pci0/usb1/1-1/host6/block/sdb"
    udev = FakeUdev(SimpleNamespace(device_path=path, action="add", properties=properties))
    return UdevListener(facts, udev), udev, facts


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
    listener, _, facts = make_listener(tmp_path)
    heard = listener.receive()
    assert heard is not None
    assert (heard.action, heard.sequence) == ("add", "7")
    assert listener.receive() is None
    assert listener.fileno() == 0
    facts.mounts.write_text("30 1 8:17 / / rw - ext4 /dev/sdb1 rw\n")
    assert listener.system_disks() == {"/devices/pci0/usb1/1-1/host6/block/sdb"}
    listener.close()


def test_a_device_that_leaves_while_all_are_listed_breaks_the_listener(tmp_path: Path) -> None:
    listener, udev, _ = make_listener(tmp_path)
    udev.leaving = True
    with pytest.raises(OSError, match="left"):
        list(listener.present())
