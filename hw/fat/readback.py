"""Prove what a medium really holds: the SHA-256 of a file as read past every cache.

Rules:

1. The file's clusters are read with O_DIRECT; that is the medium, or a stick that lies about itself twice.
2. Where the kernel refuses O_DIRECT, every handle is closed, which drops the node's pages, the file is
   read again, and the device must have counted that many bytes read: posix_fadvise alone proves nothing.
"""

import hashlib
from collections.abc import Callable, Iterable

from hw.fat.listing import Extent
from hw.fat.zz_medium import Medium, Tick
from hw.ports import StickVerifyError


def hash_extents(medium: Medium, extents: Iterable[Extent], tick: Tick) -> str | None:
    """Return the SHA-256, in hex, of a file's bytes as the medium holds them.

    Args:
        medium: Settled.
        extents: Where the file lies, in order.
        tick: Told how many bytes were read so far.

    Returns:
        None where the kernel refuses to read past its cache.

    Raises:
        StickGoneError, StickIoError: Reading failed.
    """
    digest, done = hashlib.sha256(), 0
    for extent in extents:
        pieces = medium.read_past_cache(extent.offset, extent.length)
        if pieces is None:
            return None
        for piece in pieces:
            digest.update(piece)
            done += len(piece)
            tick(done)
    return digest.hexdigest()


def hash_reopened(
    medium: Medium, size_bytes: int, read_file: Callable[[Callable[[bytes], object]], None]
) -> str:
    """Return the SHA-256, in hex, of a file read after every handle was closed.

    Args:
        medium: Settled; it is closed and claimed anew.
        size_bytes: Of the file.
        read_file: Reads the file through mtools into the function it is given.

    Raises:
        StickVerifyError: The bytes came from a cache, not from the device.
        StickGoneError, StickInUseError, StickIoError: Claiming or reading failed.
    """
    medium.reopen()
    before = medium.counters()
    digest = hashlib.sha256()
    read_file(digest.update)
    after = medium.counters()
    if before is not None and after is not None and after.read_bytes - before.read_bytes < size_bytes:
        raise StickVerifyError("the file was read back from a cache, not from the stick")
    return digest.hexdigest()
