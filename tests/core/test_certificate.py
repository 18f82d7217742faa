"""What is remembered of a certificate, and what it is at a time."""

from dataclasses import replace

import pytest

from tests.builders import make_certificate, make_root, make_seal_record, utc


@pytest.mark.parametrize(
    ("now", "status"),
    [
        ("2026-12-31T23:59:59", "future"),
        ("2027-01-01", "active"),
        ("2027-03-31T23:59:59", "active"),
        ("2027-04-01", "retired"),
        ("2027-04-30T23:59:59", "retired"),
        ("2027-05-01", "expired"),
    ],
)
def test_it_is_active_from_its_first_instant_until_its_period_ends_then_retired_until_not_after(
    now: str, status: str
) -> None:
    assert make_certificate().status(utc(now)) == status


@pytest.mark.parametrize("now", ["2026-01-01", "2027-02-01", "2030-01-01"])
def test_once_revoked_it_is_nothing_else(now: str) -> None:
    revoked = replace(make_certificate(), revoked_at=utc("2027-02-01"), reason="superseded")
    assert revoked.status(utc(now)) == "revoked"


def test_its_path_is_class_and_target_or_what_it_is() -> None:
    paths = [each.path for each in (make_certificate(), make_root(), make_seal_record())]
    assert paths == ["services/mongo", "roots", "seals"]
