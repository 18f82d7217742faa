"""Opening, listing and reading a volume, sound, foreign or damaged."""

import os
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hw.errors import (
    StickFormatError,
    StickIoError,
    StickMissingError,
    StickNameError,
    StickPartsError,
    StickSizeError,
)
from hw.fat.names import parse_path
from hw.fat.volume import FatVolume, open_volume
from hw.medium.node import NodeMedium
from tests.hw.disks import BASIC, EFI, RESERVED, judge, make_disk, take_part
from tests.hw.images import ARCHIVE, CHUNK, check_fat, copy_in, make_stick, mtools
from tests.hw.medium.fake_kernel import TestKernel


def test_what_is_missing_is_said(image: Path) -> None:
    with open_volume(image) as volume:
        volume.put_small("public/roots.pem", b"x")
        for name in ("nothing", "public", "nowhere/x"):
            with pytest.raises(StickMissingError):
                volume.get(name, 10)
        with pytest.raises(StickMissingError):
            volume.list("requests")


def test_a_file_larger_than_is_taken_is_not_read(image: Path) -> None:
    with open_volume(image) as volume:
        volume.put_small("a.txt", b"12345")
        with pytest.raises(StickSizeError) as caught:
            volume.get("a.txt", 4)
    assert caught.value.code == "E-STICK-SIZE"


def test_getting_tells_how_far_it_is(image: Path) -> None:
    told: list[tuple[int, int, str]] = []
    with open_volume(image) as volume:
        volume.put_small("a.txt", b"x" * 200_000)
        count = volume.get_into("a.txt", lambda _: None, 1 << 20, lambda *step: told.append(step))
    assert count == 200_000
    assert told[-1] == (200_000, 200_000, "read a.txt")


def test_cleans_parts_of_ours_and_nothing_else(image: Path) -> None:
    copy_in(image, ARCHIVE + ".part", b"x")
    copy_in(image, "thesis.part", b"x")
    mtools(image, "mmd", "::public")
    copy_in(image, "public/README.prt", b"x")
    copy_in(image, "public/mine.txt", b"x")
    mtools(image, "mmd", "::public-main-kudo-000001")
    copy_in(image, "public-main-kudo-000001/PISM.prt", b"x")
    with open_volume(image) as volume:
        assert volume.clean_parts() == (
            ARCHIVE + ".part",
            "public/README.prt",
            "public-main-kudo-000001/PISM.prt",
        )
        assert volume.clean_parts() == ()
        assert [item.name for item in volume.list()] == ["thesis.part", "public", "public-main-kudo-000001"]
        assert [item.name for item in volume.list("public")] == ["mine.txt"]


@pytest.mark.parametrize("fat", ["12", "16"])
def test_a_smaller_fat_is_refused(tmp_path: Path, fat: str) -> None:
    image = tmp_path / "a.img"
    with image.open("xb") as file:
        file.truncate(int(fat) << 20)
    subprocess.run(["mkfs.vfat", "-F", fat, "--mbr=n", image], check=True, capture_output=True)
    with pytest.raises(StickFormatError):
        open_volume(image)


@pytest.mark.parametrize(
    "head", [b"", b"\xebv\x90EXFAT   " + bytes(500), b"\xebR\x90NTFS    ", random.Random(2).randbytes(4096)]
)
def test_what_is_not_fat_is_refused(tmp_path: Path, head: bytes) -> None:
    image = tmp_path / "a.img"
    image.write_bytes(head + bytes(1 << 20))
    with pytest.raises(StickFormatError) as caught:
        open_volume(image)
    assert caught.value.code == "E-STICK-FORMAT"


def test_a_medium_that_cannot_be_read_is_not_called_unformatted(tmp_path: Path) -> None:
    image = tmp_path / "a.img"
    image.write_bytes(bytes(1 << 20))
    with pytest.raises(StickIoError):
        FatVolume(NodeMedium(image, kernel=TestKernel(errors={("pread", ""): 5})))


def make_volume(path: Path, size_mib: int, *options: str) -> Path:
    """Make a FAT32 volume as another system would, with mkfs.vfat's own options."""
    with path.open("xb") as file:
        file.truncate(size_mib << 20)
    command = ["mkfs.vfat", "-F", "32", "--mbr=n", "-n", "PISM-ALL", *options, path]
    subprocess.run(command, check=True, capture_output=True)
    return path


def test_fat32_with_too_few_clusters_is_no_dying_stick(tmp_path: Path) -> None:
    image = make_volume(tmp_path / "few.img", 600, "-s", "128")
    before = image.stat().st_mtime_ns
    with pytest.raises(StickFormatError, match="9596 clusters; 65525 are the least") as caught:
        open_volume(image)
    assert caught.value.code == "E-STICK-FORMAT"
    assert image.stat().st_mtime_ns == before


@pytest.mark.parametrize("clusters", [65_524, 65_525, 65_526])
def test_fat32_begins_where_its_specification_says(tmp_path: Path, clusters: int) -> None:
    image = tmp_path / "a.img"
    with image.open("xb") as file:
        file.truncate((32 + 2 * 512 + clusters) * 512)
    command = ["mkfs.vfat", "-F", "32", "-s", "1", "-a", "-R", "32", "--mbr=n", image]
    subprocess.run(command, check=True, capture_output=True)
    if clusters < 65_525:
        with pytest.raises(StickFormatError):
            open_volume(image)
        return
    with open_volume(image) as volume:
        volume.put_small(ARCHIVE, b"x" * 5000)
    assert f"/{clusters} clusters" in check_fat(image)


@pytest.mark.parametrize(("place", "value"), [(24, b"\0\0\0\0"), (24, b"\x3f\0\0\0"), (24, b"\0\1\0\1")])
def test_fat32_without_geometry_is_taken_as_kernels_take_it(image: Path, place: int, value: bytes) -> None:
    data = random.Random(7).randbytes(100_000)
    with image.open("r+b") as file:
        for sector in (0, 6):  # and its copy
            os.pwrite(file.fileno(), value, sector * 512 + place)
    with open_volume(image) as volume:
        assert volume.label == "PISM-ALL"
        volume.put_small("public/roots.pem", data)
        volume.put_small(ARCHIVE, data)
        assert volume.get(ARCHIVE, len(data)) == data
    assert "error" not in check_fat(image)


@pytest.mark.parametrize(("offset", "value"), [(0, b"\x12\x34\x56\x78"), (5 * 4, b"\xff\xff\xff\x05")])
def test_what_mtools_says_of_a_format_is_passed_on_as_such(image: Path, offset: int, value: bytes) -> None:
    with image.open("r+b") as file:
        os.pwrite(file.fileno(), value, 32 * 512 + offset)
    with pytest.raises(StickFormatError, match="Error reading FAT") as caught:
        open_volume(image)
    assert caught.value.code == "E-STICK-FORMAT"


def test_an_image_cut_short_is_refused(image: Path) -> None:
    os.truncate(image, 20 << 20)
    with pytest.raises(StickFormatError, match="does not fit"):
        open_volume(image)


def test_a_loop_in_the_fat_ends(image: Path) -> None:
    copy_in(image, "loop.bin", b"x" * 5000)
    first = int(mtools(image, "mshowfat", "::loop.bin").split("<")[1].split("-")[0])
    data = bytearray(image.read_bytes())
    sectors_per_fat = int.from_bytes(data[36:40], "little")
    for fat in (32, 32 + sectors_per_fat):
        place = fat * 512 + (first + 3) * 4
        data[place : place + 4] = first.to_bytes(4, "little")
    image.write_bytes(data)
    with open_volume(image) as volume:
        try:
            assert len(volume.get("loop.bin", 5000)) == 5000
        except StickFormatError as error:
            assert error.code == "E-STICK-FORMAT"  # noqa: PT017  (either is right: the loop ended)


def test_a_chain_that_ends_too_early_is_a_fault_of_the_format(image: Path) -> None:
    copy_in(image, "short.bin", b"x" * 5000)
    first = int(mtools(image, "mshowfat", "::short.bin").split("<")[1].split("-")[0])
    data = bytearray(image.read_bytes())
    sectors_per_fat = int.from_bytes(data[36:40], "little")
    for fat in (32, 32 + sectors_per_fat):
        data[fat * 512 + first * 4 :][:4] = b""
        data[fat * 512 + first * 4 : fat * 512 + first * 4 + 4] = b"\xff\xff\xff\x0f"
    image.write_bytes(data)
    with open_volume(image) as volume:
        with pytest.raises(StickFormatError, match="by its folder"):
            volume.get("short.bin", 5000)
        with pytest.raises(StickFormatError, match="by its folder"):
            volume.get_secret("short.bin", 5000)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 1 << 32), count=st.integers(1, 200))
def test_a_damaged_stick_gives_a_stick_error_or_the_file(image: Path, seed: int, count: int) -> None:
    noise = random.Random(seed)
    damaged = make_stick(image.parent / f"{seed}-{count}-{noise.random()}.img")
    copy_in(damaged, "a.txt", b"x" * 3000)
    with damaged.open("r+b") as file:
        for _ in range(count):
            file.seek(
                noise.choice([noise.randrange(512), noise.randrange(16384, 17000), noise.randrange(1 << 20)])
            )
            file.write(noise.randbytes(1))
    try:
        with open_volume(damaged) as volume:
            volume.get("a.txt", CHUNK)
    except (StickFormatError, StickMissingError, StickSizeError):
        pass
    finally:
        damaged.unlink()
        (image.parent / "source").unlink()
    assert parse_path("a.txt").name == "a.txt"


# --- whole disks ---

MAC = ("gpt", (EFI, "EFI"), (BASIC, "PISM-ALL"))
WINDOWS = ("gpt", (RESERVED, None), (BASIC, "PISM-ALL"))
PLAIN = ("dos", ("c", "PISM-ALL"))
BOOTS = ("dos", ("c", "PISM-ALL"), ("ef", "VTOYEFI"))
MIXED = ("dos", ("83", None), ("c", "PISM-ALL"), ("7", None))


@pytest.mark.parametrize("layout", [MAC, WINDOWS, PLAIN, BOOTS, MIXED])
def test_of_a_whole_disk_the_one_part_is_taken(tmp_path: Path, layout: tuple[str, *tuple[Any, ...]]) -> None:
    label, *parts = layout
    image = make_disk(tmp_path / "disk.img", label, *parts)
    number = next(number for number, (_, name) in enumerate(parts, 1) if name == "PISM-ALL")
    others = [
        take_part(image, other, tmp_path / f"{other}")
        for other in range(1, len(parts) + 1)
        if other != number
    ]
    before = [other.read_bytes() for other in others]
    set_part_hint(image, number, 0)
    data = random.Random(3).randbytes(70_000)
    with open_volume(image) as volume:
        assert volume.label == "PISM-ALL"
        volume.put_small("public/roots.pem", data)
        volume.put_small(ARCHIVE, data)
        assert volume.get(ARCHIVE, len(data)) == data
        assert volume.size_bytes < image.stat().st_size
    part = take_part(image, number, tmp_path / "part.img")
    check_fat(part)
    mtools(part, "mcopy", "::public/roots.pem", str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == data
    again = [take_part(image, int(other.name), tmp_path / f"{other.name}b") for other in others]
    assert [other.read_bytes() for other in again] == before


def set_part_hint(image: Path, number: int, free_clusters: int) -> None:
    """Spoil the hint of a part's volume."""
    with image.open("r+b") as file:
        place = int(judge(image)[number - 1]["start"]) * 512 + 512 + 488
        os.pwrite(file.fileno(), free_clusters.to_bytes(4, "little"), place)


def test_a_disk_with_several_volumes_is_named_with_them(tmp_path: Path) -> None:
    image = make_disk(tmp_path / "disk.img", "gpt", (BASIC, "PHOTOS"), (BASIC, "PISM-ALL"))
    with pytest.raises(StickPartsError, match="1 PHOTOS, 2 PISM-ALL") as caught:
        open_volume(image)
    assert caught.value.code == "E-STICK-PARTS"


def test_a_disk_without_fat32_is_named_with_its_parts(tmp_path: Path) -> None:
    image = make_disk(tmp_path / "disk.img", "dos", ("83", None), ("7", None))
    with pytest.raises(StickFormatError, match=r"whole disk.*1 of kind 0x83, 2 of kind 0x7"):
        open_volume(image)


def test_a_volume_that_could_pass_for_a_table_is_a_volume(image: Path) -> None:
    with image.open("r+b") as file:
        os.pwrite(file.fileno(), b"\0\0\0\0\x0c\0\0\0\0\x10\0\0\0\x10\0\0", 446)
    with open_volume(image) as volume:
        assert volume.label == "PISM-ALL"
        assert volume.size_bytes == image.stat().st_size


# --- secrets ---


def test_a_secret_is_read_into_memory_that_has_no_name(image: Path) -> None:
    data = random.Random(5).randbytes(3 * CHUNK + 5)
    copy_in(image, "backup-a.txt", data)
    with open_volume(image) as volume, volume.get_secret("Backup-A.TXT", len(data)) as file:
        assert file.read() == data
        assert str(Path(f"/proc/self/fd/{file.fileno()}").readlink()).startswith("/memfd:")


def test_a_secret_larger_than_what_is_taken_is_refused(image: Path) -> None:
    copy_in(image, "backup-a.txt", b"x" * 100)
    with open_volume(image) as volume:
        with pytest.raises(StickSizeError):
            volume.get_secret("backup-a.txt", 99)
        with pytest.raises(StickMissingError):
            volume.get_secret("backup-b.txt", 99)
        with pytest.raises(StickNameError):
            volume.get_secret("a//c", 99)
        with volume.get_secret("backup-a.txt", 100) as file:
            assert file.read() == b"x" * 100
