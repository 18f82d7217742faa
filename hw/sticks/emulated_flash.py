"""The medium of an emulated stick: an image file behind a controller that can fail on purpose.

Rules:

1. Without a fault mtools works on the image file itself; the only difference to a real stick is `pull`.
2. With one, mtools works on a copy, which stands for the page cache; `settle` is where the kernel would
   write it out, and there the controller takes it as its fault says. Reading past the cache reads what
   the controller kept. So a fault shows itself as it would: mcopy ends well, and only fsync or the
   reading back tells.
"""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from hw.fat.drive import Drive, at
from hw.fat.mtools import SOURCE, limits_for
from hw.fat.readback import Tick
from hw.ports import StickError, StickGoneError, StickIoError
from hw.sticks.node import NodeMedium

_BLOCK_BYTES = 4096
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """How an emulated stick fails.

    Args:
        full: Not a byte is free.
        read_only: Its write lock is closed.
        yank_at_byte: It is pulled when that many bytes were written to it since it was put in.
        lying: It takes all writes without an error, and "forgets" them, or "alters" one bit of the first.
        dying: Its flash takes no write any more, and says so.
    """

    full: bool = False
    read_only: bool = False
    yank_at_byte: int | None = None
    lying: Literal["", "forgets", "alters"] = ""
    dying: bool = False

    @property
    def any(self) -> bool:
        """Tell whether there is a fault at all."""
        return self != Faults()


class Socket:
    """One insertion of an image: in until it is pulled, with the bytes it may still take.

    Args:
        faults: Of the stick.
        pulled: Called once when the stick pulls itself (yank_at_byte).
    """

    def __init__(self, faults: Faults, pulled: Callable[[], None]) -> None:
        self.faults = faults
        self.out = False
        self.altered = False
        self._left_bytes = faults.yank_at_byte
        self._pulled = pulled

    def take(self, wanted: int) -> int:
        """Return how many of these bytes still get through before the stick is pulled."""
        if self._left_bytes is None:
            return wanted
        taken = min(wanted, self._left_bytes)
        self._left_bytes -= taken
        return taken

    def pull_itself(self) -> None:
        """Be pulled by the fault."""
        if not self.out:
            self.out = True
            self._pulled()


class EmulatedMedium(NodeMedium):
    """An image file without a fault; it is gone when its socket is empty.

    Args:
        image: The file.
        socket: Its insertion.
    """

    def __init__(self, image: Path, socket: Socket) -> None:
        self._socket = socket
        super().__init__(image)

    def check(self) -> None:
        """Raise StickGoneError when it was pulled."""
        if self._socket.out:
            raise StickGoneError(f"{self.path} was pulled")
        super().check()


class FlashMedium(EmulatedMedium):
    """An image file behind a failing controller."""

    def __init__(self, image: Path, socket: Socket) -> None:
        self._cache: IO[bytes] | None = None
        super().__init__(image, socket)
        try:
            self._cache = tempfile.TemporaryFile(prefix="pism-stick-")  # noqa: SIM115  (closed by `close`)
            _copy(super().fileno(), self._cache.fileno(), self.size_bytes)
            if socket.faults.full:
                self._fill()
        except BaseException:
            self.close()
            raise

    @property
    def read_only(self) -> bool:
        """Tell whether the write lock is closed."""
        return self._socket.faults.read_only or super().read_only

    def fileno(self) -> int:
        """Return the descriptor of the copy, on which mtools works."""
        return self._cache.fileno() if self._cache is not None else -1

    def settle(self, tick: Tick | None = None) -> None:
        """Have the controller take what was written, in its way.

        Raises:
            StickIoError: It is dying.
            StickGoneError: It was pulled meanwhile.
        """
        self.check()
        faults = self._socket.faults
        if faults.full or faults.read_only:
            return
        if faults.dying:
            raise StickIoError(f"{self.path} did not take what was written: {os.strerror(5)}")
        runs = list(self._changed())
        if faults.lying != "forgets":
            self._write_out(runs)
        if tick:
            tick(sum(length for _, length in runs))
        for offset, length in runs:
            _copy(super().fileno(), self.fileno(), length, offset)
        self.check()

    def read_past_cache(self, offset: int, length: int) -> Iterator[bytes] | None:
        """Return what the controller kept; a full stick's filler is only in the copy."""
        self.check()
        if self._socket.faults.full:
            return iter([os.pread(self.fileno(), length, offset)])
        return super().read_past_cache(offset, length)

    def close(self) -> None:
        """Let both go."""
        if self._cache is not None:
            self._cache.close()
            self._cache = None
        super().close()

    def reopen(self) -> None:
        """Claim the image anew; the copy holds nothing else, because `settle` came before."""
        cache, self._cache = self._cache, None
        try:
            super().reopen()
        finally:
            self._cache = cache

    def _changed(self) -> Iterator[tuple[int, int]]:
        """Yield the runs of blocks, offset and length, in which copy and image differ."""
        start = -1
        for offset in range(0, self.size_bytes, _CHUNK_BYTES):
            new = os.pread(self.fileno(), _CHUNK_BYTES, offset)
            old = os.pread(super().fileno(), _CHUNK_BYTES, offset)
            step = len(new) if new == old else _BLOCK_BYTES
            for place in range(0, len(new), step):
                same = new[place : place + step] == old[place : place + step]
                if not same and start < 0:
                    start = offset + place
                elif same and start >= 0:
                    yield start, offset + place - start
                    start = -1
        if start >= 0:
            yield start, self.size_bytes - start

    def _write_out(self, runs: list[tuple[int, int]]) -> None:
        """Write the runs to the image until the stick is pulled."""
        spoil = self._socket.faults.lying == "alters" and not self._socket.altered
        # the last of the longest lies behind the FAT and the folder: a file's bytes
        longest = max(runs, key=lambda run: (run[1], run[0]), default=None)
        with open(f"/proc/self/fd/{super().fileno()}", "r+b", buffering=0) as image:  # noqa: PTH123
            for run in runs:
                offset, length = run
                data = bytearray(os.pread(self.fileno(), length, offset))
                if spoil and run == longest:
                    data[_last_change(data, os.pread(image.fileno(), length, offset))] ^= 1
                    self._socket.altered = True
                taken = self._socket.take(length)
                os.pwrite(image.fileno(), data[:taken], offset)
                if taken < length:
                    self._socket.pull_itself()
                    self.check()

    def _fill(self) -> None:
        """Leave no free byte on the copy; what is no FAT32 stays as it is."""
        with suppress(StickError), tempfile.TemporaryFile() as nothing:
            drive = Drive(self)
            os.truncate(nothing.fileno(), drive.free_bytes)
            name = at("FILLER.BIN")
            limits = limits_for(drive.free_bytes)
            drive.write(["mcopy", SOURCE, name], "no filler", source=nothing.fileno(), limits=limits)


def _last_change(new: bytes | bytearray, old: bytes) -> int:
    """Return the last place in which two runs of blocks, which do differ, differ."""
    return next(place for place in reversed(range(len(new))) if new[place] != old[place])


def _copy(source: int, target: int, length: int, offset: int = 0) -> None:
    """Copy bytes from file to file; what is blank in both stays a hole."""
    end = offset + length
    if offset == 0:
        os.truncate(target, max(end, os.fstat(target).st_size))
    for place in range(offset, end, _CHUNK_BYTES):
        data = os.pread(source, min(_CHUNK_BYTES, end - place), place)
        if data != os.pread(target, len(data), place):
            os.pwrite(target, data, place)
