"""The USB sockets: which sticks are in, told as events, by udev.

Owns the thread that listens. Rules:

1. It listens before it enumerates, so that nothing that comes in between is lost.
2. It sleeps in one poll without a time-out: an idle box is not woken.
3. A removal is matched by place in sysfs, never by properties: a stick that was pulled while udev still
   looked at it has lost them.
4. `change` events are answered only when the medium in a slot changed; our own writes make them too.
5. A listener that fails is made anew, and what came and went meanwhile is found by enumerating.

How many sticks may be in is the kiosk's rule; here each is told.
"""

import errno
import select
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import pyudev

from hw.fat.readback import Medium
from hw.ports import HardwareEvent, Post, Stick, StickGoneError, StickInserted, StickRemoved
from hw.sticks.blockdev import BlockFacts
from hw.sticks.node import NodeMedium
from hw.sticks.udev import BlockDevice, Watch

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
        facts: Reads sysfs.
        udev: The package pyudev, or what stands for it.
    """

    def __init__(self, facts: BlockFacts | None = None, udev: Any = pyudev) -> None:
        self._facts = facts or BlockFacts()
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
                yield self._read(device, "")
        except LookupError as error:  # pyudev's way to say that a device left while it was looked at
            raise OSError(errno.ENODEV, "a device left") from error

    def receive(self) -> BlockDevice | None:
        """Return the next event."""
        device = self._monitor.poll(timeout=0)
        return None if device is None else self._read(device, str(device.action))

    def system_disks(self) -> frozenset[str]:
        """Return where the disks of this machine are."""
        return frozenset(self._path(folder) for folder in self._facts.system_disks())

    def close(self) -> None:
        """Let udev go; the socket is closed with the monitor's last reference."""
        self._monitor = self._context = None

    def _path(self, folder: Path) -> str:
        """Return a folder's place from /devices on."""
        return f"/{folder.relative_to(self._facts.sys)}"

    def _read(self, device: Any, action: str) -> BlockDevice:
        """Take down what udev and sysfs say of a device."""
        path = str(device.device_path)
        folder = self._facts.sys / path.removeprefix("/")
        properties = {str(key): str(device.properties[key]) for key in device.properties}
        return BlockDevice(
            action=action,
            path=path,
            properties=properties,
            size_bytes=self._facts.size_bytes(folder),
            read_only=self._facts.read_only(folder),
            sequence=properties.get("DISKSEQ") or self._facts.sequence(folder),
            partitions=len(self._facts.partitions(folder)),
        )


class StickBook:
    """Which sticks are in, by place in sysfs; pure."""

    def __init__(self) -> None:
        self._in: dict[str, Stick] = {}
        self._whole: set[str] = set()

    def __contains__(self, identity: str) -> bool:
        # asked by other threads than the listening one: over a copy
        return any(stick.identity == identity for stick in tuple(self._in.values()))

    def take(self, device: BlockDevice, system_disks: frozenset[str]) -> tuple[HardwareEvent, ...]:
        """Note what an event says and return what it means for the kiosk.

        Args:
            device: As udev shows it.
            system_disks: Where the machine's own disks are.
        """
        known = self._in.get(device.path)
        same = known is not None and known.identity == device.identity and device.size_bytes > 0
        if device.action != "remove" and same:
            return ()
        events = self._forget(device.path)
        foreign = device.disk_path not in system_disks
        inside = device.path != device.disk_path and device.disk_path in self._whole
        if device.action == "remove" or not foreign or inside or not device.is_stick:
            return events
        stick = device.stick()
        self._in[device.path] = stick
        if device.is_whole_stick:
            self._whole.add(device.path)
        return (*events, StickInserted(stick))

    def compare(
        self, devices: tuple[BlockDevice, ...], system_disks: frozenset[str]
    ) -> tuple[HardwareEvent, ...]:
        """Note all that is in and return what came and went since the last note.

        Args:
            devices: Enumerated.
            system_disks: As for `take`.
        """
        paths = {device.path for device in devices}
        events = [event for path in sorted(set(self._in) - paths) for event in self._forget(path)]
        for device in sorted(devices, key=lambda item: item.path):
            events += self.take(device, system_disks)
        return tuple(events)

    def _forget(self, path: str) -> tuple[HardwareEvent, ...]:
        """Note that a place is empty."""
        self._whole.discard(path)
        gone = self._in.pop(path, None)
        return (StickRemoved(gone.identity),) if gone else ()


class UdevSticks:
    """The sockets of the real box.

    Args:
        listen: Makes a listener; OSError when udev cannot be heard.
        open_node: Claims a node.
        waits_s: First and longest wait before a broken listener is made anew.
    """

    def __init__(
        self,
        listen: Callable[[], Listener] = UdevListener,
        open_node: Callable[[Path], Medium] = NodeMedium,
        waits_s: tuple[float, float] = _WAITS_S,
    ) -> None:
        self._waits_s = waits_s
        self._listen = listen
        self._open_node = open_node
        self._book = StickBook()
        self._post: Post = _post_nowhere
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
        if stick.identity not in self._book:
            raise StickGoneError(f"{stick.node} was pulled")
        medium = self._open_node(stick.node)
        # looked at again with the node open: its number cannot pass to another stick any more
        if stick.identity not in self._book:
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
                    self._tell(self._book.compare(tuple(listener.present()), listener.system_disks()))
                    wait_s = self._waits_s[0]
                    if self._hear(listener):
                        return
                finally:
                    listener.close()
            if self._watch.wait(wait_s) is None:
                return
            wait_s = min(2 * wait_s, self._waits_s[1])

    def _hear(self, listener: Listener) -> bool:
        """Post what the listener hears; return True when told to stop."""
        while (ready := self._watch.wait(None, listener.fileno())) is not None:
            device = listener.receive()
            if device is not None:
                self._tell(self._book.take(device, listener.system_disks()))
            elif ready[listener.fileno()] & _BROKEN:
                raise OSError(errno.EPIPE, "udev has closed")
        return True

    def _tell(self, events: tuple[HardwareEvent, ...]) -> None:
        """Post events in order."""
        for event in events:
            self._post(event)


def _post_nowhere(_: HardwareEvent) -> None:
    """Drop an event, before anybody listens."""
