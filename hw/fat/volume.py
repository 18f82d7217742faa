"""A FAT32 volume on a stick: list, get, put, clean; by mtools in user space, on a block node or an image.

Rules:

1. Nothing is overwritten or deleted but a part (hw.fat.names) that PiSM itself began, and a file whose hash
   the caller gives: it is looked at first, and anything else stays.
2. `put` returns when the medium was seen to hold the file, name and bytes (hw.fat.writing), never before.
3. What comes off a stick is bounded by the caller before it is read.
4. One folder deep, and no name that FAT, Windows or mtools would bend (hw.fat.names).
"""

import hashlib
import os
from collections.abc import Callable, Iterable
from contextlib import ExitStack, closing, nullcontext, suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from hw.errors import StickFormatError, StickMissingError, StickPartsError, StickSizeError
from hw.fat.listing import StickFile
from hw.fat.mtools import Drive
from hw.fat.names import MAX_FOLDERS, StickPath, check_name, is_our_folder, is_our_part, parse_path
from hw.fat.space import count_free_clusters
from hw.fat.writing import FOLDER_CLUSTERS, Progress, delete_known, delete_part, is_written, write_file
from hw.medium.node import NodeMedium
from hw.medium.part import PartMedium
from hw.medium.table import Part, leave_out_system, read_table
from hw.ports import Medium


class FatVolume:
    """An open FAT32 volume; a context manager that lets the medium go.

    Args:
        medium: Claimed; belongs to the volume from now on.
        heals: A root folder that a pull left open at its end is closed; else nothing is written that was
            not asked for.

    Raises:
        StickFormatError: It is no FAT32 that can be used; the text says why.
        StickGoneError, StickIoError: It cannot be read.
    """

    def __init__(self, medium: Medium, *, heals: bool = True) -> None:
        try:
            self._drive = Drive(medium, heals=heals)
        except BaseException:
            medium.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let the medium go; what `put` said is written stays written."""
        self._drive.close()
        self._drive.medium.close()

    @property
    def label(self) -> str:
        """Return the volume's label, "" when it has none."""
        return self._drive.list_folder("").label

    @property
    def free_bytes(self) -> int:
        """Return the room that is left."""
        return self._drive.free_bytes

    def has_room(self, sizes_bytes: Iterable[int]) -> bool:
        """Tell whether so many new files find room together; nothing is written.

        Args:
            sizes_bytes: Of each.

        Raises:
            StickFormatError, StickGoneError, StickIoError: It cannot be read.
        """
        geometry = self._drive.geometry
        clusters = sum(-(-size // geometry.cluster_bytes) for size in sizes_bytes) + FOLDER_CLUSTERS
        return count_free_clusters(self._drive.medium, geometry, clusters) >= clusters

    @property
    def size_bytes(self) -> int:
        """Return the size of the node."""
        return self._drive.medium.size_bytes

    @property
    def read_only(self) -> bool:
        """Tell whether nothing can be written."""
        return self._drive.medium.read_only

    def list(self, folder: str = "") -> tuple[StickFile, ...]:
        """Return the files and folders of a folder.

        Args:
            folder: "" for the root, or a folder in it.

        Raises:
            StickMissingError: There is no such folder.
            StickNameError: No folder can be called so.
            StickFormatError, StickGoneError, StickIoError: It cannot be read.
        """
        if folder:
            check_name(folder)
            if not self._drive.has_folder(folder):
                raise StickMissingError(f"there is no folder {folder} on the stick")
        return self._drive.list_folder(folder).files

    def find(self, name: str) -> StickFile | None:
        """Return the file or folder of that name, None where there is none.

        Args:
            name: In the root, or `folder/name`; case does not matter.

        Raises:
            StickNameError, StickFormatError, StickGoneError, StickIoError: As for `list`.
        """
        return self._drive.find(parse_path(name))

    def holds(self, name: str, *, size_bytes: int, sha256: str, progress: Progress | None = None) -> bool:
        """Tell whether the medium holds just that file: name with its case, size, and every byte.

        Args:
            name: In the root, or `folder/name`.
            size_bytes: What it should have.
            sha256: What its bytes should hash to, in hex.
            progress: Told how many bytes were read back, where that is worth reading.

        Raises:
            StickNameError, StickFormatError, StickGoneError, StickIoError: As for `list`.
        """
        return is_written(self._drive, parse_path(name), size_bytes, sha256, progress)

    def get(self, name: str, max_bytes: int) -> bytes:
        """Return a file's bytes.

        Args:
            name: In the root or in folders, such as `keys/servers/name`; case does not matter.
            max_bytes: The most that is taken.

        Raises:
            StickMissingError: There is no such file.
            StickSizeError: It is larger.
            StickNameError, StickFormatError, StickGoneError, StickIoError: As for `list`.
        """
        pieces: list[bytes] = []
        self.get_into(name, pieces.append, max_bytes)
        return b"".join(pieces)

    def get_into(
        self, name: str, sink: Callable[[bytes], object], max_bytes: int, progress: Progress | None = None
    ) -> int:
        """Pass a file's bytes on in pieces and return how many they were.

        Args:
            name: As for `get`.
            sink: Takes the pieces; they are not trustworthy before this method returns.
            max_bytes: The most that is taken.
            progress: Told how far it is.

        Raises:
            StickMissingError, StickSizeError, StickNameError, StickFormatError, StickGoneError, StickIoError:
                As for `get`.
        """
        place, found = self._find(name, max_bytes)
        count = 0

        def pass_on(piece: bytes) -> None:
            nonlocal count
            count += len(piece)
            sink(piece)
            if progress:
                progress(count, found.size_bytes, f"read {place.name}")

        self._drive.read_file(place, found.size_bytes, pass_on)
        if count != found.size_bytes:
            raise StickFormatError(f"{place} has {found.size_bytes} bytes by its folder, {count} by the FAT")
        return count

    def get_secret(self, name: str, max_bytes: int) -> BinaryIO:
        """Return a file's bytes in an unlinked file in memory, without a look at them in this process.

        Args:
            name: As for `get`.
            max_bytes: The most that is taken.

        Raises:
            StickMissingError, StickSizeError, StickNameError, StickFormatError, StickGoneError, StickIoError:
                As for `get`.
        """
        place, found = self._find(name, max_bytes)
        with ExitStack() as undo:
            file = undo.enter_context(os.fdopen(os.memfd_create("pism-secret"), "w+b"))
            self._drive.copy_file(place, found.size_bytes, file.fileno())
            if (count := os.fstat(file.fileno()).st_size) != found.size_bytes:
                raise StickFormatError(
                    f"{place} has {found.size_bytes} bytes by its folder, {count} by the FAT"
                )
            file.seek(0)  # where it stands is shared with the tool
            undo.pop_all()
        return file

    def _find(self, name: str, max_bytes: int) -> tuple[StickPath, StickFile]:
        """Return a file of at most that size."""
        place = parse_path(name, MAX_FOLDERS)
        found = self._drive.find(place)
        if found is None or found.folder:
            raise StickMissingError(f"there is no file {place} on the stick")
        if found.size_bytes > max_bytes:
            raise StickSizeError(f"{place} has {found.size_bytes} bytes; at most {max_bytes} are taken")
        return place, found

    def put_small(
        self, name: str, data: bytes, progress: Progress | None = None, replaces: str | None = None
    ) -> None:
        """Write bytes that are at hand; as `put`."""
        source = os.memfd_create("pism-stick")
        with os.fdopen(source, "w+b") as file:
            file.write(data)
            file.flush()
            digest = hashlib.sha256(data).hexdigest()
            self.put(name, file, size_bytes=len(data), sha256=digest, progress=progress, replaces=replaces)

    def put(
        self,
        name: str,
        source: BinaryIO | Path,
        *,
        size_bytes: int,
        sha256: str,
        progress: Progress | None = None,
        replaces: str | None = None,
    ) -> None:
        """Write a file and prove that the medium holds it.

        Args:
            name: In the root, or `folder/name`; the folder is made when it is not there.
            source: A file, or its path; read from its beginning, through its descriptor. It may have no
                name any more.
            size_bytes: Of the source.
            sha256: Of the source, in hex.
            progress: Told how many of size_bytes are written ("write NAME"), then how many are read back
                ("check NAME"); when it raises, the stick is left without the file.
            replaces: SHA-256, in hex, of a file that may stand there and gives way; None: none may.

        Raises:
            StickNameError: No file can be called so.
            StickExistsError: The name is taken, by other bytes than those.
            StickFullError: No room, with both sizes.
            StickReadOnlyError: Write-protected.
            StickVerifyError: The medium holds something else.
            StickGoneError, StickIoError: Pulled, or failing.
        """
        place = parse_path(name)
        with source.open("rb") if isinstance(source, Path) else nullcontext(source) as file:
            write_file(
                self._drive,
                place,
                file,
                size_bytes=size_bytes,
                sha256=sha256,
                progress=progress,
                replaces=replaces,
            )

    def delete(self, name: str, sha256: str) -> bool:
        """Delete a file, if its bytes are the known ones, and tell whether they were.

        Args:
            name: In the root, or `folder/name`.
            sha256: What its bytes should hash to, in hex; anything else is left as it is.

        Raises:
            StickReadOnlyError: Write-protected.
            StickNameError, StickFormatError, StickGoneError, StickIoError: As for `list`.
        """
        return delete_known(self._drive, parse_path(name), sha256)

    def clean_parts(self) -> tuple[str, ...]:
        """Delete the parts that PiSM began and did not finish, and return their names.

        Raises:
            StickReadOnlyError: There are some and the stick is write-protected.
            StickGoneError, StickIoError: Pulled, or failing.
        """
        drive = self._drive
        ours = [item.name for item in self.list() if item.folder and is_our_folder(item.name)]
        for folder in ours:
            drive.close_folder(folder)
        folders = ("", *ours)
        cleaned = [
            StickPath(folder=folder, name=item.name)
            for folder in folders
            for item in drive.list_folder(folder).files
            if not item.folder and is_our_part(folder, item.name)
        ]
        for part in cleaned:
            delete_part(drive, part)
        if cleaned:
            drive.medium.flush()
        return tuple(str(part) for part in cleaned)


def open_volume(target: Path) -> FatVolume:
    """Claim and open a block node or an image file; of a whole disk the one part that can be meant.

    Args:
        target: The node or file.

    Raises:
        StickGoneError: There is no such node.
        StickInUseError: Mounted, locked, or the disk that this machine runs from.
        StickFormatError: No FAT32 that can be used; the text says why.
        StickPartsError: A whole disk with several such parts.
        StickIoError: It cannot be read.
    """
    try:
        return FatVolume(NodeMedium(target))
    except StickFormatError:
        part = _find_part(target)
        if part is None:
            raise
    return FatVolume(PartMedium(NodeMedium(target), part.offset, part.size_bytes))


def _find_part(target: Path) -> Part | None:
    """Return the one part of a whole disk that holds FAT32; None when it is no disk with parts."""
    with closing(NodeMedium(target)) as medium:
        parts = read_table(lambda offset, length: b"".join(medium.read(offset, length)), medium.size_bytes)
        labels: dict[Part, str] = {}
        for part in leave_out_system(parts):
            volume = PartMedium(medium, part.offset, part.size_bytes)
            with suppress(StickFormatError), closing(Drive(volume)) as drive:
                labels[part] = drive.list_folder("").label
    if not parts:
        return None
    if not labels:
        kinds = ", ".join(f"{part.number} of kind {part.kind}" for part in parts)
        raise StickFormatError(f"{target} is a whole disk, and none of its parts is FAT32 ({kinds})")
    if len(labels) > 1:
        names = ", ".join(f"{part.number} {label}".rstrip() for part, label in labels.items())
        raise StickPartsError(f"{target} is a whole disk with several parts: {names}")
    return next(iter(labels))
