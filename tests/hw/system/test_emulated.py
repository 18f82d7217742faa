"""The twins of clock and power, and how they refuse."""

from datetime import UTC, datetime, timedelta

import pytest

from hw.errors import ClockSetError, PowerError
from hw.system.emulated import EmulatedClock, EmulatedPower

NOON = datetime(2027, 1, 2, 12, 0, 0, tzinfo=UTC)


def test_a_frozen_clock_stands_moves_and_is_set() -> None:
    clock = EmulatedClock(NOON)
    assert clock.now() == NOON
    before = clock.monotonic()
    clock.advance(timedelta(seconds=90))
    assert clock.now() == NOON + timedelta(seconds=90)
    assert clock.monotonic() - before == 90
    clock.set(NOON - timedelta(days=9))
    assert clock.now() == NOON - timedelta(days=9)
    assert clock.monotonic() - before == 90


def test_a_running_clock_runs_from_where_it_was_put() -> None:
    passed = [100.0]
    clock = EmulatedClock(NOON, running=lambda: passed[0])
    passed[0] += 3.7
    assert clock.now() == NOON + timedelta(seconds=3)
    assert clock.monotonic() == 103.7
    clock.set(NOON)
    assert clock.now() == NOON


def test_a_clock_refuses_when_told_to() -> None:
    clock = EmulatedClock(NOON, refuses=True)
    with pytest.raises(ClockSetError):
        clock.set(NOON)


def test_the_switch_remembers_and_tells() -> None:
    heard: list[str] = []
    power = EmulatedPower(heard=heard.append)
    power.off()
    power.restart()
    assert heard == ["off", "restart"]
    assert power.pressed == "restart"
    quiet = EmulatedPower()
    quiet.off()
    assert quiet.pressed == "off"


def test_a_switch_refuses_when_told_to() -> None:
    power = EmulatedPower(refuses=True)
    with pytest.raises(PowerError):
        power.restart()
    assert power.pressed == ""
