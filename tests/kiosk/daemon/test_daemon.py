"""The daemon's loop, on a clock that the test moves: timers, glass, entry, devices that fail, the end."""

import logging
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from core.api.requests import Unlock
from hw.ports import KeyPressed, KeyReleased, StickInserted
from kiosk.daemon.daemon import BRIGHT, DIM, Daemon
from kiosk.machine.auto_lock import WARN_S
from kiosk.machine.events import PowerAsked
from kiosk.machine.light import BLANK_AFTER_DIM_S
from kiosk.machine.machine import Machine
from kiosk.screens.reader import read_lines
from kiosk.work.devices import PowerOff, Restart
from kiosk.work.job import RunJob
from kiosk.work.worker import Bug, VaultReady
from tests.kiosk.facts import JOB, PROPOSAL, failed, stick
from tests.kiosk.flows.steps import title_of
from tests.kiosk.live import PASSPHRASE, WORDS, make_entries, open_twins
from tests.kiosk.loop import READY, SETTINGS, Loop, NotedWorker, spell, tap

JOB_RUNS = RunJob(stick=stick(), steps=JOB)


@pytest.fixture
def loop(tmp_path: Path) -> Iterator[Loop]:
    (tmp_path / "sticks").mkdir()
    return Loop(tmp_path)


def test_the_first_screen_asks_for_the_vault_and_everything_is_let_go(loop: Loop) -> None:
    assert loop.play(READY) == "LOCKED"
    assert loop.orders == ["open vault", "close"]
    assert "LOCKED" in " ".join(read_lines(loop.twins.panel.image()))


def test_idle_it_waits_for_nothing_once_the_glass_is_off(loop: Loop) -> None:
    # locked: to dim, to move the picture now and then, to blank; then no timer at all
    loop.play(READY, 1e6, 1e6)
    assert loop.inbox.waits[0] == 60  # to the next minute, too: the page tells the time
    assert loop.inbox.waits[-1] is None
    assert len(loop.inbox.waits) < 12
    assert not loop.twins.panel.on


def test_a_page_that_tells_the_time_goes_with_the_clock_while_it_is_lit(loop: Loop) -> None:
    told: list[str] = []

    def look() -> None:
        told.append(read_lines(loop.twins.panel.image())[0])

    before = loop.twins.clock.now()
    loop.play(READY, look, 30.0, look, 31.0, look, 300.0)
    after = before + timedelta(minutes=1)
    assert told == [f"{time:%Y-%m-%d %H:%M} UTC" for time in (before, before, after)]
    assert not loop.twins.panel.on
    assert loop.inbox.waits[-1] is None


def test_the_watchdogs_turn_bounds_every_wait(loop: Loop) -> None:
    loop.play(READY, 100.0, turn_every_s=10.0)
    assert max(wait for wait in loop.inbox.waits if wait is not None) == 10
    assert loop.turns >= 10


def test_the_glass_dims_moves_its_picture_goes_blank_and_wakes_with_a_swallowed_key(loop: Loop) -> None:
    seen: list[Any] = []
    pictures: list[bytes] = []

    def see() -> None:
        loop.see(seen)()
        pictures.append(loop.twins.panel.image().tobytes())

    moves = (see, 60.0, see, 60.0, see, float(BLANK_AFTER_DIM_S), see, *tap("#"), see)
    after = loop.play(READY, *moves)
    panel = [(contrast, on) for _, contrast, on in seen]
    assert panel == [(BRIGHT, True), (DIM, True), (DIM, True), (DIM, False), (BRIGHT, True)]
    assert pictures[1] != pictures[2]
    assert after == "LOCKED"  # the # that woke it opened nothing


def test_a_session_locks_by_itself_after_a_warning(loop: Loop) -> None:
    seen: list[Any] = []
    told: list[tuple[str, ...]] = []
    see = loop.see(seen)

    def lines() -> None:
        told.append(read_lines(loop.twins.panel.image()))

    after = loop.play(*loop.unlock(), see, 300.0 - WARN_S, see, lines, WARN_S - 0.5, lines, 0.5)
    assert [title for title, _, _ in seen] == ["UNLOCKED", "LOCKS IN"]
    assert [read[1] for read in told] == [f"{WARN_S} s", "1 s"]
    assert after == "LOCKED"
    assert "close vault" in loop.orders


def test_a_key_in_the_warning_keeps_the_session(loop: Loop) -> None:
    assert loop.play(*loop.unlock(), 300.0 - WARN_S, *tap("5"), WARN_S * 2.0) == "UNLOCKED"
    assert "close vault" not in loop.orders


def test_work_is_not_locked_however_long_it_takes(loop: Loop) -> None:
    begun = (StickInserted(stick()), *loop.unlock())
    after = loop.play(*begun, 7200.0)
    assert after == "WORK"
    assert JOB_RUNS in loop.orders
    assert "close vault" not in loop.orders


def test_a_held_star_stops_the_work(loop: Loop) -> None:
    begun = (StickInserted(stick()), *loop.unlock())
    loop.play(*begun, KeyPressed("*"), 2.0, KeyReleased("*"))
    assert "stop" in loop.orders


def test_typed_letters_change_by_themselves_after_a_pause(loop: Loop) -> None:
    drawn: list[bytes] = []

    def look() -> None:
        drawn.append(loop.twins.panel.image().tobytes())

    # a word was entered; after a pause the choices of A to D are named without a key
    loop.play(READY, *tap("#"), *spell(WORDS[0]), *tap("A"), look, 10.0, look)
    assert drawn[0] != drawn[1]


def test_a_letter_key_kept_down_is_a_held_one(loop: Loop) -> None:
    views: list[Any] = []

    def look() -> None:
        view = loop.entries.entry_view(0.0)
        assert view is not None
        views.append(view.typed)

    loop.play(READY, *tap("#"), *spell("abs"), look, KeyPressed("*"), 1.0, KeyReleased("*"), look)
    assert views == ["227", ""]


def test_words_are_proposed_and_wiped(loop: Loop) -> None:
    shown: list[bool] = []

    def look() -> None:
        shown.append(loop.entries.proposal_view() is not None)

    factory = VaultReady(provisioned=False)
    date = loop.answer(loop.twins.clock.now())
    review = (*tap("#"), date, *tap("#"), loop.answer(PROPOSAL))
    pages = [move for _ in range(9) for move in tap("#")]
    loop.play(factory, *review, *pages, *tap("A"), look)
    assert shown == [True]
    assert loop.entries.proposal_view() is None


def test_a_bug_locks_and_the_loop_goes_on(loop: Loop, caplog: pytest.LogCaptureFixture) -> None:
    secret = str(len(WORDS) * 7919)  # the traceback shows lines of the source, and no values

    def submit(ticket: int, request: object) -> None:
        loop.worker.ticket = ticket
        loop.orders.append(request)
        if request == JOB_RUNS:
            raise RuntimeError(secret)

    def break_worker() -> None:
        loop.worker.submit = submit  # type: ignore[method-assign] # a worker with a mistake

    seen: list[Any] = []
    begun = (StickInserted(stick()), break_worker, *loop.unlock())
    with caplog.at_level(logging.ERROR):
        after = loop.play(*begun, loop.see(seen), *tap("#"))
    assert seen[0][0] == "E-BUG"
    assert "close vault" in loop.orders
    assert after == "STICK PISM-ALL asks"
    assert "RuntimeError" in caplog.text
    assert secret not in caplog.text


def test_a_bug_that_cannot_be_told_ends_the_daemon_and_locks(loop: Loop) -> None:
    def refuse() -> None:
        raise RuntimeError

    def break_worker() -> None:
        loop.worker.close_vault = refuse  # type: ignore[method-assign] # a worker with a mistake

    with pytest.raises(RuntimeError):
        loop.play(READY, break_worker, Bug())
    assert loop.orders[-1] == "close"


def test_told_to_leave_at_rest_it_says_its_last_words_and_ends(loop: Loop) -> None:
    after = loop.play(READY, loop.leave, READY, READY)
    assert after == "POWER OFF"
    assert PowerOff() not in loop.orders  # who told it goes on by himself
    assert loop.orders[-1] == "close"


def test_told_to_leave_while_working_it_waits_for_the_work(loop: Loop) -> None:
    begun = (StickInserted(stick()), *loop.unlock())
    seen: list[Any] = []
    ended = loop.answer(failed("E-STOPPED"))
    loop.play(*begun, loop.leave, 5.0, lambda: seen.append(loop.daemon.machine.is_off), ended, 1.0)
    assert "stop" in loop.orders
    assert seen == [False]
    assert loop.daemon.machine.is_off


def test_told_to_leave_while_work_hangs_it_waits_half_a_minute(loop: Loop) -> None:
    begun = (StickInserted(stick()), *loop.unlock())
    loop.play(*begun, loop.leave, 30.0, 1.0)
    assert loop.daemon.machine.is_off


def test_a_power_off_of_its_own_goes_to_the_switch_and_a_sigterm_after_it_ends_at_once(loop: Loop) -> None:
    seen: list[Any] = []
    after = loop.play(READY, PowerAsked(restart=True), loop.see(seen), loop.leave, 1.0, READY)
    assert Restart() in loop.orders
    assert after == "RESTARTING"  # the last words stand


def test_an_end_from_outside_ends_it(loop: Loop) -> None:
    loop.play(READY, loop.end, *[1.0] * 5)
    assert loop.orders[-1] == "close"


def test_secrets_are_wiped_at_the_end(loop: Loop) -> None:
    loop.play(READY, *tap("#"), *spell(WORDS[0]), *tap("A"))
    assert loop.entries.entry_view(0.0) is None


def test_without_a_hand_on_the_clock_it_waits_on_a_queue(tmp_path: Path) -> None:
    (tmp_path / "sticks").mkdir()
    board = open_twins(tmp_path)
    orders: list[object] = []
    daemon = Daemon(board, lambda _post: NotedWorker(orders), make_entries(), Machine(SETTINGS))
    daemon.post(READY)
    daemon.end()
    daemon.run()
    assert title_of(daemon.machine.shown) == "LOCKED"


def test_a_request_carries_the_bytes_of_its_buffer_and_the_time(loop: Loop) -> None:
    loop.play(READY, *tap("#"), *loop.typed())
    (request,) = [order for order in loop.orders if isinstance(order, Unlock)]
    assert request.passphrase == PASSPHRASE
    assert request.now == loop.twins.clock.now()
    assert "absurd" not in repr(request)
