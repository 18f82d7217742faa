"""Tools as confined children of a launcher: what they print, and how they are ended."""

from pathlib import Path

import pytest

from hw.errors import StickError, StickFormatError, StickIoError
from hw.fat.launcher import Launcher, Limits, limits_for


class StoppedError(Exception):
    pass


def run(
    tmp_path: Path, *command: str, limits: Limits | None = None, **more: object
) -> tuple[int, str, bytes]:
    """Run a command as a tool on an empty file."""
    (tmp_path / "node").touch()
    printed: list[bytes] = []
    with (tmp_path / "node").open("rb") as file, Launcher() as launcher:
        outcome = launcher.run(
            command,
            node=file.fileno(),
            mode="r",
            node_bytes=0,
            sink=printed.append,
            limits=limits,
            **more,  # type: ignore[arg-type]  # tick or source
        )
    return outcome.status, outcome.complaint, b"".join(printed)


def test_passes_output_on_and_keeps_the_complaint_on_one_line(tmp_path: Path) -> None:
    status, complaint, printed = run(tmp_path, "sh", "-c", r"printf out; printf 'no\n\033room' >&2; exit 3")
    assert (status, complaint, printed) == (3, "no room", b"out")


def test_keeps_little_of_a_long_complaint(tmp_path: Path) -> None:
    _, complaint, _ = run(tmp_path, "dd", "if=/proc/self/nothing" + "x" * 9000, "of=/dev/null")
    assert len(complaint) <= 4096


def test_output_nobody_wants_is_dropped(tmp_path: Path) -> None:
    (tmp_path / "node").touch()
    with (tmp_path / "node").open("rb") as file, Launcher() as launcher:
        assert launcher.run(["echo", "x"], node=file.fileno(), mode="r", node_bytes=0).status == 0


def test_a_tool_that_prints_too_much_is_ended(tmp_path: Path) -> None:
    with pytest.raises(StickFormatError, match="more than its folder says"):
        run(tmp_path, "yes", limits=Limits(output_bytes=100_000))


def test_a_tool_that_does_not_end_is_ended(tmp_path: Path) -> None:
    with pytest.raises(StickIoError, match="did not answer"):
        run(tmp_path, "sleep", "60", limits=Limits(timeout_s=0.3))


def test_a_signal_is_a_status(tmp_path: Path) -> None:
    assert run(tmp_path, "sh", "-c", "kill -9 $$")[0] == -9


def test_a_tick_that_raises_ends_the_tool(tmp_path: Path) -> None:
    def stop(_: int) -> None:
        raise StoppedError

    with pytest.raises(StoppedError):
        run(tmp_path, "sleep", "60", tick=stop)


def test_a_tool_that_closed_its_outputs_is_waited_for(tmp_path: Path) -> None:
    assert run(tmp_path, "sh", "-c", "exec >&- 2>&-; exit 4")[0] == 4


def test_time_grows_with_size() -> None:
    assert limits_for(10_000_000).timeout_s == 160
    assert limits_for(5).output_bytes == 5


def test_one_launcher_runs_one_tool_after_the_other_and_goes_on_after_a_kill(tmp_path: Path) -> None:
    with (tmp_path / "node").open("w+b") as file, Launcher() as launcher:

        def status(*command: str, timeout_s: float = 60) -> int:
            limits = Limits(timeout_s=timeout_s)
            return launcher.run(command, node=file.fileno(), mode="r", node_bytes=0, limits=limits).status

        assert [status("sh", "-c", f"exit {number}") for number in range(3)] == [0, 1, 2]
        with pytest.raises(StickIoError, match="did not answer"):
            status("sleep", "60", timeout_s=0.1)
        assert status("true") == 0


def test_a_launcher_that_is_closed_runs_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    before = sorted(Path("/proc/self/fd").iterdir())
    with (tmp_path / "node").open("w+b") as file:
        with Launcher() as launcher:
            assert launcher.run(["true"], node=file.fileno(), mode="r", node_bytes=0).status == 0
        with pytest.raises(StickError, match="could not be started"):
            launcher.run(["true"], node=file.fileno(), mode="r", node_bytes=0)
    assert sorted(Path("/proc/self/fd").iterdir()) == before
    assert launcher._process.returncode == 0


def test_a_launcher_that_died_is_an_error_of_the_stick(tmp_path: Path) -> None:
    with (tmp_path / "node").open("w+b") as file, Launcher() as launcher:
        launcher._process.kill()
        launcher._process.wait()
        with pytest.raises(StickError, match="could not be started"):
            launcher.run(["true"], node=file.fileno(), mode="r", node_bytes=0)
