"""Putting files on a volume: whole and proven, or not at all."""

import hashlib
import random
from pathlib import Path

import pytest

from hw.errors import (
    StickExistsError,
    StickFullError,
    StickGoneError,
    StickNameError,
    StickReadOnlyError,
    StickVerifyError,
)
from hw.fat.names import part_name
from hw.fat.volume import FatVolume, open_volume
from hw.fat.writing import MAX_FILE_BYTES
from hw.medium.node import NodeMedium
from hw.sizes import size_text
from tests.hw.images import ARCHIVE, RECEIPT, copy_in, mtools
from tests.hw.medium.fake_kernel import REFUSED, TestKernel


class StoppedError(Exception):
    pass


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
    assert told[-1] == (300_001, 300_001, f"check {ARCHIVE}")
    stage = [step[0] for step in told if step[2] == f"check {ARCHIVE}"]
    assert stage == sorted(stage)


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
    *("hällo.txt", "日本.txt", ".hidden", "x" * 255, "a.b.c", "Main-Kudo.TAR.Age"),
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


def holds(image: Path, name: str, data: bytes) -> bool:
    with open_volume(image) as volume:
        return volume.holds(name, size_bytes=len(data), sha256=hashlib.sha256(data).hexdigest())


def test_a_stick_holds_what_has_the_name_the_size_and_every_byte(image: Path) -> None:
    data = bytes(range(256)) * 300
    with open_volume(image) as volume:
        volume.put_small(ARCHIVE, data)
        volume.put_small("public/empty.crl", b"")
        assert volume.find("PUBLIC/empty.crl") is not None
        assert volume.find("public/other.crl") is None
    assert holds(image, ARCHIVE, data)
    assert holds(image, "public/empty.crl", b"")
    others = (data[:-1], data + b"x", data[:-1] + b"x", b"")
    assert not any(holds(image, ARCHIVE, other) for other in others)
    for name in (ARCHIVE.upper(), "other", "public", f"public/{ARCHIVE}", f"nowhere/{ARCHIVE}"):
        assert not holds(image, name, data)


def test_refuses_names_before_anything_is_written(image: Path) -> None:
    before = image.read_bytes()
    with open_volume(image) as volume:
        with pytest.raises(StickNameError):
            volume.put_small("a:b", b"x")
        with pytest.raises(StickNameError):
            volume.list("..")
        with pytest.raises(StickNameError):
            volume.get("a//c", 1)
        with pytest.raises(StickNameError):
            volume.put_small("a/b/c", b"x")
    assert image.read_bytes() == before


def test_a_full_stick_is_said_with_both_sizes(image: Path) -> None:
    with open_volume(image) as volume:
        free = volume.free_bytes
        with pytest.raises(StickFullError, match=f"{size_text(free)} free"):
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


@pytest.mark.parametrize("name", [ARCHIVE, "notes.txt", "notes.prt", "public/README.txt"])
def test_a_part_of_an_earlier_try_gives_way_and_an_operators_file_does_not(image: Path, name: str) -> None:
    folder, _, file = name.rpartition("/")
    mtools(image, "mmd", "::public")
    copy_in(image, f"{folder}/{part_name(file)}".lstrip("/"), b"old")
    copy_in(image, f"{name}.part", b"of the operator")
    with open_volume(image) as volume:
        volume.put_small(name, b"new")
        assert volume.get(name, 3) == b"new"
        assert {item.name for item in volume.list(folder)} - {"public"} == {file, f"{file}.part"}
        assert volume.get(f"{name}.part", 20) == b"of the operator"


@pytest.mark.parametrize("name", ["public/roots.pem", "public/README.txt", "next-visit.ics", ARCHIVE])
def test_a_file_that_the_caller_names_by_its_hash_is_replaced_and_no_other(image: Path, name: str) -> None:
    folder = name.rpartition("/")[0]
    before = hashlib.sha256(b"before").hexdigest()
    with open_volume(image) as volume:
        volume.put_small(name, b"before", replaces=before)
        with pytest.raises(StickExistsError):
            volume.put_small(name, b"new", replaces=hashlib.sha256(b"another").hexdigest())
        assert volume.get(name, 10) == b"before"
        volume.put_small(name, b"new", replaces=before)
    with open_volume(image) as volume:
        assert volume.get(name, 10) == b"new"
        assert [item.name for item in volume.list(folder) if not item.folder] == [name.rpartition("/")[2]]
        assert not volume.delete(name, before)
        assert volume.delete(name, hashlib.sha256(b"new").hexdigest())
    with open_volume(image) as volume:
        assert volume.find(name) is None


@pytest.mark.parametrize("files", range(0, 40, 3))
def test_a_long_name_is_given_wherever_it_falls_in_its_folder(image: Path, files: int) -> None:
    for number in range(files):
        copy_in(image, f"{number}", b"x")
    with open_volume(image) as volume:
        for length in (30, 75, 120):
            volume.put_small("n" * length, b"x")


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


def test_an_image_that_is_deleted_under_us_is_a_stick_that_was_pulled(image: Path) -> None:
    with open_volume(image) as volume:
        image.unlink()
        with pytest.raises(StickGoneError):
            volume.put_small(ARCHIVE, b"x")
