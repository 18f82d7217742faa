"""The daemon's loop, on a clock that the test moves: timers, glass, entry, devices that fail, the end."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hw.ports import KeyPressed, KeyReleased, StickInserted
from kiosk import effects as fx
from kiosk import events as ev
from kiosk.daemon.daemon import BRIGHT, DIM, Daemon
from kiosk.machine import BLANK_AFTER_DIM_S, WARN_S, start
from kiosk.screens.reader import read_lines
from kiosk.states import Glass, Home, Locked, Off, Problem, Warned, Working
from tests.kiosk.facts import JOB, stick
from tests.kiosk.live import WORDS, make_entries, open_twins
from tests.kiosk.loop import READY, SETTINGS, UNLOCKED, Loop, NotedWorker, spell, tap


@pytest.fixture
def loop(tmp_path: Path) -> Iterator[Loop]:
    (tmp_path / "sticks").mkdir()
    return Loop(tmp_path)


def test_the_first_screen_asks_for_the_vault_and_everything_is_let_go(loop: Loop) -> None:
    assert isinstance(loop.play(READY), Locked)
    assert loop.orders == [fx.OpenVault(), "close"]
    assert "LOCKED" in " ".join(read_lines(loop.twins.panel.image()))


def test_idle_it_waits_for_nothing_once_the_glass_is_off(loop: Loop) -> None:
    # locked: to dim, to move the picture now and then, to blank; then no timer at all
    loop.play(READY, 1e6, 1e6)
    assert loop.inbox.waits[0] == 60
    assert loop.inbox.waits[-1] is None
    assert len(loop.inbox.waits) < 12
    assert not loop.twins.panel.on


def test_the_watchdogs_turn_bounds_every_wait(loop: Loop) -> None:
    loop.play(READY, 100.0, turn_every_s=10.0)
    assert max(wait for wait in loop.inbox.waits if wait is not None) == 10
    assert loop.turns >= 10


def test_the_glass_dims_moves_its_picture_goes_blank_and_wakes_with_a_swallowed_key(loop: Loop) -> None:
    seen: list[Any] = []
    see = loop.see(seen)
    moves = (see, 60.0, see, 60.0, see, float(BLANK_AFTER_DIM_S), see, *tap("#"), see)
    after = loop.play(READY, *moves)
    glass = [(screen.box.glass, contrast, on) for screen, contrast, on in seen]
    assert glass == [
        (Glass.BRIGHT, BRIGHT, True),
        (Glass.DIM, DIM, True),
        (Glass.DIM, DIM, True),
        (Glass.BLANK, DIM, False),
        (Glass.BRIGHT, BRIGHT, True),
    ]
    assert seen[2][0].box.shift > seen[1][0].box.shift
    assert isinstance(after, Locked)  # the # that woke it opened nothing


def test_a_session_locks_by_itself_after_a_warning(loop: Loop) -> None:
    seen: list[Any] = []
    see = loop.see(seen)
    unlock = (READY, *tap("#"), ev.EntryFinished(), UNLOCKED)
    after = loop.play(*unlock, see, 300.0 - WARN_S, see, WARN_S - 0.5, see, 0.5)
    assert isinstance(seen[0][0], Home)
    assert isinstance(seen[1][0], Warned)
    assert seen[1][0].left_s == WARN_S
    assert seen[2][0].left_s == 1
    assert isinstance(after, Locked)
    assert fx.CloseVault() in loop.orders


def test_a_key_in_the_warning_keeps_the_session(loop: Loop) -> None:
    unlock = (READY, *tap("#"), ev.EntryFinished(), UNLOCKED)
    assert isinstance(loop.play(*unlock, 300.0 - WARN_S, *tap("5"), WARN_S * 2.0), Home)
    assert fx.CloseVault() not in loop.orders


def test_work_is_not_locked_however_long_it_takes(loop: Loop) -> None:
    begun = (READY, StickInserted(stick()), *tap("#"), ev.EntryFinished(), UNLOCKED)
    after = loop.play(*begun, 7200.0)
    assert isinstance(after, Working)
    assert fx.RunJob(stick(), JOB) in loop.orders
    assert fx.CloseVault() not in loop.orders


def test_a_held_star_stops_the_work(loop: Loop) -> None:
    begun = (READY, StickInserted(stick()), *tap("#"), ev.EntryFinished(), UNLOCKED)
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

    from tests.kiosk.facts import PROPOSAL

    factory = ev.VaultReady(provisioned=False)
    review = (*tap("#"), ev.ClockRead(loop.twins.clock.now()), *tap("#"), ev.PolicyProposal(PROPOSAL))
    pages = [move for _ in range(4) for move in tap("#")]
    loop.play(factory, *review, *pages, *tap("A"), look)
    assert shown == [True]
    assert loop.entries.proposal_view() is None


def test_a_bug_locks_and_the_loop_goes_on(loop: Loop, caplog: pytest.LogCaptureFixture) -> None:
    secret = str(len(WORDS) * 7919)  # the traceback shows lines of the source, and no values

    def submit(effect: object, _entries: object) -> None:
        loop.orders.append(effect)
        if effect == fx.RunJob(stick(), JOB):
            raise RuntimeError(secret)

    def break_worker() -> None:
        loop.daemon._worker.submit = submit  # type: ignore[method-assign] # a worker with a mistake

    seen: list[Any] = []
    begun = (READY, StickInserted(stick()), *tap("#"), ev.EntryFinished(), break_worker, UNLOCKED)
    with caplog.at_level(logging.ERROR):
        after = loop.play(*begun, loop.see(seen), *tap("#"))
    assert isinstance(seen[0][0], Problem)
    assert seen[0][0].code == "E-BUG"
    assert seen[0][0].box.session is None
    assert fx.CloseVault() in loop.orders
    assert not isinstance(after, Problem)
    assert "RuntimeError" in caplog.text
    assert secret not in caplog.text


def test_a_bug_that_cannot_be_told_ends_the_daemon_and_locks(loop: Loop) -> None:
    def refuse(_effect: object, _entries: object) -> None:
        raise RuntimeError

    def break_worker() -> None:
        loop.daemon._worker.submit = refuse  # type: ignore[method-assign] # a worker with a mistake

    with pytest.raises(RuntimeError):
        loop.play(READY, break_worker, ev.Bug())
    assert loop.orders[-1] == "close"


def test_told_to_leave_at_rest_it_says_its_last_words_and_ends(loop: Loop) -> None:
    after = loop.play(READY, loop.leave, READY, READY)
    assert isinstance(after, Off)
    assert fx.PowerOff() not in loop.orders  # who told it goes on by himself
    assert loop.orders[-1] == "close"


def test_told_to_leave_while_working_it_waits_for_the_work(loop: Loop) -> None:
    begun = (READY, StickInserted(stick()), *tap("#"), ev.EntryFinished(), UNLOCKED)
    seen: list[Any] = []
    after = loop.play(*begun, loop.leave, 5.0, loop.see(seen), ev.Stopped())
    assert "stop" in loop.orders
    assert not isinstance(seen[0][0], Off)
    assert isinstance(after, Off)


def test_told_to_leave_while_work_hangs_it_waits_half_a_minute(loop: Loop) -> None:
    begun = (READY, StickInserted(stick()), *tap("#"), ev.EntryFinished(), UNLOCKED)
    assert isinstance(loop.play(*begun, loop.leave, 30.0, 1.0), Off)


def test_a_power_off_of_its_own_goes_to_the_switch_and_a_sigterm_after_it_ends_at_once(loop: Loop) -> None:
    seen: list[Any] = []
    after = loop.play(READY, ev.PowerAsked(restart=True), loop.see(seen), loop.leave, 1.0, READY)
    assert fx.Restart() in loop.orders
    assert isinstance(after, Off)
    assert after.restart  # the last words stand: the box restarts


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
    daemon = Daemon(board, lambda _post: NotedWorker(orders), make_entries(), start(SETTINGS))
    daemon.post(READY)
    daemon.end()
    daemon.run()
    assert isinstance(daemon.screen, Locked)
