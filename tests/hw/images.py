"""Images of sticks for tests, made quickly: they take no room."""

import functools
import os
import struct
import subprocess
import tempfile
from pathlib import Path

from hw.fat.mkfs import MIN_BYTES, make_image

CHUNK = 1 << 16
ARCHIVE = "main-kudo-000001-20270101T000000Z.tar.age"
RECEIPT = "pism-receipt-main-kudo-000001.json"


@functools.cache
def _blank_image(label: str) -> tuple[tuple[int, bytes], ...]:
    """Return the pieces of a fresh image that are not blank."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "stick.img"
        make_image(path, label, MIN_BYTES)
        with path.open("rb") as image:
            pieces = ((place, image.read(CHUNK)) for place in range(0, MIN_BYTES, CHUNK))
            return tuple((place, piece) for place, piece in pieces if piece.strip(b"\0"))


def make_stick(path: Path, label: str = "PISM-ALL") -> Path:
    """Make an empty FAT32 image, quickly."""
    with path.open("xb") as image:
        image.truncate(MIN_BYTES)
        for place, piece in _blank_image(label):
            os.pwrite(image.fileno(), piece, place)
    return path


def mtools(image: Path, *command: str) -> str:
    """Work on the image with plain mtools, as an operator's PC would."""
    tool, *arguments = command
    done = subprocess.run(
        [tool, "-i", str(image), *arguments],
        capture_output=True,
        text=True,
        check=True,
        stdin=subprocess.DEVNULL,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
    )
    return done.stdout


def copy_in(image: Path, name: str, data: bytes) -> None:
    """Put a file on the image with plain mtools."""
    source = image.parent / "source"
    source.write_bytes(data)
    mtools(image, "mcopy", str(source), f"::{name}")


def set_hint(image: Path, free_clusters: int) -> None:
    """Have the FS information sector claim that so many clusters are free, as an unclean pull leaves it."""
    with image.open("r+b") as file:
        boot = file.read(512)
        (sector_bytes,), (place,) = struct.unpack_from("<H", boot, 11), struct.unpack_from("<H", boot, 48)
        file.seek(place * sector_bytes + 488)
        file.write(struct.pack("<I", free_clusters))


def ask_blkid(image: Path, offset: int = 0, size_bytes: int = 0) -> dict[str, str]:
    """Return what libblkid, the judge of what lies on a medium, says of an image or a place of it."""
    place = ("-O", str(offset), "-S", str(size_bytes)) if offset else ()
    done = subprocess.run(
        ["blkid", "-p", "-o", "udev", *place, image], capture_output=True, text=True, check=False
    )
    return dict(line.split("=", 1) for line in done.stdout.splitlines())


def check_fat(image: Path) -> str:
    """Return what the judge fsck.fat says of an image; it must find nothing wrong."""
    done = subprocess.run(["fsck.fat", "-n", image], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    return done.stdout
