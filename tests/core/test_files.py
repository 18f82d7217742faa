"""core.files: whole or not at all, durable, bounded."""

import hashlib
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from core import files
from core.errors import FileError


def _names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def test_writes_the_bytes_with_the_mode_and_says_their_hash(tmp_path: Path) -> None:
    path = tmp_path / "a"
    former = os.umask(0o777)
    try:
        digest = files.write_new(path, b"content", mode=0o640)
    finally:
        os.umask(former)
    assert path.read_bytes() == b"content"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert digest == hashlib.sha256(b"content").hexdigest()
    assert _names(tmp_path) == ["a"]


def test_writes_pieces_in_their_order(tmp_path: Path) -> None:
    files.write_new(tmp_path / "a", (bytes([each]) * 70_000 for each in range(40)))
    assert (tmp_path / "a").read_bytes() == b"".join(bytes([each]) * 70_000 for each in range(40))


def test_never_overwrites_even_a_dangling_link(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    (tmp_path / "b").symlink_to("nowhere")
    for name in ("a", "b"):
        with pytest.raises(FileError, match="exists"):
            files.write_new(tmp_path / name, b"new")
    assert (tmp_path / "a").read_bytes() == b"old"
    assert _names(tmp_path) == ["a", "b"]


def test_leaves_nothing_when_the_source_fails(tmp_path: Path) -> None:
    def broken() -> object:
        yield b"some"
        raise KeyError("source")

    with pytest.raises(KeyError, match="source"):
        files.write_new(tmp_path / "a", broken())  # type: ignore[arg-type]  # a generator without types
    assert _names(tmp_path) == []


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="cannot write"):
        files.write_new(tmp_path / "no" / "a", b"")
    with pytest.raises(FileError, match="cannot write"):
        files.replace(tmp_path / "no" / "a", b"")


@pytest.mark.parametrize("name", [".", "..", "/", "", "folder/.."])
def test_a_path_without_a_name_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    for write in (files.write_new, files.replace):
        with pytest.raises(FileError, match="it names no file"):
            write(Path(name), b"")
    assert _names(tmp_path) == ["folder"]


def test_replace_puts_the_new_bytes_in_place_of_the_old(tmp_path: Path) -> None:
    path = tmp_path / "a"
    files.replace(path, b"one")
    files.replace(path, b"two", mode=0o644)
    assert path.read_bytes() == b"two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert _names(tmp_path) == ["a"]


def test_replace_that_fails_leaves_the_former(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(FileError):
        files.replace(tmp_path / "a", b"x")
    assert _names(tmp_path) == ["a"]


def test_reads_up_to_the_bound_and_not_beyond(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"12345")
    assert files.read_bounded(path, 5) == b"12345"
    with pytest.raises(FileError, match="larger than 4 bytes"):
        files.read_bounded(path, 4)


@pytest.mark.parametrize("kind", ["missing", "folder", "pipe", "nul"])
def test_reads_only_regular_files(tmp_path: Path, kind: str) -> None:
    path = tmp_path / ("a" if kind != "nul" else "a\0b")
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    with pytest.raises(FileError):
        files.read_bounded(path, 10)


def test_follows_links_only_where_allowed(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x")
    (tmp_path / "b").symlink_to("a")
    assert files.read_bounded(tmp_path / "b", 1) == b"x"
    with pytest.raises(FileError):
        files.read_bounded(tmp_path / "b", 1, follow=False)


def test_reserves_a_name_once_and_for_its_owner_only(tmp_path: Path) -> None:
    files.reserve(tmp_path / "a")
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o600
    with pytest.raises(FileError, match="cannot make"):
        files.reserve(tmp_path / "a")


def test_makes_a_folder_once_and_for_its_owner_only(tmp_path: Path) -> None:
    files.make_folder(tmp_path / "a")
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o700
    for name in ("a", "missing/b"):
        with pytest.raises(FileError, match="cannot make"):
            files.make_folder(tmp_path / name)


def test_cuts_a_file_off(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    files.cut_file(tmp_path / "a", 2)
    assert (tmp_path / "a").read_bytes() == b"12"
    with pytest.raises(FileError, match="cannot cut"):
        files.cut_file(tmp_path / "b", 2)


_WRITE = """
import sys
from pathlib import Path
from core.files import write_new
write_new(Path(sys.argv[1]), b"x" * 9000)
"""


def _write_with(path: Path, *injections: str) -> subprocess.CompletedProcess[str]:
    """Run write_new in a child whose system calls fail as told."""
    command = ["strace", "-f", "-qq", "-o", "/dev/null", *(f"-einject={each}" for each in injections)]
    # The path filter keeps the faults away from Python's own files.
    command += [f"--trace-path={path.parent}", f"--trace-path={path}"]
    return subprocess.run(
        [*command, sys.executable, "-c", _WRITE, str(path)],
        check=False,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )


def test_works_without_hard_links(tmp_path: Path) -> None:
    done = _write_with(tmp_path / "a", "linkat,link:error=EOPNOTSUPP")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "a").stat().st_size == 9000
    assert _names(tmp_path) == ["a"]


def test_never_overwrites_without_hard_links(tmp_path: Path) -> None:
    # A folder has no hard links on any filesystem: link() answers EPERM, as FAT does for files.
    (tmp_path / "part").mkdir()
    (tmp_path / "a").write_bytes(b"old")
    with pytest.raises(FileExistsError):
        files._move_new(tmp_path / "part", tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == b"old"
    with pytest.raises(FileNotFoundError):
        files._move_new(tmp_path / "gone", tmp_path / "b")
    files._move_new(tmp_path / "part", tmp_path / "b")
    assert (tmp_path / "b").is_dir()


def test_other_faults_of_the_link_are_said(tmp_path: Path) -> None:
    done = _write_with(tmp_path / "a", "linkat,link:error=EIO")
    assert "FileError" in done.stderr
    assert _names(tmp_path) == []


def test_a_folder_that_cannot_be_synced_is_said(tmp_path: Path) -> None:
    done = _write_with(tmp_path / "a", "fsync:error=EIO")
    assert "FileError" in done.stderr


def test_bytes_that_read_back_differently_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="reads back differently"):
        files._check_same(b"a", b"b", tmp_path / "a")
