"""The command line where standard input, standard output or a path are not what it would like."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kiosk.command import ENVIRONMENT, ROOT, Ran
from tests.kiosk.live import PASSPHRASE, lay_authority, lay_config


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
        start_new_session=True,  # away from the terminal of whoever runs the tests
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
    assert len(ran.err.splitlines()) == 2  # no prompt, and no library's warning of an echo


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


@pytest.mark.parametrize("redirect", ["<&-", "</dev/null"])
def test_a_vault_without_a_socket_says_who_starts_it(folder: Path, redirect: str) -> None:
    ran = shell(redirect, "vault", "--state", folder / "state")
    assert ran.status == 2
    assert "systemd starts this" in ran.err
    assert "E-BUG" not in ran.err


def test_a_path_that_no_system_takes_is_said(folder: Path) -> None:
    ran = shell("", "plan", "--config", "x" * 5000)
    assert (ran.status, ran.code) == (1, "E-FILE")


@pytest.mark.parametrize("encoding", ["iso-8859-1", "cp437", "utf-8"])
def test_a_name_is_printed_in_any_locale(tmp_path: Path, encoding: str) -> None:
    """What Python takes from LC_ALL=de_DE.ISO-8859-1 and its like."""
    config = lay_config(tmp_path, "name: Example Virtual Worlds", "name: Omega \u03a9 W\u00f6rlds")
    (tmp_path / "passphrase").write_bytes(PASSPHRASE + b"\n")
    options = ("--state", tmp_path / "state", "--passphrase-file", tmp_path / "passphrase")

    def run(*arguments: str | Path) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "kiosk", *map(str, (*arguments, *options))],
            capture_output=True,
            timeout=120,
            cwd=ROOT,
            check=False,
            env=ENVIRONMENT | {"PYTHONIOENCODING": encoding},
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.decode("utf-8" if "--json" in arguments else encoding)

    name = "Omega \u03a9 W\u00f6rlds".encode(encoding, "backslashreplace").decode(encoding)
    assert f"{name} is founded" in run("init", "--config", config)
    assert json.loads(run("status", "--json"))["authority"] == "Omega \u03a9 W\u00f6rlds"


def test_no_warning_of_a_library_reaches_a_person() -> None:
    code = "import kiosk.__main__ as m, sys; sys.argv[1:] = ['--version']; import atexit, warnings"
    code += "; atexit.register(warnings.warn, 'of a library'); m.main()"
    for options, told in (((), False), (("-W", "always"), True)):
        command = [sys.executable, *options, "-c", code]
        done = subprocess.run(
            command, capture_output=True, timeout=60, cwd=ROOT, check=False, env=ENVIRONMENT
        )
        assert (b"of a library" in done.stderr) is told
