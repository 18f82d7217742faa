"""The wait before a start that follows a failure."""

import os
import stat
import subprocess
import time
from pathlib import Path

import pytest

BACK_OFF = Path(__file__).parents[2] / "systemd/back-off"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A runtime folder, and a `sleep` that only says how long it was asked to."""
    tool = tmp_path / "bin/sleep"
    tool.parent.mkdir()
    tool.write_text('#!/bin/sh\necho "$1"\n')
    tool.chmod(stat.S_IRWXU)
    run = tmp_path / "run"
    run.mkdir()
    return run


def start(folder: Path) -> int:
    """Return the seconds that a start waits."""
    path = f"{folder.parent}/bin:{os.environ['PATH']}"
    done = subprocess.run(
        [BACK_OFF], cwd=folder, env={"PATH": path}, check=True, stdout=subprocess.PIPE, text=True
    )
    return int(done.stdout)


def test_each_start_after_a_failure_waits_twice_as_long_up_to_a_minute(folder: Path) -> None:
    assert [start(folder) for _ in range(9)] == [0, 1, 2, 4, 8, 16, 32, 60, 60]


def test_a_start_long_after_the_last_does_not_wait(folder: Path) -> None:
    start(folder)
    start(folder)
    long_ago_s = time.time() - 11 * 60
    os.utime(folder / "starts", (long_ago_s, long_ago_s))
    assert start(folder) == 0


def test_a_count_that_was_cut_short_does_not_keep_the_kiosk_down(folder: Path) -> None:
    (folder / "starts").write_text("")
    assert start(folder) == 0
