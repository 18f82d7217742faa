"""The emulator ends with its terminal, whoever tells it, and leaves nothing behind."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import monotonic

import pytest

TIMEOUT_S = 60


def take_terminal() -> None:
    """Make standard input the controlling terminal of a new session."""
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def take_terminal_and_ignore() -> None:
    """Do that, and ignore SIGHUP, as under nohup."""
    take_terminal()
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


def watch(master: int, text: bytes) -> None:
    """Read what the terminal gets until that text."""
    seen, deadline_s = b"", monotonic() + TIMEOUT_S
    while text not in seen:
        assert monotonic() < deadline_s, seen[-500:]
        if select.select([master], [], [], 1)[0]:
            seen += os.read(master, 1 << 16)


def running(folder: Path) -> list[str]:
    """Return the command lines of processes that name a folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if str(folder) in (line := path.read_bytes().decode(errors="replace")):
                found.append(line)
    return found


@pytest.mark.parametrize(
    "begin", [take_terminal, take_terminal_and_ignore, os.setsid], ids=lambda f: f.__name__
)
def test_a_terminal_that_goes_away_ends_the_emulator_and_its_box(
    tmp_path: Path, begin: Callable[[], None]
) -> None:
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    child = subprocess.Popen(
        [sys.executable, "-m", "kiosk", "emulate", "--state", "provisioned"],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={**os.environ, "TERM": "xterm-256color", "TMPDIR": str(tmp_path)},
        preexec_fn=begin,  # noqa: PLW1509  nothing else runs in this process
    )
    os.close(slave)
    try:
        watch(master, b"keypad ok")
        assert running(tmp_path), "the vault"
        os.close(master)
        assert child.wait(TIMEOUT_S) == 128 + signal.SIGHUP
    finally:
        child.kill()
        child.wait()
    assert not running(tmp_path)
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith("pism-emulator-")]


def test_a_system_that_ends_it_gets_the_terminal_back_in_order(tmp_path: Path) -> None:
    master, slave = pty.openpty()
    before = termios.tcgetattr(slave)
    child = subprocess.Popen(
        [sys.executable, "-m", "kiosk", "emulate"],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={**os.environ, "TERM": "xterm-256color", "TMPDIR": str(tmp_path)},
    )
    try:
        watch(master, b"keypad ok")
        assert termios.tcgetattr(slave) != before
        child.terminate()
        watch(master, b"\x1b[?1049l")  # the alternate screen is left
        assert child.wait(TIMEOUT_S) == 128 + signal.SIGTERM
        assert termios.tcgetattr(slave) == before
    finally:
        child.kill()
        child.wait()
        os.close(slave)
        os.close(master)
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith("pism-emulator-")]
