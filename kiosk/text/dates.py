"""A date typed as twelve digits: yyyymmddhhmm, UTC."""

from datetime import UTC, datetime

DATE_DIGITS = 12


def parse_date(digits: str) -> datetime | None:
    """Return the instant, or None when there is no such date and time, or it is not from 2020 to 2199."""
    try:
        date = datetime.strptime(digits, "%Y%m%d%H%M").replace(tzinfo=UTC)
    except ValueError:
        return None
    return date if len(digits) == DATE_DIGITS and 2020 <= date.year < 2200 else None  # noqa: PLR2004 - the docstring's
