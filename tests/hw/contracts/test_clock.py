"""One suite for the port Clock: the system's clock, set through a program, and its twin."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Protocol

import pytest

from hw.errors import ClockSetError
from hw.ports import Clock
from hw.system.clock import SystemClock
from hw.system.emulated import EmulatedClock

NOON = datetime(2027, 1, 2, 12, 0, 0, tzinfo=UTC)


class Bench(Protocol):
    """A clock that shows NOON, and its time."""

    clock: Clock

    def let_pass(self, seconds: int) -> None: ...

    def refuse(self) -> None: ...


class EmulatedBench:
    def __init__(self, _folder: Path) -> None:
        self.clock = EmulatedClock(NOON)

    def let_pass(self, seconds: int) -> None:
        self.clock.advance(timedelta(seconds=seconds))

    def refuse(self) -> None:
        self.clock.refuses = True


class SystemBench:
    """A wall clock in a file, and a program that sets it as timedatectl would."""

    def __init__(self, folder: Path) -> None:
        self._wall = folder / "wall"
        self._refused = folder / "refused"
        self._wall.write_text(str(int(NOON.timestamp())))
        program = folder / "timedatectl"
        program.write_text(
            f'#!/bin/sh\n[ ! -e {self._refused} ] || exit 1\ndate -u -d "$2" +%s >{self._wall}\n'
        )
        program.chmod(0o755)
        self.clock = SystemClock(command=(str(program), "set-time"), wall=lambda: int(self._wall.read_text()))

    def let_pass(self, seconds: int) -> None:
        self._wall.write_text(str(int(self._wall.read_text()) + seconds))

    def refuse(self) -> None:
        self._refused.touch()


@pytest.fixture(params=[EmulatedBench, SystemBench], ids=["emulated", "system"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    made: Bench = request.param(tmp_path)
    return made


def test_shows_whole_seconds_of_aware_utc_and_goes_on(bench: Bench) -> None:
    assert bench.clock.now() == NOON
    assert bench.clock.now().tzinfo is UTC
    bench.let_pass(90)
    assert bench.clock.now() == NOON + timedelta(seconds=90)


@pytest.mark.parametrize("days", [-400, 400])
def test_shows_what_it_was_set_to_whatever_the_zone(bench: Bench, days: int) -> None:
    instant = (NOON + timedelta(days=days)).astimezone(timezone(timedelta(hours=5)))
    bench.clock.set(instant)
    assert bench.clock.now() == instant
    assert bench.clock.now().tzinfo is UTC


def test_the_other_scale_never_goes_back(bench: Bench) -> None:
    before = bench.clock.monotonic()
    bench.clock.set(NOON - timedelta(days=9))
    assert bench.clock.monotonic() >= before


def test_a_refusal_is_an_error_and_leaves_the_time_as_it_was(bench: Bench) -> None:
    bench.refuse()
    with pytest.raises(ClockSetError) as caught:
        bench.clock.set(NOON + timedelta(days=1))
    assert caught.value.code == "E-CLOCK-SET"
    assert bench.clock.now() == NOON
