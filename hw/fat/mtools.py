"""mtools on a stick: each call a confined child, bounded in time, output and memory; and one open drive.

Owns the child process, every call on a FAT32 volume, and what the failures of the tools mean. Rules:

1. The child is a process of hw.fat.sandbox, which becomes the tool; standard input is /dev/null.
2. It is a session of its own: when time is up, or the caller's `tick` raises, the whole group is killed.
3. Its output goes to the caller in pieces, or straight into a file that the caller opened, and never past
   a limit; of its complaints 4 KiB are kept.
4. What mtools says is not trusted: an exit status of 0 proves nothing (mcopy exits 0 when writing fails),
   one of 1 is explained by looking at the medium first. What it complains of is the stick's format, unless it
   passes on an error of the kernel's: only then is the stick failing.
5. A listing stays true as long as we hold the claim and write nothing to its folder.
6. mtools writes nothing where the FS information sector says that there is no room: where the FAT says that
   there is, the sector is made to say that it does not know, which the specification provides for.
7. A volume without a geometry of heads and sectors, which nothing uses since disks have block addresses, is
   read without the checks of mtools that it fails; those of the FAT's size are in hw.fat.listing, too.

Left to others: reading what a tool prints (hw.fat.listing), proving what was written (hw.fat.readback).
"""

import errno
import math
import os
import re
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from hw.errors import StickError, StickFormatError, StickFullError, StickIoError, StickReadOnlyError
from hw.fat import sandbox
from hw.fat.listing import Geometry, Listing, StickFile, parse_geometry, parse_listing
from hw.fat.names import StickPath, same_name
from hw.fat.space import UNKNOWN_HINT, count_free_clusters, hint_offset, read_hint
from hw.ports import Medium, Tick

Mode = Literal["r", "w", "f"]
"""What the tool may do to the node: read, write, or format (write, and ask the device for its shape)."""

DRIVE = sandbox.DRIVE
NODE = sandbox.NODE
SOURCE = sandbox.SOURCE

_BASE_TIMEOUT_S = 60.0
_SLOWEST_BYTES_PER_S = 100_000  # of a stick that is still worth waiting for
_TICK_S = 0.25
_PIECE_BYTES = 1 << 16
_COMPLAINT_BYTES = 4096
_REAP_S = 5.0
_LENIENT = ("env", "MTOOLS_SKIP_CHECK=1")
_NO_GEOMETRY = "zero number of heads or sectors"
# what a block device's driver may answer (block/blk-core.c, blk_errors)
_DRIVER_ERRORS = (
    *(errno.EIO, errno.ENODATA, errno.EREMOTEIO, errno.ETIMEDOUT, errno.ENOLINK, errno.EILSEQ, errno.EBADE),
    *(errno.ENXIO, errno.ENODEV, errno.ENOMEDIUM),
)
# as the tools pass that on; mtools calls a loop in its FAT an "Input/output error", too, but not of plain_io
_KERNEL_ERROR = re.compile(
    r"(?:plain_io[^:]*|(?:dd|mkfs\.\w+): [^:]*): (?:"
    + "|".join(re.escape(os.strerror(number)) for number in _DRIVER_ERRORS)
    + ")"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a tool ended.

    Args:
        status: Exit status, negative for a signal.
        complaint: What it said on standard error, one line of printable text.
    """

    status: int
    complaint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much a tool may take.

    Args:
        output_bytes: On standard output.
        timeout_s: From start to end; as much of it may be spent computing.
    """

    output_bytes: int = 8 << 20
    timeout_s: float = _BASE_TIMEOUT_S


def limits_for(size_bytes: int) -> Limits:
    """Return limits for moving that many bytes to or from a stick."""
    return Limits(output_bytes=size_bytes, timeout_s=_BASE_TIMEOUT_S + size_bytes / _SLOWEST_BYTES_PER_S)


def run_tool(
    command: Sequence[str],
    *,
    node: int,
    mode: Mode,
    node_bytes: int,
    offset: int = 0,
    source: int = -1,
    sink: Callable[[bytes], object] | None = None,
    into: int = -1,
    limits: Limits | None = None,
    tick: Tick | None = None,
) -> Outcome:
    """Run a tool to its end.

    Args:
        command: Tool and arguments; the stick is drive DRIVE (mtools) or file NODE, the source file SOURCE.
        node: Descriptor of the stick.
        mode: What it may do to the stick.
        node_bytes: Size of the volume; no file grows past it.
        offset: Where the volume begins, in bytes.
        source: Descriptor of the file to write, -1 for none.
        sink: Takes standard output in pieces; None drops it.
        into: Descriptor of an empty file that takes standard output instead: not a byte of it comes here.
        limits: How much it may take.
        tick: Called with 0 about four times a second.

    Returns:
        Its status and complaint.

    Raises:
        StickIoError: It took too long.
        StickFormatError: It printed more than it may.
        StickError: It is not installed, or could not be confined and was not run.
    """
    limits = limits or Limits()
    arguments = [
        mode,
        str(node),
        str(source),
        str(offset),
        str(math.ceil(limits.timeout_s)),
        str(offset + node_bytes if mode != "r" else limits.output_bytes if into >= 0 else 0),
        *command,
    ]
    child = subprocess.Popen(
        sandbox.launcher(arguments),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if into < 0 else into,
        stderr=subprocess.PIPE,
        pass_fds=tuple(descriptor for descriptor in (node, source) if descriptor >= 0),
        start_new_session=True,
        env={},
        cwd="/",
    )
    try:
        complaint = _collect_output(child, sink or len, limits, tick or _ignore_tick)
    except BaseException:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        raise
    finally:
        # a child that hangs in a dead device cannot be killed; it ends when the kernel gives the device up
        with suppress(subprocess.TimeoutExpired):
            child.wait(_REAP_S)
        for pipe in filter(None, (child.stdout, child.stderr)):
            pipe.close()
    if child.returncode == sandbox.NOT_RUN:
        raise StickError(complaint)
    return Outcome(status=child.returncode, complaint=complaint)


def _collect_output(
    child: "subprocess.Popen[bytes]", sink: Callable[[bytes], object], limits: Limits, tick: Tick
) -> str:
    """Pass on what the child prints until it closes its outputs, and return its complaint."""
    deadline = time.monotonic() + limits.timeout_s
    next_tick = time.monotonic() + _TICK_S
    left_bytes, complaint = limits.output_bytes, bytearray()
    with selectors.DefaultSelector() as waiting:
        for pipe in filter(None, (child.stdout, child.stderr)):
            waiting.register(pipe, selectors.EVENT_READ)
        while waiting.get_map():
            for key, _ in waiting.select(_TICK_S):
                piece = os.read(key.fd, _PIECE_BYTES)
                if not piece:
                    waiting.unregister(key.fileobj)
                elif key.fileobj is child.stderr:
                    complaint += piece[: _COMPLAINT_BYTES - len(complaint)]
                else:
                    left_bytes -= len(piece)
                    if left_bytes < 0:
                        raise StickFormatError("the stick holds more than its folder says")
                    sink(piece)
            now = time.monotonic()
            if now > deadline:
                raise StickIoError(f"the stick did not answer within {limits.timeout_s:.0f} s")
            if now >= next_tick:
                next_tick = now + _TICK_S
                tick(0)
    text = complaint.decode("utf-8", "replace")
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())


def _ignore_tick(_: int) -> None:
    """Take a tick that nobody asked for."""


class Drive:
    """A FAT32 volume as mtools sees it.

    Args:
        medium: Claimed.

    Raises:
        StickFormatError: It is not FAT32.
        StickGoneError, StickIoError: It cannot be read.
    """

    def __init__(self, medium: Medium) -> None:
        self.medium = medium
        self._listings: dict[str, Listing] = {}
        self._before: tuple[str, ...] = ()  # what stands before each call of mtools
        self.geometry = self._read_geometry()
        self.list_folder("")

    @property
    def free_bytes(self) -> int:
        """Return the room that is left, counted in the FAT."""
        return count_free_clusters(self.medium, self.geometry) * self.geometry.cluster_bytes

    def has_room(self, clusters: int) -> bool:
        """Tell whether so many clusters are free in the FAT, and have mtools know it, too.

        Args:
            clusters: To be written at once.

        Raises:
            StickFormatError: The FAT ends too early.
            StickReadOnlyError, StickGoneError, StickIoError: It cannot be read, or not be written.
        """
        if count_free_clusters(self.medium, self.geometry, clusters) < clusters:
            return False
        hint = read_hint(self.medium, self.geometry)
        if hint is not None and not clusters <= hint <= self.geometry.clusters:
            self._drop_hint()
        return True

    def _drop_hint(self) -> None:
        """Have the FS information sector say that it does not know how many clusters are free."""
        place = f"seek={(self.medium.offset_bytes + hint_offset(self.geometry)) // len(UNKNOWN_HINT)}"
        size = f"bs={len(UNKNOWN_HINT)}"
        with os.fdopen(os.memfd_create("pism-hint"), "w+b", buffering=0) as source:
            source.write(UNKNOWN_HINT)
            self.write(
                ["dd", f"if={SOURCE}", f"of={NODE}", size, place, "conv=notrunc", "status=none"],
                "the FS information sector cannot be written",
                source=source.fileno(),
            )

    def forget_listing(self, folder: str) -> None:
        """Drop a folder's listing, because something is written there."""
        self._listings.pop(folder.casefold(), None)

    def has_folder(self, folder: str) -> bool:
        """Tell whether the root has that folder."""
        return any(item.folder and _is_called(item, folder) for item in self.list_folder("").files)

    def find(self, place: StickPath) -> StickFile | None:
        """Return what has that name, or None."""
        if place.folder and not self.has_folder(place.folder):
            return None
        listing = self.list_folder(place.folder)
        return next((item for item in listing.files if _is_called(item, place.name)), None)

    def list_folder(self, folder: str) -> Listing:
        """Return a folder's listing; it stays true as long as we hold the claim and write nothing."""
        key = folder.casefold()
        if key not in self._listings:
            text = self._read_text(["mdir", "-a", "-f", drive_path(folder)], "the stick cannot be listed")
            self._listings[key] = parse_listing(text)
        return self._listings[key]

    def _read_geometry(self) -> Geometry:
        """Return where the clusters lie; refuses what is not FAT32."""
        printed: list[bytes] = []
        outcome = self.run(["minfo", DRIVE], "r", sink=printed.append)
        if outcome.status != 0 and _NO_GEOMETRY in outcome.complaint and not self._before:
            self._before = _LENIENT
            return self._read_geometry()
        if outcome.status != 0:
            for _ in self.medium.read(0, 512):  # raises when not even that can be read
                pass
        self.raise_failure(outcome, "the stick is not FAT32")
        return parse_geometry(b"".join(printed).decode("utf-8", "replace"), self.medium.size_bytes)

    def _read_text(self, command: Sequence[str], what: str) -> str:
        """Return what a reading tool prints."""
        printed: list[bytes] = []
        self.raise_failure(self.run(command, "r", sink=printed.append), what)
        return b"".join(printed).decode("utf-8", "replace")

    def write(
        self,
        command: Sequence[str],
        what: str,
        *,
        source: int = -1,
        limits: Limits | None = None,
        tick: Tick | None = None,
    ) -> None:
        """Run a tool that writes."""
        self.raise_failure(self.run(command, "w", source=source, limits=limits, tick=tick), what)

    def run(
        self,
        command: Sequence[str],
        mode: Mode,
        *,
        source: int = -1,
        sink: Callable[[bytes], object] | None = None,
        into: int = -1,
        limits: Limits | None = None,
        tick: Tick | None = None,
    ) -> Outcome:
        """Run a tool on the medium."""
        self.medium.check()
        return run_tool(
            [*self._before, *command],
            node=self.medium.fileno(),
            mode=mode,
            node_bytes=self.medium.size_bytes,
            offset=self.medium.offset_bytes,
            source=source,
            sink=sink,
            into=into,
            limits=limits,
            tick=tick,
        )

    def raise_failure(self, outcome: Outcome, what: str) -> None:
        """Raise what a tool's end means, when it did not end well; see `raise_failure`."""
        raise_failure(self.medium, outcome, what)

    def read_file(self, place: StickPath, size_bytes: int, sink: Callable[[bytes], object]) -> None:
        """Pass a file's bytes on, as mtools reads them.

        Args:
            place: On the stick.
            size_bytes: As its folder says; more is an error.
            sink: Takes the pieces.

        Raises:
            StickGoneError, StickIoError: It cannot be read.
        """
        outcome = self.run(["mtype", drive_path(str(place))], "r", sink=sink, limits=limits_for(size_bytes))
        self.raise_failure(outcome, f"{place} cannot be read")

    def copy_file(self, place: StickPath, size_bytes: int, into: int) -> None:
        """Have mtools write a file's bytes into a descriptor: they do not pass through this process.

        Args:
            place: On the stick.
            size_bytes: As its folder says; no more is written.
            into: Descriptor of an empty file; the caller looks at its size: mtools calls a short file a
                success.

        Raises:
            StickGoneError, StickIoError: It cannot be read.
        """
        outcome = self.run(["mtype", drive_path(str(place))], "r", into=into, limits=limits_for(size_bytes))
        self.raise_failure(outcome, f"{place} cannot be read")


def raise_failure(medium: Medium, outcome: Outcome, what: str) -> None:
    """Raise what a tool's end means, when it did not end well.

    Args:
        medium: That it worked on.
        outcome: Of the tool; one that passed on an error of the kernel's did not end well.
        what: What was being done, as the beginning of a sentence.

    Raises:
        StickGoneError: The stick is out.
        StickFullError, StickReadOnlyError: The tool says so.
        StickIoError: The kernel could not read or write.
        StickFormatError: Anything else: the tool does not take what is on the stick.
    """
    said = outcome.complaint
    failing = _KERNEL_ERROR.search(said) is not None
    if outcome.status == 0 and not failing:
        return
    medium.check()
    if failing:
        raise StickIoError(f"{what}: {said}")
    if "Disk full" in said or "No free cluster" in said:
        raise StickFullError(f"{what}: the stick is full")
    if "Read-only file system" in said or "write protect" in said.lower():
        raise StickReadOnlyError(f"{what}: the stick is write-protected")
    raise StickFormatError(f"{what}: {said or f'status {outcome.status}'}")


def drive_path(path: str) -> str:
    """Return a place on the stick as mtools takes it."""
    return f"{DRIVE}/{path}"


def _is_called(item: StickFile, name: str) -> bool:
    """Tell whether a file answers to a name."""
    return same_name(item.name, name) or same_name(item.short_name, name)
