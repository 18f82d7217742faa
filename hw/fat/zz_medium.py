"""The seam between FAT and what holds it: a claimed medium that is flushed and read past the page cache.

Owns the protocol only. hw.sticks.node is the real one, hw.sticks.emulated_flash the one with faults.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

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
