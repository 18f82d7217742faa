"""Writing one file to a stick, so that it is there whole and proven, or not at all.

Owns the order of writing: space check, a part, flush, read back off the medium, SHA-256, rename, flush,
name and size and hash again. Rules: nothing is overwritten; nothing is deleted but what this call wrote
itself, a part of ours that was left by an earlier one, and a file that the caller names by its hash.

A file that is replaced gives its name away before it is deleted (hw.fat.names), with a flush between any two
steps: at no moment does the name stand for anything but the old bytes, the new ones, or nothing.

It costs five calls of mtools (about 20 ms each on a PC), and one more in a folder not listed yet.

Left to others: the proof itself (hw.fat.readback), names (hw.fat.names).
"""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import BinaryIO

from hw.errors import (
    StickError,
    StickExistsError,
    StickFullError,
    StickReadOnlyError,
    StickVerifyError,
    ToolsError,
)
from hw.fat.launcher import limits_for
from hw.fat.mtools import SOURCE, Drive, drive_path
from hw.fat.names import StickPath, is_our_part, outgoing_name, part_name
from hw.fat.readback import check_entry, check_hash
from hw.ports import Tick
from hw.sizes import size_text

Progress = Callable[[int, int, str], None]
"""progress(done, total, what), all in bytes; may raise, which stops the work and cleans up."""

MAX_FILE_BYTES = (1 << 32) - 1  # a size in a FAT folder has 32 bits
FOLDER_CLUSTERS = 2  # a new folder, and the folder above growing by one


def write_file(
    drive: Drive,
    place: StickPath,
    file: BinaryIO,
    *,
    size_bytes: int,
    sha256: str,
    progress: Progress | None,
    replaces: str | None = None,
) -> None:
    """Write a file and prove that the medium holds it; leave nothing of it when that fails.

    Args:
        drive: Open.
        place: Checked; its folder is made when it is not there.
        file: Read from its beginning, through its descriptor; it may have no name any more.
        size_bytes: Of the file.
        sha256: Of the file, in hex.
        progress: Told how many of size_bytes are written, then how many are read back.
        replaces: SHA-256, in hex, of a file that may stand there and is replaced; None: none may.

    Raises:
        StickExistsError, StickFullError, StickReadOnlyError, StickVerifyError, StickGoneError, StickIoError:
            As for FatVolume.put.
    """
    tick_written, tick_checked = _make_ticks(progress, size_bytes, place)
    check_writable(drive)
    if replaces is None or not _is_held(drive, place, replaces):
        _check_free_name(drive, place)
        replaces = None
    _check_room(drive, place, size_bytes)
    if place.folder and not drive.has_folder(place.folder):
        drive.write(["mmd", drive_path(place.folder)], f"the folder {place.folder} cannot be made")
        drive.forget_listing("")
    part = StickPath(folder=place.folder, name=part_name(place.name))
    if drive.find(part) is not None:
        delete_part(drive, part)
    here, old = part, None
    try:
        drive.write(
            ["mcopy", SOURCE, drive_path(str(part))],
            f"{place} cannot be written",
            source=file.fileno(),
            limits=limits_for(size_bytes),
            tick=tick_written,
        )
        drive.medium.flush(tick_written)
        check_hash(drive, part, size_bytes, sha256, tick_checked)
        if replaces is not None:
            old = _set_aside(drive, place)
        drive.write(
            ["mren", drive_path(str(part)), drive_path(str(place))], f"{place} cannot be given its name"
        )
        here = place
        drive.medium.flush()
        check_entry(drive, place, size_bytes)
        check_hash(drive, place, size_bytes, sha256, lambda _: tick_checked(size_bytes))
        if old is not None:
            delete_part(drive, old)
            drive.medium.flush()
    except BaseException:
        _delete_written(drive, here)
        raise


def delete_known(drive: Drive, place: StickPath, sha256: str) -> bool:
    """Delete a file, if its bytes are the known ones, and tell whether they were.

    Args:
        drive: Open and flushed.
        place: Of the file.
        sha256: What its bytes should hash to, in hex; anything else is left as it is.

    Raises:
        StickReadOnlyError, StickGoneError, StickIoError: It cannot be deleted.
    """
    if not _is_held(drive, place, sha256):
        return False
    check_writable(drive)
    delete_part(drive, _set_aside(drive, place))
    drive.medium.flush()
    return True


def _is_held(drive: Drive, place: StickPath, sha256: str) -> bool:
    """Tell whether a file of that very name has these bytes, whatever its size."""
    found = drive.find(place)
    return found is not None and is_written(drive, place, found.size_bytes, sha256)


def _set_aside(drive: Drive, place: StickPath) -> StickPath:
    """Give a file the name of one that is about to go, and return it."""
    old = StickPath(folder=place.folder, name=outgoing_name(place.name))
    if drive.find(old) is not None:
        delete_part(drive, old)
    drive.write(["mren", drive_path(str(place)), drive_path(str(old))], f"{place} cannot be replaced")
    drive.medium.flush()
    drive.forget_listing(place.folder)
    return old


def is_written(
    drive: Drive, place: StickPath, size_bytes: int, sha256: str, progress: Progress | None = None
) -> bool:
    """Tell whether the medium holds just that file: its name, its size, its bytes.

    Args:
        drive: Open and flushed.
        place: Of the file.
        size_bytes: What it should have.
        sha256: What its bytes should hash to, in hex.
        progress: Told how many of size_bytes were read.

    Raises:
        StickGoneError, StickIoError: It cannot be read.
    """
    found = drive.find(place)
    if found is None or found.folder or found.name != place.name or found.size_bytes != size_bytes:
        return False
    with suppress(StickVerifyError):
        check_hash(drive, place, size_bytes, sha256, _make_tick(progress, size_bytes, place))
        return True
    return False


def delete_part(drive: Drive, part: StickPath) -> None:
    """Delete a part that PiSM began and did not finish.

    Args:
        drive: Open.
        part: On the stick.

    Raises:
        StickExistsError: It is not one of ours.
        StickReadOnlyError, StickGoneError, StickIoError: It cannot be deleted.
    """
    if not is_our_part(part.folder, part.name):
        raise StickExistsError(f"{part} is in the way")
    check_writable(drive)
    drive.end_part(part)
    drive.write(["mdel", drive_path(str(part))], f"{part} cannot be deleted")
    drive.forget_listing(part.folder)


def check_writable(drive: Drive) -> None:
    """Refuse a write-protected stick; StickReadOnlyError."""
    if drive.medium.read_only:
        raise StickReadOnlyError("the stick is write-protected")


def _check_free_name(drive: Drive, place: StickPath) -> None:
    """Refuse a name that is taken, by its long or its short form, and a folder that is a file."""
    if drive.find(place) is not None:
        raise StickExistsError(f"{place} is on the stick already")
    if place.folder and not drive.has_folder(place.folder):
        above = drive.find(StickPath(folder="", name=place.folder))
        if above is not None:
            raise StickExistsError(f"{place.folder} is on the stick and is no folder")


def _check_room(drive: Drive, place: StickPath, size_bytes: int) -> None:
    """Refuse what does not fit."""
    if size_bytes > MAX_FILE_BYTES:
        raise StickFullError(f"{place} has {size_text(size_bytes)}; FAT32 takes less than 4 GiB a file")
    cluster = drive.geometry.cluster_bytes
    needed = -(-size_bytes // cluster) + FOLDER_CLUSTERS
    if not drive.has_room(needed):
        needed_text, free_text = size_text(needed * cluster), size_text(drive.free_bytes)
        raise StickFullError(f"{place} needs {needed_text}; the stick has {free_text} free")


def _delete_written(drive: Drive, place: StickPath) -> None:
    """Take away what was just written, if the stick still lets us; a part is cleaned next time."""
    drive.forget_listing(place.folder)
    with suppress(StickError, ToolsError):
        drive.run(["mdel", drive_path(str(place))], "w")
        drive.medium.flush()


def _make_ticks(progress: Progress | None, size_bytes: int, place: StickPath) -> tuple[Tick, Tick]:
    """Return the ticks of the two stages, writing and reading back."""

    def report(what: str, done: int) -> None:
        if progress:
            progress(min(max(done, 0), size_bytes), size_bytes, f"{what} {place.name}")

    return partial(report, "write"), partial(report, "check")


def _make_tick(progress: Progress | None, size_bytes: int, place: StickPath) -> Tick:
    """Return the tick of a reading."""

    def report(done: int) -> None:
        if progress:
            progress(min(max(done, 0), size_bytes), size_bytes, f"check {place.name}")

    return report
