"""Images of whole disks for tests: a table by sfdisk, the judge of tables, and volumes in their parts."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hw.fat.mkfs import MIN_BYTES
from tests.hw.images import CHUNK, make_stick

PART_MIB = MIN_BYTES // (1 << 20)
EFI, RESERVED = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b", "e3c9e316-0b5c-4db8-817d-f92df00215ae"
BASIC = "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7"


def make_disk(path: Path, label: str, *parts: tuple[str, str | None]) -> Path:
    """Make a disk with parts of PART_MIB; sparse.

    Args:
        path: Must not exist.
        label: Of the table: "gpt" or "dos".
        parts: Kind as sfdisk takes it, and volume label; None leaves the part blank.
    """
    with path.open("xb") as image:
        image.truncate((len(parts) * (PART_MIB + 1) + 2) << 20)
    lines = [f"label: {label}"]
    for number, (kind, _) in enumerate(parts):
        lines.append(f"start={(number * (PART_MIB + 1) + 1) << 11}, size={PART_MIB << 11}, type={kind}")
    table(path, "\n".join(lines))
    for number, (_, name) in enumerate(parts):
        if name is not None:
            fill_part(path, (number * (PART_MIB + 1) + 1) << 20, name)
    return path


def table(path: Path, script: str) -> None:
    """Write a partition table."""
    subprocess.run(["sfdisk", "-q", path], input=script, text=True, check=True, capture_output=True)


def fill_part(path: Path, offset: int, label: str) -> None:
    """Put an empty FAT32 volume into a part."""
    volume = make_stick(path.parent / f"{path.name}-{label}", label)
    with path.open("r+b") as image, volume.open("rb") as source:
        for place in range(0, MIN_BYTES, CHUNK):
            if (piece := source.read(CHUNK)).strip(b"\0"):
                os.pwrite(image.fileno(), piece, offset + place)
    volume.unlink()


def take_part(path: Path, number: int, to: Path) -> Path:
    """Copy a part out of a disk, for judges that know no parts."""
    part = judge(path)[number - 1]
    with path.open("rb") as image, to.open("xb") as volume:
        image.seek(int(part["start"]) * 512)
        shutil.copyfileobj(_Bounded(image, int(part["size"]) * 512), volume)
    return to


class _Bounded:
    def __init__(self, file: Any, left: int) -> None:
        self._file, self._left = file, left

    def read(self, count: int) -> bytes:
        piece: bytes = self._file.read(min(count, self._left))
        self._left -= len(piece)
        return piece


def judge(path: Path) -> list[dict[str, Any]]:
    """Return what sfdisk says of a table: start and size in sectors, type."""
    done = subprocess.run(["sfdisk", "-J", path], check=True, capture_output=True, text=True)
    parts: list[dict[str, Any]] = json.loads(done.stdout)["partitiontable"].get("partitions", [])
    return parts
