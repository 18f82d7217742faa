"""What `pism stick` refuses, by its code, and that nothing is lost by it."""

from pathlib import Path

import pytest

from hw.fat.mkfs import MIN_BYTES, make_image
from hw.fat.volume import open_volume
from tests.hw.disks import BASIC, make_disk
from tests.kiosk.command import run

LOW_ORDER = "age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq5cu47z"  # the point at zero


@pytest.fixture
def image(tmp_path: Path) -> Path:
    make_image(tmp_path / "stick.img", "PISM-ALL", MIN_BYTES)
    return tmp_path / "stick.img"


def test_a_full_stick_is_refused_before_it_is_written(image: Path, tmp_path: Path) -> None:
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(MIN_BYTES)
    before = image.read_bytes()
    assert run("stick", "put", image, large).code == "E-STICK-FULL"
    assert image.read_bytes() == before


def test_a_read_only_stick_is_refused(image: Path, tmp_path: Path) -> None:
    note = tmp_path / "note"
    note.write_bytes(b"x")
    image.chmod(0o400)
    assert run("stick", "put", image, note).code in ("E-STICK-READONLY", "E-STICK-IO")
    assert run("stick", "list", image).status == 0


@pytest.mark.parametrize("content", [b"", b"\0" * 4096, b"no file system" * 5000])
def test_what_is_not_fat32_is_refused(tmp_path: Path, content: bytes) -> None:
    image = tmp_path / "other.img"
    image.write_bytes(content)
    for arguments in (("list", image), ("get", image, "note"), ("put", image, image)):
        ran = run("stick", *arguments)
        assert (ran.status, ran.code) == (1, "E-STICK-FORMAT")
    assert image.read_bytes() == content


def test_an_image_of_a_whole_disk_is_looked_into(tmp_path: Path) -> None:
    note = tmp_path / "note.txt"
    note.write_bytes(b"hello")
    disk = make_disk(tmp_path / "disk.img", "dos", ("c", "PISM-ALL"))
    assert run("stick", "put", disk, note).status == 0
    listed = run("stick", "list", disk)
    assert "PISM-ALL, " in listed.out
    assert "note.txt" in listed.out
    assert run("stick", "get", disk, "note.txt", "--to", tmp_path / "back").status == 0
    assert (tmp_path / "back").read_bytes() == b"hello"


def test_an_image_of_a_disk_with_several_volumes_is_named(tmp_path: Path) -> None:
    disk = make_disk(tmp_path / "disk.img", "gpt", (BASIC, "PHOTOS"), (BASIC, "PISM-ALL"))
    before = disk.read_bytes()
    ran = run("stick", "put", disk, disk)
    assert (ran.status, ran.code) == (1, "E-STICK-PARTS")
    assert "2 PISM-ALL" in ran.err
    assert disk.read_bytes() == before


def test_a_stick_that_is_not_there_is_gone(tmp_path: Path) -> None:
    assert run("stick", "list", tmp_path / "none.img").code == "E-STICK-GONE"
    assert run("stick", "format", tmp_path / "none.img", "--label", "X", "--yes").code == "E-STICK-GONE"


def test_a_taken_name_is_not_overwritten(image: Path, tmp_path: Path) -> None:
    note = tmp_path / "note.txt"
    note.write_bytes(b"new")
    with open_volume(image) as volume:
        volume.put_small("NOTE.TXT", b"old")
    assert run("stick", "put", image, note).code == "E-STICK-EXISTS"
    with open_volume(image) as volume:
        assert volume.get("note.txt", 10) == b"old"
    got = run("stick", "get", image, "note.txt", "--to", note)
    assert (got.status, got.code) == (1, "E-FILE")
    assert note.read_bytes() == b"new"


@pytest.mark.parametrize("to", [".", "..", "./", "folder", "folder/", ""])
def test_a_folder_gets_the_file_under_its_own_name(
    image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, to: str
) -> None:
    """As cp and mv do it."""
    (tmp_path / "here" / "folder").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    with open_volume(image) as volume:
        volume.put_small("public/roots.pem", b"roots")
    place = Path(to) / "roots.pem"
    got = run("stick", "get", image, "public/roots.pem", "--to", to)
    assert (got.status, got.out) == (0, f"public/roots.pem is in {place}\n")
    assert place.read_bytes() == b"roots"
    again = run("stick", "get", image, "public/roots.pem", "--to", to)
    assert (again.code, f"cannot write {place}: File exists" in again.err) == ("E-FILE", True)


@pytest.mark.parametrize("to", ["none/", "note/", "none/note"])
def test_a_folder_that_is_none_is_not_made_a_file(
    image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, to: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "note").write_bytes(b"mine")
    with open_volume(image) as volume:
        volume.put_small("note.txt", b"new")
    before = sorted(tmp_path.iterdir())
    assert run("stick", "get", image, "note.txt", "--to", to).code == "E-FILE"
    assert sorted(tmp_path.iterdir()) == before
    assert (tmp_path / "note").read_bytes() == b"mine"


def test_a_folder_of_the_stick_gets_the_file_under_its_own_name(image: Path, tmp_path: Path) -> None:
    note = tmp_path / "note.txt"
    note.write_bytes(b"x")
    assert run("stick", "put", image, note, "--name", "requests/").out.startswith(
        "requests/note.txt is written"
    )
    with open_volume(image) as volume:
        assert volume.get("requests/note.txt", 10) == b"x"
    assert run("stick", "put", image, note, "--name", "").code == "E-STICK-NAME"


def test_an_image_that_cannot_be_made_is_no_dying_stick(tmp_path: Path) -> None:
    ran = run("stick", "format", tmp_path / "none" / "new.img", "--label", "PISM-ALL", "--size", "34")
    assert ran.code == "E-FILE"
    assert str(tmp_path / "none") in ran.err


@pytest.mark.parametrize("name", ["../note", "/note", "a//c", "a:b", ""])
def test_a_name_that_leaves_its_folder_is_refused(image: Path, tmp_path: Path, name: str) -> None:
    assert run("stick", "get", image, name, "--to", tmp_path / "got").code == "E-STICK-NAME"
    assert not (tmp_path / "got").exists()


def test_a_file_that_is_not_on_the_stick_is_missing(image: Path, tmp_path: Path) -> None:
    assert run("stick", "get", image, "note.txt", "--to", tmp_path / "got").code == "E-STICK-MISSING"
    assert run("stick", "list", image, "public").code == "E-STICK-MISSING"
    assert not (tmp_path / "got").exists()


@pytest.mark.parametrize("label", ["far too long a label", "lower case", "", "A*B"])
def test_a_label_that_fat_does_not_take_is_refused(tmp_path: Path, label: str) -> None:
    ran = run("stick", "format", tmp_path / "new.img", "--label", label, "--size", "34", "--yes")
    assert (ran.status, ran.code) == (1, "E-STICK-NAME")
    assert not (tmp_path / "new.img").exists()


def test_an_image_that_exists_is_not_made_again(image: Path) -> None:
    before = image.read_bytes()
    ran = run("stick", "format", image, "--label", "PISM-ALL", "--size", "34", "--yes")
    assert ran.status == 1
    assert image.read_bytes() == before
