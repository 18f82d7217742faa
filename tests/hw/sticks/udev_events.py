"""Events as a kernel and udev really sent them (Linux 6.1, systemd 252), and a listener that plays them."""

import os
import queue
from collections.abc import Iterator, Mapping

from hw.ports import HardwareEvent, StickInserted, StickRemoved
from hw.sticks.insertions import BlockDevice

DISK = "/devices/pci0000:00/0000:00:03.0/usb2/2-1/2-1:1.0/host0/target0:0:0/0:0:0:0/block/sda"
SIZE = 64 << 20

SUPERFLOPPY = {"DEVNAME": "/dev/sda", "DEVTYPE": "disk", "DISKSEQ": "2", "ID_BUS": "usb"} | {
    "ID_FS_LABEL": "PISM-ALL",
    "ID_FS_LABEL_ENC": "PISM-ALL",
    "ID_FS_TYPE": "vfat",
    "ID_FS_USAGE": "filesystem",
    "ID_FS_UUID": "3D26-0995",
    "ID_FS_VERSION": "FAT32",
}
PARTITIONED_DISK = {
    "DEVNAME": "/dev/sda",
    "DEVTYPE": "disk",
    "DISKSEQ": "3",
    "ID_BUS": "usb",
    "ID_PART_TABLE_TYPE": "dos",
}
PARTITION = {
    "DEVNAME": "/dev/sda1",
    "DEVTYPE": "partition",
    "DISKSEQ": "3",
    "ID_BUS": "usb",
    "PARTN": "1",
} | {
    "ID_FS_LABEL": "MY_LAB",
    "ID_FS_LABEL_ENC": "MY\\x20LAB",
    "ID_FS_TYPE": "vfat",
    "ID_FS_USAGE": "filesystem",
    "ID_FS_UUID": "3D27-2EA2",
    "ID_PART_ENTRY_TYPE": "0xc",
    "ID_PART_TABLE_TYPE": "dos",
}
# blkid takes the boot code of exFAT for a partition table as well
EXFAT = {"DEVNAME": "/dev/sda", "DEVTYPE": "disk", "DISKSEQ": "4", "ID_BUS": "usb"} | {
    "ID_FS_LABEL_ENC": "EX",
    "ID_FS_TYPE": "exfat",
    "ID_FS_USAGE": "filesystem",
    "ID_FS_UUID": "6B8C-73D3",
    "ID_PART_TABLE_TYPE": "dos",
}
BLANK = {"DEVNAME": "/dev/sda", "DEVTYPE": "disk", "DISKSEQ": "5", "ID_BUS": "usb"}
PULLED_DISK = {"DEVNAME": "/dev/sda", "DEVTYPE": "disk", "DISKSEQ": "11", "ID_BUS": "scsi"}
PULLED_PARTITION = {
    "DEVNAME": "/dev/sda1",
    "DEVTYPE": "partition",
    "DISKSEQ": "11",
    "ID_BUS": "usb",
    "PARTN": "1",
}


def event(
    action: str,
    properties: Mapping[str, str],
    *,
    path: str = "",
    size_bytes: int = SIZE,
    partitions: int = 0,
    sequence: str = "",
) -> BlockDevice:
    """Return an event as hw.sticks.udev reads it; a partition's place is under the disk's."""
    below = "/sda1" if properties.get("DEVTYPE") == "partition" else ""
    return BlockDevice(
        action=action,
        path=path or DISK + below,
        properties=properties,
        size_bytes=size_bytes,
        sequence=sequence or properties.get("DISKSEQ", ""),
        partitions=partitions,
    )


class FakeListener:
    """Plays events; an exception among them is raised by `receive`.

    Args:
        present: What is in when it begins to listen.
        system: Disks of the machine.
    """

    def __init__(self, *present: BlockDevice, system: frozenset[str] = frozenset()) -> None:
        self._present = present
        self._system = system
        self._events: queue.SimpleQueue[BlockDevice | OSError | None] = queue.SimpleQueue()
        self._read, self._write = os.pipe()
        self.closed = False

    def play(self, *events: BlockDevice | OSError | None) -> None:
        """Let the listener hear; one that was closed hears nothing."""
        for item in () if self.closed else events:
            self._events.put(item)
            os.write(self._write, b"x")

    def hang_up(self) -> None:
        """Close the far end: the descriptor stays readable and gives nothing."""
        os.close(self._write)

    def fileno(self) -> int:
        return self._read

    def present(self) -> Iterator[BlockDevice]:
        yield from self._present

    def receive(self) -> BlockDevice | None:
        if not os.read(self._read, 1):
            return None
        item = self._events.get_nowait()
        if isinstance(item, OSError):
            raise item
        return item

    def system_disks(self) -> frozenset[str]:
        return self._system

    def close(self) -> None:
        self.closed = True
        os.close(self._read)


def summarize(events: tuple[HardwareEvent, ...]) -> list[str]:
    """Return events in short: + label for a stick that came, - for one that left."""
    told = []
    for item in events:
        if isinstance(item, StickInserted):
            told.append(f"+{item.stick.label or item.stick.filesystem or 'blank'}")
        elif isinstance(item, StickRemoved):
            told.append("-")
    return told
