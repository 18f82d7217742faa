"""How long the work will still take."""

import json
from pathlib import Path

import pytest

from kiosk.work.time_left import TimeLeft

TRACES = Path(__file__).parent / "traces"


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


def test_a_total_of_phases_that_is_better_foreseen_goes_on() -> None:
    seconds = Seconds()
    left = TimeLeft(seconds)
    left.seconds_left(1, 0, 1000, of_phases=True)
    seconds.now_s += 10
    assert left.seconds_left(1, 500, 1000, of_phases=True) == 10
    assert left.seconds_left(1, 500, 1500, of_phases=True) == 20
    left.begin()
    assert left.seconds_left(1, 600, 1500, of_phases=True) is None


SLOWER = 10  # than the PC where they were recorded, about as a Raspberry Pi


@pytest.mark.parametrize("step", [1, 2, 3])
@pytest.mark.parametrize("algorithm", ["ed25519", "rsa3072"])
def test_from_a_tenth_on_it_is_right_within_a_quarter_of_the_steps_time(algorithm: str, step: int) -> None:
    """Real jobs on PISM-ALL: the seconds of one core, 646 signers with Ed25519, 46 with RSA-3072."""
    trace = json.loads((TRACES / f"{algorithm}.json").read_text())
    *told, (_, end_s, _, _, _) = [entry for entry in trace if entry[0] == step]
    seconds = Seconds()
    left = TimeLeft(seconds)
    begun_s, judged = seconds.now_s, 0
    for _, at_s, what, done, total in told:
        seconds.now_s = begun_s + SLOWER * at_s
        estimate = left.seconds_left(step, done, total, of_phases=True)
        if estimate is not None and done >= total / 10:
            judged += 1
            assert abs(estimate - SLOWER * (end_s - at_s)) <= SLOWER * end_s / 4 + 0.5, (what, done / total)
    assert judged >= 5
    full = [at_s for _, at_s, _, done, total in told if done > 0.98 * total]
    assert min(full, default=end_s) > 0.85 * end_s  # no bar stands full
