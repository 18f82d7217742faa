"""The USB sockets of the real box: which sticks are in, told as events, by udev.

Owns the threads that listen. Rules:

1. It listens before it enumerates, so that nothing that comes in between is lost.
2. It sleeps in one poll without a time-out: an idle box is not woken.
3. A listener that fails is made anew, and what came and went meanwhile is found by enumerating.
4. What lies on a stick is not udev's to say: it is looked at in the sandbox, once an insertion. A node that
   cannot be opened is none of ours.

Left to others: which devices are sticks (hw.sticks.insertions), what lies on them (hw.sticks.contents), what
else is on USB (hw.sticks.usb).
"""

import errno
import logging
import os
import select
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import pyudev

from hw.errors import StickGoneError
from hw.medium.node import NodeMedium
from hw.medium.sysfs import Sysfs
from hw.ports import HardwareEvent, Medium, Post, Stick
from hw.sticks.contents import PROPERTIES, look_at
from hw.sticks.insertions import BlockDevice, InsertedSticks

log = logging.getLogger(__name__)

_WAITS_S = (1.0, 30.0)
_BROKEN = select.POLLERR | select.POLLHUP | select.POLLNVAL


class Listener(Protocol):
    """Somebody who hears of block devices, from the moment it was made."""

    def fileno(self) -> int:
        """Return a descriptor that is readable when `receive` has something."""

    def present(self) -> Iterator[BlockDevice]:
        """Yield the devices that are in."""

    def receive(self) -> BlockDevice | None:
        """Return the next event; None when there is none after all. OSError when it broke."""

    def system_disks(self) -> frozenset[str]:
        """Return the places in sysfs of the disks that the machine runs from."""

    def close(self) -> None:
        """Stop listening."""


class UdevListener:
    """The listener of the real box.

    Args:
        sysfs: Reads sysfs.
        udev: The package pyudev, or what stands for it.
    """

    def __init__(self, sysfs: Sysfs | None = None, udev: Any = pyudev) -> None:
        self._sysfs = sysfs or Sysfs()
        self._context: Any = udev.Context()
        self._monitor: Any = udev.Monitor.from_netlink(self._context, source="udev")
        self._monitor.filter_by("block")
        self._monitor.start()

    def fileno(self) -> int:
        """Return the netlink socket's descriptor."""
        return int(self._monitor.fileno())

    def present(self) -> Iterator[BlockDevice]:
        """Yield every block device."""
        try:
            for device in self._context.list_devices(subsystem="block"):
                yield self._read_device(device, "")
        except LookupError as error:  # pyudev's way to say that a device left while it was looked at
            raise OSError(errno.ENODEV, "a device left") from error

    def receive(self) -> BlockDevice | None:
        """Return the next event."""
        device = self._monitor.poll(timeout=0)
        return None if device is None else self._read_device(device, str(device.action))

    def system_disks(self) -> frozenset[str]:
        """Return where the disks of this machine are."""
        return frozenset(self._sysfs_path(folder) for folder in self._sysfs.system_disks())

    def close(self) -> None:
        """Let udev go; the socket is closed with the monitor's last reference."""
        self._monitor = self._context = None

    def _sysfs_path(self, folder: Path) -> str:
        """Return a folder's place from /devices on."""
        return f"/{folder.relative_to(self._sysfs.sys)}"

    def _read_device(self, device: Any, action: str) -> BlockDevice:
        """Take down what udev and sysfs say of a device."""
        path = str(device.device_path)
        folder = self._sysfs.sys / path.removeprefix("/")
        properties = {str(key): str(device.properties[key]) for key in device.properties}
        return BlockDevice(
            action=action,
            path=path,
            properties=properties,
            size_bytes=self._sysfs.size_bytes(folder),
            read_only=self._sysfs.read_only(folder),
            sequence=properties.get("DISKSEQ") or self._sysfs.sequence(folder),
            partitions=len(self._sysfs.partitions(folder)),
            start_bytes=self._sysfs.start_bytes(folder),
        )


def look_at_device(device: BlockDevice) -> BlockDevice:
    """Return a device with what lies on it, read in the sandbox, in place of what udev may say of that.

    Args:
        device: That is in; one that cannot be opened comes back without a size, as an empty slot.
    """
    try:
        (found,) = look_at(device.disk_node, (device.start_bytes, device.size_bytes))
    except OSError as error:
        log.warning("%s is not looked at: %s", device.properties["DEVNAME"], error.strerror)
        return replace(device, size_bytes=0)
    told = {key: value for key, value in device.properties.items() if not key.startswith(PROPERTIES)}
    return replace(device, properties=told | dict(found))


class UdevSticks:
    """The sockets of the real box.

    Args:
        listen: Makes a listener; OSError when udev cannot be heard.
        open_node: Claims a node.
        look: Finds what lies on a device.
        waits_s: First and longest wait before a broken listener is made anew.
    """

    def __init__(
        self,
        listen: Callable[[], Listener] = UdevListener,
        open_node: Callable[[Path], Medium] = NodeMedium,
        look: Callable[[BlockDevice], BlockDevice] = look_at_device,
        waits_s: tuple[float, float] = _WAITS_S,
    ) -> None:
        self._waits_s = waits_s
        self._listen = listen
        self._open_node = open_node
        self._look = look
        self._inserted = InsertedSticks()
        self._post: Post = _drop_event
        self._watch = Watch("sticks")

    def start(self, post: Post) -> None:
        """Begin to post what is in and what changes.

        Args:
            post: Called in the listening thread; must not block.
        """
        self._post = post
        self._watch.start(self._run)

    def close(self) -> None:
        """Stop posting; may be called twice."""
        self._watch.stop()

    def open_medium(self, stick: Stick) -> Medium:
        """Claim a stick that is in.

        Args:
            stick: As it was posted.

        Raises:
            StickGoneError: That insertion is over, whatever is at its node now.
            StickInUseError: Mounted, or claimed by another.
            StickIoError: It cannot be opened.
        """
        if stick.identity not in self._inserted:
            raise StickGoneError(f"{stick.node} was pulled")
        medium = self._open_node(stick.node)
        # looked at again with the node open: its number cannot pass to another stick any more
        if stick.identity not in self._inserted:
            medium.close()
            raise StickGoneError(f"{stick.node} was pulled")
        return medium

    def _run(self) -> None:
        """Listen until told to stop, with a new listener whenever one breaks."""
        wait_s = self._waits_s[0]
        while True:
            # libudev unpacks into OSError, and says ENOBUFS when events came faster than we took them
            with suppress(OSError):
                listener = self._listen()
                try:
                    present, system_disks = tuple(listener.present()), listener.system_disks()
                    looked_at = tuple(self._look_if_news(device, system_disks) for device in present)
                    self._post_all(self._inserted.compare(looked_at, system_disks))
                    wait_s = self._waits_s[0]
                    if self._post_changes(listener):
                        return
                finally:
                    listener.close()
            if self._watch.wait(wait_s) is None:
                return
            wait_s = min(2 * wait_s, self._waits_s[1])

    def _post_changes(self, listener: Listener) -> bool:
        """Post what the listener hears; return True when told to stop."""
        while (ready := self._watch.wait(None, listener.fileno())) is not None:
            device = listener.receive()
            if device is not None:
                system_disks = listener.system_disks()
                looked_at = self._look_if_news(device, system_disks)
                self._post_all(self._inserted.apply(looked_at, system_disks))
            elif ready[listener.fileno()] & _BROKEN:
                raise OSError(errno.EPIPE, "udev has closed")
        return True

    def _look_if_news(self, device: BlockDevice, system_disks: frozenset[str]) -> BlockDevice:
        """Return a device, with what lies on it where that matters."""
        return self._look(device) if self._inserted.is_news(device, system_disks) else device

    def _post_all(self, events: tuple[HardwareEvent, ...]) -> None:
        """Post events in order."""
        for event in events:
            self._post(event)


class Watch:
    """The thread and the pipe that wakes it; started once, or not at all.

    Args:
        name: Of the thread.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._thread: threading.Thread | None = None
        self._wake_read = self._wake_write = -1

    def start(self, run: Callable[[], None]) -> None:
        """Run something in the thread; it returns when `wait` says that it is told to stop."""
        self._wake_read, self._wake_write = os.pipe()
        self._thread = threading.Thread(target=run, name=self._name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Have the thread end, and wait for that; again is harmless."""
        if self._thread is not None:
            os.write(self._wake_write, b"x")
            self._thread.join()
            self._thread = None
            os.close(self._wake_read)
            os.close(self._wake_write)

    def wait(self, timeout_s: float | None, *descriptors: int) -> dict[int, int] | None:
        """Wait for something to read.

        Args:
            timeout_s: At most so long, seconds; None: for ever.
            descriptors: What to listen to.

        Returns:
            The descriptors that are ready, with their poll(2) events; none when the time is over; None when
            told to stop.
        """
        waiting = select.poll()
        for descriptor in (self._wake_read, *descriptors):
            waiting.register(descriptor, select.POLLIN)
        ready = dict(waiting.poll(None if timeout_s is None else timeout_s * 1000))
        return None if self._wake_read in ready else ready


def _drop_event(_: HardwareEvent) -> None:
    """Drop an event, before anybody listens."""
