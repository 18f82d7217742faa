"""A date as it is typed: grouped, refused at the digit that cannot be, corrected in place."""

from datetime import datetime

from hypothesis import given
from hypothesis import strategies as some

from kiosk.entry.date import DateEntry
from kiosk.entry.view import Outcome
from kiosk.text.dates import parse_date


def typed(keys: str) -> DateEntry:
    entry = DateEntry()
    for key in keys:
        entry.press(key, 0.0)
    return entry


def line(keys: str) -> str:
    return typed(keys).view(0.0).line


def test_a_date_is_grouped_while_it_is_typed() -> None:
    shown = [line("02611231534"[:count]) for count in (0, 1, 3, 4, 5, 6, 7, 8, 9, 11)]
    assert shown == [
        "2_",
        "20_",
        "2026-_",
        "2026-1_",
        "2026-11-_",
        "2026-11-2_",
        "2026-11-23 _",
        "2026-11-23 1_",
        "2026-11-23 15:_",
        "2026-11-23 15:34",
    ]


def test_the_digit_that_is_given_may_be_typed_all_the_same() -> None:
    assert typed("202611231534").secret() == typed("02611231534").secret() == b"202611231534"


def test_a_digit_that_cannot_be_is_refused_where_it_stands() -> None:
    for before, impossible in (
        ("", "2"),
        ("026", "2"),
        ("0261", "3"),
        ("02604", "4"),
        ("026043", "1"),
        ("026022", "9"),
        ("02611232", "4"),
        ("026112315", "6"),
    ):
        entry = typed(before)
        assert entry.press(impossible, 0.0) is Outcome.NOTHING
        assert entry.view(0.0) == typed(before).view(0.0)
    assert typed("0280229").view(0.0).line == "2028-02-29 _", "a leap year"
    assert typed("0").view(0.0).legend[-1] == "Next: 23456789"


def test_the_last_digit_ends_the_entry() -> None:
    entry = typed("0261123153")
    assert entry.press("#", 0.0) is Outcome.NOTHING
    assert entry.press("4", 0.0) is Outcome.DONE
    assert entry.press("#", 0.0) is Outcome.DONE, "as it stands, once it was to be corrected"
    assert entry.press("4", 0.0) is Outcome.NOTHING


def test_digits_are_taken_back_one_by_one_or_all_and_then_it_is_left() -> None:
    entry = typed("026")
    assert [entry.press("*", 0.0) for _ in range(4)] == [Outcome.CHANGED] * 3 + [Outcome.LEAVE]
    entry = typed("0261")
    assert entry.held("*", 0.0) is Outcome.CHANGED
    assert entry.view(0.0) == DateEntry().view(0.0)
    assert entry.held("*", 0.0) is entry.held("5", 0.0) is entry.release("5", 0.0) is Outcome.NOTHING


@given(some.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2199, 12, 31, 23, 59)))  # noqa: DTZ001
def test_every_date_can_be_typed(date: datetime) -> None:
    digits = f"{date:%Y%m%d%H%M}"
    assert typed(digits[1:]).secret().decode() == digits


@given(some.text("0123456789", min_size=30, max_size=60))
def test_whatever_is_typed_is_the_beginning_of_a_date(keys: str) -> None:
    entry = DateEntry()
    for key in keys:
        if entry.press(key, 0.0) is Outcome.DONE:
            break
    digits = entry.secret().decode()
    if len(digits) == 12:
        assert parse_date(digits) is not None
