"""hw/fat/sandbox.py becomes another program, so most of these tests look at that process from outside.

What it asks of Landlock is asked of a kernel that answers as each version would.
"""

import errno
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from hw.errors import ToolsError
from hw.fat import sandbox
from hw.fat.launcher import Launcher, Limits, Mode

ROOT = Path(sandbox.__file__).parents[2]
HAS_LANDLOCK = sandbox.call_kernel(444, None, 0, 1) > 0


def run_confined(tmp_path: Path, *command: str, mode: Mode = "r") -> tuple[int, str, str]:
    """Run a command as a tool, on a file that stands for the stick."""
    node = tmp_path / "node"
    node.write_text("the stick")
    printed: list[bytes] = []
    with node.open("rb") as file, Launcher() as launcher:
        outcome = launcher.run(command, node=file.fileno(), mode=mode, node_bytes=9, sink=printed.append)
    return outcome.status, b"".join(printed).decode(), outcome.complaint


def test_the_environment_is_fixed(tmp_path: Path) -> None:
    _, printed, _ = run_confined(tmp_path, "env")
    assert sorted(line.partition("=")[0] for line in printed.splitlines()) == ["LC_ALL", "MTOOLSRC", "PATH"]


def test_the_tool_gets_the_stick_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    assert run_confined(tmp_path, "cat", sandbox.NODE)[:2] == (0, "the stick")
    status, printed, _ = run_confined(tmp_path, "cat", str(tmp_path / "secret"))
    assert (status, printed) == ((1, "") if HAS_LANDLOCK else (0, "secret"))


def test_a_tool_that_only_reads_cannot_write(tmp_path: Path) -> None:
    command = ("dd", "if=/proc/self/fd/12", f"of={sandbox.NODE}", "bs=3", "count=1", "conv=notrunc")
    assert run_confined(tmp_path, *command)[0] != 0
    assert (tmp_path / "node").read_text() == "the stick"
    run_confined(tmp_path, *command, mode="w")
    assert (tmp_path / "node").read_text() == "MTO stick"


def test_the_stick_does_not_grow(tmp_path: Path) -> None:
    command = ("dd", "if=/proc/self/fd/10", f"of={sandbox.NODE}", "bs=9", "seek=1", "conv=notrunc")
    run_confined(tmp_path, *command, mode="w")
    assert (tmp_path / "node").read_text() == "the stick"


def test_a_tool_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ToolsError, match="no-such-tool is not installed"):
        run_confined(tmp_path, "no-such-tool")


def test_what_cannot_be_confined_is_not_run_and_the_next_is(tmp_path: Path) -> None:
    with (tmp_path / "node").open("w+b") as node, Launcher() as launcher:
        with pytest.raises(ToolsError, match="env was not run"):
            launcher.run(["env"], node=node.fileno(), mode="w", node_bytes=1 << 80)
        assert launcher.run(["env"], node=node.fileno(), mode="w", node_bytes=0).status == 0


def _children(process: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def _look_at(tool: int) -> dict[str, object]:
    process = Path(f"/proc/{tool}")
    lines = (process / "limits").read_text().splitlines()
    return {
        "status": (process / "status").read_text(),
        "limits": {line[:26].strip(): line[26:].split()[:2] for line in lines},
        "files": sorted(int(path.name) for path in (process / "fd").iterdir()),
        "leads": os.getpgid(tool) == tool,
    }


def test_limits_and_privileges_hold_in_the_tool(tmp_path: Path) -> None:
    (tmp_path / "node").touch()
    with (tmp_path / "node").open("rb") as node, (tmp_path / "source").open("w+b") as source:
        watched: list[dict[str, object]] = []

        def look(_: bytes) -> None:
            (tool,) = _children(launcher._process.pid)
            watched.append(_look_at(tool))

        with Launcher() as launcher:
            outcome = launcher.run(
                ["sh", "-c", "echo ready; exec sleep 1"],
                node=node.fileno(),
                source=source.fileno(),
                mode="r",
                node_bytes=9,
                sink=look,
                limits=Limits(timeout_s=5),
            )
    assert outcome.status == 0
    (seen,) = watched
    limits = seen["limits"]
    assert "NoNewPrivs:\t1" in str(seen["status"])
    assert isinstance(limits, dict)
    assert limits["Max core file size"] == ["0", "0"]
    assert limits["Max cpu time"] == ["5", "5"]
    assert limits["Max file size"] == ["0", "0"]
    assert limits["Max processes"] == ["0", "0"]
    assert limits["Max open files"] == ["24", "24"]
    assert seen["files"] == [0, 1, 2, sandbox.NODE_FD, sandbox.SOURCE_FD, sandbox.CONFIG_FD]
    assert seen["leads"]


class FakeKernel:
    """Answers the three calls and remembers them; hands out a real descriptor to be closed."""

    def __init__(self, version: int, **failing: int) -> None:
        self.version = version
        self.failing = failing
        self.handled: tuple[int, ...] = ()
        self.rules: list[tuple[int, int]] = []
        self.restricted = False

    def __call__(self, number: int, *arguments: int | bytes | None) -> int:
        if number == 444 and arguments[0] is None:
            return self.version
        if number == 444:
            assert isinstance(arguments[0], bytes)
            self.handled = struct.unpack("=QQQ", arguments[0])
            return self.failing.get("create") or os.open("/dev/null", os.O_RDONLY)
        if number == 445:
            assert isinstance(arguments[2], bytes)
            rights, descriptor = struct.unpack("=Qi", arguments[2])
            self.rules.append((rights, descriptor))
            return self.failing.get("rule", 0)
        self.restricted = True
        return self.failing.get("restrict", 0)


@pytest.mark.parametrize(
    ("version", "rights", "net", "scoped"),
    [(1, 13, 0, 0), (2, 14, 0, 0), (3, 15, 0, 0), (4, 15, 3, 0), (5, 16, 3, 0), (6, 16, 3, 3), (9, 16, 3, 3)],
)
def test_handles_every_right_that_the_kernel_knows(version: int, rights: int, net: int, scoped: int) -> None:
    kernel = FakeKernel(version)
    assert sandbox.restrict((), {}, call=kernel)
    assert kernel.handled == ((1 << rights) - 1, net, scoped)
    assert kernel.restricted


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_kernel_without_landlock_is_no_error(number: int) -> None:
    assert not sandbox.restrict((), {}, call=FakeKernel(-number))


def test_a_folder_may_be_listed_and_a_file_may_not(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    kernel = FakeKernel(6)
    sandbox.restrict([str(tmp_path), str(tmp_path / "file"), str(tmp_path / "none")], {0: 6}, call=kernel)
    assert [rights for rights, _ in kernel.rules] == [0b1101, 0b0101, 0b110]


def test_a_file_without_a_name_needs_no_rule() -> None:
    assert sandbox.restrict((), {0: sandbox.READ}, call=FakeKernel(6, rule=-errno.EBADFD))


@pytest.mark.parametrize("call", ["create", "rule", "restrict"])
def test_a_refusal_is_an_error(call: str) -> None:
    with pytest.raises(OSError, match="Landlock"):
        sandbox.restrict((), {0: sandbox.READ}, call=FakeKernel(6, **{call: -errno.EINVAL}))


def test_a_version_that_cannot_be_asked_is_an_error() -> None:
    with pytest.raises(OSError, match="Landlock"):
        sandbox.restrict((), {}, call=FakeKernel(-errno.EPERM))


def test_the_kernels_answer_is_taken_down() -> None:
    assert sandbox.call_kernel(444, None, 0, 1) != 0
    assert sandbox.call_kernel(445, -1, 1, b"", 0) < 0


def test_privileges_that_cannot_be_given_up_are_an_error() -> None:
    asked: list[tuple[int, ...]] = []

    def prctl(*numbers: int) -> int:
        asked.append(numbers)
        return 0

    sandbox.refuse_new_privileges(prctl)
    assert asked == [(38, 1, 0, 0, 0)]
    with pytest.raises(OSError, match="no_new_privs"):
        sandbox.refuse_new_privileges(lambda *_: -1)


def test_the_running_kernel_refuses_what_no_rule_allows(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    program = f"""
import sys
sys.path.append({str(ROOT)!r})
from hw.fat import sandbox
sandbox.refuse_new_privileges()
sandboxed = sandbox.restrict(["/usr/lib"], {{}})
try:
    open({str(tmp_path / "secret")!r}).read()
    print("read", sandboxed)
except PermissionError:
    print("refused", sandboxed)
"""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() in {"refused True", "read False"}


def test_the_launcher_imports_little() -> None:
    program = f"import sys; sys.path.append({str(ROOT)!r}); from hw.fat import sandbox; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=True
    )
    heavy = {"collections", "contextlib", "enum", "pathlib", "re", "selectors", "signal", "socket", "typing"}
    assert heavy.isdisjoint(done.stdout.split())
