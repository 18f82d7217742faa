"""The daemon and devices that fail it: a display that is lost or forgets, a keypad that cannot be had."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hw.ports import KeyPressed, StickInserted
from kiosk.daemon.daemon import BRIGHT, DIM
from kiosk.machine.light import BLANK_AFTER_DIM_S, Glass
from kiosk.screens.drawing import draw
from kiosk.screens.reader import read_lines
from tests.kiosk.facts import SESSION, stick
from tests.kiosk.loop import READY, Loop, Move, spell, tap


@pytest.fixture
def loop(tmp_path: Path) -> Iterator[Loop]:
    (tmp_path / "sticks").mkdir()
    return Loop(tmp_path)


def test_a_display_that_is_lost_stops_nothing_and_comes_back(
    loop: Loop, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        seen: list[Any] = []
        after = loop.play(
            READY,
            loop.twins.panel.unplug,
            *tap("#"),
            *spell("abs"),
            30.0,
            loop.twins.panel.plug,
            20.0,
            lambda: seen.append(" ".join(read_lines(loop.twins.panel.image()))),
        )
    assert after == "unlock"
    assert "WORD 1" in seen[0]
    assert loop.twins.panel.contrast == BRIGHT
    assert [record.levelname for record in caplog.records if "E-DISPLAY" in record.getMessage()] == [
        "WARNING"
    ]


def test_a_display_lost_while_dimming_gets_its_light_when_it_is_back(loop: Loop) -> None:
    seen: list[Any] = []
    loop.play(READY, loop.twins.panel.unplug, 60.0, loop.twins.panel.plug, 30.0, loop.see(seen))
    assert seen[0][1:] == (DIM, True)


@pytest.mark.parametrize(
    "begins", [60.0, StickInserted(stick("PISM-ALL")), None], ids=["dim", "stick", "session"]
)
def test_a_display_that_lost_its_power_unnoticed_is_whole_at_the_next_occasion(
    loop: Loop, begins: Move
) -> None:
    seen: list[Any] = []
    lose = loop.twins.panel.plug  # what just got its power answers, and has forgotten everything
    enter = (*tap("#"), *loop.typed()) if begins is None else ()
    occasion = loop.answer(SESSION) if begins is None else begins
    loop.play(READY, *enter, lose, loop.see(seen), occasion, 0.001, loop.see(seen))
    assert [on for _, _, on in seen] == [False, True]
    assert same_picture(loop)


def test_a_display_that_lost_its_power_while_it_was_off_is_whole_when_it_wakes(loop: Loop) -> None:
    loop.play(READY, 60.0, float(BLANK_AFTER_DIM_S), loop.twins.panel.plug, KeyPressed("5"))
    assert same_picture(loop)


def same_picture(loop: Loop) -> bool:
    """Tell whether the glass shows what the daemon's screen is, at full light."""
    machine = loop.daemon.machine
    shift = None if machine.light.glass is Glass.BRIGHT else machine.light.shift
    drawn = draw(machine.shown, shift=shift, now=loop.twins.clock.now())
    panel = loop.twins.panel
    return panel.contrast in {BRIGHT, DIM} and panel.image().tobytes() == drawn.tobytes()


def test_a_box_without_display_works_from_the_start(tmp_path: Path) -> None:
    loop = Loop(tmp_path)
    loop.twins.panel.unplug()
    assert loop.play(READY) == "LOCKED"


def test_a_keypad_that_cannot_be_had_is_said_and_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    loop = Loop(tmp_path)
    loop.twins.keys.lose()
    seen: list[Any] = []
    with caplog.at_level(logging.WARNING):
        loop.play(
            loop.see(seen),
            10.0,
            loop.see(seen),
            lambda: loop.twins.keys.lose(lost=False),
            20.0,
            loop.see(seen),
        )
    assert seen[0][0] == "E-KEYPAD"
    assert sum("E-KEYPAD" in record.getMessage() for record in caplog.records) == 1
    assert loop.daemon._keypad_retry.due_s is None


def test_a_thread_that_dies_ends_the_daemon_and_leaves_that_on_the_panel(loop: Loop) -> None:
    error = ImportError("No library named udev")
    with pytest.raises(ImportError, match="No library"):
        loop.play(READY, lambda: loop.daemon.fail(error))
    assert "E-BUG" in " ".join(read_lines(loop.twins.panel.image()))


def test_a_thread_that_dies_ends_a_daemon_without_a_panel(loop: Loop) -> None:
    loop.twins.panel.unplug()
    with pytest.raises(ImportError):
        loop.play(READY, lambda: loop.daemon.fail(ImportError()))
