import hashlib
import os
import random
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hw.fat.mtools import Outcome
from hw.fat.names import parse_path
from hw.fat.volume import FatVolume, open_volume
from hw.fat.writing import MAX_FILE_BYTES, copy_file
from hw.ports import (
    StickExistsError,
    StickFormatError,
    StickFullError,
    StickGoneError,
    StickIoError,
    StickMissingError,
    StickNameError,
    StickReadOnlyError,
    StickSizeError,
    StickVerifyError,
)
from hw.sticks.node import NodeMedium
from tests.hw.stick_kit import CHUNK, REFUSED, TestKernel, make_stick

ARCHIVE = "main-kudo-000001-20270101T000000Z.tar.age"
RECEIPT = "pism-receipt-main-kudo-000001.json"


class StoppedError(Exception):
    pass


@pytest.fixture
def image(tmp_path: Path) -> Path:
    return make_stick(tmp_path / "stick.img")


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


def test_what_is_put_is_there_for_everybody(image: Path) -> None:
    data = random.Random(1).randbytes(300_001)
    told: list[tuple[int, int, str]] = []
    with open_volume(image) as volume:
        assert volume.label == "PISM-ALL"
        assert volume.list() == ()
        before = volume.free_bytes
        volume.put_small(ARCHIVE, data, lambda *step: told.append(step))
        assert [(item.name, item.size_bytes) for item in volume.list()] == [(ARCHIVE, 300_001)]
        assert before - volume.free_bytes == -(-300_001 // 512) * 512
        assert volume.get(ARCHIVE, 300_001) == data
        assert volume.size_bytes == image.stat().st_size
        assert not volume.read_only
    assert told[-1] == (600_002, 600_002, f"check {ARCHIVE}")
    assert [step[0] for step in told] == sorted(step[0] for step in told)
    mtools(image, "mcopy", f"::{ARCHIVE}", str(image.parent / "back"))
    assert (image.parent / "back").read_bytes() == data
    assert (
        "error"
        not in subprocess.run(["fsck.vfat", "-n", image], capture_output=True, text=True, check=True).stdout
    )


def test_puts_a_file_that_has_no_name_any_more(image: Path, tmp_path: Path) -> None:
    data = b"archive" * 1000
    path = tmp_path / "archive"
    path.write_bytes(data)
    with path.open("rb") as source, open_volume(image) as volume:
        path.unlink()
        volume.put(ARCHIVE, source, size_bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
        assert volume.get(ARCHIVE, len(data)) == data


def test_puts_a_file_by_its_path_and_an_empty_one(image: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    with open_volume(image) as volume:
        volume.put("empty.bin", tmp_path / "empty", size_bytes=0, sha256=hashlib.sha256().hexdigest())
        assert volume.get("EMPTY.BIN", 0) == b""


_NAMES = (
    *("roots.pem", "readme", "readme.TXT", "README.txt", "Readme.txt", "README.TXT", "a+b c.x", "~x.y"),
    *("hällo.txt", "日本.txt", ".hidden", "x" * 250, "a.b.c", "Main-Kudo.TAR.Age"),
)


@pytest.mark.parametrize("name", _NAMES)
def test_a_name_stands_as_it_was_asked_for(image: Path, name: str) -> None:
    with open_volume(image) as volume:
        volume.put_small(name, b"x")
        assert [item.name for item in volume.list()] == [name]
        assert volume.get(name.upper(), 1) == b"x"


def test_makes_a_folder_when_it_is_needed(image: Path) -> None:
    with open_volume(image) as volume:
        volume.put_small("public/roots.pem", b"one")
        volume.put_small("PUBLIC/c5ce9b8a.crl", b"two")
        assert [item.name for item in volume.list()] == ["public"]
        assert [item.name for item in volume.list("public")] == ["roots.pem", "c5ce9b8a.crl"]
        assert volume.get("public/roots.pem", 10) == b"one"


def test_a_name_that_is_taken_is_refused_and_stays_as_it_is(image: Path) -> None:
    copy_in(image, "Long Name Of A File.txt", b"theirs")
    mtools(image, "mmd", "::folder")
    with open_volume(image) as volume:
        for name in ("LONG NAME OF A FILE.TXT", "LONGNA~1.TXT", "Folder"):
            with pytest.raises(StickExistsError):
                volume.put_small(name, b"ours")
        with pytest.raises(StickExistsError, match="no folder"):
            volume.put_small("Long Name Of A File.txt/x", b"ours")
        assert volume.get("long name of a file.txt", 10) == b"theirs"


def test_an_earlier_try_counts_when_it_may_and_holds_the_same_bytes(image: Path) -> None:
    with open_volume(image) as volume:
        volume.put_small(ARCHIVE, b"ours", resume=True)
        volume.put_small(ARCHIVE, b"ours", resume=True)
        with pytest.raises(StickExistsError):
            volume.put_small(ARCHIVE, b"ours")
        for other in (b"other", b"ourz"):
            with pytest.raises(StickExistsError):
                volume.put_small(ARCHIVE, other, resume=True)
        assert volume.get(ARCHIVE, 4) == b"ours"


def test_refuses_names_before_anything_is_written(image: Path) -> None:
    before = image.read_bytes()
    with open_volume(image) as volume:
        with pytest.raises(StickNameError):
            volume.put_small("a:b", b"x")
        with pytest.raises(StickNameError):
            volume.list("..")
        with pytest.raises(StickNameError):
            volume.get("a/b/c", 1)
    assert image.read_bytes() == before


def test_a_full_stick_is_said_with_both_sizes(image: Path) -> None:
    with open_volume(image) as volume:
        free = volume.free_bytes
        with pytest.raises(StickFullError, match=str(free)):
            volume.put(ARCHIVE, image, size_bytes=free, sha256="")
        with pytest.raises(StickFullError, match="FAT32"):
            volume.put(ARCHIVE, image, size_bytes=MAX_FILE_BYTES + 1, sha256="")
        assert volume.list() == ()


def test_a_stick_fuller_than_it_says_is_full_all_the_same(image: Path) -> None:
    source = image.parent / "source"
    with source.open("wb") as file:
        file.truncate(image.stat().st_size)
    with open_volume(image) as volume, pytest.raises(StickFullError, match="is full"):
        # said to be small, so that only mcopy finds out
        volume.put(ARCHIVE, source, size_bytes=10, sha256="")
    with open_volume(image) as volume:
        assert volume.list() == ()


def test_a_write_protected_stick_can_be_read_only(image: Path) -> None:
    copy_in(image, "a.txt", b"x")
    copy_in(image, RECEIPT + ".part", b"x")
    image.chmod(0o444)
    with open_volume(image) as volume:
        assert volume.read_only
        assert volume.get("a.txt", 1) == b"x"
        with pytest.raises(StickReadOnlyError):
            volume.put_small("b.txt", b"x")
        with pytest.raises(StickReadOnlyError):
            volume.clean_parts()


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
    copy_in(image, "public/roots.prt", b"x")
    copy_in(image, "public/mine.txt", b"x")
    with open_volume(image) as volume:
        assert volume.clean_parts() == (ARCHIVE + ".part", "public/roots.prt")
        assert volume.clean_parts() == ()
        assert [item.name for item in volume.list()] == ["thesis.part", "public"]
        assert [item.name for item in volume.list("public")] == ["mine.txt"]


def test_an_old_part_of_ours_gives_way_and_an_operators_does_not(image: Path) -> None:
    copy_in(image, ARCHIVE + ".part", b"old")
    copy_in(image, "my thesis.txt.part", b"old")
    with open_volume(image) as volume:
        volume.put_small(ARCHIVE, b"new")
        with pytest.raises(StickExistsError, match="in the way"):
            volume.put_small("my thesis.txt", b"new")
        assert volume.get(ARCHIVE, 3) == b"new"
        assert sorted(item.name for item in volume.list()) == sorted([ARCHIVE, "my thesis.txt.part"])


def test_a_caller_that_stops_leaves_no_file(image: Path) -> None:
    def stop(done: int, total: int, what: str) -> None:
        raise StoppedError

    with open_volume(image) as volume:
        with pytest.raises(StoppedError):
            volume.put_small(ARCHIVE, b"x" * 50_000, stop)
        assert volume.list() == ()


def test_a_source_that_is_not_what_was_promised_is_not_left_on_the_stick(image: Path) -> None:
    source = image.parent / "source"
    source.write_bytes(b"other")
    with open_volume(image) as volume:
        with pytest.raises(StickVerifyError, match="something else"):
            volume.put(ARCHIVE, source, size_bytes=5, sha256=hashlib.sha256(b"wanted").hexdigest())
        assert volume.list() == ()


def test_where_the_cache_cannot_be_passed_the_file_is_read_again(image: Path) -> None:
    kernel = TestKernel(errors={("direct", ""): REFUSED})
    with FatVolume(NodeMedium(image, kernel=kernel)) as volume:
        volume.put_small("public/roots.pem", b"x" * 5000)
        assert volume.get("public/roots.pem", 5000) == b"x" * 5000


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
        FatVolume(NodeMedium(image, kernel=TestKernel(errors={("read", ""): 5})))


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
        except StickIoError as error:
            assert error.code == "E-STICK-IO"  # noqa: PT017  (either is right: the loop ended)


def test_a_chain_that_ends_too_early_is_a_failing_stick(image: Path) -> None:
    copy_in(image, "short.bin", b"x" * 5000)
    first = int(mtools(image, "mshowfat", "::short.bin").split("<")[1].split("-")[0])
    data = bytearray(image.read_bytes())
    sectors_per_fat = int.from_bytes(data[36:40], "little")
    for fat in (32, 32 + sectors_per_fat):
        data[fat * 512 + first * 4 :][:4] = b""
        data[fat * 512 + first * 4 : fat * 512 + first * 4 + 4] = b"\xff\xff\xff\x0f"
    image.write_bytes(data)
    with open_volume(image) as volume, pytest.raises(StickIoError):
        volume.get("short.bin", 5000)


def test_an_image_that_is_deleted_under_us_is_a_stick_that_was_pulled(image: Path) -> None:
    with open_volume(image) as volume:
        image.unlink()
        with pytest.raises(StickGoneError):
            volume.put_small(ARCHIVE, b"x")


@pytest.mark.parametrize(
    ("complaint", "error"),
    [
        ("Disk full", StickFullError),
        ("plain_io write: Read-only file system", StickReadOnlyError),
        ("Device is write protected", StickReadOnlyError),
        ("Something odd", StickIoError),
        ("", StickIoError),
    ],
)
def test_a_tools_complaint_has_its_error(image: Path, complaint: str, error: type[Exception]) -> None:
    with open_volume(image) as volume, pytest.raises(error):
        volume._drive.explain(Outcome(status=1, complaint=complaint), "x cannot be written")


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
    except (StickFormatError, StickIoError, StickMissingError, StickSizeError):
        pass
    finally:
        damaged.unlink()
        (image.parent / "source").unlink()
    assert parse_path("a.txt").name == "a.txt"


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
            volume.get_secret("a/b/c", 99)
        with volume.get_secret("backup-a.txt", 100) as file:
            assert file.read() == b"x" * 100


def test_a_tool_writes_no_more_into_a_descriptor_than_it_may(image: Path) -> None:
    copy_in(image, "long.txt", b"x" * 5000)
    with open_volume(image) as volume, (image.parent / "out").open("w+b") as out:
        with suppress(StickIoError):  # mtype may call that a success
            copy_file(volume._drive, parse_path("long.txt"), 1000, out.fileno())
        assert os.fstat(out.fileno()).st_size <= 1000
