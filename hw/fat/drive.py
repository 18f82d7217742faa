"""One open drive of mtools: asks it, tells it to write, and says what its failures mean.

Owns the shape and the listings of a FAT32 volume and every call of mtools on it. Rules:

1. What mtools says is not trusted: an exit status of 0 proves nothing, one of 1 is explained by looking
   at the medium first.
2. A listing stays true as long as we hold the claim and write nothing to its folder.
"""

from collections.abc import Callable, Sequence

from hw.fat.listing import Listing, Shape, StickFile, parse_listing, parse_shape
from hw.fat.mtools import DRIVE, Limits, Mode, Outcome, run_tool
from hw.fat.names import StickPath, same_name
from hw.fat.readback import Medium, Tick
from hw.ports import StickFormatError, StickFullError, StickIoError, StickReadOnlyError


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
        self._free_bytes = 0
        self.shape = self._read_shape()
        self.list_folder("")

    @property
    def free_bytes(self) -> int:
        """Return the room that is left, as the latest listing says."""
        self.list_folder("")
        return self._free_bytes

    def forget(self, folder: str) -> None:
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
            text = self.ask(["mdir", "-a", at(folder)], "the stick cannot be listed")
            self._listings[key] = parse_listing(text)
            self._free_bytes = self._listings[key].free_bytes
        return self._listings[key]

    def _read_shape(self) -> Shape:
        """Return where the clusters lie; refuses what is not FAT32."""
        printed: list[bytes] = []
        outcome = self.run(["minfo", DRIVE], "r", sink=printed.append)
        if outcome.status != 0:
            self._check_readable()
            raise StickFormatError("the stick is not FAT32")
        return parse_shape(b"".join(printed).decode("utf-8", "replace"), self.medium.size_bytes)

    def _check_readable(self) -> None:
        """Raise StickIoError when the first bytes of the medium cannot be read at all."""
        for _ in self.medium.read_past_cache(0, 512) or ():
            pass

    def ask(self, command: Sequence[str], what: str) -> str:
        """Return what a reading tool prints."""
        printed: list[bytes] = []
        self.explain(self.run(command, "r", sink=printed.append), what)
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
        self.explain(self.run(command, "w", source=source, limits=limits, tick=tick), what)

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
            command,
            node=self.medium.fileno(),
            mode=mode,
            node_bytes=self.medium.size_bytes,
            source=source,
            sink=sink,
            into=into,
            limits=limits,
            tick=tick,
        )

    def explain(self, outcome: Outcome, what: str) -> None:
        """Raise what a tool's end means, when it did not end well."""
        if outcome.status == 0:
            return
        self.medium.check()
        said = outcome.complaint
        if "Disk full" in said or "No free cluster" in said:
            raise StickFullError(f"{what}: the stick is full")
        if "Read-only file system" in said or "write protect" in said.lower():
            raise StickReadOnlyError(f"{what}: the stick is write-protected")
        raise StickIoError(f"{what}: {said or f'status {outcome.status}'}")


def at(path: str) -> str:
    """Return a place on the stick as mtools takes it."""
    return f"{DRIVE}/{path}"


def _is_called(item: StickFile, name: str) -> bool:
    """Tell whether a file answers to a name."""
    return same_name(item.name, name) or same_name(item.short_name, name)
