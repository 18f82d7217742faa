"""How times are written."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.times import format_time, format_time_compact, parse_time
from tests.builders import utc


def test_a_time_is_written_in_utc_to_the_second() -> None:
    assert format_time(utc("2027-02-01T09:08:07")) == "2027-02-01T09:08:07Z"
    assert format_time_compact(utc("2027-02-01T09:08:07")) == "20270201T090807Z"


@given(st.datetimes(min_value=datetime(1, 1, 1), max_value=datetime(9999, 12, 31)))  # noqa: DTZ001 - hypothesis wants these
def test_what_was_written_is_read(time: datetime) -> None:
    whole = time.replace(microsecond=0, tzinfo=UTC)
    assert parse_time(format_time(whole)) == whole


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "2027-02-01",
            "2027-02-01T09:08:07",
            "2027-02-01T09:08:07+01:00",
            "20270201T090807Z",
            "2027-13-01",
        ),
        *(
            "2027-02-01T09:08:07.000Z",
            "2027-02-01 09:08:07Z",
            "2027-2-1T09:08:07Z",
            "2027-02-01T09:08:07+00:00",
        ),
    ],
)
def test_another_form_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"does not match|Invalid isoformat|month must be"):
        parse_time(text)
