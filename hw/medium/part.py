"""One part of a claimed medium: the bytes of a volume that does not begin at its first one."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from hw.ports import Counters, Medium, Tick


class PartMedium:
    """A part of an image of a whole disk, or of such a disk's own node.

    Args:
        medium: Claimed; belongs to the part from now on.
        offset: Where the part begins, in bytes.
        size_bytes: How long it is.
    """

    def __init__(self, medium: Medium, offset: int, size_bytes: int) -> None:
        self._medium = medium
        self._offset = offset
        self._size_bytes = size_bytes

    @property
    def path(self) -> Path:
        """Return the node or image file that it is a part of."""
        return self._medium.path

    @property
    def offset_bytes(self) -> int:
        """Return where it begins."""
        return self._offset

    @property
    def size_bytes(self) -> int:
        """Return its own size."""
        return self._size_bytes

    @property
    def read_only(self) -> bool:
        """Tell whether the whole is write-protected."""
        return self._medium.read_only

    def fileno(self) -> int:
        """Return the descriptor of the whole."""
        return self._medium.fileno()

    def check(self) -> None:
        """Raise StickGoneError when the whole no longer answers."""
        self._medium.check()

    def flush(self, tick: Tick | None = None) -> None:
        """Push all that was written to the medium; StickIoError, StickGoneError when that fails."""
        self._medium.flush(tick)

    def read(self, offset: int, length: int) -> Iterator[bytes]:
        """Yield bytes of the part, as mtools sees them."""
        if offset >= self._size_bytes:
            self.check()
        return self._medium.read(self._offset + offset, max(0, min(length, self._size_bytes - offset)))

    def read_past_cache(self, offset: int, length: int) -> Iterator[bytes] | None:
        """Return the bytes of the part that the medium itself holds, or None where that is refused."""
        return self._medium.read_past_cache(
            self._offset + offset, max(0, min(length, self._size_bytes - offset))
        )

    def counters(self) -> Counters | None:
        """Return what went over the wire of the whole."""
        return self._medium.counters()

    def reopen(self) -> None:
        """Close every handle of the whole and claim it anew."""
        self._medium.reopen()

    def unclaimed(self) -> AbstractContextManager[None]:
        """Let the claim on the whole go for a tool that must claim it itself."""
        return self._medium.unclaimed()

    def close(self) -> None:
        """Let the whole go; again is harmless."""
        self._medium.close()
