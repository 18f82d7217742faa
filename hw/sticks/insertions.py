"""What udev says of block devices: the properties of one, and the stick that they describe.

Owns the reading of udev's properties, shared with the emulated sticks. Rules:

1. The label is decoded from ID_FS_LABEL_ENC; ID_FS_LABEL maps different labels to one.
2. A stick hangs on USB: its path says so, also when a device that is already gone has no ID_BUS.
3. A disk with a partition table is not a stick, its partitions are; a disk without any is one.

A thread that waits for devices in the kernel, and can be told to stop while it waits.
"""

import os
import re
import select
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hw.ports import Stick

_ESCAPE = re.compile(rb"\\x([0-9a-fA-F]{2})")
_ON_USB = re.compile(r"/usb\d+/")
_EXTENDED = frozenset({"0x5", "0xf", "0x85"})  # partitions that only hold others
_MIN_BYTES = 1 << 20  # below that it is a boot or alignment partition, not a stick


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockDevice:
    """One block device as an event or an enumeration shows it.

    Args:
        action: "add", "change", "remove"; "" when enumerated.
        path: Its place in sysfs, from /devices; unique as long as it is in.
        properties: udev's.
        size_bytes: 0 when it is gone or its slot is empty.
        read_only: Write-protected.
        sequence: The disk's diskseq, "" when unknown.
        partitions: How many partitions the kernel found on it.
    """

    action: str
    path: str
    properties: Mapping[str, str]
    size_bytes: int
    read_only: bool = False
    sequence: str = ""
    partitions: int = 0

    @property
    def identity(self) -> str:
        """Return the name of this insertion; the same stick put in again has another."""
        return f"{self.sequence}:{self.path}"

    @property
    def disk_path(self) -> str:
        """Return the place in sysfs of the whole disk."""
        return self.path.rpartition("/")[0] if self._is_partition else self.path

    @property
    def _is_partition(self) -> bool:
        return self.properties.get("DEVTYPE") == "partition"

    @property
    def is_stick(self) -> bool:
        """Tell whether this is a volume, or a blank place for one, on USB."""
        on_usb = self.properties.get("ID_BUS") == "usb" or bool(_ON_USB.search(self.path))
        if not on_usb or self.size_bytes < _MIN_BYTES or not self.properties.get("DEVNAME"):
            return False
        if self._is_partition:
            return self.properties.get("ID_PART_ENTRY_TYPE") not in _EXTENDED
        return self.properties.get("ID_FS_USAGE") == "filesystem" or self.partitions == 0

    @property
    def is_whole_stick(self) -> bool:
        """Tell whether the volume is the disk itself, so that partitions of it are none."""
        return self.is_stick and not self._is_partition

    def stick(self) -> Stick:
        """Return the stick that it is."""
        return read_stick(
            self.properties,
            node=Path(self.properties["DEVNAME"]),
            identity=self.identity,
            size_bytes=self.size_bytes,
            read_only=self.read_only,
        )


def read_stick(
    properties: Mapping[str, str], *, node: Path, identity: str, size_bytes: int, read_only: bool
) -> Stick:
    """Return the stick that udev's properties describe.

    Args:
        properties: ID_FS_LABEL_ENC, ID_FS_UUID, ID_FS_TYPE; each may be missing.
        node: Of the volume.
        identity: Of this insertion.
        size_bytes: Of the node.
        read_only: Write-protected.
    """
    return Stick(
        node=node,
        identity=identity,
        label=decode_label(properties.get("ID_FS_LABEL_ENC", "")),
        uuid=properties.get("ID_FS_UUID", ""),
        filesystem=properties.get("ID_FS_TYPE", ""),
        size_bytes=size_bytes,
        read_only=read_only,
    )


def decode_label(text: str) -> str:
    r"""Return the label that ID_FS_LABEL_ENC writes: `A\x20B` is `A B`; what is no UTF-8 becomes U+FFFD."""
    raw = _ESCAPE.sub(lambda found: bytes([int(found[1], 16)]), text.encode("utf-8", "surrogateescape"))
    return raw.decode("utf-8", "replace")


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
