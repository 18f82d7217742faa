"""A date typed as twelve digits: yyyymmddhhmm, UTC, from 2020 to 2199."""

from calendar import monthrange
from datetime import UTC, datetime
from typing import Final

DATE_DIGITS: Final = 12
_YEARS: Final = range(2020, 2200)
_PICTURE: Final = "yyyy-mm-dd hh:mm"


def parse_date(digits: str) -> datetime | None:
    """Return the instant, or None when there is no such date and time."""
    try:
        date = datetime.strptime(digits, "%Y%m%d%H%M").replace(tzinfo=UTC)
    except ValueError:
        return None
    return date if len(digits) == DATE_DIGITS and date.year in _YEARS else None


def can_begin_date(digits: str) -> bool:
    """Tell whether there is a date that begins with these digits."""
    year, month, day, hour, minute = (digits[:4], *(digits[at : at + 2] for at in range(4, DATE_DIGITS, 2)))
    if len(digits) > DATE_DIGITS or not any(f"{one}".startswith(year) for one in _YEARS):
        return False
    if not day:
        return _begins(month, range(1, 13))
    days = range(1, monthrange(int(year), int(month))[1] + 1)
    return _begins(day, days) and _begins(hour, range(24)) and _begins(minute, range(60))


def _begins(digits: str, numbers: range) -> bool:
    """Tell whether one of the numbers, as two digits, begins with these."""
    return any(f"{number:02}".startswith(digits) for number in numbers)


def group_date(digits: str) -> str:
    """Return the digits as they are read: "2026-11-2", "2026-11-23 15:34"."""
    left = iter(digits)
    shown = []
    for place in _PICTURE:
        character = next(left, "") if place.isalpha() else place
        if not character:
            break
        shown.append(character)
    return "".join(shown)
