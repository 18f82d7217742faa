"""Tools as confined children: what they print, how they are ended, what their failures mean."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from hw.errors import (
    StickFormatError,
    StickFullError,
    StickIoError,
    StickReadOnlyError,
)
from hw.fat.launcher import Outcome
from hw.fat.mtools import Drive
from hw.fat.names import parse_path
from hw.medium.node import NodeMedium
from tests.hw.images import copy_in


@contextmanager
def opened(image: Path) -> Iterator[Drive]:
    with closing(NodeMedium(image)) as medium, closing(Drive(medium)) as drive:
        yield drive


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
    with opened(image) as drive, pytest.raises(error):
        drive.raise_failure(Outcome(status=1, complaint=complaint), "x cannot be written")


def test_an_error_of_the_kernel_counts_though_the_tool_ends_well(image: Path) -> None:
    with opened(image) as drive:
        drive.raise_failure(Outcome(status=0, complaint="Skipping a file"), "x")
        with pytest.raises(StickIoError):
            drive.raise_failure(Outcome(status=0, complaint="plain_io: Input/output error"), "x")


def test_a_tool_writes_no_more_into_a_descriptor_than_it_may(image: Path) -> None:
    copy_in(image, "long.txt", b"x" * 5000)
    with (
        closing(NodeMedium(image)) as medium,
        closing(Drive(medium)) as drive,
        (image.parent / "out").open("w+b") as out,
    ):
        with suppress(StickFormatError):  # mtype may call that a success
            drive.copy_file(parse_path("long.txt"), 1000, out.fileno())
        assert os.fstat(out.fileno()).st_size <= 1000
