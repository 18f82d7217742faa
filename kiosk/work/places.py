"""Where an archive and the files beside it go, on a stick or in a folder: nobody else's file is touched.

1. A file goes to its own name where that is free, where its very bytes stand already (an earlier try was
   pulled), or where an earlier file of PiSM's own stands, which it replaces: the newest have the plain names.
   What goes into one folder stays together, and a folder that holds other files and none of ours is not ours.
2. Where its name is taken, a file goes to one with the archive's number; and where that is taken, with the
   mark of the box that made it. A number comes back (a rescue, a second authority); a mark does not.
3. Where even that is taken (something altered it), a count is added.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256
from itertools import groupby
from typing import Final, Protocol

from core.api.results import ArchiveWritten
from core.errors import FileError

_TRIES: Final = 100


class Standing(Enum):
    """What stands where a file is to go."""

    FREE = "free"
    THERE = "there"  # its very bytes
    EARLIER = "earlier"  # an earlier one of the box's own, which may be replaced
    TAKEN = "taken"


class Medium(Protocol):
    """A stick's volume or a folder, as far as placing goes."""

    def standing(self, path: str, size_bytes: int, sha256: str) -> Standing:
        """Return what stands at a path, looking at every byte where the size is the same."""

    def names_in(self, folder: str) -> tuple[str, ...]:
        """Return the names in a folder of the root; none where there is no such folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToWrite:
    """One file of an archive.

    Args:
        path: Its own name, with `/` between folder and name.
        size_bytes: Of its bytes.
        sha256: Of its bytes, hex.
        data: The bytes; None for the archive, whose bytes are in a file.
        numbered: Its name has the archive's number.
    """

    path: str
    size_bytes: int
    sha256: str
    data: bytes | None
    numbered: bool


@dataclass(frozen=True, slots=True)
class Placed:
    """A file, where it goes, and what stands there: nothing, an earlier one, or the file itself."""

    file: ToWrite
    place: str
    standing: Standing

    @property
    def is_there(self) -> bool:
        """Tell whether there is nothing to write."""
        return self.standing is Standing.THERE


def files_of(written: ArchiveWritten) -> tuple[ToWrite, ...]:
    """Return an archive and the files beside it in the order of writing: the receipt last."""
    archive = ToWrite(
        path=written.archive_name,
        size_bytes=written.size_bytes,
        sha256=written.sha256,
        data=None,
        numbered=True,
    )
    return (
        archive,
        *(
            ToWrite(
                path=each.path,
                size_bytes=len(each.data),
                sha256=sha256(each.data).hexdigest(),
                data=each.data,
                numbered=each.numbered,
            )
            for each in written.companions
        ),
    )


def place_files(written: ArchiveWritten, medium: Medium) -> tuple[Placed, ...]:
    """Return where each file goes, in the order of writing.

    Args:
        written: The archive and its companions.
        medium: Looked at, not written to.

    Raises:
        FileError: A hundred names are taken (E-FILE).
    """
    placed: list[Placed] = []
    for folder, group in groupby(files_of(written), key=lambda file: file.path.rpartition("/")[0]):
        if folder:
            placed += _place_folder(folder, tuple(group), written, medium)
        else:
            placed += (_place_file(file, written, medium) for file in group)
    return tuple(placed)


def _place_file(file: ToWrite, written: ArchiveWritten, medium: Medium) -> Placed:
    """Place a file of the root."""
    stem, dot, ending = file.path.partition(".")
    for suffix in _suffixes(written, numbered=file.numbered):
        place = f"{stem}{suffix}{dot}{ending}"
        standing = medium.standing(place, file.size_bytes, file.sha256)
        if standing is Standing.EARLIER and file.numbered:
            continue  # a number that came back: what it was given to before stays
        if standing is not Standing.TAKEN:
            return Placed(file, place, standing)
    raise FileError(f"{file.path} and a hundred names like it are taken")


def _place_folder(
    folder: str, files: tuple[ToWrite, ...], written: ArchiveWritten, medium: Medium
) -> list[Placed]:
    """Place the files of one folder together."""
    for suffix in _suffixes(written, numbered=False):
        where = folder + suffix
        places = [f"{where}/{file.path.rpartition('/')[2]}" for file in files]
        names = {place.lower() for place in places}
        has_others = any(f"{where}/{name}".lower() not in names for name in medium.names_in(where))
        found = [
            medium.standing(place, file.size_bytes, file.sha256)
            for file, place in zip(files, places, strict=True)
        ]
        is_ours = Standing.THERE in found or Standing.EARLIER in found
        if Standing.TAKEN not in found and (is_ours or not has_others):
            return [
                Placed(file, place, standing)
                for file, place, standing in zip(files, places, found, strict=True)
            ]
    raise FileError(f"{folder} and a hundred names like it are taken")


def _suffixes(written: ArchiveWritten, *, numbered: bool) -> Iterator[str]:
    """Yield what is added to a name: nothing, the archive's number, and what no other box has."""
    number = "" if numbered else f"-{written.name}-{written.sequence:06d}"
    yield ""
    if number:
        yield number
    yield f"{number}-{written.mark}"
    for count in range(2, _TRIES):
        yield f"{number}-{written.mark}-{count}"
