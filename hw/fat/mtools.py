"""A FAT32 volume as mtools sees it: one open drive.

Owns every call of mtools on a volume, and what the failures of the tools mean. Rules:

1. Each call is a confined child (hw.fat.launcher), whose standard input is /dev/null.
2. What mtools says is not trusted: an exit status of 0 proves nothing (mcopy exits 0 when writing fails),
   one of 1 is explained by looking at the medium first. What it complains of is the stick's format, unless it
   passes on an error of the kernel's (only then is the stick failing), or fails on a sound volume as well
   (hw.fat.trial: then the system lacks a part, and no stick is blamed).
3. A listing stays true as long as we hold the claim and write nothing to its folder.
4. mtools writes nothing where the FS information sector says that there is no room: where the FAT says that
   there is, the sector is made to say that it does not know, which the specification provides for.
5. A volume without a geometry of heads and sectors, which nothing uses since disks have block addresses, is
   read without the checks of mtools that it fails; those of the FAT's size are in hw.fat.listing, too.
6. A folder whose chain a pull left open (hw.fat.open_end) is mended before it is listed or written to, if the
   stick may be written to: the root where the stick is opened, ours where their parts are cleaned away.
7. A part of ours whose clusters a pull had freed before its name was gone gets an end back before it is
   deleted: mdel follows a free cluster to cluster 0, frees that, and at the next one turns for ever.

Left to others: reading what a tool prints (hw.fat.listing), proving what was written (hw.fat.readback).
"""

import errno
import os
import re
from collections.abc import Callable, Sequence

from hw.errors import StickFormatError, StickFullError, StickIoError, StickReadOnlyError
from hw.fat import sandbox
from hw.fat.launcher import Launcher, Limits, Mode, Outcome, limits_for
from hw.fat.listing import Geometry, Listing, StickFile, parse_geometry, parse_listing
from hw.fat.names import StickPath, same_name
from hw.fat.open_end import end_of, find_open_end
from hw.fat.space import UNKNOWN_HINT, count_free_clusters, hint_offset, read_hint
from hw.fat.trial import require_tools
from hw.ports import Medium, Tick

DRIVE = sandbox.DRIVE
NODE = sandbox.NODE
SOURCE = sandbox.SOURCE

_FIRST_CLUSTER = re.compile(r" <(\d+)[->]")  # as mshowfat says where something begins
_FREE_END = re.compile(r"<(?:\d+-)?(\d+)> <0>")  # and where a chain leads to nothing
_LENIENT = ("env", "MTOOLS_SKIP_CHECK=1")
_NO_GEOMETRY = "zero number of heads or sectors"
_NO_FAT = re.compile("non DOS media|could not read boot sector")
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


class Drive:
    """A FAT32 volume as mtools sees it.

    Args:
        medium: Claimed.
        heals: As for FatVolume.
        open_launcher: Starts the tools.

    Raises:
        StickFormatError: It is not FAT32.
        ToolsError: The tools do not work on any volume.
        StickGoneError, StickIoError: It cannot be read.
    """

    def __init__(
        self, medium: Medium, *, heals: bool = True, open_launcher: Callable[[], Launcher] = Launcher
    ) -> None:
        self.medium = medium
        self._open_launcher = open_launcher
        self._launcher = open_launcher()
        self._listings: dict[str, Listing] = {}
        self._before: tuple[str, ...] = ()  # what stands before each call of mtools
        try:
            self.geometry = self._read_geometry()
            if heals:
                self._close_chain(self.geometry.root_cluster)
            self.list_folder("")
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End what runs the tools; the medium stays the caller's."""
        self._launcher.close()

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

    def close_folder(self, folder: str) -> None:
        """Close the chain of a folder in the root that a pull left open (rule 6)."""
        shown = self._read_text(["mshowfat", drive_path(folder)], f"{folder} cannot be found")
        if first := _FIRST_CLUSTER.search(shown):
            self._close_chain(int(first[1]))

    def end_part(self, part: StickPath) -> None:
        """Give a part of ours an end, where a pull has freed what its name leads to (rule 7)."""
        shown = self._read_text(["mshowfat", drive_path(str(part))], f"{part} cannot be found")
        if found := _FREE_END.search(shown):
            for number in end_of(self.geometry, int(found[1])):
                self._write_number(*number, "the FAT cannot be written")

    def _close_chain(self, first: int) -> None:
        """Close the chain of the folder that begins there, where a pull left it open."""
        if not self.medium.read_only and (found := find_open_end(self.medium, self.geometry, first)):
            self._write_number(*found, "the FAT cannot be written")
            self.medium.flush()

    def _drop_hint(self) -> None:
        """Have the FS information sector say that it does not know how many clusters are free."""
        place = hint_offset(self.geometry)
        self._write_number(place, UNKNOWN_HINT, "the FS information sector cannot be written")

    def _write_number(self, place: int, number: bytes, what: str) -> None:
        """Write a number of the volume's own.

        Args:
            place: In bytes from the volume's start, a multiple of its size.
            number: Its bytes.
            what: Is said when that fails.
        """
        size, seek = f"bs={len(number)}", f"seek={(self.medium.offset_bytes + place) // len(number)}"
        with os.fdopen(os.memfd_create("pism-number"), "w+b", buffering=0) as source:
            source.write(number)
            self.write(
                ["dd", f"if={SOURCE}", f"of={NODE}", size, seek, "conv=notrunc", "status=none"],
                what,
                source=source.fileno(),
            )

    def forget_listing(self, folder: str) -> None:
        """Drop a folder's listing, because something is written there."""
        self._listings.pop(folder.casefold(), None)

    def has_folder(self, folder: str) -> bool:
        """Tell whether there is a folder of that path."""
        parent, _, name = folder.rpartition("/")
        if parent and not self.has_folder(parent):
            return False
        return any(item.folder and _is_called(item, name) for item in self.list_folder(parent).files)

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
        return self._launcher.run(
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
        raise_failure(self.medium, outcome, what, self._open_launcher)

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


def raise_failure(
    medium: Medium, outcome: Outcome, what: str, open_launcher: Callable[[], Launcher] = Launcher
) -> None:
    """Raise what a tool's end means, when it did not end well.

    Args:
        medium: That it worked on.
        outcome: Of the tool; one that passed on an error of the kernel's did not end well.
        what: What was being done, as the beginning of a sentence.
        open_launcher: Starts the tools, for a trial.

    Raises:
        StickGoneError: The stick is out.
        StickFullError, StickReadOnlyError: The tool says so.
        StickIoError: The kernel could not read or write.
        ToolsError: The tools fail on a sound volume, too.
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
    require_tools(open_launcher)
    if _NO_FAT.search(said):  # its words name a drive that nobody knows
        raise StickFormatError(what)
    raise StickFormatError(f"{what}: {said or f'status {outcome.status}'}")


def drive_path(path: str) -> str:
    """Return a place on the stick as mtools takes it."""
    return f"{DRIVE}/{path}"


def _is_called(item: StickFile, name: str) -> bool:
    """Tell whether a file answers to a name."""
    return same_name(item.name, name) or same_name(item.short_name, name)
