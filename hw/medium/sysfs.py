"""What the kernel says of a block device in sysfs: its whole disk, its counters, its insertion.

Owns the reading of /sys and of the mount table. Rules: a fact that the kernel does not offer is None,
never a guess; nothing here opens a device node or changes anything.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from hw.ports import Counters

SECTOR_BYTES = 512
"""The unit of all sizes and counters in sysfs, whatever the device's own sectors are."""

_SYSTEM_MOUNTS = frozenset({"/", "/usr", "/boot", "/boot/firmware", "/media/root-ro"})
_READ_SECTORS, _WRITTEN_SECTORS = 2, 6  # places in the file `stat`, Documentation/block/stat.rst


@dataclass(frozen=True, slots=True, kw_only=True)
class Sysfs:
    """The kernel's facts, where it keeps them; tests pass folders of their own.

    Args:
        sys: The sysfs mount.
        dev: The folder of device nodes.
        mounts: The mount table of this process, proc(5) mountinfo.
    """

    sys: Path = Path("/sys")
    dev: Path = Path("/dev")
    mounts: Path = Path("/proc/self/mountinfo")

    def folder(self, number: int) -> Path | None:
        """Return the sysfs folder of a device number; None when the device is gone."""
        link = self.sys / "dev" / "block" / f"{os.major(number)}:{os.minor(number)}"
        return link.resolve() if link.exists() else None

    def disk(self, folder: Path) -> Path:
        """Return the sysfs folder of the whole disk of a disk or partition."""
        return folder.parent if (folder / "partition").exists() else folder

    def node(self, folder: Path) -> Path:
        """Return the device node of a sysfs folder."""
        for line in (_read_text(folder / "uevent") or "").splitlines():
            key, _, value = line.partition("=")
            if key == "DEVNAME":
                return self.dev / value
        return self.dev / folder.name

    def size_bytes(self, folder: Path) -> int:
        """Return the size; 0 when there is no medium in the slot."""
        return int(_read_text(folder / "size") or "0") * SECTOR_BYTES

    def start_bytes(self, folder: Path) -> int:
        """Return where a partition begins on its disk; 0 for a whole disk."""
        return int(_read_text(folder / "start") or "0") * SECTOR_BYTES

    def read_only(self, folder: Path) -> bool:
        """Tell whether the device says that it is write-protected."""
        return _read_text(folder / "ro") == "1"

    def sequence(self, folder: Path) -> str:
        """Return diskseq, a number no other insertion shares until the next start; "" before Linux 5.15."""
        return _read_text(self.disk(folder) / "diskseq") or ""

    def counters(self, folder: Path) -> Counters | None:
        """Return what went to and from the device, or None when it is gone."""
        fields = (_read_text(folder / "stat") or "").split()
        if len(fields) <= _WRITTEN_SECTORS:
            return None
        return Counters(
            read_bytes=int(fields[_READ_SECTORS]) * SECTOR_BYTES,
            written_bytes=int(fields[_WRITTEN_SECTORS]) * SECTOR_BYTES,
        )

    def partitions(self, disk: Path) -> tuple[Path, ...]:
        """Return the sysfs folders of a disk's partitions."""
        return tuple(sorted(part.parent for part in disk.glob("*/partition")))

    def system_disks(self) -> frozenset[Path]:
        """Return the sysfs folders of the disks that this machine runs from: those behind `/` and /boot."""
        found: set[Path] = set()
        for line in (_read_text(self.mounts) or "").splitlines():
            fields = line.split(" ")
            if fields[4] in _SYSTEM_MOUNTS:
                major, minor = (int(part) for part in fields[2].split(":"))
                folder = self.folder(os.makedev(major, minor))
                found |= self._disks_behind(folder) if folder else set()
        return frozenset(found)

    def _disks_behind(self, folder: Path) -> set[Path]:
        """Return the disks under a device, through encryption, RAID and volume groups."""
        under = sorted((folder / "slaves").glob("*"))
        if not under:
            return {self.disk(folder)}
        return set().union(*(self._disks_behind(link.resolve()) for link in under))


def _read_text(path: Path) -> str | None:
    """Return a small file's text, stripped; None when it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None
