"""The kiosk's own file: how large the last archive of each step was."""

import logging
from pathlib import Path

import pytest

from kiosk.work.kept_sizes import MAX_BYTES, MAX_STEPS, NAME, keep_sizes, read_sizes

SIZES = {"export main-kudo": 3_187_200, "backup main-backup": 9_000_000}
DAMAGED = (
    b"",
    b"[]",
    b"{}",
    b'{"format": "pism-sizes-v2", "bytes": {}}',
    b'{"format": "pism-sizes-v1", "bytes": {}, "more": 1}',
    b'{"format": "pism-sizes-v1", "bytes": {"export main-kudo": -1}}',
    b'{"format": "pism-sizes-v1", "bytes": {"export main-kudo": 1e9}}',
    b'{"format": "pism-sizes-v1", "bytes": {"export main-kudo": 1099511627777}}',
    b'{"format": "pism-sizes-v1", "bytes": {"export main-kudo": "large"}}',
    b'{"format": "pism-sizes-v1", "bytes": {"' + b"x" * 41 + b'": 1}}',
    b"[" * 30_000,
    b" " * (MAX_BYTES + 1),
)


def test_sizes_are_kept_by_step_and_those_of_other_steps_stay(tmp_path: Path) -> None:
    assert read_sizes(tmp_path) == {}
    keep_sizes(tmp_path, SIZES)
    keep_sizes(tmp_path, {"export main-kudo": 5})
    assert read_sizes(tmp_path) == SIZES | {"export main-kudo": 5}
    assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o600


def test_what_is_kept_already_is_not_written_again(tmp_path: Path) -> None:
    keep_sizes(tmp_path, SIZES)
    before = (tmp_path / NAME).stat().st_ino
    keep_sizes(tmp_path, SIZES)
    keep_sizes(tmp_path, {})
    assert (tmp_path / NAME).stat().st_ino == before


@pytest.mark.parametrize("data", DAMAGED, ids=range(len(DAMAGED)))
def test_a_damaged_file_counts_for_nothing_and_is_written_anew(
    tmp_path: Path, data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / NAME).write_bytes(data)
    with caplog.at_level(logging.WARNING):
        assert read_sizes(tmp_path) == {}
    assert "damaged" in caplog.text
    keep_sizes(tmp_path, SIZES)
    assert read_sizes(tmp_path) == SIZES


def test_steps_of_policies_long_gone_do_not_fill_it(tmp_path: Path) -> None:
    keep_sizes(tmp_path, {f"export gone-{number}": 1 << 40 for number in range(MAX_STEPS)})
    assert (tmp_path / NAME).stat().st_size <= MAX_BYTES
    keep_sizes(tmp_path, SIZES)
    assert read_sizes(tmp_path) == SIZES


def test_a_file_that_cannot_be_written_is_said_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        keep_sizes(tmp_path / "none", SIZES)
    assert "E-FILE" in caplog.text
