from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from hw.errors import ClockSetError
from hw.system.clock import SystemClock

NOON = datetime(2027, 1, 2, 12, 0, 0, tzinfo=UTC)


def test_reads_whole_seconds_of_aware_utc() -> None:
    clock = SystemClock(wall=lambda: NOON.timestamp() + 0.9)
    assert clock.now() == NOON
    assert clock.now().tzinfo is UTC
    assert clock.monotonic() <= clock.monotonic()


def test_sets_the_time_in_utc_whatever_the_zone(tmp_path: Path) -> None:
    said = tmp_path / "said"
    script = tmp_path / "set"
    script.write_text(f'#!/bin/sh\nprintf "%s" "$*" >{said}\n')
    script.chmod(0o755)
    clock = SystemClock(command=(str(script), "set-time"), wall=lambda: NOON.timestamp() + 2)
    clock.set(NOON.astimezone(timezone(timedelta(hours=5))))
    assert said.read_text() == "set-time 2027-01-02 12:00:00 UTC"


@pytest.mark.parametrize(
    ("command", "text"),
    [
        (("false",), "status 1"),
        (("sh", "-c", "echo no permission >&2; exit 1"), "no permission"),
        (("/nowhere/timedatectl",), "cannot be set"),
        (("true",), "another time"),
    ],
)
def test_a_clock_that_does_not_show_the_new_time_was_not_set(command: tuple[str, ...], text: str) -> None:
    clock = SystemClock(command=command, wall=lambda: NOON.timestamp() + 6)
    with pytest.raises(ClockSetError, match=text) as caught:
        clock.set(NOON)
    assert caught.value.code == "E-CLOCK-SET"
