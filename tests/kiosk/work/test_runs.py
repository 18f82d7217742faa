"""What runs: a hash that coreutils say too, and what cannot be found is not guessed."""

import subprocess
from pathlib import Path

from hw.ports import Condition
from hw.system.emulated import SOUND
from kiosk.work.runs import OUR_PACKAGES, find_installed, find_runs, hash_tree

ROOT = Path(__file__).parents[3]


def test_the_hash_of_the_files_is_what_coreutils_say(tmp_path: Path) -> None:
    for name in (
        "core/a.py",
        "core/a/b.py",
        "hw/Z.txt",
        "kiosk/__pycache__/c.pyc",
        "other/d.py",
        "server/e.py",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    command = (hash_tree.__doc__ or "").split("\n\n")[2].strip()
    assert command.startswith("find ")
    for folder in (tmp_path, ROOT):
        told = subprocess.run(["sh", "-c", command], cwd=folder, capture_output=True, check=True).stdout
        assert told.decode().split()[0] == hash_tree(folder)
    assert set(OUR_PACKAGES) == {"core", "hw", "kiosk", "server"}


def test_what_runs_is_version_files_board_and_day() -> None:
    runs = find_runs(SOUND)
    assert (runs.version, runs.files) == ("0.1.0", hash_tree(ROOT))
    assert (runs.board, runs.serial) == (SOUND.board, SOUND.serial)
    assert runs.installed == find_installed(ROOT)
    assert find_runs(SOUND) == runs


def test_what_is_not_told_is_empty_and_a_long_name_is_cut(tmp_path: Path) -> None:
    assert find_runs(Condition()).board == find_runs(Condition()).serial == ""
    assert len(find_runs(Condition(board="x" * 500)).board) == 100
    assert find_installed(tmp_path) == ""


def test_another_byte_or_name_is_another_hash(tmp_path: Path) -> None:
    (tmp_path / "core").mkdir()
    seen = {hash_tree(tmp_path)}
    for name, text in (("a.py", "1"), ("a.py", "2"), ("b.py", "2")):
        (tmp_path / "core" / name).write_text(text)
        seen.add(hash_tree(tmp_path))
    assert len(seen) == 4
