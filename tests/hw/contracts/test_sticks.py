"""One suite for the sockets of the box and their twin.

What only a USB bus can do (a real pull, a real error of a flash) is left to the test machine: the driver
runs here over a listener that plays udev's events, and over image files in the place of block nodes.
"""

import queue
from pathlib import Path
from typing import Protocol

import pytest

from hw.errors import StickGoneError, StickInUseError
from hw.fat.volume import FatVolume
from hw.ports import HardwareEvent, Stick, StickInserted, StickRemoved, Sticks
from hw.sticks.emulated import EmulatedSticks
from hw.sticks.udev import UdevSticks
from tests.hw.images import make_stick
from tests.hw.sticks.udev_events import SUPERFLOPPY, FakeListener, event


class Hand(Protocol):
    """Puts sticks in and pulls them."""

    sticks: Sticks

    def insert(self, image: Path) -> None: ...

    def pull(self, image: Path) -> None: ...


class TwinHand:
    def __init__(self) -> None:
        self.sticks = EmulatedSticks()
        self._in: dict[Path, Stick] = {}

    def insert(self, image: Path) -> None:
        self._in[image] = self.sticks.insert(image)

    def pull(self, image: Path) -> None:
        self.sticks.pull(self._in.pop(image))


class DriverHand:
    def __init__(self) -> None:
        self._listener = FakeListener()
        self._count = 0
        self._at: dict[Path, str] = {}
        self.sticks = UdevSticks(listen=lambda: self._listener)

    def insert(self, image: Path) -> None:
        self._count += 1
        self._at[image] = f"/devices/usb1/1-{self._count}/block/sd{self._count}"
        properties = SUPERFLOPPY | {"DEVNAME": str(image), "DISKSEQ": str(self._count)}
        self._listener.play(event("add", properties, path=self._at[image], size_bytes=image.stat().st_size))

    def pull(self, image: Path) -> None:
        self._listener.play(event("remove", SUPERFLOPPY, path=self._at[image], size_bytes=0))


@pytest.fixture(params=[TwinHand, DriverHand], ids=["emulated", "udev"])
def hand(request: pytest.FixtureRequest) -> Hand:
    made: Hand = request.param()
    return made


@pytest.fixture
def image(tmp_path: Path) -> Path:
    return make_stick(tmp_path / "a.img")


@pytest.fixture
def events(hand: Hand) -> "queue.Queue[HardwareEvent]":
    return queue.Queue()


def inserted(events: "queue.Queue[HardwareEvent]") -> Stick:
    heard = events.get(timeout=10)
    assert isinstance(heard, StickInserted)
    return heard.stick


def test_a_stick_that_was_in_before_the_start_is_told(
    hand: Hand, image: Path, events: "queue.Queue[HardwareEvent]"
) -> None:
    hand.insert(image)
    hand.sticks.start(events.put)
    stick = inserted(events)
    assert (stick.label, stick.filesystem, stick.node) == ("PISM-ALL", "vfat", image)
    hand.sticks.close()


def test_a_stick_is_written_read_and_pulled(
    hand: Hand, image: Path, events: "queue.Queue[HardwareEvent]"
) -> None:
    hand.sticks.start(events.put)
    hand.insert(image)
    stick = inserted(events)
    with FatVolume(hand.sticks.open_medium(stick)) as volume:
        volume.put_small("a.txt", b"x")
        with pytest.raises(StickInUseError):
            hand.sticks.open_medium(stick)
    hand.pull(image)
    assert events.get(timeout=10) == StickRemoved(stick.identity)
    with pytest.raises(StickGoneError):
        hand.sticks.open_medium(stick)
    hand.sticks.close()


def test_the_same_stick_put_in_again_has_another_identity(
    hand: Hand, image: Path, events: "queue.Queue[HardwareEvent]"
) -> None:
    hand.sticks.start(events.put)
    hand.insert(image)
    first = inserted(events)
    hand.pull(image)
    events.get(timeout=10)
    hand.insert(image)
    second = inserted(events)
    assert first.identity != second.identity
    assert first.node == second.node
    hand.sticks.close()


def test_two_sticks_are_both_told(hand: Hand, image: Path, events: "queue.Queue[HardwareEvent]") -> None:
    other = make_stick(image.parent / "b.img", "PISM-NEW")
    hand.sticks.start(events.put)
    hand.insert(image)
    hand.insert(other)
    assert {inserted(events).node, inserted(events).node} == {image, other}
    hand.sticks.close()
