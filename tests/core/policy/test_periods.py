"""Issuing periods lie on the calendar, without a hole, and have the longest length that we plan with."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ConfigValueError
from core.policy.periods import Quantum, lead_days, parse_quantum

MONTHS = (1, 2, 3, 4, 6, *(12 * years for years in range(1, 21)))
quanta = st.sampled_from(MONTHS).map(lambda months: Quantum(months=months))
days = st.dates(min_value=date(1990, 1, 1), max_value=date(2400, 12, 31))


@pytest.mark.parametrize(
    ("years", "months"),
    [
        *((1, 12), (0.5, 6), (0.333, 4), (0.3333, 4), (1 / 3, 4), (0.25, 3), (0.1667, 2), (0.167, 2)),
        *((1 / 6, 2), (0.0833, 1), (0.083, 1), (1 / 12, 1), (2, 24), (5.0, 60), (20, 240)),
    ],
)
def test_quantum_is_a_part_of_a_year_or_whole_years(years: float, months: int) -> None:
    assert parse_quantum(years) == Quantum(months=months)


@pytest.mark.parametrize(
    ("years", "nearest"),
    [
        (0.33, "0.25 or 0.3333"),
        (0.2, "0.1667 or 0.25"),
        (0.75, "0.5 or 1"),
        (0.999, "0.5 or 1"),
        (1.5, "1 or 2"),
        (0, "0.0833"),
        (-1, "0.0833"),
        (21, "20"),
        (5.01, "5 or 6"),
        (float("inf"), "20"),
    ],
)
def test_any_other_quantum_is_refused_with_the_nearest_allowed(years: float, nearest: str) -> None:
    with pytest.raises(ConfigValueError, match=f"nearest allowed is {nearest}, not ") as caught:
        parse_quantum(years)
    assert caught.value.code == "E-CONFIG-VALUE"


@pytest.mark.parametrize(
    ("months", "day", "start", "following", "name"),
    [
        (1, date(2027, 1, 31), date(2027, 1, 1), date(2027, 2, 1), "2027.01"),
        (1, date(2027, 12, 1), date(2027, 12, 1), date(2028, 1, 1), "2027.12"),
        (2, date(2027, 8, 31), date(2027, 7, 1), date(2027, 9, 1), "2027.4"),
        (3, date(2027, 3, 31), date(2027, 1, 1), date(2027, 4, 1), "2027.1"),
        (3, date(2027, 10, 1), date(2027, 10, 1), date(2028, 1, 1), "2027.4"),
        (4, date(2027, 5, 1), date(2027, 5, 1), date(2027, 9, 1), "2027.2"),
        (6, date(2027, 12, 31), date(2027, 7, 1), date(2028, 1, 1), "2027.2"),
        (12, date(2027, 7, 4), date(2027, 1, 1), date(2028, 1, 1), "2027"),
        (24, date(2027, 7, 4), date(2026, 1, 1), date(2028, 1, 1), "2026-2027"),
        (60, date(2027, 7, 4), date(2025, 1, 1), date(2030, 1, 1), "2025-2029"),
        (240, date(2027, 7, 4), date(2020, 1, 1), date(2040, 1, 1), "2020-2039"),
    ],
)
def test_periods_begin_on_the_grid(months: int, day: date, start: date, following: date, name: str) -> None:
    quantum = Quantum(months=months)
    assert (quantum.start_of(day), quantum.next_start(day), quantum.name(day)) == (start, following, name)


@pytest.mark.parametrize(
    ("months", "words"),
    [
        (1, "2027.11 is November 2027"),
        (2, "2027.6 is the sixth two months of 2027"),
        (3, "2027.4 is the fourth quarter of 2027"),
        (4, "2027.3 is the third four months of 2027"),
        (6, "2027.2 is the second half-year of 2027"),
        (12, ""),
        (60, ""),
    ],
)
def test_the_name_of_a_part_of_a_year_is_explained(months: int, words: str) -> None:
    assert Quantum(months=months).explain(date(2027, 11, 30)) == words


@given(quantum=quanta, day=days)
def test_periods_leave_no_hole_and_do_not_overlap(quantum: Quantum, day: date) -> None:
    start, following = quantum.start_of(day), quantum.next_start(day)
    assert start <= day < following
    assert quantum.start_of(following) == following
    assert quantum.next_start(following - timedelta(days=1)) == following
    assert quantum.name(start) == quantum.name(following - timedelta(days=1)) != quantum.name(following)
    assert (following - start).days <= quantum.longest_days


@pytest.mark.parametrize("months", MONTHS)
def test_longest_days_is_reached_and_never_passed(months: int) -> None:
    quantum = Quantum(months=months)
    start = quantum.start_of(date(2000, 1, 1))
    lengths = set()
    while start.year < 2600:
        lengths.add((quantum.next_start(start) - start).days)
        start = quantum.next_start(start)
    assert max(lengths) == quantum.longest_days


@pytest.mark.parametrize(
    ("years", "expected"),
    [(0.5, 183), (5.0, 1830), (1, 366), (0.25, 92), (0.7, 257), (0.3333, 122), (20, 7320)],
)
def test_lead_time_is_rounded_up_to_whole_days(years: float, expected: int) -> None:
    assert lead_days(years) == expected
