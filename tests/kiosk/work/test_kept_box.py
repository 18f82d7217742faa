"""What the kiosk remembers of its own box, and the look that is compared with it."""

import logging
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from msgspec.structs import replace as change

from hw.system.emulated import HELD, SOUND, EmulatedSensors
from kiosk.work.inspection import inspect
from kiosk.work.kept_box import MAX_BYTES, NAME, KeptBox, KeptBoxError, keep_box, read_box
from kiosk.work.runs import find_runs
from tests.kiosk.facts import RUNS

DAMAGED = (
    b"",
    b"[]",
    b'{"format": "pism-box-v2"}',
    b'{"format": "pism-box-v1", "more": 1}',
    b'{"format": "pism-box-v1", "runs": {"type": "Runs"}}',
    b"[" * 4000,
    b" " * (MAX_BYTES + 1),
)


def test_it_is_read_back_as_it_was_kept_and_not_written_again(tmp_path: Path) -> None:
    assert read_box(tmp_path) == KeptBox()
    for box in (KeptBox(runs=RUNS), KeptBox(runs=change(RUNS, version="0.2.0"))):
        keep_box(tmp_path, box)
        assert read_box(tmp_path) == box
        node = (tmp_path / NAME).stat().st_ino
        keep_box(tmp_path, box)
        assert (tmp_path / NAME).stat().st_ino == node
    assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("data", DAMAGED, ids=range(len(DAMAGED)))
def test_a_damaged_one_counts_for_nothing_and_that_is_said(tmp_path: Path, data: bytes) -> None:
    (tmp_path / NAME).write_bytes(data)
    with pytest.raises(KeptBoxError):
        read_box(tmp_path)
    found = inspect(EmulatedSensors(), HELD, tmp_path)
    assert (found.ran_before, found.faults) == (None, ("Box memory was bad",))
    keep_box(tmp_path, KeptBox(runs=RUNS))
    assert read_box(tmp_path).runs == RUNS


def test_what_cannot_be_kept_is_said_in_the_log_and_costs_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        keep_box(tmp_path / "none", KeptBox(runs=RUNS))
    assert "E-FILE" in caplog.text


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(some.binary(max_size=20), some.integers(0, 300), some.integers(0, 20))
def test_altered_bytes_are_a_box_or_damage_never_a_bug(
    tmp_path: Path, bytes_: bytes, at: int, gone: int
) -> None:
    (tmp_path / NAME).unlink(missing_ok=True)
    keep_box(tmp_path, KeptBox(runs=RUNS))
    data = (tmp_path / NAME).read_bytes()
    (tmp_path / NAME).write_bytes(data[:at] + bytes_ + data[at + gone :])
    assert inspect(EmulatedSensors(), HELD, tmp_path).words


def test_a_look_says_what_runs_whether_it_is_as_before_and_what_is_bad(tmp_path: Path) -> None:
    first = inspect(EmulatedSensors(), HELD, tmp_path)
    assert (first.runs, first.has_changed, first.faults) == (find_runs(SOUND), False, ())
    assert len(first.words) == 12
    keep_box(tmp_path, KeptBox(runs=first.runs))
    assert not inspect(EmulatedSensors(), HELD, tmp_path).has_changed
    exchanged = replace(SOUND, serial="another", card_errors=1, supply_is_low=True)
    second = inspect(EmulatedSensors(exchanged), HELD, tmp_path)
    assert second.has_changed
    assert second.ran_before == first.runs
    assert second.faults == ("Power supply is weak", "Card has errors")
    assert not second.unlocked.has_changed
