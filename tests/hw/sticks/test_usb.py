"""USB devices that were refused are named, once."""

import errno
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from hw.errors import StickGoneError
from hw.ports import HardwareEvent, Medium, Post, Stick, StickRemoved, UsbRefused
from hw.sticks.usb import UdevUsb, UsbSockets

KEYBOARD = "/devices/pci/usb1/1-1"


class NoSticks:
    """Sockets without sticks; remembers what was asked of it."""

    def __init__(self) -> None:
        self.closed = 0

    def start(self, post: Post) -> None:
        post(StickRemoved("from the sticks"))

    def close(self) -> None:
        self.closed += 1

    def open_medium(self, stick: Stick) -> Medium:
        raise StickGoneError(stick.identity)


class Wire:
    """A listener whose devices come when the test says so."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        os.set_blocking(self._read, False)

    def fileno(self) -> int:
        return self._read

    def receive(self) -> Iterator[str]:
        try:
            said = os.read(self._read, 4096)
        except BlockingIOError:
            return
        yield from said.decode().split()

    def come(self, path: str) -> None:
        os.write(self._write, f"{path} ".encode())

    def close(self) -> None:
        os.close(self._read)
        os.close(self._write)


class Running:
    """Sockets at work on a wire and a sysfs of the test's own."""

    def __init__(self, sys: Path) -> None:
        self.wire = Wire()
        self.sticks = NoSticks()
        self.sys = sys
        self.events: list[HardwareEvent] = []
        self._told = threading.Event()
        self.sockets = UsbSockets(self.sticks, lambda: self.wire, sys=sys)

    def post(self, event: HardwareEvent) -> None:
        self.events.append(event)
        if isinstance(event, UsbRefused):
            self._told.set()

    def put_in(self, path: str, *, authorized: str, product: str | None) -> None:
        folder = self.sys / path.removeprefix("/")
        folder.mkdir(parents=True)
        (folder / "authorized").write_text(f"{authorized}\n")
        if product is not None:
            (folder / "product").write_text(f"{product}\n")
        self.wire.come(path)

    def told(self) -> bool:
        return self._told.wait(10)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    made = Running(tmp_path)
    made.sockets.start(made.post)
    yield made
    made.sockets.close()
    made.wire.close()


@pytest.mark.parametrize(
    ("product", "name"),
    [
        ("USB Keyboard", "USB Keyboard"),
        (None, "without a name"),
        ("\x1b[31mRed\u202e", "[31mRed"),
        ("x" * 100, "x" * 40),
    ],
)
def test_refused_device_is_named(running: Running, product: str | None, name: str) -> None:
    running.put_in(KEYBOARD, authorized="0", product=product)
    assert running.told()
    assert running.events == [StickRemoved("from the sticks"), UsbRefused(name)]


def test_device_that_was_let_in_or_pulled_is_not_named(running: Running) -> None:
    running.put_in("/devices/pci/usb1/1-2", authorized="1", product="Stick")
    running.wire.come("/devices/pci/usb1/1-3")
    running.put_in(KEYBOARD, authorized="0", product="Keyboard")
    assert running.told()
    assert [event for event in running.events if isinstance(event, UsbRefused)] == [UsbRefused("Keyboard")]


def test_closing_twice_closes_once(running: Running) -> None:
    running.sockets.close()
    running.sockets.close()
    assert running.sticks.closed == 2


def test_a_listener_that_fails_costs_only_the_names(tmp_path: Path) -> None:
    def refuse() -> Wire:
        raise OSError("no udev here")

    sticks, events = NoSticks(), list[HardwareEvent]()
    sockets = UsbSockets(sticks, refuse, sys=tmp_path)
    sockets.start(events.append)
    sockets.close()
    assert events == [StickRemoved("from the sticks")]


def test_a_listener_that_fails_is_made_anew(tmp_path: Path) -> None:
    running = Running(tmp_path)
    tries = [running.wire]

    def listen() -> Wire:
        if tries:
            raise OSError(errno.ENOBUFS, f"udev is late for {tries.pop()}")
        return running.wire

    running.sockets = UsbSockets(running.sticks, listen, sys=tmp_path, wait_s=0.01)
    running.sockets.start(running.post)
    running.put_in(KEYBOARD, authorized="0", product="Keyboard")
    assert running.told()
    running.sockets.close()
    running.wire.close()


def test_sticks_are_opened_by_whoever_minds_them(tmp_path: Path) -> None:
    sockets = UsbSockets(NoSticks(), Wire, sys=tmp_path)
    stick = Stick(node=tmp_path, identity="7", label="", uuid="", filesystem="", size_bytes=0)
    with pytest.raises(StickGoneError, match="7"):
        sockets.open_medium(stick)


def test_udev_is_asked_for_devices_that_come() -> None:
    class Device:
        def __init__(self, action: str, device_path: str) -> None:
            self.action, self.device_path = action, device_path

    class Monitor:
        filtered: tuple[str, str] | None = None
        started = False
        left = [Device("add", KEYBOARD), Device("bind", KEYBOARD), Device("remove", KEYBOARD), None]  # noqa: RUF012

        @classmethod
        def from_netlink(cls, _context: object, source: str) -> "Monitor":
            assert source == "udev"
            return cls()

        def filter_by(self, subsystem: str, device_type: str) -> None:
            Monitor.filtered = (subsystem, device_type)

        def start(self) -> None:
            Monitor.started = True

        def fileno(self) -> int:
            return 7

        def poll(self, timeout: float) -> Device | None:
            assert timeout == 0
            return Monitor.left.pop(0)

    listener = UdevUsb(SimpleNamespace(Context=object, Monitor=Monitor))
    assert list(listener.receive()) == [KEYBOARD]
    assert listener.fileno() == 7
    assert (Monitor.filtered, Monitor.started) == (("usb", "usb_device"), True)
