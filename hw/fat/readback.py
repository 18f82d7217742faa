"""Prove what a medium really holds: the SHA-256 of a file as read past every cache.

Rules:

1. The file's clusters are read with O_DIRECT; that is the medium, or a stick that lies about itself twice.
2. Where the kernel refuses O_DIRECT, every handle is closed, which drops the node's pages, the file is
   read again, and the device must have counted that many bytes read: posix_fadvise alone proves nothing.

The seam between FAT and what holds it: a claimed medium that is flushed and read past the page cache.

Owns the protocol only. hw.sticks.node is the real one, hw.sticks.emulated_flash the one with faults.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from hw.fat.listing import Extent
from hw.ports import StickVerifyError
from hw.sticks.blockdev import Counters

Tick = Callable[[int], None]
"""Told now and then, while something long runs, how many bytes have reached the medium; may raise."""


class Medium(Protocol):
    """What hw.fat.volume needs of a stick, real or emulated."""

    @property
    def path(self) -> Path:
        """Return its node or image file."""

    @property
    def size_bytes(self) -> int:
        """Return its size."""

    @property
    def read_only(self) -> bool:
        """Tell whether it is write-protected."""

    def fileno(self) -> int:
        """Return the descriptor that mtools works on."""

    def check(self) -> None:
        """Raise StickGoneError when it no longer answers."""

    def settle(self, tick: Tick | None = None) -> None:
        """Push all that was written to the medium; StickIoError, StickGoneError when that fails."""

    def read_past_cache(self, offset: int, length: int) -> Iterator[bytes] | None:
        """Return the bytes that the medium itself holds, or None where the kernel refuses that."""

    def counters(self) -> Counters | None:
        """Return what went over the wire so far, where somebody counts."""

    def reopen(self) -> None:
        """Close every handle and claim it anew, so that nothing is left in the page cache."""

    def unclaimed(self) -> AbstractContextManager[None]:
        """Let the claim go for a tool that must claim it itself; the node stays open."""

    def close(self) -> None:
        """Let it go."""


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
