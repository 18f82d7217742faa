"""What is true of a stick: the one place that decides which files of an archive stand on it.

1. A file is on the stick when its name, its size and every byte of it were read off the medium that is in,
   in this insertion, after the last write to it. Memory, ids and receipts save work and prove nothing.
2. So each insertion is looked at as if it were the first: what stands there already is counted only after it
   was read, and what does not is written, whatever was written before, to this stick or to another.
3. The receipt comes last, after every file that it names was read back. Until then its bytes stand under a
   name of their own wherever a file without a number was begun (kiosk.work.earlier).
4. `bring` ends when a volume that was opened anew, past every cache, holds all files of the archive. A stick
   that does not settle is E-STICK-VERIFY.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import BinaryIO, Final

from core.api.results import ArchiveWritten
from core.errors import FileError
from core.progress import Phase, Progress, Report, Weighed
from hw.errors import StickExistsError, StickVerifyError
from hw.fat.volume import FatVolume
from hw.sizes import size_text
from kiosk.work.earlier import Earlier, begun_path
from kiosk.work.places import Placed, Standing, place_files

Tell = Callable[[int, int, str], None]
"""tell(done, total, what), in bytes; may raise, which stops the work."""
OpenVolume = Callable[[], AbstractContextManager[FatVolume]]
_ROUNDS: Final = 3
_WRITE_US, _READ_US = 0.015, 0.01  # a byte
_OPEN_US: Final = 50_000  # a volume: an interpreter starts
_PUT_US: Final = 38_000  # a file: five calls of mtools
_LOOK_US: Final = 9_500

PAPER: Final = "paper"
LOOK: Final = "last look"


def cost_of_look(size_bytes: int, files: int) -> dict[str, Phase]:
    """Return what it costs to look at files that were written, in units of bytes."""
    listed_us = files * _LOOK_US / max(1, size_bytes)
    return {LOOK: Phase(units=size_bytes, cost_us=_READ_US + listed_us, once_us=_OPEN_US)}


def cost_of_bringing(size_bytes: int, papers: int) -> dict[str, Phase]:
    """Return what it costs to bring an archive onto a stick and to see it there.

    Args:
        size_bytes: Of the archive.
        papers: How many files go beside it.
    """
    return {
        f"writing {size_text(size_bytes)}": Phase(units=size_bytes, cost_us=_WRITE_US, once_us=_OPEN_US),
        f"reading back {size_text(size_bytes)}": Phase(units=size_bytes, cost_us=_READ_US),
        PAPER: Phase(units=papers, cost_us=_PUT_US),
        **cost_of_look(size_bytes, papers),
    }


@dataclass(frozen=True, slots=True)
class StickMedium:
    """A stick's volume, as far as placing goes."""

    volume: FatVolume
    earlier: Earlier
    tell: Tell

    def standing(self, path: str, size_bytes: int, sha256: str) -> Standing:
        """Return what stands at a path, looking at every byte where the size is the same."""
        folder, _, _ = path.rpartition("/")
        if folder and (above := self.volume.find(folder)) is not None and not above.folder:
            return Standing.TAKEN
        if self.volume.find(path) is None:
            return Standing.FREE
        there = self.volume.holds(path, size_bytes=size_bytes, sha256=sha256, progress=self.tell)
        if there:
            return Standing.THERE
        return Standing.TAKEN if self.earlier.find(self.volume, path) is None else Standing.EARLIER

    def names_in(self, folder: str) -> tuple[str, ...]:
        """Return the names in a folder of the root; none where there is no such folder."""
        above = self.volume.find(folder)
        if above is None or not above.folder:
            return ()
        return tuple(item.name for item in self.volume.list(folder))


class Delivery:
    """An archive that the vault has written, and its way onto a stick.

    Args:
        written: What the vault said of it.
        file: The archive, encrypted; belongs to the delivery from now on.

    Attributes:
        confirmed: The vault has journaled it as written.
    """

    def __init__(self, written: ArchiveWritten, file: BinaryIO) -> None:
        self.written = written
        self.confirmed = False
        self._file = file

    def close(self) -> None:
        """Let the archive go."""
        self._file.close()

    @property
    def size_bytes(self) -> int:
        """Return the size of the archive and its papers."""
        return self.written.size_bytes + sum(len(each.data) for each in self.written.companions)

    @property
    def look(self) -> dict[str, Phase]:
        """Return what it costs to look at all of it once more."""
        return cost_of_look(self.size_bytes, len(self.written.companions))

    @property
    def costs(self) -> dict[str, Phase]:
        """Return what it costs to bring it; once it was confirmed, to look at it."""
        if self.confirmed:
            return self.look
        return cost_of_bringing(self.written.size_bytes, len(self.written.companions))

    def missing(self, volume: FatVolume, earlier: Earlier, tell: Tell) -> tuple[Placed, ...]:
        """Return what is not on a stick, and where it goes, reading every byte of what may be there.

        Raises:
            StickExistsError: A name, and all that it can give way to, is taken there (E-STICK-EXISTS).
            StickGoneError, StickIoError: It cannot be read.
        """
        placed = _place(self.written, StickMedium(volume, earlier, tell))
        return tuple(one for one in placed if not one.is_there)

    def bring(self, open_volume: OpenVolume, earlier: Earlier, report: Report) -> bool:
        """Write what is not on the stick, until all of it is seen there.

        Args:
            open_volume: Opens the volume of the stick that is in.
            earlier: Knows which files there are PiSM's own.
            report: Told of writing, reading back, papers and the last look, all on one scale; may raise,
                which stops the work.

        Returns:
            Whether anything was written: what was seen before is to be seen again.

        Raises:
            StickVerifyError: The stick does not keep what it is given (E-STICK-VERIFY).
            StickExistsError: A name, and all that it can give way to, is taken there (E-STICK-EXISTS).
            StickError: It is full, write-protected, pulled, or failing (E-STICK-...).
        """
        was_written = False
        way = _Way(self, report)
        for _ in range(_ROUNDS):
            with open_volume() as volume:
                if volume.clean_parts():
                    was_written = True
                missing = self.missing(volume, earlier, way.look)
                for one in missing:
                    if not one.file.numbered:
                        self._begin(volume)
                    self._put(volume, one, earlier, way)
                way.arrive()
                was_begun = earlier.forget_begun(volume)
            if not missing and not was_begun:
                return was_written
            was_written = True
        raise StickVerifyError(f"{self.written.archive_name} was written, and is not on the stick any more")

    def _begin(self, volume: FatVolume) -> None:
        """Have the receipt's bytes on the stick before anything that only they tell for PiSM's own."""
        begun = begun_path(self.written)
        if volume.find(begun) is None:
            volume.put_small(begun, self.written.companions[-1].data)

    def _put(self, volume: FatVolume, one: Placed, earlier: Earlier, way: "_Way") -> None:
        """Write one file, and read it back."""
        if one.file.data is not None:
            way.begin_paper()
            replaces = earlier.find(volume, one.place) if one.standing is Standing.EARLIER else None
            volume.put_small(one.place, one.file.data, replaces=replaces)
            return
        way.put(0, one.file.size_bytes, "write")
        volume.put(
            one.place, self._file, size_bytes=one.file.size_bytes, sha256=one.file.sha256, progress=way.put
        )


class _Way:
    """How far an archive is on its way: writing, reading back, papers, the last look.

    Args:
        archive: Which.
        report: Told of it on one scale.
    """

    def __init__(self, archive: "Delivery", report: Report) -> None:
        self._archive_bytes, self._papers = archive.written.size_bytes, len(archive.written.companions)
        self._size_bytes = archive.size_bytes
        self._report = Weighed(report, archive.costs)
        self._begun = 0
        self._was_put = False
        self._arrived = archive.confirmed  # it was there before: what is left is to look
        self._looked = ("", 0, 0)  # the file that is looked at; bytes of it, and of those before

    def put(self, done: int, _total: int, what: str) -> None:
        """Tell how much of the archive is written, or read back."""
        self._was_put = True
        self._tell_archive("writing" if what.startswith("write") else "reading back", done)

    def begin_paper(self) -> None:
        """Tell that another paper is being written; the archive stands."""
        if not self._begun and not self._was_put:
            for stage in ("writing", "reading back"):
                self._tell_archive(stage, self._archive_bytes)
        self._report(Progress(done=min(self._begun, self._papers), total=self._papers, what=PAPER))
        self._begun += 1

    def look(self, done: int, _total: int, what: str) -> None:
        """Tell how much is seen of what stands on the stick."""
        name, at, before = self._looked
        if what != name:
            before += at
        self._looked = (what, done, before)
        if self._arrived:
            self._tell_look(before + done)
        else:
            self._report(Progress(done=0, total=0, what="looking"))

    def arrive(self) -> None:
        """Tell that all of it stands there; what comes now is the last look, unless that was it."""
        if self._arrived:
            self._tell_look(self._size_bytes)
            return
        self._report(Progress(done=self._papers, total=self._papers, what=PAPER))
        self._arrived, self._looked = True, ("", 0, 0)

    def _tell_archive(self, stage: str, done: int) -> None:
        what = f"{stage} {size_text(self._archive_bytes)}"
        self._report(Progress(done=done, total=self._archive_bytes, what=what, counted=False))

    def _tell_look(self, done: int) -> None:
        self._report(Progress(done=done, total=self._size_bytes, what=LOOK, counted=False))


def _place(written: ArchiveWritten, medium: StickMedium) -> tuple[Placed, ...]:
    """Return where each file goes on a stick.

    Raises:
        StickExistsError: There is no name left (E-STICK-EXISTS).
    """
    try:
        return place_files(written, medium)
    except FileError as error:
        raise StickExistsError(f"{error} on the stick") from error


class Seen:
    """Which archives were seen whole on the stick that is in, after the last write to it."""

    def __init__(self) -> None:
        self._archives: list[Delivery] = []

    def __contains__(self, archive: Delivery) -> bool:
        return archive in self._archives

    def note(self, archive: Delivery, *, was_written: bool) -> None:
        """Note that an archive was seen; where the stick was written to, all others are to be seen again."""
        if was_written:
            self._archives.clear()
        self._archives.append(archive)
