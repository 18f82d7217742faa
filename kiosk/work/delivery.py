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
from hw.errors import StickExistsError, StickVerifyError
from hw.fat.volume import FatVolume
from kiosk.work.earlier import Earlier, begun_path
from kiosk.work.places import Placed, Standing, place_files

Tell = Callable[[int, int, str], None]
"""tell(done, total, what), in bytes; may raise, which stops the work."""
OpenVolume = Callable[[], AbstractContextManager[FatVolume]]
_ROUNDS: Final = 3


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

    def bring(self, open_volume: OpenVolume, earlier: Earlier, tell: Tell) -> bool:
        """Write what is not on the stick, until all of it is seen there.

        Args:
            open_volume: Opens the volume of the stick that is in.
            earlier: Knows which files there are PiSM's own.
            tell: Told how far each file is.

        Returns:
            Whether anything was written: what was seen before is to be seen again.

        Raises:
            StickVerifyError: The stick does not keep what it is given (E-STICK-VERIFY).
            StickExistsError: A name, and all that it can give way to, is taken there (E-STICK-EXISTS).
            StickError: It is full, write-protected, pulled, or failing (E-STICK-...).
        """
        was_written = False
        for _ in range(_ROUNDS):
            with open_volume() as volume:
                if volume.clean_parts():
                    was_written = True
                placed = _place(self.written, StickMedium(volume, earlier, tell))
                missing = [one for one in placed if not one.is_there]
                for one in missing:
                    if not one.file.numbered:
                        self._begin(volume)
                    self._put(volume, one, earlier, tell)
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

    def _put(self, volume: FatVolume, one: Placed, earlier: Earlier, tell: Tell) -> None:
        """Write one file, and read it back."""
        if one.file.data is not None:
            tell(0, 0, one.place)
            replaces = earlier.find(volume, one.place) if one.standing is Standing.EARLIER else None
            volume.put_small(one.place, one.file.data, replaces=replaces)
            return
        volume.put(
            one.place, self._file, size_bytes=one.file.size_bytes, sha256=one.file.sha256, progress=tell
        )


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
