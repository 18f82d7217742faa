"""Make a PiSM stick: a FAT32 volume over the whole node or image file, by mkfs.vfat.

Rules:

1. The node is claimed first, as for writing (never a mounted one, never the disk behind `/`), and the
   claim is let go only while mkfs.vfat, which takes its own, works.
2. What was made is flushed and opened again: FAT32, that label, empty. Otherwise it was not made.
3. No partition table is put on it (`--mbr=n`): a stick is one volume.
"""

import os
from pathlib import Path

from hw.errors import StickExistsError, StickFormatError, StickIoError, StickReadOnlyError, StickVerifyError
from hw.fat.launcher import Launcher
from hw.fat.mtools import NODE, raise_failure
from hw.fat.names import check_label
from hw.fat.volume import FatVolume
from hw.medium.node import NodeMedium
from hw.ports import Medium

MIN_BYTES = 34 << 20
"""Below that FAT32 has fewer than the 65,525 clusters that make it one (FAT specification 1.03, 3.5)."""

IMAGE_BYTES = 64 << 20
"""The size of a new image file, when nobody says one; it takes what is written to it, no more."""

_SECTOR_BYTES, _BLOCK_BYTES = 512, 1024  # in which mkfs.vfat counts an offset, and a size


def format_stick(medium: Medium, label: str) -> None:
    """Erase a stick and make it an empty FAT32 volume; the medium is let go at the end.

    Args:
        medium: Claimed.
        label: 1 to 11 of A-Z, 0-9, `-` and `_`.

    Raises:
        StickNameError: No such label.
        StickReadOnlyError: Write-protected.
        StickFormatError: Too small.
        StickInUseError, StickGoneError, StickIoError: It cannot be written.
        StickVerifyError: The medium did not keep what was made.
    """
    try:
        _run_mkfs(medium, label)
    except BaseException:
        medium.close()
        raise
    with FatVolume(medium) as volume:
        if volume.label != label or volume.list():
            raise StickVerifyError("the stick was formatted, and holds something else")


def make_image(path: Path, label: str, size_bytes: int = IMAGE_BYTES) -> None:
    """Make an image file that holds an empty PiSM stick.

    Args:
        path: Must not exist.
        label: As for `format_stick`.
        size_bytes: At least MIN_BYTES.

    Raises:
        StickExistsError: There is a file of that name.
        StickNameError, StickFormatError, StickIoError: As for `format_stick`; nothing is left behind.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError as error:
        raise StickExistsError(f"{path} exists already") from error
    except OSError as error:
        raise StickIoError(f"{path} cannot be made: {error.strerror}") from error
    try:
        os.truncate(descriptor, size_bytes)
        os.close(descriptor)
        format_stick(NodeMedium(path), label)
    except BaseException:
        path.unlink()
        raise


def check_stick(medium: Medium, label: str) -> None:
    """Refuse what cannot be made a stick, before anything is erased.

    Args:
        medium: Claimed; it stays so.
        label: As for `format_stick`.

    Raises:
        StickNameError, StickReadOnlyError, StickFormatError: As for `format_stick`.
    """
    check_label(label)
    if medium.read_only:
        raise StickReadOnlyError("the stick is write-protected")
    if medium.size_bytes < MIN_BYTES:
        raise StickFormatError(f"the stick has {medium.size_bytes} bytes; FAT32 takes at least {MIN_BYTES}")


def _run_mkfs(medium: Medium, label: str) -> None:
    """Run mkfs.vfat and push what it wrote to the medium."""
    check_stick(medium, label)
    medium.check()
    with medium.unclaimed(), Launcher() as launcher:
        outcome = launcher.run(
            [*("mkfs.vfat", "-F", "32", "--mbr=n", "-n", label), *_find_place(medium)],
            node=medium.fileno(),
            mode="f",
            node_bytes=medium.size_bytes,
            offset=medium.offset_bytes,
        )
        raise_failure(medium, outcome, "the stick cannot be formatted")
    medium.flush()


def _find_place(medium: Medium) -> tuple[str, ...]:
    """Return what tells mkfs.vfat where the volume lies: all of the node, or a part of it."""
    if not medium.offset_bytes:
        return (NODE,)
    offset = str(medium.offset_bytes // _SECTOR_BYTES)
    return ("--offset", offset, NODE, str(medium.size_bytes // _BLOCK_BYTES))
