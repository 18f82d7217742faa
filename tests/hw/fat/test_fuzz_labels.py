"""Labels that look alike: only what is PISM-ALL but for its case, which FAT lacks, and its end, is PISM-ALL.

Each is read as libblkid, the judge, reads it; and only the root folder's counts, never the boot sector's.
"""

import struct
from pathlib import Path
from random import Random
from typing import Final

import pytest

from hw.fat.look import look
from hw.sticks.insertions import BlockDevice, decode_label, read_stick
from tests.fuzzing import Fuzzer
from tests.hw.images import ask_blkid, make_stick

LABELS: Final = (b"PISM-ALL", b"PISM-EXPORT", b"PISM-CONFIG", b"PISM-RESCUE", b"PISM-DRILL", b"PISM-BACKUP")
_ALIKE: Final = {
    ord("I"): (b"1", b"l", b"|", b"\xd0\x86", b"\xc4\xb1", b"i"),
    ord("S"): (b"5", b"\xc5\xbf", b"\xd0\x85", b"$", b"s"),
    ord("O"): (b"0", b"\xd0\x9e", b"\xce\x9f"),
    ord("A"): (b"\xd0\x90", b"\x8e", b"4", b"a"),
    ord("P"): (b"\xd0\xa0", b"p"),
    ord("-"): (b"\xad", b"\xe2\x80\x90", b"_", b" ", b"\xc4"),
}
_BOOT_LABEL: Final = 71  # Microsoft FAT specification 1.03, BS_VolLab of FAT32
_BYTES: Final = (
    b"\0",
    b"\x01",
    b"\x05",
    b"\x1b",
    b"\n",
    b"\x7f",
    b"\xe5",
    b"\xff",
    b" ",
    b"\t",
    b"\\",
    b"x41",
)


def draw_label(random: Random) -> bytes:
    """Draw the eleven bytes of a label that is a job's, or nearly."""
    label = random.choice(LABELS)
    for _ in range(random.choice((0, 0, 1, 1, 2))):
        at = random.randrange(len(label))
        match random.randrange(6):
            case 0:
                label = label[:at] + random.choice(_ALIKE.get(label[at], (b"X",))) + label[at + 1 :]
            case 1:
                label = label[:at] + random.choice(_BYTES) + label[at:]
            case 2:
                label = label[:at] + random.choice(_BYTES) + label[at + 1 :]
            case 3:
                label = random.choice((label.lower(), label.title(), label.swapcase()))
            case 4:
                label = random.choice((b" ", b"")) + label + random.choice((b"", b" ", b"\0", b"2"))
            case _:
                label = label[:at] + label[at + 1 :]
        label = label or b" "
    return label[:11].ljust(11, random.choice((b" ", b" ", b" ", b"\0")))


@pytest.mark.fuzz("labels")
def test_only_a_label_that_is_one_asks_for_its_job(tmp_path: Path, fuzzer: Fuzzer) -> None:
    image = make_stick(tmp_path / "stick.img", "PISM-ALL")
    with image.open("rb") as file:
        first = file.read(1 << 20)
    sector_bytes, _, reserved, fats = struct.unpack_from("<HBHB", first, 11)
    (per_fat,) = struct.unpack_from("<I", first, 36)
    root = (reserved + fats * per_fat) * sector_bytes
    size_bytes = image.stat().st_size

    def check(random: Random) -> None:
        label, in_boot_sector = draw_label(random), draw_label(random)
        with image.open("r+b") as file:
            file.seek(_BOOT_LABEL)
            file.write(in_boot_sector)
            file.seek(root)
            file.write(label)

            def read(place: int, length: int) -> bytes:
                file.seek(place)
                return file.read(length)

            with fuzzer.answer():
                found = look(read, size_bytes, 0, size_bytes)
        disk = BlockDevice(
            action="add",
            path="/devices/usb1/sda",
            properties={"DEVNAME": "/dev/sda", "ID_BUS": "usb", "DEVTYPE": "disk"} | found,
            size_bytes=size_bytes,
        )
        stick = read_stick(disk, ())
        assert stick is not None
        judged = decode_label(ask_blkid(image).get("ID_FS_LABEL_ENC", ""))
        assert stick.label in {judged, judged.upper()}, (label, judged)
        asks = [each for each in LABELS if each.decode() == stick.label]
        plain = label.partition(b"\0")[0].rstrip().upper()
        assert asks == [each for each in LABELS if each == plain], label
        fuzzer.counted["asks" if asks else "asks for nothing"] += 1

    fuzzer.run(check, inputs=60)
