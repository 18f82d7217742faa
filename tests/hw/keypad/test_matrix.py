"""The keypad driver over the twin's pins, in simulated time, and in its own thread."""

import logging
import queue
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw.errors import KeypadError
from hw.keypad.emulated import KeyMatrix, NetFactory
from hw.keypad.matrix import RETRY_S, SCAN_S, SLOW_SCAN_S, MatrixKeypad, ThreadAlarm
from hw.ports import KEYS, HardwareEvent, KeyPressed, KeyReleased, KeyStuck
from tests.hw.keypad.scripted_alarm import ScriptedAlarm

ROWS = (5, 6, 13, 19)
COLUMNS = (12, 16, 20, 21)


def ignore(event: HardwareEvent) -> None:
    """Take an event and do nothing."""


class Bench:
    """A driver, its twin, a script, and what was posted when."""

    def __init__(self) -> None:
        self.matrix = KeyMatrix(ROWS, COLUMNS)
        self.alarm = ScriptedAlarm()
        self.posted: list[tuple[float, HardwareEvent]] = []
        self.keypad = MatrixKeypad(
            rows=ROWS, columns=COLUMNS, open_factory=self.matrix.open_factory, alarm=self.alarm
        )

    def run(self) -> list[HardwareEvent]:
        self.keypad.run(lambda event: self.posted.append((self.alarm.now, event)))
        assert self.matrix.net.shorts == 0
        assert self.matrix.net.drove_high == 0
        return [event for _, event in self.posted]

    def press(self, key: str, at: float, until: float, *, bounces: int = 0, bounce_s: float = 0.0008) -> None:
        """Close a key from `at` to `until`, both ends with a train of bounces."""
        for number in range(bounces):
            self.alarm.at(at + number * bounce_s, lambda: self.matrix.press(key))
            self.alarm.at(at + (number + 0.5) * bounce_s, lambda: self.matrix.release(key))
            self.alarm.at(until + number * bounce_s, lambda: self.matrix.release(key))
            self.alarm.at(until + (number + 0.5) * bounce_s, lambda: self.matrix.press(key))
        self.alarm.at(at + bounces * bounce_s, lambda: self.matrix.press(key))
        self.alarm.at(until + bounces * bounce_s, lambda: self.matrix.release(key))


@pytest.mark.parametrize("key", KEYS)
def test_each_key_is_told_by_its_name(key: str) -> None:
    bench = Bench()
    bench.press(key, 1.0, 1.1)
    assert bench.run() == [KeyPressed(key), KeyReleased(key)]


def test_a_press_is_known_within_25_ms() -> None:
    bench = Bench()
    bench.press("5", 1.0, 1.2, bounces=2)
    bench.run()
    assert 0.012 <= bench.posted[0][0] - 1.0 <= 0.025
    assert 0.012 <= bench.posted[1][0] - 1.2 <= 0.025


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(KEYS),
    st.integers(0, 12),
    st.floats(0.0001, 0.002),
    st.floats(0.05, 0.5),
    st.floats(0.0, 0.01),
)
def test_any_train_of_bounces_is_one_press_and_one_release(
    key: str, bounces: int, bounce_s: float, hold_s: float, phase: float
) -> None:
    bench = Bench()
    bench.press(
        key, 1.0 + phase, 1.0 + phase + hold_s + bounces * bounce_s, bounces=bounces, bounce_s=bounce_s
    )
    assert bench.run() == [KeyPressed(key), KeyReleased(key)]


def test_a_contact_shorter_than_three_scans_is_nothing() -> None:
    bench = Bench()
    bench.press("5", 1.0, 1.004)
    assert bench.run() == []


def test_two_keys_of_one_column_and_of_one_row_are_told() -> None:
    bench = Bench()
    bench.press("1", 1.0, 1.5)
    bench.press("7", 1.1, 1.4)
    bench.press("4", 2.0, 2.5)
    bench.press("6", 2.1, 2.4)
    assert bench.run() == [
        KeyPressed("1"), KeyPressed("7"), KeyReleased("7"), KeyReleased("1"),
        KeyPressed("4"), KeyPressed("6"), KeyReleased("6"), KeyReleased("4"),
    ]  # fmt: skip


def test_a_ghost_is_never_told_and_all_is_ignored_until_every_key_is_up() -> None:
    bench = Bench()
    bench.press("1", 1.0, 2.0)
    bench.press("2", 1.1, 2.1)
    bench.press("4", 1.2, 1.9)  # closes the corner: 5 shows too
    bench.press("9", 3.0, 3.1)
    assert bench.run() == [
        KeyPressed("1"), KeyPressed("2"), KeyReleased("1"), KeyReleased("2"),
        KeyPressed("9"), KeyReleased("9"),
    ]  # fmt: skip


def test_a_key_held_at_the_start_is_named_and_ignored_until_it_was_up() -> None:
    bench = Bench()
    bench.matrix.press("8")
    bench.press("3", 1.0, 1.2)
    bench.alarm.at(2.0, lambda: bench.matrix.release("8"))
    bench.press("8", 3.0, 3.1)
    assert bench.run() == [
        KeyStuck(("8",)), KeyPressed("3"), KeyReleased("3"), KeyReleased("8"),
        KeyPressed("8"), KeyReleased("8"),
    ]  # fmt: skip
    assert SLOW_SCAN_S in bench.alarm.pauses


def test_a_key_that_is_held_too_long_is_named_and_scanned_for_slowly() -> None:
    bench = Bench()
    bench.press("5", 1.0, 600.0)
    bench.press("8", 601.0, 601.1)
    assert bench.run() == [
        KeyPressed("5"), KeyReleased("5"), KeyStuck(("5",)), KeyReleased("5"),
        KeyPressed("8"), KeyReleased("8"),
    ]  # fmt: skip
    fast = bench.alarm.pauses.count(SCAN_S) * SCAN_S
    assert 20 < fast < 40  # so long until it is stuck, by the scan's own pauses


def test_scanning_stops_when_keys_are_up() -> None:
    bench = Bench()
    bench.press("5", 1000.0, 1000.1)
    bench.run()
    # Before and after the press there are days of nothing; scans take part of a second.
    assert sum(bench.alarm.pauses) < 0.25
    assert bench.alarm.waits == 2


def test_a_key_that_comes_down_while_the_watch_begins_is_seen() -> None:
    bench = Bench()

    def between(order: list[int]) -> None:
        order.reverse()

    keypad = MatrixKeypad(
        rows=ROWS, columns=COLUMNS, open_factory=bench.matrix.open_factory, alarm=bench.alarm, shuffle=between
    )
    pull = keypad._pull_rows

    def pull_late(*, low: bool) -> None:
        if low and not bench.posted:
            bench.matrix.press("5")  # no edge will tell: it is down before the rows are
            bench.alarm.at(bench.alarm.now + 0.1, lambda: bench.matrix.release("5"))
        pull(low=low)

    keypad._pull_rows = pull_late  # type: ignore[method-assign] # the instant cannot be hit from outside
    keypad.run(lambda event: bench.posted.append((bench.alarm.now, event)))
    assert [event for _, event in bench.posted] == [KeyPressed("5"), KeyReleased("5")]


def test_the_order_of_rows_is_shuffled_and_a_random_fault_costs_no_key() -> None:
    def broken(order: list[int]) -> None:
        raise OSError("no entropy")

    bench = Bench()
    bench.keypad = MatrixKeypad(
        rows=ROWS, columns=COLUMNS, open_factory=bench.matrix.open_factory, alarm=bench.alarm, shuffle=broken
    )
    bench.press("5", 1.0, 1.1)
    assert bench.run() == [KeyPressed("5"), KeyReleased("5")]

    orders: set[tuple[int, ...]] = set()
    bench = Bench()
    shuffle = bench.keypad._shuffle

    def noting(order: list[int]) -> None:
        shuffle(order)
        orders.add(tuple(order))

    bench.keypad._shuffle = noting
    bench.press("5", 1.0, 3.0)
    bench.run()
    assert len(orders) > 12


def test_lost_pins_release_the_keys_and_are_taken_anew(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench()
    bench.press("5", 1.0, 3.0)
    bench.alarm.at(1.5, bench.matrix.lose)
    bench.alarm.at(5.5, lambda: bench.matrix.lose(lost=False))
    bench.press("6", 10.0, 10.1)
    with caplog.at_level(logging.WARNING):
        assert bench.run() == [KeyPressed("5"), KeyReleased("5"), KeyPressed("6"), KeyReleased("6")]
    assert set(RETRY_S[:3]) <= set(bench.alarm.pauses)
    assert "lost" in caplog.text


def test_a_column_tied_to_ground_is_an_error_that_names_it() -> None:
    matrix = KeyMatrix(ROWS, COLUMNS)
    matrix.net.ground(16, tied=True)
    keypad = MatrixKeypad(rows=ROWS, columns=COLUMNS, open_factory=matrix.open_factory)
    with pytest.raises(KeypadError, match="line 16"):
        keypad.start(ignore)
    keypad.close()


def test_pins_that_cannot_be_had_are_an_error() -> None:
    matrix = KeyMatrix(ROWS, COLUMNS)
    matrix.lose()
    keypad = MatrixKeypad(rows=ROWS, columns=COLUMNS, open_factory=matrix.open_factory)
    with pytest.raises(KeypadError, match="lost"):
        keypad.start(ignore)


def test_a_line_that_the_header_does_not_have_is_an_error() -> None:
    matrix = KeyMatrix((99, *ROWS[1:]), COLUMNS)
    keypad = MatrixKeypad(rows=(99, *ROWS[1:]), columns=COLUMNS, open_factory=matrix.open_factory)
    with pytest.raises(KeypadError, match="99"):
        keypad.start(ignore)


def test_pins_that_fail_while_they_are_let_go_are_let_go(caplog: pytest.LogCaptureFixture) -> None:
    class Stubborn(NetFactory):
        def close(self) -> None:
            raise KeypadError("will not let go")

    bench = Bench()
    keypad = MatrixKeypad(
        rows=ROWS, columns=COLUMNS, open_factory=lambda: Stubborn(bench.matrix.net), alarm=bench.alarm
    )
    keypad.run(ignore)
    assert "will not let go" in caplog.text


def test_in_its_own_thread_it_posts_and_ends() -> None:
    matrix = KeyMatrix(ROWS, COLUMNS)
    keypad = MatrixKeypad(rows=ROWS, columns=COLUMNS, open_factory=matrix.open_factory)
    events: queue.SimpleQueue[HardwareEvent] = queue.SimpleQueue()
    keypad.start(events.put)
    matrix.press("#")
    # Held before the first scans settle it would be a stuck key; either way it is named.
    assert events.get(timeout=5) in (KeyPressed("#"), KeyStuck(("#",)))
    matrix.release("#")
    keypad.close()
    assert not any(thread.name == "keypad" for thread in threading.enumerate())


def test_closing_from_the_posting_thread_does_not_wait_for_itself() -> None:
    matrix = KeyMatrix(ROWS, COLUMNS)
    keypad = MatrixKeypad(rows=ROWS, columns=COLUMNS, open_factory=matrix.open_factory)
    closed = threading.Event()

    def post(event: HardwareEvent) -> None:
        keypad.close()
        closed.set()

    matrix.press("1")
    keypad.start(post)
    assert closed.wait(5)
    thread = keypad._thread
    assert thread is not None
    thread.join(5)
    assert not thread.is_alive()


def test_a_ring_before_the_wait_is_not_lost_and_a_stop_ends_all() -> None:
    alarm = ThreadAlarm()
    alarm.ring()
    alarm.wait()
    alarm.clear()
    alarm.stop()
    alarm.clear()
    alarm.wait()
    alarm.pause(1e6)
    alarm.pause(1e-5)
    assert alarm.stopped
