"""How long the work will still take."""

from kiosk.work.time_left import TimeLeft


class Seconds:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_nothing_is_said_before_there_is_something_to_go_by() -> None:
    seconds = Seconds()
    left = TimeLeft(seconds)
    assert left.seconds_left(1, 0, 100) is None
    seconds.now_s += 1.9
    assert left.seconds_left(1, 10, 100) is None  # too soon
    seconds.now_s += 5
    assert left.seconds_left(1, 0, 100) is None  # nothing done


def test_the_rest_goes_on_as_fast_as_so_far() -> None:
    seconds = Seconds()
    left = TimeLeft(seconds)
    left.seconds_left(1, 20, 100)
    seconds.now_s += 4
    assert left.seconds_left(1, 40, 100) == 12
    seconds.now_s += 2
    assert left.seconds_left(1, 100, 100) == 0


def test_another_step_or_total_begins_anew() -> None:
    seconds = Seconds()
    left = TimeLeft(seconds)
    left.seconds_left(1, 0, 10)
    seconds.now_s += 10
    assert left.seconds_left(1, 5, 10) == 10
    assert left.seconds_left(2, 5, 10) is None
    seconds.now_s += 4
    assert left.seconds_left(2, 9, 10) == 1
    assert left.seconds_left(2, 9, 20) is None


def test_more_done_than_there_is_says_nothing() -> None:
    seconds = Seconds()
    left = TimeLeft(seconds)
    left.seconds_left(1, 0, 0)
    seconds.now_s += 4
    assert left.seconds_left(1, 7, 0) is None
