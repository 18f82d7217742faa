"""What lies on a stick, asked of the sandbox: honest about what cannot be read, strict about what is said."""

from pathlib import Path

import pytest

from hw.sticks.contents import UNREADABLE, look_at
from tests.hw.disks import BASIC, judge, make_disk
from tests.hw.images import make_stick


def test_a_stick_and_each_of_its_parts_are_read_in_one_go(tmp_path: Path) -> None:
    disk = make_disk(tmp_path / "disk.img", "dos", ("c", "PHOTOS"), ("c", None))
    places = [(part["start"] * 512, part["size"] * 512) for part in judge(disk)]
    whole, photos, blank = look_at(disk, (0, disk.stat().st_size), *places)
    assert whole == {}
    assert photos["ID_FS_LABEL_ENC"] == "".join(f"\\x{byte:02x}" for byte in b"PHOTOS")
    assert blank == {"ID_PART_ENTRY_TYPE": "0xc"}


def test_what_cannot_be_read_is_no_blank_stick(tmp_path: Path) -> None:
    """A number that no read takes fails as a dying stick does."""
    image = make_stick(tmp_path / "a.img")
    (found,) = look_at(image, (1 << 63, 4096))
    assert found == {"ID_FS_USAGE": "filesystem", "ID_FS_TYPE": UNREADABLE}


def test_a_node_that_is_gone_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        look_at(tmp_path / "sda", (0, 4096))


def test_a_label_that_hides_something_arrives_as_bytes_only(tmp_path: Path) -> None:
    image = make_stick(tmp_path / "a.img")
    data = bytearray(image.read_bytes())
    place = data.index(b"PISM-ALL   ", 512 * 16)  # behind the boot sectors, which have it as well
    data[place : place + 11] = b"A\nID_FS_U=\x1b"
    image.write_bytes(data)
    (found,) = look_at(image, (0, len(data)))
    assert set(found) == {"ID_FS_USAGE", "ID_FS_TYPE", "ID_FS_UUID", "ID_FS_LABEL_ENC"}
    assert found["ID_FS_LABEL_ENC"].startswith("\\x41\\x0a\\x49")


def test_the_same_disk_by_its_kind_of_part(tmp_path: Path) -> None:
    disk = make_disk(tmp_path / "disk.img", "gpt", (BASIC, "PISM-ALL"))
    (part,) = judge(disk)
    (found,) = look_at(disk, (part["start"] * 512, part["size"] * 512))
    assert found["ID_PART_ENTRY_TYPE"] == BASIC
