"""FAT32 volumes that are broken anywhere and still look like PiSM's: listed, cleaned, written to, read back.

Whatever is broken: what is called written is read by mtools as it was given, and anything else is an error of
a stick, with its code, in a time that a person waits.
"""

import struct
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Final

import pytest

from hw.errors import StickError
from hw.fat.mkfs import MIN_BYTES, make_image
from hw.fat.volume import FatVolume, open_volume
from tests.fuzzing import Fuzzer
from tests.kiosk.place import copy_sparse, mtools
from tests.mutating import mutate_bytes

# Microsoft FAT specification 1.03, boot sector of FAT32: offset and format of each number
_FIELDS: Final = (
    *((11, "<H"), (13, "<B"), (14, "<H"), (16, "<B"), (17, "<H"), (19, "<H"), (21, "<B"), (22, "<H")),
    *((24, "<H"), (26, "<H"), (28, "<I"), (32, "<I"), (36, "<I"), (40, "<H"), (42, "<H"), (44, "<I")),
    *((48, "<H"), (50, "<H"), (66, "<B"), (510, "<H")),
)
_NUMBERS: Final = (0, 1, 2, 3, 7, 8, 16, 127, 128, 255, 512, 4096, 0x7FFF, 0xFFFF, 0x0FFFFFF6, 0xFFFFFFFF)
_ENTRIES: Final = (0, 1, 2, 3, 5, 64, 0x0FFFFFF6, 0x0FFFFFF7, 0x0FFFFFF8, 0x0FFFFFFF, 0xF0000003, 0x00FFFFFF)
_USED: Final = 64
"""So many clusters are in use, and a few more: what is broken beyond is nobody's."""
_MOST_BYTES: Final = 200_000


class Layout:
    """Where the parts of a volume lie, in bytes."""

    def __init__(self, image: Path) -> None:
        with image.open("rb") as file:
            boot = file.read(512)
        sector, cluster_sectors, reserved, fats = struct.unpack_from("<HBHB", boot, 11)
        (fat_sectors,) = struct.unpack_from("<I", boot, 36)
        (info,) = struct.unpack_from("<H", boot, 48)
        self.info = info * sector
        self.fats = [(reserved + number * fat_sectors) * sector for number in range(fats)]
        self.cluster_bytes = cluster_sectors * sector
        self.data = (reserved + fats * fat_sectors) * sector


def break_boot(random: Random, _layout: Layout, data: bytearray) -> None:
    """Put another number into a field or two."""
    for _ in range(random.randint(1, 2)):
        offset, form = random.choice(_FIELDS)
        most = (1 << 8 * struct.calcsize(form)) - 1
        (old,) = struct.unpack_from(form, data, offset)
        number = random.choice((*_NUMBERS, old + 1, old * 2, old // 2, random.randrange(1 << 32)))
        struct.pack_into(form, data, offset, number & most)


def break_info(random: Random, layout: Layout, data: bytearray) -> None:
    """Have the FS information sector say something else."""
    offset = layout.info + random.choice((0, 484, 488, 492, 508))
    struct.pack_into("<I", data, offset, random.choice((*_NUMBERS, random.randrange(1 << 32))))


def break_fats(random: Random, layout: Layout, data: bytearray) -> None:
    """Close a loop, cross two chains, leave one open, or lead one out of the volume, in one FAT or all."""
    fats = random.choice((layout.fats, layout.fats[:1], layout.fats[1:]))
    for _ in range(random.choice((1, 1, 4, _USED))):
        at, value = random.randrange(_USED), random.choice((*_ENTRIES, random.randrange(_USED)))
        for fat in fats:
            struct.pack_into("<I", data, fat + 4 * at, value)


def break_root(random: Random, layout: Layout, data: bytearray) -> None:
    """Write nonsense over entries of the root folder."""
    for _ in range(random.choice((1, 1, 3))):
        entry = layout.data + 32 * random.randrange(24)
        match random.randrange(4):
            case 0:
                data[entry : entry + 32] = random.randbytes(32)
            case 1:
                data[entry + 11] = random.randrange(256)  # attributes
            case 2:  # first cluster and size
                struct.pack_into("<H", data, entry + 20, random.choice((0, 0, 0xFFFF)))
                struct.pack_into(
                    "<HI", data, entry + 26, random.randrange(1 << 16), random.randrange(1 << 32)
                )
            case _:
                at = entry + random.randrange(11)
                data[at] = random.choice((0, 1, 0x05, 0x20, 0x2E, 0x2F, 0x5C, 0x7F, 0xE5, 0xFF))


def break_anything(random: Random, layout: Layout, data: bytearray) -> None:
    """Change bytes anywhere before the first files' ends."""
    start = random.choice((0, 90, layout.info, *layout.fats, layout.data))
    length = random.choice((16, 512))
    data[start : start + length] = mutate_bytes(random, bytes(data[start : start + length]))[:length].ljust(
        length, b"\0"
    )


BREAKS: Final[tuple[Callable[[Random, Layout, bytearray], None], ...]] = (
    *(break_boot, break_info, break_fats, break_root, break_anything),
)


def break_volume(random: Random, layout: Layout, image: Path) -> None:
    """Break one to three things of a volume."""
    length = layout.data + _USED * layout.cluster_bytes
    with image.open("r+b") as file:
        data = bytearray(file.read(length))
        for _ in range(random.choice((1, 1, 2, 3))):
            random.choice(BREAKS)(random, layout, data)
        file.seek(0)
        file.write(data[:length])


def use(random: Random, volume: FatVolume, image: Path) -> None:
    """Do what a job does with a stick; what it calls written, and then seen, mtools reads as it was given."""
    written: dict[str, bytes] = {}
    for item in volume.list():
        if item.folder:
            volume.list(item.name)
        elif item.size_bytes < _MOST_BYTES:
            volume.get(item.name, _MOST_BYTES)
    volume.clean_parts()
    for name in ("main-kudo-000001.tar.age", "public/roots.pem", "next-visit.ics"):
        written[name] = data = random.randbytes(random.choice((0, 1, 511, 5000, 70_000)))
        volume.put_small(name, data, replaces=sha256(b"old").hexdigest())
        assert mtools(image, "mtype", f"::{name}") == data, name
    for name, data in written.items():
        if volume.holds(name, size_bytes=len(data), sha256=sha256(data).hexdigest()):
            assert mtools(image, "mtype", f"::{name}") == data, name


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a volume with files of PiSM's and of others, and a part that a pull left."""
    folder = tmp_path_factory.mktemp("sound")
    image = folder / "sound.img"
    make_image(image, "PISM-ALL", MIN_BYTES)
    (folder / "holiday.mov").write_bytes(bytes(range(256)) * 80)
    (folder / "next-visit.ics").write_bytes(b"old")
    mtools(image, "mmd", "::public")
    mtools(image, "mcopy", str(folder / "holiday.mov"), "::holiday.mov")
    mtools(image, "mcopy", str(folder / "next-visit.ics"), "::next-visit.ics")
    mtools(image, "mcopy", str(folder / "holiday.mov"), "::public/pism.prt")
    return image


@pytest.mark.fuzz("broken volumes")
def test_what_is_called_written_on_a_broken_volume_is_there(
    sound: Path, tmp_path: Path, fuzzer: Fuzzer
) -> None:
    layout = Layout(sound)

    def check(random: Random) -> None:
        image = tmp_path / "broken.img"
        copy_sparse(sound, image)
        break_volume(random, layout, image)
        code = ""
        try:
            with fuzzer.answer(), open_volume(image) as volume:
                use(random, volume, image)
        except StickError as error:
            code = error.code
        assert not code or code.startswith("E-STICK")
        fuzzer.counted["refused" if code else "written"] += 1

    fuzzer.run(check, inputs=16)
