"""Running `pism` in tests: in this process, or as a process of its own."""

import contextlib
import os
import pty
import select
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from click.testing import CliRunner

from kiosk.commands.cli import main
from tests.kiosk.live import OTHER_PASSPHRASE, PASSPHRASE, lay_authority

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Ran:
    """How a command ended and what it said."""

    status: int
    out: str
    err: str

    @property
    def code(self) -> str:
        """The code of its refusal, "" when it did not refuse."""
        refusal = [line for line in self.err.splitlines() if line.startswith("error ")][-1:] or [""]
        return refusal[0].removeprefix("error ").partition(":")[0]


def run(*arguments: str | Path, typed: str | bytes | None = None) -> Ran:
    """Run a command here; standard input is no terminal."""
    result = CliRunner().invoke(main, [str(item) for item in arguments], input=typed)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    ran = Ran(result.exit_code, result.stdout, result.stderr)
    for secret in (PASSPHRASE, OTHER_PASSPHRASE):
        assert secret.decode() not in ran.out + ran.err
    return ran


def at(folder: Path, *arguments: str | Path, passphrase: bytes = PASSPHRASE) -> Ran:
    """Run a command on the state of a folder, its passphrase on standard input."""
    return run(*arguments, "--state", folder / "state", "--passphrase-file", "-", typed=passphrase + b"\n")


def spawn(*arguments: str | Path, typed: bytes = b"", when: str = "", timeout_s: float = 60) -> Ran:
    """Run a command as a process, by a clock that shows `when` ("2027-02-01 12:00:00") if that is given."""
    command = [*_clock(when), sys.executable, "-m", "kiosk", *map(str, arguments)]
    done = subprocess.run(
        command, input=typed, capture_output=True, timeout=timeout_s, cwd=ROOT, check=False, env=ENVIRONMENT
    )
    return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())


def converse(
    *arguments: str | Path,
    answers: Sequence[tuple[str, str]],
    cwd: Path = ROOT,
    when: str = "",
    timeout_s: float = 60,
    path: Path | None = None,
) -> Ran:
    """Run a command as a process at a terminal of its own.

    Args:
        arguments: Of `pism`.
        answers: What is waited for on the terminal, and what is typed then.
        cwd: Where it runs.
        when: As for `spawn`.
        timeout_s: After which it is given up.
        path: A folder of programs that are found first.

    Returns:
        How it ended; `err` is all that the terminal showed, results too.
    """
    programs = ENVIRONMENT["PATH"] if path is None else f"{path}:{ENVIRONMENT['PATH']}"
    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        [*_clock(when), sys.executable, "-m", "kiosk", *map(str, arguments)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=cwd,
        env=ENVIRONMENT | {"PATH": programs, "TERM": "xterm", "COLUMNS": "100", "PYTHONPATH": str(ROOT)},
        start_new_session=True,
    )
    os.close(theirs)
    waiting, shown, since = list(answers), b"", 0
    with os.fdopen(ours, "r+b", buffering=0) as terminal, contextlib.suppress(OSError):
        while select.select([terminal], [], [], timeout_s)[0] and (piece := terminal.read(4096)):
            shown += piece
            if waiting and waiting[0][0].encode() in shown[since:]:
                since = len(shown)
                terminal.write(waiting.pop(0)[1].encode())
    return Ran(child.wait(timeout_s), "", shown.decode().replace("\r\n", "\n"))


def _clock(when: str) -> list[str]:
    return ["faketime", "-f", f"@{when}"] if when else []


ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
START = datetime.now(UTC).replace(microsecond=0)
"""The command line takes the system's clock: what it works on was founded just before."""


def lay(folder: Path, *, topped_up: bool = False, own_key: bool = False) -> Path:
    """Put an authority that was founded just now into a folder."""
    return lay_authority(folder, topped_up=topped_up, own_key=own_key, now=START)


def snapshot(folder: Path) -> dict[str, bytes]:
    """Return every file of a folder with its bytes."""
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
