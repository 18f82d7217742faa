"""hw/fat/sandbox.py runs in a process of its own, so these tests look at that process from outside."""

import subprocess
import sys
from pathlib import Path

import pytest

from hw.fat import landlock
from hw.fat import sandbox as confine
from hw.fat.mtools import run_tool
from hw.ports import StickError

HAS_LANDLOCK = landlock.call_kernel(444, None, 0, 1) > 0


def run_confined(tmp_path: Path, *command: str, mode: str = "r") -> tuple[int, str, str]:
    """Run a command as a tool, on a file that stands for the stick."""
    node = tmp_path / "node"
    node.write_text("the stick")
    printed: list[bytes] = []
    with node.open("rb") as file:
        outcome = run_tool(command, node=file.fileno(), mode=mode, node_bytes=9, sink=printed.append)  # type: ignore[arg-type]  # any mode may be asked for here
    return outcome.status, b"".join(printed).decode(), outcome.complaint


def test_the_environment_is_fixed(tmp_path: Path) -> None:
    _, printed, _ = run_confined(tmp_path, "env")
    assert sorted(line.partition("=")[0] for line in printed.splitlines()) == ["LC_ALL", "MTOOLSRC", "PATH"]


def test_the_tool_gets_the_stick_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    assert run_confined(tmp_path, "cat", confine.NODE)[:2] == (0, "the stick")
    status, printed, _ = run_confined(tmp_path, "cat", str(tmp_path / "secret"))
    assert (status, printed) == ((1, "") if HAS_LANDLOCK else (0, "secret"))


def test_a_tool_that_only_reads_cannot_write(tmp_path: Path) -> None:
    command = ("dd", "if=/proc/self/fd/12", f"of={confine.NODE}", "bs=3", "count=1", "conv=notrunc")
    assert run_confined(tmp_path, *command)[0] != 0
    assert (tmp_path / "node").read_text() == "the stick"
    run_confined(tmp_path, *command, mode="w")
    assert (tmp_path / "node").read_text() == "MTO stick"


def test_the_stick_does_not_grow(tmp_path: Path) -> None:
    command = ("dd", "if=/proc/self/fd/10", f"of={confine.NODE}", "bs=9", "seek=1", "conv=notrunc")
    run_confined(tmp_path, *command, mode="w")
    assert (tmp_path / "node").read_text() == "the stick"


def test_a_tool_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(StickError, match="no-such-tool is not installed"):
        run_confined(tmp_path, "no-such-tool")


def test_what_cannot_be_confined_is_not_run() -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", confine.__file__, "r", "999", "-1", "5", "0", "env"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (confine.NOT_RUN, "")
    assert "env was not run" in done.stderr


def test_limits_and_privileges_hold_in_the_tool(tmp_path: Path) -> None:
    node = tmp_path / "node"
    node.touch()
    with node.open("rb") as file:
        command = [
            sys.executable,
            "-I",
            "-S",
            confine.__file__,
            "r",
            str(file.fileno()),
            "-1",
            "5",
            "0",
            "cat",
        ]
        tool = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=(file.fileno(),)
        )
    with tool:
        assert tool.stdin
        assert tool.stdout
        tool.stdin.write(b"ready\n")
        tool.stdin.flush()
        assert tool.stdout.readline() == b"ready\n"
        process = Path(f"/proc/{tool.pid}")
        status = (process / "status").read_text()
        limits = {
            line[:26].strip(): line[26:].split()[:2] for line in (process / "limits").read_text().splitlines()
        }
        open_files = sorted(int(path.name) for path in (process / "fd").iterdir())
        tool.stdin.close()
    assert "NoNewPrivs:\t1" in status
    assert limits["Max core file size"] == ["0", "0"]
    assert limits["Max cpu time"] == ["5", "5"]
    assert limits["Max file size"] == ["0", "0"]
    assert limits["Max processes"] == ["0", "0"]
    assert limits["Max open files"] == ["24", "24"]
    assert open_files == [0, 1, 2, confine.NODE_FD, confine.CONFIG_FD]
