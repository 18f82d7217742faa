"""Issuing periods on the calendar: which day a period begins, the day the next one does, and its name.

Rules (design 3):
    1. A quantum is 1/n year, n in 1, 2, 3, 4, 6, 12, or a whole number of years up to 20.
    2. Periods of up to a year begin on month firsts, counted from January; longer ones in years that the
       quantum divides.
    3. A lead time of years is a number of days, rounded up so that it never falls short in a leap year.

Pure: days in, days out. It knows no certificate and no clock.
"""

import math
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Final

from core.errors import ConfigValueError

MONTHS_A_YEAR: Final = 12
MAX_YEARS: Final = 20
DAYS_A_YEAR: Final = 366
_PARTS: Final = (12, 6, 4, 3, 2)  # a year is cut into so many periods
_PART_TOLERANCE: Final = 0.005  # 0.333 is a third of a year, 0.33 is not
_LEAP_YEAR: Final = 2000
_PART_NAMES: Final = {2: "two months", 3: "quarter", 4: "four months", 6: "half-year"}
_ORDINALS: Final = ("first", "second", "third", "fourth", "fifth", "sixth")
_ALLOWED: Final = tuple(
    sorted({round(1 / part, 4) for part in _PARTS} | {float(years) for years in range(1, MAX_YEARS + 1)})
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantum:
    """The length of an issuing period and the grid that it lies on.

    Args:
        months: 1, 2, 3, 4 or 6, or 12 times a whole number of years up to 20.
    """

    months: int

    @property
    def years(self) -> int:
        """Whole years of a period; 0 where a period is shorter than a year."""
        return self.months // MONTHS_A_YEAR

    @property
    def longest_days(self) -> int:
        """Days of the longest period on this grid."""
        return _longest_days(self)

    def start_of(self, day: date) -> date:
        """Return the first day of the period that holds `day`."""
        if self.years:
            return date(day.year - day.year % self.years, 1, 1)
        return date(day.year, day.month - (day.month - 1) % self.months, 1)

    def next_start(self, day: date) -> date:
        """Return the first day of the period after the one that holds `day`."""
        start = self.start_of(day)
        years, month = divmod(start.month - 1 + self.months, MONTHS_A_YEAR)
        return date(start.year + years, month + 1, 1)

    def name(self, day: date) -> str:
        """Return the name of the period that holds `day`: 2027.01, 2027.1, 2027 or 2025-2029."""
        start = self.start_of(day)
        if self.years > 1:
            return f"{start.year}-{start.year + self.years - 1}"
        if self.years:
            return str(start.year)
        place = (start.month - 1) // self.months + 1
        return f"{start.year}.{place:02}" if self.months == 1 else f"{start.year}.{place}"

    def explain(self, day: date) -> str:
        """Return what the name of the period that holds `day` means; "" for whole years."""
        if self.years:
            return ""
        start = self.start_of(day)
        if self.months == 1:
            return f"{self.name(day)} is {start:%B} {start.year}"
        which = _ORDINALS[(start.month - 1) // self.months]
        return f"{self.name(day)} is the {which} {_PART_NAMES[self.months]} of {start.year}"


@cache
def _longest_days(quantum: Quantum) -> int:
    """Return the days of the longest period; kept, since choosing each signer's issuer asks for it."""
    if quantum.years:
        # Starts are multiples of the quantum, so one of them has as many leap years as ever fit.
        return 365 * quantum.years + math.ceil(quantum.years / 4)
    starts = [date(_LEAP_YEAR, month, 1) for month in range(1, MONTHS_A_YEAR + 1, quantum.months)]
    return max((quantum.next_start(start) - start).days for start in starts)


def parse_quantum(years: float) -> Quantum:
    """Return the quantum of so many years.

    Args:
        years: 1/n for n in 1, 2, 3, 4, 6, 12, within 0.5 %, or a whole number from 1 to 20.

    Raises:
        ConfigValueError: Any other number; the text names the nearest allowed ones (E-CONFIG-VALUE).
    """
    if years in range(1, MAX_YEARS + 1):
        return Quantum(months=MONTHS_A_YEAR * int(years))
    for part in _PARTS:
        if abs(years * part - 1) <= _PART_TOLERANCE:
            return Quantum(months=MONTHS_A_YEAR // part)
    raise ConfigValueError(f"must be 1/n of a year or whole years; {_nearest(years)}, not {years:g}")


def _nearest(years: float) -> str:
    """Return the allowed quanta on both sides of `years`, for an error's text."""
    below = [f"{value:g}" for value in _ALLOWED if value < years][-1:]
    above = [f"{value:g}" for value in _ALLOWED if value > years][:1]
    return "the nearest allowed is " + " or ".join(below + above)


def lead_days(lead_time: float) -> int:
    """Return the days of a lead time given in years, 366 to a year, rounded up."""
    # The inner rounding keeps a product such as 366 * 0.7 from growing a day by its last binary digit.
    return math.ceil(round(DAYS_A_YEAR * lead_time, 6))
