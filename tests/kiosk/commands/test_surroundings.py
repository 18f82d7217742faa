"""The command line where standard input, standard output or a path are not what it would like."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.kiosk.command import ENVIRONMENT, ROOT, Ran
from tests.kiosk.live import PASSPHRASE, lay_authority


def shell(redirect: str, *arguments: str | Path) -> Ran:
    """Run a command with a redirection of the shell's."""
    command = [sys.executable, "-m", "kiosk", *map(str, arguments)]
    done = subprocess.run(
        ["sh", "-c", f'"$@" {redirect}', "sh", *command],
        capture_output=True,
        timeout=60,
        cwd=ROOT,
        check=False,
        env=ENVIRONMENT,
    )
    return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = lay_authority(tmp_path / "box")
    (folder / "passphrase").write_bytes(PASSPHRASE + b"\n")
    return folder


@pytest.mark.parametrize("redirect", ["<&-", "</dev/null"])
def test_nobody_to_ask_is_said(folder: Path, redirect: str) -> None:
    ran = shell(redirect, "status", "--state", folder / "state")
    assert (ran.status, ran.code) == (1, "E-PASSPHRASE")
    assert "--passphrase-file" in ran.err


@pytest.mark.parametrize("arguments", [("status",), ("status", "--json"), ("journal",), ("policy", "show")])
def test_a_result_that_cannot_be_written_is_said(folder: Path, arguments: tuple[str, ...]) -> None:
    if arguments == ("policy", "show"):
        arguments = (*arguments, "--config", str(folder / "config.yaml"))
    secret = ("--passphrase-file", folder / "passphrase")
    ran = shell(">/dev/full", *arguments, "--state", folder / "state", *secret)
    assert (ran.status, ran.code) == (1, "E-FILE")


def test_a_reader_that_goes_away_is_no_fault(folder: Path) -> None:
    secret = ("--passphrase-file", folder / "passphrase")
    ran = shell("| true", "journal", "--state", folder / "state", *secret)
    assert "E-BUG" not in ran.err


def test_a_path_that_no_system_takes_is_said(folder: Path) -> None:
    ran = shell("", "plan", "--config", "x" * 5000)
    assert (ran.status, ran.code) == (1, "E-FILE")
