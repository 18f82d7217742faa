"""Progress of several phases on one scale."""

import pytest

from core.errors import StoppedError
from core.progress import Phase, Progress, Weighed, work_of

PHASES = {"key": Phase(units=4, cost_us=100, once_us=50), "file": Phase(units=10, cost_us=5)}


def tell(*told: tuple[str, int]) -> list[Progress]:
    heard: list[Progress] = []
    weighed = Weighed(heard.append, PHASES)
    for what, done in told:
        weighed(Progress(done=done, total=10, what=what))
    return heard


def test_the_whole_is_what_all_phases_cost() -> None:
    assert work_of(PHASES) == 50 + 400 + 50
    assert {progress.work_total for progress in tell(("key", 0), ("file", 3))} == {500}


def test_a_bar_follows_what_units_cost_not_how_many_there_are() -> None:
    heard = tell(("key", 0), ("key", 1), ("key", 4), ("file", 5), ("file", 10))
    assert [progress.work_done for progress in heard] == [0, 150, 450, 475, 500]
    assert [progress.done for progress in heard] == [0, 1, 4, 5, 10]


def test_phases_may_take_turns_and_no_word_takes_work_back() -> None:
    heard = tell(("key", 1), ("file", 2), ("key", 2), ("key", 1), ("file", 0))
    assert [progress.work_done for progress in heard] == [150, 160, 260, 260, 260]


def test_what_is_no_phase_stands_where_the_work_stands_and_more_than_all_is_all() -> None:
    heard = tell(("key", 2), ("looking", 7), ("key", 99))
    assert [progress.work_done for progress in heard] == [250, 250, 450]


def test_a_stop_passes_through() -> None:
    def stop(_progress: Progress) -> None:
        raise StoppedError

    with pytest.raises(StoppedError):
        Weighed(stop, PHASES)(Progress(done=0, total=4, what="key"))


def test_without_phases_the_units_are_the_scale() -> None:
    assert Progress(done=2, total=3, what="proof").scale == (2, 3)
    assert Progress(done=2, total=3, what="proof", work_done=40, work_total=90).scale == (40, 90)


def test_words_count_units_that_a_person_counts() -> None:
    assert str(Progress(done=2, total=3, what="proof")) == "proof 2 of 3"
    assert str(Progress(done=0, total=0, what="unpacking")) == "unpacking"
    assert str(Progress(done=500, total=3_100_000, what="writing 3.1 MB", counted=False)) == "writing 3.1 MB"
