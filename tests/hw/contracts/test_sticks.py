"""One suite for the sockets of the box and their twin.

What only a USB bus can do (a real pull, a real error of a flash) is left to the test machine: the driver
runs here over a listener that plays udev's events, and over image files in the place of block nodes.
"""

import errno
import queue
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import pytest

from hw.errors import StickGoneError, StickInUseError
from hw.fat.mkfs import format_stick
from hw.fat.volume import FatVolume, open_volume
from hw.ports import HardwareEvent, Stick, StickInserted, StickRemoved, Sticks
from hw.sticks.emulated import EmulatedSticks
from hw.sticks.udev import UdevSticks
from hw.sticks.usb import Listener, UsbSockets
from tests.hw.disks import BASIC, EFI, RESERVED, judge, make_disk, take_part
from tests.hw.images import ask_blkid, make_stick
from tests.hw.sticks.udev_events import FakeListener, event


class Bench(Protocol):
    """Sockets, and somebody who puts sticks in and pulls them."""

    sticks: Sticks

    def insert(self, image: Path) -> None: ...

    def insert_disk(self, image: Path) -> None: ...

    def pull(self, image: Path) -> None: ...


class EmulatedBench:
    def __init__(self) -> None:
        self.sticks = EmulatedSticks()
        self._in: dict[Path, Stick] = {}

    def insert(self, image: Path) -> None:
        self._in[image] = self.sticks.insert(image)

    def insert_disk(self, image: Path) -> None:
        self.insert(image)

    def pull(self, image: Path) -> None:
        self.sticks.pull(self._in.pop(image))


class UdevBench:
    def __init__(self) -> None:
        self._listener = FakeListener()
        self._count = 0
        self._at: dict[Path, str] = {}
        self.sticks: Sticks = UdevSticks(listen=lambda: self._listener)

    def insert(self, image: Path) -> None:
        path = self._put_in(image)
        properties = {"DEVNAME": str(image), "DEVTYPE": "disk", "DISKSEQ": str(self._count)}
        self._listener.play(event("add", properties, path=path, size_bytes=image.stat().st_size))

    def insert_disk(self, image: Path) -> None:
        """Play what the kernel says of a disk and its parts, each a file in the place of its node."""
        path = self._put_in(image)
        parts = judge(image)
        disk = {"DEVNAME": str(image), "DEVTYPE": "disk"}
        size_bytes = image.stat().st_size
        self._listener.play(event("add", disk, path=path, size_bytes=size_bytes, partitions=len(parts)))
        for number, part in enumerate(parts, 1):
            node = take_part(image, number, image.parent / f"{image.name}{number}")
            properties = {"DEVNAME": str(node), "DEVTYPE": "partition", "DISKSEQ": "3"}
            came = event("add", properties, path=f"{path}/p{number}", size_bytes=node.stat().st_size)
            self._listener.play(replace(came, start_bytes=part["start"] * 512))

    def _put_in(self, image: Path) -> str:
        """Return where an image comes to be in sysfs."""
        self._count += 1
        self._at[image] = f"/devices/usb1/1-{self._count}/block/{image.name}"
        return self._at[image]

    def pull(self, image: Path) -> None:
        self._listener.play(event("remove", {}, path=self._at[image], size_bytes=0))


class UsbBench(UdevBench):
    """The same, beside somebody who hears of refused devices: the sockets as a box has them."""

    def __init__(self) -> None:
        super().__init__()
        self.sticks = UsbSockets(self.sticks, listen=_fail_to_listen)


def _fail_to_listen() -> Listener:
    raise OSError(errno.ENODEV, "nothing to hear")


@pytest.fixture(params=[EmulatedBench, UdevBench, UsbBench], ids=["emulated", "udev", "udev beside usb"])
def bench(request: pytest.FixtureRequest) -> Bench:
    made: Bench = request.param()
    return made


@pytest.fixture
def image(tmp_path: Path) -> Path:
    return make_stick(tmp_path / "a.img")


@pytest.fixture
def events(bench: Bench) -> "queue.Queue[HardwareEvent]":
    return queue.Queue()


def inserted(events: "queue.Queue[HardwareEvent]") -> Stick:
    heard = events.get(timeout=10)
    assert isinstance(heard, StickInserted)
    return heard.stick


def test_a_stick_that_was_in_before_the_start_is_told(
    bench: Bench, image: Path, events: "queue.Queue[HardwareEvent]"
) -> None:
    bench.insert(image)
    bench.sticks.start(events.put)
    stick = inserted(events)
    assert (stick.label, stick.filesystem, stick.node) == ("PISM-ALL", "vfat", image)
    bench.sticks.close()


def test_a_stick_is_written_read_and_pulled(
    bench: Bench, image: Path, events: "queue.Queue[HardwareEvent]"
) -> None:
    bench.sticks.start(events.put)
    bench.insert(image)
    stick = inserted(events)
    with FatVolume(bench.sticks.open_medium(stick)) as volume:
        volume.put_small("a.txt", b"x")
        with pytest.raises(StickInUseError):
            bench.sticks.open_medium(stick)
    bench.pull(image)
    assert events.get(timeout=10) == StickRemoved(stick.identity)
    with pytest.raises(StickGoneError):
        bench.sticks.open_medium(stick)
    bench.sticks.close()


def test_the_same_stick_put_in_again_has_another_identity(
    bench: Bench, image: Path, events: "queue.Queue[HardwareEvent]"
) -> None:
    bench.sticks.start(events.put)
    bench.insert(image)
    first = inserted(events)
    bench.pull(image)
    events.get(timeout=10)
    bench.insert(image)
    second = inserted(events)
    assert first.identity != second.identity
    assert first.node == second.node
    bench.sticks.close()


def test_two_sticks_are_both_told(bench: Bench, image: Path, events: "queue.Queue[HardwareEvent]") -> None:
    other = make_stick(image.parent / "b.img", "PISM-NEW")
    bench.sticks.start(events.put)
    bench.insert(image)
    bench.insert(other)
    assert {inserted(events).node, inserted(events).node} == {image, other}
    bench.sticks.close()


@pytest.mark.parametrize(
    "parts", [((EFI, "EFI"), (BASIC, "PISM-ALL")), ((RESERVED, None), (BASIC, "PISM-ALL"))]
)
def test_a_disk_with_a_part_that_a_system_keeps_is_its_one_volume(
    bench: Bench,
    tmp_path: Path,
    events: "queue.Queue[HardwareEvent]",
    parts: tuple[tuple[str, str | None], ...],
) -> None:
    disk = make_disk(tmp_path / "disk.img", "gpt", *parts)
    bench.sticks.start(events.put)
    bench.insert_disk(disk)
    stick = inserted(events)
    assert (stick.label, stick.filesystem, stick.parts) == ("PISM-ALL", "vfat", ())
    with FatVolume(bench.sticks.open_medium(stick)) as volume:
        volume.put_small("public/roots.pem", b"x")
        assert volume.label == "PISM-ALL"
    bench.pull(disk)
    assert events.get(timeout=10) == StickRemoved(stick.identity)
    bench.sticks.close()
    assert events.empty()


def test_a_disk_with_several_volumes_is_one_stick_and_each_part_can_be_opened(
    bench: Bench, tmp_path: Path, events: "queue.Queue[HardwareEvent]"
) -> None:
    disk = make_disk(tmp_path / "disk.img", "gpt", (BASIC, "PHOTOS"), (BASIC, "PISM-ALL"))
    bench.sticks.start(events.put)
    bench.insert_disk(disk)
    stick = inserted(events)
    assert (stick.label, stick.filesystem, stick.size_bytes) == ("", "", disk.stat().st_size)
    assert [part.label for part in stick.parts] == ["PHOTOS", "PISM-ALL"]
    for part in stick.parts:
        with FatVolume(bench.sticks.open_medium(part)) as volume:
            assert volume.label == part.label
            volume.put_small(f"{part.label}.txt", b"x")
            assert [item.name for item in volume.list()] == [f"{part.label}.txt"]
    bench.sticks.close()
    assert events.empty()


def test_a_disk_with_several_volumes_is_erased_as_a_whole(
    bench: Bench, tmp_path: Path, events: "queue.Queue[HardwareEvent]"
) -> None:
    disk = make_disk(tmp_path / "disk.img", "gpt", (BASIC, "PHOTOS"), (BASIC, "PISM-ALL"))
    bench.sticks.start(events.put)
    bench.insert_disk(disk)
    stick = inserted(events)
    format_stick(bench.sticks.open_medium(stick), "PISM-NEW")
    with open_volume(disk) as volume:
        assert (volume.label, volume.size_bytes) == ("PISM-NEW", disk.stat().st_size)
    assert ask_blkid(disk).get("ID_PART_TABLE_TYPE") is None
    bench.sticks.close()


def test_a_stick_pulled_while_it_is_open_is_gone(
    bench: Bench, image: Path, events: "queue.Queue[HardwareEvent]"
) -> None:
    bench.sticks.start(events.put)
    bench.insert(image)
    stick = inserted(events)
    medium = bench.sticks.open_medium(stick)
    bench.pull(image)
    assert events.get(timeout=10) == StickRemoved(stick.identity)
    medium.close()
    bench.insert(image)
    assert inserted(events).identity != stick.identity
    with pytest.raises(StickGoneError):
        bench.sticks.open_medium(stick)
    bench.sticks.close()


def test_nothing_is_posted_after_the_end(
    bench: Bench, image: Path, events: "queue.Queue[HardwareEvent]"
) -> None:
    bench.sticks.start(events.put)
    bench.sticks.close()
    bench.sticks.close()
    bench.insert(image)
    assert events.empty()
