"""Tools as confined children: what they print, how they are ended, what their failures mean."""

import os
from contextlib import closing, suppress
from pathlib import Path

import pytest

from hw.errors import (
    StickFormatError,
    StickFullError,
    StickIoError,
    StickReadOnlyError,
)
from hw.fat.mtools import Drive, Limits, Outcome, limits_for, run_tool
from hw.fat.names import parse_path
from hw.medium.node import NodeMedium
from tests.hw.images import copy_in


class StoppedError(Exception):
    pass


def run(
    tmp_path: Path, *command: str, limits: Limits | None = None, **more: object
) -> tuple[int, str, bytes]:
    """Run a command as a tool on an empty file."""
    (tmp_path / "node").touch()
    printed: list[bytes] = []
    with (tmp_path / "node").open("rb") as file:
        outcome = run_tool(
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
    with (tmp_path / "node").open("rb") as file:
        assert run_tool(["echo", "x"], node=file.fileno(), mode="r", node_bytes=0).status == 0


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


@pytest.mark.parametrize(
    ("complaint", "error"),
    [
        ("Disk full", StickFullError),
        ("plain_io write: Read-only file system", StickReadOnlyError),
        ("Device is write protected", StickReadOnlyError),
        ("plain_io: Input/output error", StickIoError),
        ("plain_io read: No such device or address", StickIoError),
        ("dd: error writing '/proc/self/fd/10': Input/output error", StickIoError),
        ("loop detected! oldrel=3 newrel=7 abs=6 file read: Input/output error", StickFormatError),
        ("Bad FAT entry 1 at 5", StickFormatError),
        ("Error reading FAT Cannot initialize 'P:'", StickFormatError),
        ("", StickFormatError),
    ],
)
def test_a_tools_complaint_has_its_error(image: Path, complaint: str, error: type[Exception]) -> None:
    with closing(NodeMedium(image)) as medium, pytest.raises(error):
        Drive(medium).raise_failure(Outcome(status=1, complaint=complaint), "x cannot be written")


def test_an_error_of_the_kernel_counts_though_the_tool_ends_well(image: Path) -> None:
    with closing(NodeMedium(image)) as medium:
        Drive(medium).raise_failure(Outcome(status=0, complaint="Skipping a file"), "x")
        with pytest.raises(StickIoError):
            Drive(medium).raise_failure(Outcome(status=0, complaint="plain_io: Input/output error"), "x")


def test_a_tool_writes_no_more_into_a_descriptor_than_it_may(image: Path) -> None:
    copy_in(image, "long.txt", b"x" * 5000)
    with closing(NodeMedium(image)) as medium, (image.parent / "out").open("w+b") as out:
        with suppress(StickFormatError):  # mtype may call that a success
            Drive(medium).copy_file(parse_path("long.txt"), 1000, out.fileno())
        assert os.fstat(out.fileno()).st_size <= 1000
