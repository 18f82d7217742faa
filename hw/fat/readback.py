"""Prove what a medium really holds: a file's name, size and SHA-256, read past every cache.

Owns the comparison of what was meant with what is there. Rules:

1. A name and a size are true when the folder says so that was read off the medium after the flush.
2. The file's clusters are read with O_DIRECT; that is the medium, or a stick that lies about itself twice.
3. Where the kernel refuses O_DIRECT, every handle is closed, which drops the node's pages, the file is
   read again, and the device must have counted that many bytes read: posix_fadvise alone proves nothing.

Left to others: flushing, and what happens to a file that is not as it should be (hw.fat.writing).
"""

import hashlib
from collections.abc import Callable, Iterable
from functools import partial

from hw.errors import StickVerifyError
from hw.fat.listing import Extent, parse_extents
from hw.fat.mtools import Drive, drive_path
from hw.fat.names import StickPath
from hw.ports import Medium, Tick


def check_entry(drive: Drive, place: StickPath, size_bytes: int) -> None:
    """Check a file's name and size, as its folder on the medium says.

    Args:
        drive: Flushed.
        place: Where the file should be.
        size_bytes: What it should have.

    Raises:
        StickVerifyError: It is not there, or not so.
        StickGoneError, StickIoError: The folder cannot be read.
    """
    drive.forget_listing(place.folder)
    found = drive.find(place)
    if found is None or found.name != place.name or found.size_bytes != size_bytes:
        raise StickVerifyError(f"{place} was written and is not on the stick as it should be")


def check_hash(drive: Drive, place: StickPath, size_bytes: int, sha256: str, tick: Tick) -> None:
    """Check a file's bytes, as the medium holds them.

    Args:
        drive: Flushed.
        place: Of the file.
        size_bytes: What it should have.
        sha256: What its bytes should hash to, in hex.
        tick: Told how many bytes were read so far.

    Raises:
        StickVerifyError: The medium holds something else.
        StickGoneError, StickInUseError, StickIoError: Reading failed.
    """
    printed: list[bytes] = []
    outcome = drive.run(["mshowfat", drive_path(str(place))], "r", sink=printed.append)
    if outcome.status != 0:
        drive.medium.check()
        raise StickVerifyError(f"{place} was written and cannot be found on the stick")
    extents = parse_extents(b"".join(printed).decode("utf-8", "replace"), drive.geometry, size_bytes)
    digest = hash_extents(drive.medium, extents, tick)
    if digest is None:
        digest = hash_reopened(drive.medium, size_bytes, partial(drive.read_file, place, size_bytes))
    if digest != sha256:
        raise StickVerifyError(f"{place} was written, and the stick holds something else")


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
