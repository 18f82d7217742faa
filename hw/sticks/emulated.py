"""Emulated USB sockets and sticks: a stick is a FAT32 image file, and it can be told how to fail.

Owns the sockets and the flash behind them. Rules:

1. The same events, the same reading of labels, file systems and kinds of parts (hw.sticks.contents), the same
   volume code above. Images lie in one folder; they are in the socket only when they were put in.
2. Without a fault mtools works on the image file itself; the only difference to a real stick is `pull`.
3. With one, mtools works on a copy, which stands for the page cache; `flush` is where the kernel would
   write it out, and there the controller takes it as its fault says. Reading past the cache reads what
   the controller kept. So a fault shows itself as it would: mcopy ends well, and only fsync or the
   reading back tells.
"""

import itertools
import os
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from hw.errors import StickError, StickGoneError, StickIoError
from hw.fat.launcher import limits_for
from hw.fat.mkfs import IMAGE_BYTES, make_image
from hw.fat.mtools import SOURCE, Drive, drive_path
from hw.medium.node import NodeMedium
from hw.medium.part import PartMedium
from hw.medium.table import read_table
from hw.ports import Medium, Post, Stick, StickInserted, StickRemoved, Tick
from hw.sticks.contents import look_at
from hw.sticks.insertions import BlockDevice, read_stick

_BLOCK_BYTES = 4096
_CHUNK_BYTES = 1 << 20
_WRITE_BITS = 0o222
_TIMEOUT_S = 20.0


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


class EmulatedSticks:
    """The twin of hw.sticks.udev.UdevSticks.

    Args:
        folder: Where images lie; None when `insert` is given paths only.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._post: Post | None = None
        self._lock = threading.Lock()
        self._in: dict[str, tuple[Stick, Socket]] = {}
        self._sequence = itertools.count(1)

    def start(self, post: Post) -> None:
        """Post what is in already, then every change."""
        with self._lock:
            self._post = post
            sticks = [stick for stick, _ in self._in.values()]
        for stick in sticks:
            post(StickInserted(stick))

    def close(self) -> None:
        """Stop posting."""
        self._post = None

    def open_medium(self, stick: Stick) -> Medium:
        """Claim a stick that is in.

        Raises:
            StickGoneError: That insertion is over.
            StickInUseError: Another has it open.
        """
        with self._lock:
            known = self._in.get(stick.identity)
        if known is None:
            raise StickGoneError(f"{stick.node} was pulled")
        _, socket = known
        medium = (FlashMedium if socket.faults.any else EmulatedMedium)(stick.node, socket)
        return PartMedium(medium, stick.offset_bytes, stick.size_bytes) if stick.offset_bytes else medium

    def images(self) -> tuple[Path, ...]:
        """Return the images of the folder, by name."""
        return tuple(sorted(self._folder.glob("*.img"))) if self._folder else ()

    def inserted(self) -> tuple[Stick, ...]:
        """Return the sticks that are in, first come first."""
        with self._lock:
            return tuple(stick for stick, _ in self._in.values())

    def make(self, label: str, *, blank: bool = False) -> Path:
        """Make a new image `<label>.img` in the folder, or `<label>-2.img` and so on.

        Args:
            label: 1 to 11 of A-Z, 0-9, `-` and `_`; "" for a stick as it is sold: FAT32 without a label.
            blank: It has no filesystem at all, and no label.

        Raises:
            StickNameError, StickFormatError, StickIoError: As hw.fat.mkfs.make_image.
        """
        if self._folder is None:
            raise StickIoError("there is no folder to make a stick in")
        taken = {image.name for image in self.images()}
        stem = "blank" if blank else label or "unnamed"
        names = itertools.chain([f"{stem}.img"], (f"{stem}-{number}.img" for number in itertools.count(2)))
        path = self._folder / next(name for name in names if name not in taken)
        if blank or not label:
            _make_as_sold(path, blank=blank)
        else:
            make_image(path, label, IMAGE_BYTES)
        return path

    def insert(self, image: Path, faults: Faults | None = None) -> Stick:
        """Put a stick in and post it.

        Args:
            image: Any file; what is no FAT32 is told as such.
            faults: How it fails.

        Returns:
            The stick, with an identity of its own for this insertion.

        Raises:
            StickIoError: There is no such file.
        """
        faults = faults or Faults()
        stick = _read_image(image, f"{next(self._sequence)}", read_only=faults.read_only)
        socket = Socket(faults, lambda: self.pull(stick))
        with self._lock:
            self._in[stick.identity] = (stick, socket)
            post = self._post
        if post:
            post(StickInserted(stick))
        return stick

    def pull(self, stick: Stick | None = None) -> None:
        """Pull a stick, whatever is going on, and post it.

        Args:
            stick: None pulls all.
        """
        with self._lock:
            identities = list(self._in) if stick is None else [stick.identity]
            gone = [(identity, self._in.pop(identity)) for identity in identities if identity in self._in]
            post = self._post
        for identity, (_, socket) in gone:
            socket.out = True
            if post:
                post(StickRemoved(identity))


def _read_image(image: Path, sequence: str, *, read_only: bool) -> Stick:
    """Return the stick that an image is, by what lies on it and on its parts."""
    try:
        found = image.stat()
        read_only = read_only or not found.st_mode & _WRITE_BITS
        with image.open("rb") as file:
            parts = read_table(lambda offset, length: os.pread(file.fileno(), length, offset), found.st_size)
        whole, *each = look_at(image, (0, found.st_size), *((part.offset, part.size_bytes) for part in parts))
    except OSError as error:
        raise StickIoError(f"{image} cannot be put in: {error.strerror}") from error
    properties = {"DEVNAME": str(image), "ID_BUS": "usb"}
    disk = BlockDevice(
        action="add",
        path=str(image),
        properties=properties | {"DEVTYPE": "disk"} | dict(whole),
        size_bytes=found.st_size,
        read_only=read_only,
        sequence=sequence,
        partitions=len(parts),
    )
    devices = [
        BlockDevice(
            action="add",
            path=f"{image}/{part.number}",
            properties=properties | {"DEVTYPE": "partition"} | dict(lies),
            size_bytes=part.size_bytes,
            read_only=read_only,
            sequence=sequence,
            offset_bytes=part.offset,
        )
        for part, lies in (() if disk.has_filesystem else zip(parts, each, strict=True))
    ]
    # an image may be smaller than anything that a kernel would call a stick
    return read_stick(disk, devices) or disk.stick()


def _make_as_sold(path: Path, *, blank: bool) -> None:
    """Make an image without a label: blank, or with a FAT32."""
    try:
        with path.open("xb") as file:
            file.truncate(IMAGE_BYTES)
        if not blank:
            _run("mkfs.vfat", "-F", "32", "--mbr=n", str(path)).check_returncode()
    except (OSError, subprocess.SubprocessError) as error:
        raise StickIoError(f"{path} cannot be made: {error}") from error


def _run(*command: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=_TIMEOUT_S,
        check=False,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"},
    )


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

    def accept(self, wanted: int) -> int:
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

    def reopen(self) -> None:
        """Close every handle and claim the same insertion again.

        Raises:
            StickGoneError: It is out.
            StickInUseError: Somebody else was quicker.
        """
        if self._socket.out:
            self.close()
        self.check()
        super().reopen()


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

    def flush(self, tick: Tick | None = None) -> None:
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
        runs = list(self._find_changes())
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
        """Claim the image anew; the copy holds nothing else, because `flush` came before."""
        cache, self._cache = self._cache, None
        try:
            super().reopen()
        except BaseException:
            self._cache = cache
            self.close()
            raise
        self._cache = cache

    def _find_changes(self) -> Iterator[tuple[int, int]]:
        """Yield the runs of blocks, offset and length, in which copy and image differ."""
        start = -1
        for offset in range(0, self.size_bytes, _CHUNK_BYTES):
            if all(_is_hole(descriptor, offset) for descriptor in (self.fileno(), super().fileno())):
                if start >= 0:
                    yield start, offset - start
                    start = -1
                continue
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
                    data[_find_last_change(data, os.pread(image.fileno(), length, offset))] ^= 1
                    self._socket.altered = True
                taken = self._socket.accept(length)
                os.pwrite(image.fileno(), data[:taken], offset)
                if taken < length:
                    self._socket.pull_itself()
                    self.check()

    def _fill(self) -> None:
        """Leave no free byte on the copy; what is no FAT32 stays as it is."""
        with suppress(StickError), tempfile.TemporaryFile() as nothing, closing(Drive(self)) as drive:
            free_bytes = drive.free_bytes
            drive.has_room(free_bytes // drive.geometry.cluster_bytes)
            os.truncate(nothing.fileno(), free_bytes)
            name = drive_path("FILLER.BIN")
            limits = limits_for(free_bytes)
            drive.write(["mcopy", SOURCE, name], "no filler", source=nothing.fileno(), limits=limits)


def _find_last_change(new: bytes | bytearray, old: bytes) -> int:
    """Return the last place in which two runs of blocks, which do differ, differ."""
    return next(place for place in reversed(range(len(new))) if new[place] != old[place])


def _copy(source: int, target: int, length: int, offset: int = 0) -> None:
    """Copy bytes from file to file; what is blank in both stays a hole."""
    end = offset + length
    if offset == 0:
        os.truncate(target, max(end, os.fstat(target).st_size))
    for place in range(offset, end, _CHUNK_BYTES):
        if _is_hole(source, place) and _is_hole(target, place):
            continue
        data = os.pread(source, min(_CHUNK_BYTES, end - place), place)
        if data != os.pread(target, len(data), place):
            os.pwrite(target, data, place)


def _is_hole(file: int, offset: int) -> bool:
    """Tell whether a piece of a file was never written: it reads as zeros, and need not be read for that."""
    try:
        return os.lseek(file, offset, os.SEEK_DATA) >= offset + _CHUNK_BYTES
    except OSError:  # nothing from here on
        return True
