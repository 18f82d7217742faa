"""The kiosk's own file: what a locked box says a stick asks for."""

import logging
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from core.policy.config import load_config
from kiosk.daemon.compose import kiosk_settings
from kiosk.work.kept_sticks import MAX_BYTES, NAME, KeptSticksError, StickTable, keep_sticks, read_sticks
from tests.kiosk.facts import TABLE
from tests.kiosk.live import lay_config

DAMAGED = (
    b"",
    b"\x00" * 100,
    b"[]",
    b"{}",
    b'{"format": "pism-sticks-v2", "sticks": {}}',
    b'{"format": "pism-sticks-v1", "sticks": {}, "more": 1}',
    b'{"format": "pism-sticks-v1", "sticks": {"PISM-ALL": ["top-up"]',
    b'{"format": "pism-sticks-v1", "sticks": {"PISM-ALL": []}}',
    b'{"format": "pism-sticks-v1", "sticks": {"PISM-ALL": ["explode"]}}',
    b'{"format": "pism-sticks-v1", "sticks": {"PISM-CONFIG": ["top-up"]}}',
    b'{"format": "pism-sticks-v1", "sticks": {"\\ud800": ["top-up"]}}',
    b"[" * 100_000,
    b" " * (MAX_BYTES + 1),
)


def test_a_table_is_read_back_as_it_was_kept_and_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    assert read_sticks(tmp_path) is None
    for table in (TABLE, TABLE[:1], TABLE):
        keep_sticks(tmp_path, table)
        assert read_sticks(tmp_path) == tuple(sorted(table))
    assert [path.name for path in tmp_path.iterdir()] == [NAME]
    assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o600


def test_a_table_that_is_kept_already_is_not_written_again(tmp_path: Path) -> None:
    keep_sticks(tmp_path, TABLE)
    before = (tmp_path / NAME).stat().st_ino
    keep_sticks(tmp_path, TABLE)
    assert (tmp_path / NAME).stat().st_ino == before


@pytest.mark.parametrize("data", DAMAGED, ids=range(len(DAMAGED)))
def test_a_damaged_table_counts_for_nothing_and_that_is_said(tmp_path: Path, data: bytes) -> None:
    config = load_config(lay_config(tmp_path))
    (tmp_path / NAME).write_bytes(data)
    with pytest.raises(KeptSticksError):
        read_sticks(tmp_path)
    shown = kiosk_settings(config, tmp_path)
    assert [label for label, _ in shown.sticks] == ["PISM-EXPORT", "PISM-ALL"]
    assert shown.note == "Stick list was bad"
    keep_sticks(tmp_path, TABLE)
    healed = kiosk_settings(config, tmp_path)
    assert (healed.sticks, healed.note) == (tuple(sorted(TABLE)), "")


def test_a_folder_in_its_place_is_damage_too(tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    with pytest.raises(KeptSticksError):
        read_sticks(tmp_path)


def test_what_cannot_be_kept_is_said_in_the_log_and_costs_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        keep_sticks(tmp_path / "none", TABLE)
    assert "E-FILE" in caplog.text


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(some.binary(max_size=20), some.integers(0, 400), some.integers(0, 20))
def test_altered_bytes_are_a_table_or_damage_never_a_bug(
    tmp_path: Path, bytes_: bytes, at: int, gone: int
) -> None:
    (tmp_path / NAME).unlink(missing_ok=True)
    keep_sticks(tmp_path, TABLE)
    data = (tmp_path / NAME).read_bytes()
    (tmp_path / NAME).write_bytes(data[:at] + bytes_ + data[at + gone :])
    try:
        table = read_sticks(tmp_path)
    except KeptSticksError:
        return
    assert msgspec.convert(table, StickTable) == table
