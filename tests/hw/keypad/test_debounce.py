"""The debouncer: pure, sample by sample."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw.keypad.debounce import STUCK_SAMPLES, Debouncer, KeyEvent
from hw.ports import KEYS, KeyPressed, KeyReleased, KeyStuck


def rested() -> Debouncer:
    debouncer = Debouncer()
    feed(debouncer, "", "", "")
    return debouncer


def feed(debouncer: Debouncer, *samples: str) -> list[KeyEvent]:
    return [event for sample in samples for event in debouncer.feed(frozenset(sample))]


def test_three_equal_samples_press_and_three_release() -> None:
    debouncer = rested()
    assert feed(debouncer, "5", "5") == []
    assert feed(debouncer, "5") == [KeyPressed("5")]
    assert feed(debouncer, "5", "5", "", "") == []
    assert feed(debouncer, "") == [KeyReleased("5")]


@pytest.mark.parametrize("train", ["5 5 5", "55 55 5", " 5  5 "])
def test_bouncing_counts_for_nothing(train: str) -> None:
    debouncer = rested()
    assert feed(debouncer, *(sample.strip() for sample in train)) == []


def test_two_keys_are_both_told() -> None:
    debouncer = rested()
    assert feed(debouncer, *["1"] * 3, *["12"] * 3) == [KeyPressed("1"), KeyPressed("2")]
    assert feed(debouncer, *["2"] * 3) == [KeyReleased("1")]


def test_one_key_gives_way_to_another_release_first() -> None:
    debouncer = rested()
    feed(debouncer, *["1"] * 3)
    assert feed(debouncer, *["2"] * 3) == [KeyReleased("1"), KeyPressed("2")]


def test_more_than_two_release_all_and_block_until_every_key_is_up() -> None:
    debouncer = rested()
    feed(debouncer, *["12"] * 3)
    assert feed(debouncer, *["1245"] * 3) == [KeyReleased("1"), KeyReleased("2")]
    assert feed(debouncer, *["1"] * 3, *["12"] * 3) == []
    assert not debouncer.at_rest
    assert feed(debouncer, *[""] * 3, *["1"] * 3) == [KeyPressed("1")]


def test_keys_down_at_the_start_are_named_once_and_ignored_until_up() -> None:
    debouncer = Debouncer()
    assert feed(debouncer, *["59"] * 3) == [KeyStuck(("5", "9"))]
    assert debouncer.only_stuck
    assert feed(debouncer, *["59"] * (2 * STUCK_SAMPLES)) == []
    assert feed(debouncer, *["9"] * 3) == [KeyReleased("5")]
    assert feed(debouncer, *["59"] * 3) == [KeyPressed("5")]
    assert not debouncer.only_stuck


def test_a_key_that_is_down_too_long_is_stuck_from_then_on() -> None:
    debouncer = rested()
    feed(debouncer, *["5"] * 3)
    assert feed(debouncer, *["5"] * (STUCK_SAMPLES - 4)) == []
    assert feed(debouncer, "5") == [KeyReleased("5"), KeyStuck(("5",))]
    assert debouncer.only_stuck
    assert feed(debouncer, *["59"] * 3) == [KeyPressed("9")]
    assert feed(debouncer, *["59"] * STUCK_SAMPLES) == [KeyReleased("9"), KeyStuck(("5", "9"))]
    assert feed(debouncer, *["9"] * 3, *[""] * 3) == [KeyReleased("5"), KeyReleased("9")]
    assert debouncer.at_rest
    assert feed(debouncer, *["5"] * 3) == [KeyPressed("5")]


def test_too_many_keys_for_too_long_are_stuck_and_leave_the_others_of_use() -> None:
    debouncer = rested()
    assert feed(debouncer, *["147"] * STUCK_SAMPLES) == [KeyStuck(("1", "4", "7"))]
    assert feed(debouncer, *["14"] * 3, *["1"] * 3) == [KeyReleased("7"), KeyReleased("4")]
    assert feed(debouncer, *["15"] * 3) == [KeyPressed("5")]


def test_a_stuck_key_leaves_the_others_of_use() -> None:
    debouncer = Debouncer()
    feed(debouncer, *["9"] * 3)
    assert feed(debouncer, *["91"] * 3, *["9"] * 3) == [KeyPressed("1"), KeyReleased("1")]
    assert feed(debouncer, *["912"] * 3, *["91"] * 3, *["9"] * 3, *["91"] * 3) == [KeyPressed("1")]
    assert feed(debouncer, *["1"] * 3) == [KeyReleased("9")]


def test_rest_takes_three_empty_samples_after_an_edge() -> None:
    debouncer = Debouncer()
    assert not debouncer.at_rest
    feed(debouncer, "", "", "")
    assert debouncer.at_rest
    debouncer.wake()
    assert not debouncer.at_rest
    feed(debouncer, "", "")
    assert not debouncer.at_rest
    feed(debouncer, "")
    assert debouncer.at_rest


def test_forgetting_releases_what_was_down() -> None:
    debouncer = rested()
    feed(debouncer, *["12"] * 3)
    assert debouncer.forget() == (KeyReleased("1"), KeyReleased("2"))
    assert feed(debouncer, *["1"] * 3) == [KeyStuck(("1",))]
    assert debouncer.forget() == (KeyReleased("1"),)


@settings(deadline=None)
@given(st.lists(st.sets(st.sampled_from(KEYS), max_size=4), max_size=60), st.booleans())
def test_any_samples_give_presses_and_releases_in_turn_of_two_keys_at_most(
    samples: list[set[str]],
    tripled: bool,  # noqa: FBT001 - drawn
) -> None:
    debouncer = Debouncer()
    down: set[str] = set()
    stuck: set[str] = set()
    for sample in [one for one in samples for _ in range(3 if tripled else 1)] + [set[str]()] * 3:
        for event in debouncer.feed(frozenset(sample)):
            if isinstance(event, KeyPressed):
                assert event.key not in down
                down.add(event.key)
            elif isinstance(event, KeyReleased):
                (stuck if event.key in stuck else down).remove(event.key)
            else:
                stuck |= {*event.keys}
            assert len(down) <= 2
            assert not down & stuck
    assert not down | stuck
    assert debouncer.at_rest
