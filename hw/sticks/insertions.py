"""Which block devices are sticks, and which sticks are in: from udev's properties to events. Pure.

Owns the reading of udev's properties, shared with the emulated sticks. Rules:

1. The label is decoded from ID_FS_LABEL_ENC; ID_FS_LABEL maps different labels to one.
2. A stick hangs on USB: its path says so, also when a device that is already gone has no ID_BUS.
3. A disk with a partition table is not a stick, its partitions are; a disk without any is one.
4. A removal is matched by place in sysfs, never by properties: a stick that was pulled while udev still
   looked at it has lost them.
5. `change` events are answered only when the medium in a slot changed; our own writes make them too.

Left to others: hearing of the devices (hw.sticks.udev). How many sticks may be in is the kiosk's rule; here
each is told.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hw.ports import HardwareEvent, Stick, StickInserted, StickRemoved

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


class InsertedSticks:
    """Which sticks are in, by place in sysfs; pure."""

    def __init__(self) -> None:
        self._in: dict[str, Stick] = {}
        self._whole: set[str] = set()

    def __contains__(self, identity: str) -> bool:
        # asked by other threads than the listening one: over a copy
        return any(stick.identity == identity for stick in tuple(self._in.values()))

    def apply(self, device: BlockDevice, system_disks: frozenset[str]) -> tuple[HardwareEvent, ...]:
        """Note what an event says and return what it means for the kiosk.

        Args:
            device: As udev shows it.
            system_disks: Where the machine's own disks are.
        """
        known = self._in.get(device.path)
        same = known is not None and known.identity == device.identity and device.size_bytes > 0
        if device.action != "remove" and same:
            return ()
        events = self._remove(device.path)
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
            system_disks: As for `apply`.
        """
        paths = {device.path for device in devices}
        events = [event for path in sorted(set(self._in) - paths) for event in self._remove(path)]
        for device in sorted(devices, key=lambda item: item.path):
            events += self.apply(device, system_disks)
        return tuple(events)

    def _remove(self, path: str) -> tuple[HardwareEvent, ...]:
        """Note that a place is empty."""
        self._whole.discard(path)
        gone = self._in.pop(path, None)
        return (StickRemoved(gone.identity),) if gone else ()
