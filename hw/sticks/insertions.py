"""Which block devices are sticks, and which sticks are in: from their properties to events. Pure.

Owns the reading of properties, which have udev's names: what the kernel and udev say, and what was found on
the stick (hw.sticks.contents); shared with the emulated sticks. Rules:

1. The label is decoded from ID_FS_LABEL_ENC. A FAT's has no case: some programs write small letters all the
   same, and it is told in capitals.
2. A stick hangs on USB: its path says so, also of a device that is already gone.
3. Sticks are counted by disk. One that is a volume itself is that volume; of one with a partition table it is
   the parts, without those that a system keeps for itself. Several are told as one stick, with its parts.
4. It is told when all parts have come that the kernel found on it, and gone as soon as one of them is.
5. A removal is matched by place in sysfs, never by properties: a stick that was pulled while udev still
   looked at it has lost them.
6. `change` events are answered only when the medium in a slot changed, or when a disk has other parts than
   before, or became a volume instead: our own writes make them too. Only what is answered is looked at.

Left to others: hearing of the devices (hw.sticks.udev), looking at them (hw.sticks.contents). How many sticks
may be in, and which of several parts is meant, is the kiosk's rule.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hw.medium.table import EXTENDED_KINDS, SYSTEM_KINDS
from hw.ports import HardwareEvent, Stick, StickInserted, StickRemoved

_ESCAPE = re.compile(rb"\\x([0-9a-fA-F]{2})")
_ON_USB = re.compile(r"/usb\d+/")
_MIN_BYTES = 1 << 20  # below that it is a boot or alignment partition, not a stick


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockDevice:
    """One block device as an event or an enumeration shows it.

    Args:
        action: "add", "change", "remove"; "" when enumerated.
        path: Its place in sysfs, from /devices; unique as long as it is in.
        properties: udev's, and what was found on it.
        size_bytes: 0 when it is gone or its slot is empty.
        read_only: Write-protected.
        sequence: The disk's diskseq, "" when unknown.
        partitions: How many partitions the kernel found on it.
        start_bytes: Where it begins on its disk.
        offset_bytes: Where it begins in its node; not 0 for a part of an image only.
    """

    action: str
    path: str
    properties: Mapping[str, str]
    size_bytes: int
    read_only: bool = False
    sequence: str = ""
    partitions: int = 0
    start_bytes: int = 0
    offset_bytes: int = 0

    @property
    def identity(self) -> str:
        """Return the name of this insertion; the same stick put in again has another."""
        return f"{self.sequence}:{self.disk_path}"

    @property
    def disk_path(self) -> str:
        """Return the place in sysfs of the whole disk."""
        return self.path.rpartition("/")[0] if self.is_partition else self.path

    @property
    def disk_node(self) -> Path:
        """Return the node of the whole disk."""
        return Path(self.properties["DEVNAME"]).parent / self.disk_path.rpartition("/")[2]

    @property
    def is_partition(self) -> bool:
        """Tell whether it is a part of a disk."""
        return self.properties.get("DEVTYPE") == "partition"

    @property
    def on_usb(self) -> bool:
        """Tell whether it is there, on USB."""
        on_usb = self.properties.get("ID_BUS") == "usb" or bool(_ON_USB.search(self.path))
        return on_usb and self.size_bytes > 0 and bool(self.properties.get("DEVNAME"))

    @property
    def has_filesystem(self) -> bool:
        """Tell whether a file system begins at its first byte."""
        return self.properties.get("ID_FS_USAGE") == "filesystem"

    @property
    def is_stick(self) -> bool:
        """Tell whether this is a volume, or a blank place for one, on USB."""
        if not self.on_usb or self.size_bytes < _MIN_BYTES:
            return False
        if self.is_partition:
            return self._kind not in EXTENDED_KINDS
        return self.has_filesystem or self.partitions == 0

    @property
    def is_of_system(self) -> bool:
        """Tell whether it is a part that a system keeps for itself."""
        return self.is_partition and self._kind in SYSTEM_KINDS

    @property
    def _kind(self) -> str:
        return self.properties.get("ID_PART_ENTRY_TYPE", "")

    def stick(self) -> Stick:
        """Return the stick of which it is the volume."""
        label = decode_label(self.properties.get("ID_FS_LABEL_ENC", ""))
        filesystem = self.properties.get("ID_FS_TYPE", "")
        return Stick(
            node=Path(self.properties["DEVNAME"]),
            identity=self.identity,
            label=label.upper() if filesystem == "vfat" and label.isascii() else label,
            uuid=self.properties.get("ID_FS_UUID", ""),
            filesystem=filesystem,
            size_bytes=self.size_bytes,
            read_only=self.read_only,
            offset_bytes=self.offset_bytes,
        )


def read_stick(disk: BlockDevice | None, parts: Sequence[BlockDevice]) -> Stick | None:
    """Return the stick that a disk and its parts are (rules 3 and 4).

    Args:
        disk: None while only parts are known.
        parts: In the disk's order.

    Returns:
        None when it is no stick, or not all of it has come.
    """
    if disk is not None and disk.is_stick and (disk.has_filesystem or not parts):
        return disk.stick()
    if disk is not None and len(parts) < disk.partitions:
        return None
    volumes = [part for part in parts if part.is_stick]
    volumes = [part for part in volumes if not part.is_of_system] or volumes
    if len(volumes) <= 1:
        return volumes[0].stick() if volumes else None
    first = volumes[0]
    return Stick(
        node=Path(disk.properties["DEVNAME"] if disk else f"/dev/{first.disk_path.rpartition('/')[2]}"),
        identity=first.identity,
        label="",
        uuid="",
        filesystem="",
        size_bytes=disk.size_bytes if disk else sum(part.size_bytes for part in volumes),
        read_only=any(part.read_only for part in volumes),
        parts=tuple(part.stick() for part in volumes),
    )


def _may_have_other_parts(before: BlockDevice, after: BlockDevice) -> bool:
    """Tell whether a disk is one that had parts or has some."""
    return not after.is_partition and bool(before.partitions or after.partitions)


def _has_other_parts(before: BlockDevice, after: BlockDevice) -> bool:
    """Tell whether a disk has other parts than before, or became a volume itself instead."""
    if not _may_have_other_parts(before, after):
        return False
    return (before.partitions, before.has_filesystem) != (after.partitions, after.has_filesystem)


def _is_gone(device: BlockDevice, system_disks: frozenset[str]) -> bool:
    """Tell whether there is no stick, or none that is ours to touch."""
    return device.action == "remove" or not device.on_usb or device.disk_path in system_disks


def decode_label(text: str) -> str:
    r"""Return the label that ID_FS_LABEL_ENC writes: `A\x20B` is `A B`; what is no UTF-8 becomes U+FFFD."""
    raw = _ESCAPE.sub(lambda found: bytes([int(found[1], 16)]), text.encode("utf-8", "surrogateescape"))
    return raw.decode("utf-8", "replace")


class InsertedSticks:
    """Which sticks are in, by place in sysfs of their disks; pure."""

    def __init__(self) -> None:
        self._devices: dict[str, BlockDevice] = {}
        self._sticks: dict[str, Stick] = {}

    def __contains__(self, identity: str) -> bool:
        # asked by other threads than the listening one: over a copy
        return any(stick.identity == identity for stick in tuple(self._sticks.values()))

    def is_news(self, device: BlockDevice, system_disks: frozenset[str]) -> bool:
        """Tell whether it matters what lies on a device (rule 6).

        Args:
            device: As udev shows it.
            system_disks: Where the machine's own disks are.
        """
        known = self._devices.get(device.path)
        if _is_gone(device, system_disks):
            return False
        return known is None or known.identity != device.identity or _may_have_other_parts(known, device)

    def apply(self, device: BlockDevice, system_disks: frozenset[str]) -> tuple[HardwareEvent, ...]:
        """Note what an event says and return what it means for the kiosk.

        Args:
            device: As udev shows it and, where it is news, with what lies on it.
            system_disks: Where the machine's own disks are.
        """
        known = self._devices.get(device.path)
        gone = _is_gone(device, system_disks)
        if known is not None and not gone and known.identity == device.identity:
            if not _has_other_parts(known, device):
                return ()
            known = None  # the same insertion
        events = self._remove(device.path) if known is not None else ()
        if gone:
            return events
        self._devices[device.path] = device
        return (*events, *self._tell(device.disk_path))

    def compare(
        self, devices: tuple[BlockDevice, ...], system_disks: frozenset[str]
    ) -> tuple[HardwareEvent, ...]:
        """Note all that is in and return what came and went since the last note.

        Args:
            devices: Enumerated.
            system_disks: As for `apply`.
        """
        paths = {device.path for device in devices}
        events = [event for path in sorted(set(self._devices) - paths) for event in self._remove(path)]
        for device in sorted(devices, key=lambda item: item.path):
            events += self.apply(device, system_disks)
        return tuple(events)

    def _tell(self, disk_path: str) -> tuple[HardwareEvent, ...]:
        """Return what is new about a disk's stick."""
        parts = [device for device in self._devices.values() if device.is_partition]
        own = sorted((part for part in parts if part.disk_path == disk_path), key=lambda part: part.path)
        before, after = self._sticks.get(disk_path), read_stick(self._devices.get(disk_path), own)
        if after is None or after == before:
            return ()
        self._sticks[disk_path] = after
        if before is not None and before.identity != after.identity:
            return (StickRemoved(before.identity), StickInserted(after))
        return (StickInserted(after),)

    def _remove(self, path: str) -> tuple[HardwareEvent, ...]:
        """Note that a place is empty; a stick is gone with its disk, or with any part that is told of it."""
        device = self._devices.pop(path, None)
        if device is None:
            return ()
        if not device.is_partition:
            self._devices = {
                place: other for place, other in self._devices.items() if other.disk_path != path
            }
        elif (disk := self._devices.get(device.disk_path)) is not None and disk.has_filesystem:
            return ()
        stick = self._sticks.pop(device.disk_path, None)
        return (StickRemoved(stick.identity),) if stick else ()
