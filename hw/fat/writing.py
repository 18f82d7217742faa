"""Writing one file to a stick, so that it is there whole and proven, or not at all.

Owns the order of writing: space check, `.part`, flush, read back off the medium, SHA-256, rename, flush,
name and size and hash again. Rules: nothing is overwritten; nothing is deleted but what this call wrote
itself, and a `.part` of ours that was left by an earlier one.

It costs five calls of mtools (about 20 ms each on a PC), and one more in a folder not listed yet.
"""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import BinaryIO

from hw.fat.drive import Drive, at
from hw.fat.listing import parse_extents
from hw.fat.mtools import SOURCE, limits_for
from hw.fat.names import StickPath, is_our_part, part_name
from hw.fat.readback import Tick, hash_extents, hash_reopened
from hw.ports import (
    StickError,
    StickExistsError,
    StickFullError,
    StickReadOnlyError,
    StickVerifyError,
)

Progress = Callable[[int, int, str], None]
"""progress(done, total, what), all in bytes; may raise, which stops the work and cleans up."""

MAX_FILE_BYTES = (1 << 32) - 1  # a size in a FAT folder has 32 bits
_FOLDER_CLUSTERS = 2  # a new folder, and the folder above growing by one


def write_file(
    drive: Drive,
    place: StickPath,
    file: BinaryIO,
    *,
    size_bytes: int,
    sha256: str,
    progress: Progress | None,
    resume: bool,
) -> None:
    """Write a file and prove that the medium holds it; leave nothing of it when that fails.

    Args:
        drive: Open.
        place: Checked; its folder is made when it is not there.
        file: Read from its beginning, through its descriptor; it may have no name any more.
        size_bytes: Of the file.
        sha256: Of the file, in hex.
        progress: Told how many of 2 x size_bytes are written or read back.
        resume: A file of that name that holds just these bytes counts as written.

    Raises:
        StickExistsError, StickFullError, StickReadOnlyError, StickVerifyError, StickGoneError, StickIoError:
            As for FatVolume.put.
    """
    tell_written, tell_checked = _ticks(progress, size_bytes, place)
    if resume and _is_written(drive, place, size_bytes, sha256, tell_checked):
        return
    check_writable(drive)
    _check_free_name(drive, place)
    _check_room(drive, place, size_bytes)
    if place.folder and not drive.has_folder(place.folder):
        drive.write(["mmd", at(place.folder)], f"the folder {place.folder} cannot be made")
        drive.forget("")
    part = StickPath(folder=place.folder, name=part_name(place.name))
    if drive.find(part) is not None:
        delete_part(drive, part)
    here = part
    try:
        drive.write(
            ["mcopy", SOURCE, at(str(part))],
            f"{place} cannot be written",
            source=file.fileno(),
            limits=limits_for(size_bytes),
            tick=tell_written,
        )
        drive.medium.settle(tell_written)
        _check_hash(drive, part, size_bytes, sha256, tell_checked)
        drive.write(["mren", at(str(part)), at(str(place))], f"{place} cannot be given its name")
        here = place
        drive.medium.settle()
        _check_entry(drive, place, size_bytes)
        _check_hash(drive, place, size_bytes, sha256, lambda _: tell_checked(size_bytes))
    except BaseException:
        _abandon(drive, here)
        raise


def delete_part(drive: Drive, part: StickPath) -> None:
    """Delete a `.part` file that PiSM began and did not finish.

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
    drive.write(["mdel", at(str(part))], f"{part} cannot be deleted")
    drive.forget(part.folder)


def read_file(drive: Drive, place: StickPath, size_bytes: int, sink: Callable[[bytes], object]) -> None:
    """Pass a file's bytes on, as mtools reads them.

    Args:
        drive: Open.
        place: On the stick.
        size_bytes: As its folder says; more is an error.
        sink: Takes the pieces.

    Raises:
        StickGoneError, StickIoError: It cannot be read.
    """
    outcome = drive.run(["mtype", at(str(place))], "r", sink=sink, limits=limits_for(size_bytes))
    drive.explain(outcome, f"{place} cannot be read")


def copy_file(drive: Drive, place: StickPath, size_bytes: int, into: int) -> None:
    """Have mtools write a file's bytes into a descriptor: they do not pass through this process.

    Args:
        drive: Open.
        place: On the stick.
        size_bytes: As its folder says; no more is written.
        into: Descriptor of an empty file; the caller looks at its size: mtools calls a short file a success.

    Raises:
        StickGoneError, StickIoError: It cannot be read.
    """
    outcome = drive.run(["mtype", at(str(place))], "r", into=into, limits=limits_for(size_bytes))
    drive.explain(outcome, f"{place} cannot be read")


def check_writable(drive: Drive) -> None:
    """Refuse a write-protected stick; StickReadOnlyError."""
    if drive.medium.read_only:
        raise StickReadOnlyError("the stick is write-protected")


def _is_written(drive: Drive, place: StickPath, size_bytes: int, sha256: str, tick: Tick) -> bool:
    """Tell whether an earlier try, pulled at its very end, has written the file after all."""
    with suppress(StickVerifyError):
        _check_entry(drive, place, size_bytes)
        _check_hash(drive, place, size_bytes, sha256, tick)
        return True
    return False


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
        raise StickFullError(f"{place} has {size_bytes} bytes; FAT32 takes at most {MAX_FILE_BYTES}")
    cluster = drive.shape.cluster_bytes
    need = (-(-size_bytes // cluster) + _FOLDER_CLUSTERS) * cluster
    if need > drive.free_bytes:
        raise StickFullError(f"{place} needs {need} bytes; {drive.free_bytes} are free on the stick")


def _check_entry(drive: Drive, place: StickPath, size_bytes: int) -> None:
    """Check a file's name and size, as its folder on the medium says."""
    drive.forget(place.folder)
    found = drive.find(place)
    if found is None or found.name != place.name or found.size_bytes != size_bytes:
        raise StickVerifyError(f"{place} was written and is not on the stick as it should be")


def _check_hash(drive: Drive, place: StickPath, size_bytes: int, sha256: str, tick: Tick) -> None:
    """Check a file's bytes, as the medium holds them."""
    printed: list[bytes] = []
    outcome = drive.run(["mshowfat", at(str(place))], "r", sink=printed.append)
    if outcome.status != 0:
        drive.medium.check()
        raise StickVerifyError(f"{place} was written and cannot be found on the stick")
    extents = parse_extents(b"".join(printed).decode("utf-8", "replace"), drive.shape, size_bytes)
    digest = hash_extents(drive.medium, extents, tick)
    if digest is None:
        digest = hash_reopened(drive.medium, size_bytes, partial(read_file, drive, place, size_bytes))
    if digest != sha256:
        raise StickVerifyError(f"{place} was written, and the stick holds something else")


def _abandon(drive: Drive, place: StickPath) -> None:
    """Take away what was just written, if the stick still lets us; a part is cleaned next time."""
    drive.forget(place.folder)
    with suppress(StickError):
        drive.run(["mdel", at(str(place))], "w")
        drive.medium.settle()


def _ticks(progress: Progress | None, size_bytes: int, place: StickPath) -> tuple[Tick, Tick]:
    """Return the ticks of the two stages, writing and reading back."""

    def tell(before: int, what: str, done: int) -> None:
        if progress:
            progress(before + min(max(done, 0), size_bytes), 2 * size_bytes, f"{what} {place.name}")

    return partial(tell, 0, "write"), partial(tell, size_bytes, "check")
