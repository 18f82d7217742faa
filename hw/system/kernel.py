"""The few system calls that stand between PiSM and a stick, in one place.

Owns nothing but the calls; tests pass a kernel of their own that answers as a busy, pulled, dying or
protected device would. Rules: every descriptor is close-on-exec; errors stay OSError here, and
`stick_error` says what they mean.
"""

import errno
import fcntl
import mmap
import os
from pathlib import Path

from hw.ports import (
    StickError,
    StickFullError,
    StickGoneError,
    StickInUseError,
    StickIoError,
    StickReadOnlyError,
)

_MEANING: dict[int, type[StickError]] = {
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
    return _MEANING.get(error.errno or 0, StickIoError)(f"{what}: {error.strerror}")


class Kernel:
    """The calls, as the kernel of this machine answers them."""

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

    def forget(self, descriptor: int) -> None:
        """Ask for clean cached pages to be dropped, so that folders are read off the medium again."""
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)

    def read_direct(self, descriptor: int, buffer: mmap.mmap, offset: int) -> int:
        """Read past the page cache into an aligned buffer; OSError EINVAL where that is refused."""
        return os.preadv(descriptor, [buffer], offset)
