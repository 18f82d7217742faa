"""A block node or an image file: claimed, flushed, and read past the page cache.

Owns the claim on a stick, the system calls that hold it and what their failures mean. Rules:

1. Before any read or write the whole disk is opened O_EXCL, which nobody can mount or claim a part of
   while we hold it; the disk behind `/` is refused. An image file is locked with flock instead.
2. The node stays open all the time, so its number cannot pass to another stick that is put in. Opened for
   reading only: that is enough for fsync, and closing it then makes no `change` event.
3. Only fsync() on the node tells that writing failed; mtools, sync and blockdev do not.
4. A stick that is gone says so (StickGoneError), whatever error the kernel gave first.

Left to others: files and folders (hw.fat.volume), which sticks are in (hw.sticks).
"""

import errno
import fcntl
import mmap
import os
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hw.errors import (
    StickError,
    StickFormatError,
    StickFullError,
    StickGoneError,
    StickInUseError,
    StickIoError,
    StickReadOnlyError,
)
from hw.medium.sysfs import Sysfs
from hw.ports import Counters, Tick

_CHUNK_BYTES = 1 << 20
_ALIGN = 4096
_TICK_S = 0.25

_ERRORS: dict[int, type[StickError]] = {
    errno.ENXIO: StickGoneError,
    errno.ENODEV: StickGoneError,
    errno.ENOENT: StickGoneError,
    errno.ENOMEDIUM: StickGoneError,
    errno.ESHUTDOWN: StickGoneError,
    errno.EBUSY: StickInUseError,
    errno.EWOULDBLOCK: StickInUseError,
    errno.EROFS: StickReadOnlyError,
    errno.ENOSPC: StickFullError,
}


def stick_error(error: OSError, what: str) -> StickError:
    """Return the stick error that a failed system call means.

    Args:
        error: What the kernel said.
        what: What was being done, as the beginning of a sentence.
    """
    return _ERRORS.get(error.errno or 0, StickIoError)(f"{what}: {error.strerror}")


class Kernel:
    """The few system calls that stand between PiSM and a stick; tests pass one that answers as they need.

    Every descriptor is close-on-exec; errors stay OSError here, and `stick_error` says what they mean.
    """

    def open(self, path: Path | str, flags: int) -> int:
        """Open a node or file; OSError."""
        return os.open(path, flags | os.O_CLOEXEC | os.O_NONBLOCK)

    def stat(self, descriptor: int) -> os.stat_result:
        """Return what an open file is."""
        return os.fstat(descriptor)

    def lock(self, descriptor: int) -> None:
        """Take the exclusive lock of an image file, which has no O_EXCL; OSError EWOULDBLOCK when taken."""
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def sync(self, descriptor: int) -> None:
        """Push all to the medium; of all ways to flush a node only this one tells of a failed write."""
        os.fsync(descriptor)

    def drop_cache(self, descriptor: int) -> None:
        """Ask for clean cached pages to be dropped, so that folders are read off the medium again."""
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)

    def read(self, descriptor: int, length: int, offset: int) -> bytes:
        """Read through the page cache; OSError."""
        return os.pread(descriptor, length, offset)

    def read_direct(self, descriptor: int, buffer: mmap.mmap, offset: int) -> int:
        """Read past the page cache into an aligned buffer; OSError EINVAL where that is refused."""
        return os.preadv(descriptor, [buffer], offset)


class NodeMedium:
    """A block node or an image file.

    Args:
        path: Block node (disk or partition) or image file.
        kernel: Makes the system calls.
        sysfs: Reads sysfs.

    Raises:
        StickGoneError: There is no such node.
        StickInUseError: Mounted, locked, or the disk that this machine runs from.
        StickFormatError: Neither a block device nor a file.
        StickIoError: It cannot be opened.
    """

    def __init__(self, path: Path, *, kernel: Kernel | None = None, sysfs: Sysfs | None = None) -> None:
        self._path = path
        self._kernel = kernel or Kernel()
        self._sysfs = sysfs or Sysfs()
        self._node = self._disk = self._direct = -1
        self._direct_refused = False
        self._folder: Path | None = None
        self._sequence = ""
        try:
            self._open()
        except BaseException:
            self.close()
            raise

    @property
    def path(self) -> Path:
        """Return the node or image file."""
        return self._path

    @property
    def offset_bytes(self) -> int:
        """Return 0: all of it is the volume."""
        return 0

    @property
    def size_bytes(self) -> int:
        """Return the size of the node or file."""
        return self._size_bytes

    @property
    def read_only(self) -> bool:
        """Tell whether nothing can be written to it."""
        return self._read_only

    def fileno(self) -> int:
        """Return the descriptor of the node."""
        return self._node

    def check(self) -> None:
        """Raise StickGoneError when the device left sysfs, or the image file was deleted."""
        if self._folder is None:
            gone = self._node < 0 or self._kernel.stat(self._node).st_nlink == 0
        else:
            gone = self._sysfs.sequence(self._folder) != self._sequence or not self._folder.exists()
        if gone:
            raise StickGoneError(f"{self._path} was pulled")

    def flush(self, tick: Tick | None = None) -> None:
        """Push all that was written to the medium, then drop what is cached of it.

        Args:
            tick: Told how many bytes the device has taken, where it counts them.

        Raises:
            StickGoneError: Pulled.
            StickIoError: The medium did not take what was written.
        """
        failure = self._sync() if tick is None or self.counters() is None else self._sync_with_ticks(tick)
        self.check()
        if failure is not None:
            what = f"{self._path} did not take what was written"
            raise stick_error(failure, what) from failure

    def read(self, offset: int, length: int) -> Iterator[bytes]:
        """Yield bytes as mtools sees them, through the page cache, in pieces of at most 1 MiB.

        Args:
            offset: In bytes.
            length: In bytes; the node may end before.

        Raises:
            StickGoneError, StickIoError: Also while the pieces are taken.
        """
        end = offset + length
        while offset < end:
            try:
                piece = self._kernel.read(self.fileno(), min(_CHUNK_BYTES, end - offset), offset)
            except OSError as error:
                self.check()
                raise stick_error(error, f"{self._path} cannot be read") from error
            if not piece:
                self.check()
                return
            yield piece
            offset += len(piece)

    def read_past_cache(self, offset: int, length: int) -> Iterator[bytes] | None:
        """Return bytes off the medium itself, in pieces of at most 1 MiB.

        Args:
            offset: In bytes.
            length: In bytes.

        Returns:
            None where the kernel refuses O_DIRECT (some file systems that hold image files).

        Raises:
            StickGoneError, StickIoError: Also while the pieces are taken.
        """
        if self._direct < 0 and not self._direct_refused:
            try:
                self._direct = self._kernel.open(f"/proc/self/fd/{self._node}", os.O_RDONLY | os.O_DIRECT)
                with mmap.mmap(-1, _ALIGN) as probe:
                    self._kernel.read_direct(self._direct, probe, 0)
            except OSError as error:
                self._refuse_direct(error)
        return None if self._direct_refused else self._read_pieces(offset, length)

    def counters(self) -> Counters | None:
        """Return the device's counters; None for an image file."""
        return self._sysfs.counters(self._folder) if self._folder is not None else None

    def reopen(self) -> None:
        """Close every handle, which drops the node's pages, and claim the same insertion again.

        Raises:
            StickGoneError: It is out, or another stick has come to its node.
            StickInUseError: Somebody else was quicker.
        """
        before = (self._sequence, self._file_id)
        self.close()
        try:
            self._open()
        except BaseException:
            self.close()
            raise
        if (self._sequence, self._file_id) != before:
            self.close()
            raise StickGoneError(f"another stick came to {self._path}")

    @contextmanager
    def unclaimed(self) -> Iterator[None]:
        """Let the claim on the disk go, and take it again when all went well; the node stays open."""
        _close(self._disk)
        self._disk = -1
        yield
        if self._folder is not None:
            self._claim_disk(self._folder)

    def close(self) -> None:
        """Close every handle; may be called twice."""
        for descriptor in (self._direct, self._node, self._disk):
            _close(descriptor)
        self._node = self._disk = self._direct = -1

    def _open(self) -> None:
        """Claim and open the node."""
        try:
            self._node = self._kernel.open(self._path, os.O_RDONLY)
            found = self._kernel.stat(self._node)
        except OSError as error:
            raise stick_error(error, f"{self._path} cannot be opened") from error
        if stat.S_ISBLK(found.st_mode):
            self._open_block(found.st_rdev)
        elif stat.S_ISREG(found.st_mode):
            self._open_image(found)
        else:
            raise StickFormatError(f"{self._path} is neither a block device nor an image file")
        self._file_id = (found.st_dev, found.st_ino)

    def _open_block(self, number: int) -> None:
        """Claim the whole disk of a block device, and take its sysfs down."""
        folder = self._sysfs.folder(number)
        if folder is None:
            raise StickGoneError(f"{self._path} was pulled")
        if self._sysfs.disk(folder) in self._sysfs.system_disks():
            raise StickInUseError(f"{self._path} is on the disk that this machine runs from")
        self._folder = folder
        self._sequence = self._sysfs.sequence(folder)
        self._size_bytes = self._sysfs.size_bytes(folder)
        self._read_only = self._sysfs.read_only(folder)
        self._claim_disk(folder)

    def _claim_disk(self, folder: Path) -> None:
        """Open the whole disk O_EXCL: the kernel refuses it while any part is mounted or claimed."""
        disk = self._sysfs.node(self._sysfs.disk(folder))
        try:
            self._disk = self._kernel.open(disk, os.O_RDONLY | os.O_EXCL)
        except OSError as error:
            raise stick_error(error, f"{disk} cannot be claimed") from error

    def _open_image(self, found: os.stat_result) -> None:
        """Lock an image file; one without any write bit is a stick with its write lock closed."""
        self._size_bytes = found.st_size
        self._read_only = not found.st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH)
        try:
            self._kernel.lock(self._node)
        except OSError as error:
            raise stick_error(error, f"{self._path} cannot be locked") from error

    def _sync(self) -> OSError | None:
        """Flush and drop what is cached; return what went wrong."""
        try:
            self._kernel.sync(self._node)
            self._kernel.drop_cache(self._node)
        except OSError as error:
            return error
        return None

    def _sync_with_ticks(self, tick: Tick) -> OSError | None:
        """Flush in a thread of its own, and tell meanwhile how far the device is."""
        start = self.counters()
        ends: list[OSError | None] = []
        thread = threading.Thread(target=lambda: ends.append(self._sync()), name="flush")
        thread.start()
        try:
            while True:
                thread.join(_TICK_S)
                here = self.counters()
                if start is not None and here is not None:
                    tick(here.written_bytes - start.written_bytes)
                if ends:
                    return ends[0]
        finally:
            thread.join()

    def _refuse_direct(self, error: OSError) -> None:
        """Remember that O_DIRECT is refused here; anything else is a failure."""
        if error.errno not in {errno.EINVAL, errno.EOPNOTSUPP}:
            self.check()
            raise stick_error(error, f"{self._path} cannot be read") from error
        self._direct_refused = True

    def _read_pieces(self, offset: int, length: int) -> Iterator[bytes]:
        """Read aligned blocks and cut out what was asked for."""
        end = offset + length
        with mmap.mmap(-1, _CHUNK_BYTES) as buffer:
            position = offset - offset % _ALIGN
            while position < end:
                try:
                    count = self._kernel.read_direct(self._direct, buffer, position)
                except OSError as error:
                    self.check()
                    raise stick_error(error, f"{self._path} cannot be read back") from error
                low, high = max(offset - position, 0), min(count, end - position)
                if high <= low:
                    self.check()
                    return
                yield buffer[low:high]
                position += count


def _close(descriptor: int) -> None:
    """Close a descriptor that may be none, and may belong to a device that is gone."""
    if descriptor >= 0:
        with suppress(OSError):
            os.close(descriptor)
