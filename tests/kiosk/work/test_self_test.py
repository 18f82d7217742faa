"""What the self-test finds by itself."""

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.api.results import Confined
from hw.board import BoardSettings, Emulation, open_board
from hw.ports import Condition
from hw.system.emulated import HELD
from kiosk.work.health import Finding
from kiosk.work.self_test import CUTOFF, REPETITIONS, SAMPLE_BYTES, WINDOW, is_random, run_self_test

COUNTING = bytes(range(256)) * 16


TOLD = Confined(user_id=0, has_seccomp=False, gains_nothing=False)
GUARDS = ("Landlock", "seccomp", "privileges", "users", "USB guard", "blkid")
BOARD = ("power supply", "heat", "clock chip", "clock cell", "card wear", "card errors", "USB overload")


def rows(
    folder: Path, year: int = 2027, store: str = "", condition: Condition | None = None
) -> dict[str, Finding]:
    emulation = Emulation(instant=datetime(year, 3, 1, tzinfo=UTC), frozen=True, condition=condition)
    found = run_self_test(open_board(BoardSettings(), emulation), folder, store, TOLD)
    return {row.name: row for row in found}


def test_a_sound_box_finds_itself_sound(tmp_path: Path) -> None:
    found = rows(tmp_path, store="good")
    assert [*found] == [
        "random",
        "clock",
        "store",
        "free space",
        "stick tools",
        *GUARDS,
        *BOARD,
        "radios, net",
    ]
    assert all(row.good for row in found.values())
    assert found["clock"].text == "27-03-01"
    assert found["store"].text == "good"


def test_guards_that_nobody_speaks_for_are_told_as_they_are(tmp_path: Path) -> None:
    """The emulator's twin speaks for the vault, too; on a box its own word counts, or that there is none."""
    board = open_board(BoardSettings(), Emulation())
    assert board.twins is not None
    board.twins.guards.protection = replace(HELD, vault=None)
    for told, good in ((TOLD, False), (None, None)):
        found = {row.name: row.good for row in run_self_test(board, tmp_path, "", told)}
        assert (found["Landlock"], found["seccomp"], found["users"]) == (True, good, good)


def test_rows_fit_the_screen(tmp_path: Path) -> None:
    for row in rows(tmp_path, store="E-STATE-DAMAGED").values():
        assert len(row.name) <= 12
        assert len(row.text) <= 8


def test_a_board_that_tells_nothing_is_not_called_good(tmp_path: Path) -> None:
    found = rows(tmp_path, condition=Condition())
    assert {found[name].good for name in (*BOARD, "radios, net")} == {None}
    assert {found[name].text for name in (*BOARD, "radios, net")} == {"not told"}


def test_a_clock_before_this_software_is_wrong(tmp_path: Path) -> None:
    assert not rows(tmp_path, year=2025)["clock"].good
    assert rows(tmp_path, year=2026)["clock"].good


def test_a_locked_store_is_not_judged_and_a_damaged_one_is_named(tmp_path: Path) -> None:
    assert rows(tmp_path)["store"] == Finding(name="store", good=True, text="locked")
    assert rows(tmp_path, store="E-JOURNAL")["store"] == Finding(name="store", good=False, text="E-JOURNA")


def test_the_systems_random_source_passes() -> None:
    assert is_random(os.urandom(SAMPLE_BYTES))
    assert is_random(COUNTING)


@pytest.mark.parametrize("run", [REPETITIONS, 40])
def test_a_byte_repeated_too_often_in_a_row_is_not_random(run: int) -> None:
    sample = COUNTING[:100] + b"\x07" * run + COUNTING[100:]
    assert not is_random(sample[: len(COUNTING) // WINDOW * WINDOW])
    assert is_random((COUNTING[:100] + b"\x07" * (REPETITIONS - 1) + COUNTING[100:])[: 7 * WINDOW])


@pytest.mark.parametrize(("times", "good"), [(CUTOFF - 1, True), (CUTOFF, False)])
def test_a_byte_too_frequent_in_a_window_is_not_random(times: int, *, good: bool) -> None:
    window = bytearray(bytes(range(1, 251)) * 3)[:WINDOW]
    for place in range(times):
        window[place * 5] = 0
    assert window.count(0) == times
    assert is_random(bytes(window)) is good
