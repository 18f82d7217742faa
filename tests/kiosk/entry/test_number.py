"""A number as it is typed: every digit counts, and nothing else gets in."""

from hypothesis import given
from hypothesis import strategies as some

from kiosk.entry.buffers import Entries, EntryFinished, EntryLeft, Purpose
from kiosk.entry.number import MAX_DIGITS, NumberEntry
from kiosk.entry.view import Outcome
from kiosk.text.wrap import COLUMNS


def typed(keys: str) -> NumberEntry:
    entry = NumberEntry(("what it is",))
    for key in keys:
        entry.press(key, 0.0)
    return entry


def test_leading_zeros_stay() -> None:
    assert typed("004711").secret() == b"004711"
    assert typed("004711").view(0.0).line == "004711_"


def test_only_the_hash_ends_it_and_not_before_a_digit() -> None:
    entry = typed("")
    assert entry.press("#", 0.0) is Outcome.NOTHING
    assert [entry.press(key, 0.0) for key in "12A"] == [Outcome.CHANGED, Outcome.CHANGED, Outcome.NOTHING]
    assert entry.press("#", 0.0) is Outcome.DONE


def test_a_digit_is_taken_back_and_an_empty_number_is_left() -> None:
    entry = typed("12*")
    assert entry.secret() == b"1"
    assert entry.held("*", 0.0) is Outcome.CHANGED
    assert entry.held("*", 0.0) is Outcome.NOTHING
    assert entry.press("*", 0.0) is Outcome.LEAVE


@given(some.text("0123456789*ABCD", max_size=40))
def test_whatever_is_typed_it_is_at_most_twelve_digits_that_fit(keys: str) -> None:
    entry = typed(keys)
    assert len(entry.secret()) <= MAX_DIGITS
    assert entry.secret().decode().isdigit() or not entry.secret()
    assert len("SEAL " + entry.view(0.0).line) <= COLUMNS


def test_the_buffer_of_a_seal_gives_its_digits_and_is_wiped() -> None:
    entries = Entries(tuple, lambda _text: 0.0)
    entries.start(Purpose.SEAL)
    assert entries.feed("*", 0.0, down=True) == EntryLeft()
    for key in "00471":
        entries.feed(key, 0.0, down=True)
    assert entries.feed("#", 0.0, down=True) == EntryFinished(text="00471")
    entries.wipe()
    assert entries.entry_view(0.0) is None
