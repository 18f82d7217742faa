"""The text and digits modes of an entry."""

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.entry.entry import Entry, Mode, Outcome
from kiosk.entry.text import LEGEND, can_type


def text_entry(**options: object) -> Entry:
    return Entry(modes=(Mode.TEXT, Mode.DIGITS), **options)  # type: ignore[arg-type]  # a test's shorthand


def tap(entry: Entry, keys: str, now: float = 0.0, step: float = 0.1) -> float:
    """Press and release each key; return the time after the last."""
    for key in keys:
        entry.press(key, now)
        entry.release(key, now + step / 2)
        now += step
    return now


def typed(entry: Entry) -> str:
    return entry.secret().decode()


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        ("2", "a"),
        ("22", "b"),
        ("2222", "2"),
        ("22222", "a"),
        ("23", "ad"),
        ("77777", "7"),
        ("0", " "),
        ("00", "0"),
    ],
)
def test_the_same_key_turns_the_character_over(keys: str, text: str) -> None:
    entry = text_entry()
    tap(entry, keys)
    assert typed(entry) == text


@pytest.mark.parametrize(("pause", "text"), [(0.99, "b"), (1.0, "aa")])
def test_one_second_fixes_the_character(pause: float, text: str) -> None:
    entry = text_entry()
    entry.press("2", 10.0)
    entry.release("2", 10.1)
    entry.press("2", 10.0 + pause)
    assert typed(entry) == text


def test_a_key_that_is_down_does_not_run_out_and_held_types_its_digit() -> None:
    entry = text_entry()
    entry.press("7", 0.0)
    assert entry.view(1.5).line == "p_"
    assert entry.held("7", 2.0) is Outcome.CHANGED
    assert typed(entry) == "7"
    assert entry.held("7", 2.1) is Outcome.NOTHING
    assert entry.release("7", 2.2) is Outcome.NOTHING
    entry.press("7", 2.3)
    assert typed(entry) == "7p"


def test_a_release_after_the_second_masks_the_character() -> None:
    entry = text_entry()
    entry.press("7", 0.0)
    assert entry.release("8", 1.5) is Outcome.NOTHING
    assert entry.release("7", 1.5) is Outcome.CHANGED
    assert entry.view(1.5).line == "*_"


@settings(deadline=None)
@given(st.lists(st.sampled_from(sorted(set(string.printable) - set("\t\n\r\x0b\x0c"))), max_size=12))
def test_every_printable_character_can_be_typed(characters: list[str]) -> None:
    from kiosk.entry.text import _LAYERS

    entry = text_entry()
    now = 0.0
    for character in characters:
        layer, key, turns = next(
            (layer, key, cycle.index(character) + 1)
            for layer, keys in _LAYERS.items()
            if layer != "123"
            for key, cycle in keys.items()
            if character in cycle
        )
        while entry.view(now).layer != layer:
            now = tap(entry, "B" if layer == "!?#" else "A", now)
        now = tap(entry, key * turns, now) + 2.0
    assert typed(entry) == "".join(characters)


def test_the_legend_names_every_symbol() -> None:
    assert set(string.punctuation) <= set("".join(LEGEND))
    assert all(len(row) <= 21 for row in LEGEND)
    entry = text_entry()
    assert entry.view(0).legend == ()
    entry.press("B", 0)
    assert entry.view(0).legend == LEGEND


def test_only_the_last_character_is_visible_and_for_one_second() -> None:
    entry = text_entry()
    tap(entry, "23", 0.0)
    assert entry.view(0.2).line == "*d_"
    assert entry.next_change(0.2) == pytest.approx(1.1)
    assert entry.view(1.2).line == "**_"
    assert entry.next_change(1.2) is None


def test_deleting_shows_no_older_character() -> None:
    entry = text_entry()
    now = tap(entry, "23", 0.0)
    assert entry.press("*", now) is Outcome.CHANGED
    assert entry.view(now).line == "*_"


def test_star_held_deletes_back_to_the_last_space() -> None:
    entry = text_entry()
    now = tap(entry, "2", 0.0) + 2
    now = tap(entry, "0", now) + 2
    now = tap(entry, "234", now) + 2
    assert typed(entry) == "a adg"
    entry.press("*", now)
    assert entry.held("*", now + 1) is Outcome.CHANGED
    assert typed(entry) == "a "
    assert entry.held("*", now + 2) is Outcome.NOTHING
    entry.press("*", now + 3)
    entry.press("*", now + 4)
    assert entry.held("*", now + 5) is Outcome.NOTHING
    assert entry.press("*", now + 6) is Outcome.LEAVE


def test_the_128th_character_can_be_turned_over_and_the_129th_is_refused() -> None:
    entry = text_entry()
    now = 0.0
    for _ in range(128):
        now = tap(entry, "2", now) + 2
    assert entry.view(now).full
    assert entry.press("2", now) is Outcome.NOTHING
    assert entry.held("2", now + 1) is Outcome.NOTHING
    entry.press("*", now + 2)
    now = tap(entry, "333", now + 3)
    assert typed(entry) == "a" * 127 + "f"
    assert entry.press("2", now) is Outcome.NOTHING


def test_a_changes_case_and_b_goes_to_symbols_and_back() -> None:
    entry = text_entry()
    layers = [entry.view(0).layer]
    for key in "AABABB":
        assert entry.press(key, 0) is Outcome.CHANGED
        layers.append(entry.view(0).layer)
    assert layers == ["abc", "ABC", "abc", "!?#", "abc", "!?#", "abc"]
    assert entry.view(0).choices == (("A", "ABC"), ("B", "symbols"), ("C", "digits"), ("D", "hold see"))


def test_a_change_of_case_fixes_the_character() -> None:
    entry = text_entry()
    tap(entry, "2A2")
    assert typed(entry) == "aA"


def test_digits_take_one_press_each_and_have_no_layers() -> None:
    entry = Entry(modes=(Mode.DIGITS,))
    tap(entry, "1122200")
    assert typed(entry) == "1122200"
    assert entry.view(9).choices == (("D", "hold see"),)
    assert [entry.press(key, 9) for key in "ABC"] == [Outcome.NOTHING] * 3
    assert entry.held("2", 10) is Outcome.NOTHING
    assert entry.press("#", 11) is Outcome.DONE


def test_nothing_typed_is_not_finished() -> None:
    assert text_entry().press("#", 0) is Outcome.NOTHING


def test_what_the_keys_can_type_is_known_before_the_try() -> None:
    assert can_type(bytes(range(0x20, 0x7F)))
    assert can_type(b" two  blanks ")
    assert can_type(b"x" * 128)
    assert not can_type(b"x" * 129)
    for other in (b"\t", b"\r", b"\x7f", "\u00f6".encode(), "\u03a9".encode(), b"\xf6"):
        assert not can_type(b"words " + other)
