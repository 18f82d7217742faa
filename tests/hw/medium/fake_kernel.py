"""A kernel that answers as it is told, and the part of sysfs that describes one USB disk."""

import errno
import mmap
import os
import stat
from pathlib import Path

from hw.medium.node import Kernel
from hw.medium.sysfs import Sysfs

DISK, PARTITION = os.makedev(8, 16), os.makedev(8, 17)


def make_sysfs(folder: Path, *, size_bytes: int, read_only: bool = False, sequence: str = "7") -> Sysfs:
    """Make the part of /sys that describes one USB disk `sdb` with a partition `sdb1`, and /dev."""
    disk = folder / "sys/devices/pci0/usb1/1-1/host6/block/sdb"
    part = disk / "sdb1"
    part.mkdir(parents=True)
    (folder / "dev").mkdir()
    numbers = folder / "sys/dev/block"
    numbers.mkdir(parents=True)
    (folder / "mounts").write_text("30 1 254:0 / / rw - ext4 /dev/vda rw\n")
    for place, number in ((disk, DISK), (part, PARTITION)):
        (numbers / f"{os.major(number)}:{os.minor(number)}").symlink_to(place)
        (place / "uevent").write_text(f"MAJOR=8\nDEVNAME={place.name}\n")
        (place / "size").write_text(f"{size_bytes // 512}\n")
        (place / "ro").write_text("1\n" if read_only else "0\n")
        (place / "stat").write_text("1 2 100 4 5 6 200 8 9 10 11\n")
    (part / "partition").write_text("1\n")
    (disk / "diskseq").write_text(f"{sequence}\n")
    return Sysfs(sys=folder / "sys", dev=folder / "dev", mounts=folder / "mounts")


def count_io(sysfs: Sysfs, *, read_sectors: int, written_sectors: int) -> None:
    """Let the device's counters say that so much went over the wire."""
    for path in sysfs.sys.glob("devices/pci0/usb1/1-1/host6/block/sdb/**/stat"):
        path.write_text(f"1 2 {read_sectors} 4 5 6 {written_sectors} 8 9 10 11\n")


class TestKernel(Kernel):
    """A kernel that takes files for block devices and fails as it is told.

    Args:
        blocks: File name -> device number it is taken for.
        errors: (call, file name or "") -> errno, or a list of them, 0 for none.
    """

    __test__ = False

    def __init__(
        self, *, blocks: dict[str, int] | None = None, errors: dict[tuple[str, str], int] | None = None
    ) -> None:
        self.blocks = blocks or {}
        self.errors = errors or {}
        self.opened: list[tuple[str, int]] = []

    def _fail(self, call: str, name: str) -> None:
        number = self.errors.get((call, name)) or self.errors.get((call, ""))
        if number:
            raise OSError(number, os.strerror(number))

    def open(self, path: Path | str, flags: int) -> int:
        name = Path(path).name
        self.opened.append((name, flags))
        self._fail("direct" if flags & os.O_DIRECT else "open", name)
        # regular files know nothing of O_EXCL; whether O_DIRECT is had must not depend on the test's disk
        return super().open(path, flags & ~(os.O_EXCL | os.O_DIRECT))

    def stat(self, descriptor: int) -> os.stat_result:
        found = super().stat(descriptor)
        number = self.blocks.get(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        if number is None:
            return found
        # what the ten of the tuple do not hold; Python 3.13 refuses a name that they do
        fields = {
            name: getattr(found, name)
            for name in dir(found)
            if name.startswith(("st_atime", "st_mtime", "st_ctime", "st_bl"))
        }
        return os.stat_result((stat.S_IFBLK | 0o660, *tuple(found)[1:]), fields | {"st_rdev": number})

    def sync(self, descriptor: int) -> None:
        self._fail("sync", "")
        super().sync(descriptor)

    def lock(self, descriptor: int) -> None:
        self._fail("lock", "")
        super().lock(descriptor)

    def read(self, descriptor: int, length: int, offset: int) -> bytes:
        self._fail("pread", "")
        return super().read(descriptor, length, offset)

    def read_direct(self, descriptor: int, buffer: mmap.mmap, offset: int) -> int:
        self._fail("read", "")
        return super().read_direct(descriptor, buffer, offset)


GONE, BUSY, BROKEN, REFUSED = errno.ENXIO, errno.EBUSY, errno.EIO, errno.EINVAL
