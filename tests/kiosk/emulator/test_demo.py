"""`pism demo` as a newcomer runs it: the real command, in a process of its own."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from core.files import write_new

ROOT = Path(__file__).parents[3]
MAX_PRESSES = 110


def run(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "kiosk", "demo", "--dir", str(folder), *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=600)


def test_the_demo_plays_a_whole_ceremony_and_says_in_a_few_lines_what_came_of_it(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    folder.mkdir()
    write_new(folder / "pism-demo", b"an earlier one\n")
    write_new(folder / "stale", b"of an earlier one\n")

    refused = run(folder)
    assert refused.returncode == 1
    assert "holds a demo already" in refused.stderr
    assert "make demo DEMO=--fresh" in refused.stderr
    assert refused.stderr.startswith("error E-FILE: ")
    assert (folder / "stale").exists()

    played = run(folder, "--fresh")
    assert played.returncode == 0, played.stderr
    assert not (folder / "stale").exists()
    presses = re.search(r"^On an emulated box ([0-9]+) keys were pressed", played.stdout, re.MULTILINE)
    assert presses is not None
    assert int(presses[1]) <= MAX_PRESSES
    assert "main-kudo opened main-kudo-000001-" in played.stdout
    assert "backup-a opened main-backup-000001-" in played.stdout
    assert played.stdout.count("646 signers") == 2
    assert len(played.stdout.splitlines()) < 20  # no frames where nobody looks
    pictures = {path.stem for path in (folder / "pictures").iterdir()}
    assert pictures == {"first-set-up", "recipient-words", "word-entry", "stick-asks", "safe-to-remove"}

    again = run(folder)
    assert again.returncode == 1
    assert "holds a demo already" in again.stderr


@pytest.mark.parametrize("options", [(), ("--fresh",)])
def test_the_demo_never_clears_a_folder_that_no_demo_made(tmp_path: Path, options: tuple[str, ...]) -> None:
    write_new(tmp_path / "precious", b"thesis\n")
    refused = run(tmp_path, *options)
    assert refused.returncode == 1
    assert "no demo made it" in refused.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["precious"]
