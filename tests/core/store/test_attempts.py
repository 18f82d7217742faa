"""core.store.attempts: counted before the check, waits that end, garbage that locks nobody out."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.crypto.process import Boot
from core.errors import FileError, PassphraseWaitError
from core.store import attempts
from core.store.attempts import Attempts

NOW = datetime(2027, 1, 1, 12, tzinfo=UTC)


def _boot(uptime_s: float, boot: str = "a") -> Boot:
    return Boot(id=boot, uptime_s=uptime_s)


def _fail(state: Path, times: int, boot: str = "a", uptime_s: float = 0.0) -> float:
    """Fail as often as told, each time as soon as the wait allows; return the uptime then."""
    for _ in range(times):
        uptime_s += attempts.wait_s(attempts.read_attempts(state), _boot(uptime_s, boot))
        attempts.begin(state, _boot(uptime_s, boot), NOW + timedelta(seconds=int(uptime_s)))
    return uptime_s


def test_nothing_is_counted_at_first(tmp_path: Path) -> None:
    assert attempts.read_attempts(tmp_path) == Attempts()
    assert attempts.wait_s(Attempts(), _boot(0.0)) == 0


def test_the_count_is_on_disk_before_the_check(tmp_path: Path) -> None:
    assert attempts.begin(tmp_path, _boot(5.0), NOW).count == 1
    assert attempts.read_attempts(tmp_path) == Attempts(count=1, times=(NOW,), boot_id="a", uptime_ms=5000)


def test_the_wait_doubles_and_stops_at_15_minutes(tmp_path: Path) -> None:
    waits = []
    uptime_s = 0.0
    for _ in range(12):
        uptime_s = _fail(tmp_path, 1, uptime_s=uptime_s)
        waits.append(attempts.wait_s(attempts.read_attempts(tmp_path), _boot(uptime_s)))
    assert waits == [1, 3, 7, 15, 31, 63, 127, 255, 511, 900, 900, 900]


def test_what_is_said_of_a_try_that_a_power_cut_ended_is_true(tmp_path: Path) -> None:
    attempts.begin(tmp_path, _boot(100.0), NOW)  # with the right passphrase, perhaps
    after = Boot(id="the next", uptime_s=0.0)
    with pytest.raises(PassphraseWaitError) as raised:
        attempts.begin(tmp_path, after, NOW)
    assert str(raised.value) == "wait 1 s after tries that ended in no unlock"


def test_too_early_is_refused_and_not_counted(tmp_path: Path) -> None:
    uptime_s = _fail(tmp_path, 3)
    with pytest.raises(PassphraseWaitError) as raised:
        attempts.begin(tmp_path, _boot(uptime_s + 6.5), NOW)
    assert raised.value.wait_s == 1
    assert attempts.read_attempts(tmp_path).count == 3
    assert attempts.begin(tmp_path, _boot(uptime_s + 7), NOW).count == 4


def test_the_wait_restarts_whole_at_a_new_boot(tmp_path: Path) -> None:
    uptime_s = _fail(tmp_path, 10)
    counted = attempts.read_attempts(tmp_path)
    assert attempts.wait_s(counted, _boot(uptime_s + 890)) == 10
    assert attempts.wait_s(counted, _boot(0.0, "b")) == 900
    assert attempts.wait_s(counted, _boot(400.0, "b")) == 500
    assert attempts.wait_s(counted, _boot(900.0, "b")) == 0


def test_an_uptime_that_has_not_come_yet_makes_no_longer_wait(tmp_path: Path) -> None:
    counted = Attempts(count=4, boot_id="a", uptime_ms=10**12)
    assert attempts.wait_s(counted, _boot(0.0)) == 15
    assert attempts.wait_s(counted, _boot(15.0)) == 0


@given(
    count=st.integers(0, 2_000_000),
    at=st.integers(0, 10**10),
    uptime_s=st.floats(0, 1e10),
    boot=st.sampled_from(["a", "b"]),
)
def test_every_wait_ends(count: int, at: int, uptime_s: float, boot: str) -> None:
    counted = Attempts(count=count, boot_id="a", uptime_ms=at * 1000)
    wait = attempts.wait_s(counted, _boot(uptime_s, boot))
    assert 0 <= wait <= 900
    later = attempts.wait_s(counted, _boot(uptime_s + wait + 1, boot))
    # In the boot of a forged uptime one more whole wait may begin when that uptime comes; then it ends.
    assert later == 0 or attempts.wait_s(counted, _boot(uptime_s + wait + 902 + max(at, 0), boot)) == 0


def test_a_right_passphrase_takes_the_count_back(tmp_path: Path) -> None:
    _fail(tmp_path, 2)
    attempts.clear(tmp_path)
    attempts.clear(tmp_path)
    assert attempts.read_attempts(tmp_path) == Attempts()


def test_a_bounded_number_of_times_is_kept(tmp_path: Path) -> None:
    uptime_s = _fail(tmp_path, 40)
    counted = attempts.read_attempts(tmp_path)
    assert counted.count == 40
    assert len(counted.times) == 32
    assert counted.times[-1] == NOW + timedelta(seconds=int(uptime_s))
    assert (tmp_path / "attempts.json").stat().st_size < 4096


def test_the_count_stops_at_a_million(tmp_path: Path) -> None:
    _fail(tmp_path, 1)
    path = tmp_path / "attempts.json"
    path.write_bytes(path.read_bytes().replace(b'"count":1,', b'"count":1000000,'))
    assert attempts.begin(tmp_path, _boot(1000.0), NOW).count == 1_000_000


GARBAGE = {
    "empty": b"",
    "text": b"hello",
    "binary": bytes(range(256)),
    "other json": b"[]",
    "too large": b" " * 5000,
    "deep": b"[" * 4000,
}


@pytest.mark.parametrize("data", GARBAGE.values(), ids=GARBAGE)
def test_garbage_waits_once_from_the_boot_and_is_remembered(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "attempts.json").write_bytes(data)
    _check_damage(tmp_path)


def _check_damage(state: Path) -> None:
    with pytest.raises(PassphraseWaitError) as raised:
        attempts.begin(state, _boot(300.0), NOW)
    assert raised.value.wait_s == 600
    counted = attempts.begin(state, _boot(900.0), NOW)
    assert counted.damaged
    assert attempts.read_attempts(state) == counted
    attempts.clear(state)
    assert attempts.read_attempts(state) == Attempts()


@pytest.mark.parametrize("kind", ["folder", "full folder", "link", "dangling link"])
def test_what_is_no_file_waits_once_and_is_replaced(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "attempts.json"
    if "folder" in kind:
        path.mkdir()
        if "full" in kind:
            (path / "x").write_bytes(b"")
    else:
        path.symlink_to("target")
        if kind == "link":
            (tmp_path / "target").write_bytes(b"stays")
    _check_damage(tmp_path)
    assert kind != "link" or (tmp_path / "target").read_bytes() == b"stays"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("count", 0),
        ("count", -5),
        ("count", 10**7),
        ("count", 1.0),
        ("times", ["2027-01-01T12:00:00Z"] * 33),
        ("times", ["2027-01-01 12:00:00"]),
        ("times", ["2027-1-1T12:00:00Z"]),
        ("uptime_ms", -1),
        ("boot_id", "x" * 65),
        ("format", "pism-attempts-v2"),
        ("more", 1),
    ],
)
def test_altered_values_count_as_damage(tmp_path: Path, name: str, value: object) -> None:
    _fail(tmp_path, 1)
    path = tmp_path / "attempts.json"
    file = json.loads(path.read_bytes()) | {name: value}
    path.write_text(json.dumps(file, separators=(",", ":")))
    assert attempts.read_attempts(tmp_path) == Attempts(count=10, damaged=True)


def test_no_passphrase_is_looked_at_when_the_count_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(FileError):
        attempts.begin(tmp_path / "missing", _boot(1.0), NOW)
    with pytest.raises(FileError):
        attempts.clear(tmp_path / "missing")


def test_the_wait_that_is_told_is_enough(tmp_path: Path) -> None:
    """Whoever waits as long as the panel counts is not refused for a fraction of a second."""
    attempts.begin(tmp_path, _boot(5.9996), NOW)
    told = attempts.wait_s(attempts.read_attempts(tmp_path), _boot(6.0))
    assert attempts.wait_s(attempts.read_attempts(tmp_path), _boot(6.0 + told)) == 0
