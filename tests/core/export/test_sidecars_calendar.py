import re
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.export.sidecars import AHEAD_DAYS, make_calendar, visit_day
from core.policy.settings import AuthorityName
from tests.authority_store import INCARNATION, make_written
from tests.builders import make_policy, make_root, utc

NOW = utc("2027-01-15T10:00")


def make_lines(name: str = "Example", **head: object) -> list[str]:
    """Return the unfolded lines of a calendar, after the rules of RFC 5545 3.1 were checked."""
    authority = AuthorityName(name=name, id="c5ce9b8a-3cf1-4b50-b62c-7979d7d0edd7", domain="worlds.example")
    data = make_calendar(make_written(make_policy(authority=authority), [make_root()], NOW, head=head))
    assert data.endswith(b"\r\n")
    assert b"\n" not in data.replace(b"\r\n", b"")
    lines = data.removesuffix(b"\r\n").split(b"\r\n")
    assert all(len(line) <= 75 for line in lines)
    assert all(line.decode() for line in lines)  # no character is cut in two
    return data.removesuffix(b"\r\n").replace(b"\r\n ", b"").decode().split("\r\n")


def test_the_event_is_a_whole_day_two_weeks_before_the_last_which_its_text_names() -> None:
    lines = make_lines(next_visit_by=utc("2027-04-01T08:30"))
    assert "DTSTART;VALUE=DATE:20270318" in lines
    assert "DTEND;VALUE=DATE:20270319" in lines
    assert "SUMMARY:Visit the PiSM box by 2027-04-01: Example" in lines
    (text,) = (line for line in lines if line.startswith("DESCRIPTION:Put in"))
    assert "2027-04-01 08:30 UTC at the latest" in text
    assert "DTSTAMP:20270115T100000Z" in lines
    assert f"UID:next-visit-{INCARNATION}@worlds.example" in lines


@given(made=st.dates(date(2026, 1, 1), date(2099, 1, 1)), days=st.integers(0, 400))
def test_the_event_is_never_after_the_last_day_nor_before_the_archive(made: date, days: int) -> None:
    last = made + timedelta(days=days)
    day = visit_day(made, last)
    assert made <= day <= last
    assert (last - day).days == min(days, AHEAD_DAYS) or day == made + timedelta(days=1)


def test_every_component_begins_and_ends() -> None:
    lines = make_lines()
    assert lines[0] == "BEGIN:VCALENDAR"
    assert lines[1] == "VERSION:2.0"
    assert lines[-1] == "END:VCALENDAR"
    for part in ("VCALENDAR", "VEVENT", "VALARM"):
        assert lines.count(f"BEGIN:{part}") == lines.count(f"END:{part}") > 0
    assert "TRIGGER:-P7D" in lines
    assert "TRIGGER:PT9H" in lines


def test_a_later_calendar_replaces_the_earlier_one() -> None:
    sequence = [
        int(re.findall(r"^SEQUENCE:(\d+)$", "\n".join(make_lines(created=created)), re.MULTILINE)[0])
        for created in (NOW, utc("2027-01-15T10:01"))
    ]
    assert sequence[0] < sequence[1] < 2**31


@pytest.mark.parametrize(
    ("name", "escaped"),
    [
        ("A, B; C\\D", "A\\, B\\; C\\\\D"),
        ("Ü" * 60, "Ü" * 60),
        ("\U0001f512" * 40, "\U0001f512" * 40),
    ],
)
def test_names_are_escaped_and_folded_between_characters(name: str, escaped: str) -> None:
    assert f"SUMMARY:Visit the PiSM box by 2027-04-01: {escaped}" in make_lines(
        name, next_visit_by=utc("2027-04-01")
    )


def test_a_name_with_a_line_of_its_own_gets_no_calendar() -> None:
    with pytest.raises(ValueError, match="cannot be seen"):
        make_lines("line\r\nBEGIN:VALARM")
