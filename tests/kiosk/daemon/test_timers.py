"""The machine's timers."""

from kiosk.daemon.timers import Timers
from kiosk.machine.effects import Timer


def test_without_timers_nothing_is_ever_due() -> None:
    timers = Timers()
    assert timers.next_due_s() is None
    assert timers.take_due(1e9) is None


def test_the_earliest_is_taken_first_and_once() -> None:
    timers = Timers()
    timers.set(Timer.LOCK, 5, 100)
    timers.set(Timer.DIM, 2, 100)
    assert timers.next_due_s() == 102
    assert timers.take_due(101.9) is None
    assert [timers.take_due(105), timers.take_due(105), timers.take_due(105)] == [Timer.DIM, Timer.LOCK, None]


def test_a_running_timer_set_again_starts_anew() -> None:
    timers = Timers()
    timers.set(Timer.DIM, 2, 100)
    timers.set(Timer.DIM, 2, 101)
    assert timers.next_due_s() == 103


def test_a_cancelled_timer_is_never_due() -> None:
    timers = Timers()
    timers.set(Timer.DIM, 2, 100)
    timers.cancel(Timer.DIM)
    timers.cancel(Timer.LOCK)
    assert timers.take_due(200) is None
