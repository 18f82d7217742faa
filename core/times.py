"""How times are written: UTC, whole seconds, always ending in Z; RFC 3339 wherever there is room.

And between which two this program can run.
"""

from datetime import UTC, datetime
from typing import Final

RELEASED: Final = datetime(2026, 11, 23, tzinfo=UTC)
"""When this release was made; CHANGELOG.md's newest date, once there is one."""

UNTIL: Final = datetime(2200, 1, 1, tzinfo=UTC)
"""No clock is set to then or later: what would be planned from there could leave the calendar."""


def format_time(time: datetime) -> str:
    """Return the text of a time.

    Args:
        time: Aware UTC, whole seconds.
    """
    # not strftime, whose %Y has fewer than four digits before the year 1000
    return time.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def format_time_compact(time: datetime) -> str:
    """Return the text of a time for the name of a file, and for a calendar (RFC 5545 3.3.5).

    Args:
        time: Aware UTC, whole seconds.
    """
    return format_time(time).replace("-", "").replace(":", "")


def parse_time(text: str) -> datetime:
    """Return the time of a text, aware UTC.

    Args:
        text: As `format_time` writes it.

    Raises:
        ValueError: It is not.
    """
    time = datetime.fromisoformat(text)  # a tenth of what strptime takes; it reads other forms, too
    if format_time(time) != text:
        raise ValueError(f"{text!r} does not match YYYY-MM-DDTHH:MM:SSZ")
    return time
