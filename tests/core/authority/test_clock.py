"""Which clock an authority believes, and how a wrong one is put right."""

import io
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.authority.authority import Authority
from core.authority.clock import YEARS_AHEAD
from core.errors import ClockBehindError
from core.progress import report_nothing
from core.times import RELEASED, UNTIL
from tests.authorities import BOOT, COST, NOW, Founded, found, refusal
from tests.authority_store import PASSPHRASE
from tests.builders import make_policy, utc

SECOND = timedelta(seconds=1)
SPREAD = timedelta(days=30)
NAMED = utc("2027-08-09T12:00")
"""The next visit that the founded authority names: its lists run out in 180 days."""
LONGEST = NAMED + SPREAD - NOW


@pytest.mark.parametrize(
    ("ahead", "code"),
    [
        (-SECOND, "E-CLOCK-BEHIND"),
        (-timedelta(days=400), "E-CLOCK-BEHIND"),
        (timedelta(), ""),
        (LONGEST, ""),
        (LONGEST + SECOND, "E-CLOCK-LATE"),
        (YEARS_AHEAD, "E-CLOCK-LATE"),
        (YEARS_AHEAD + SECOND, "E-CLOCK-AHEAD"),
        (timedelta(days=3650), "E-CLOCK-AHEAD"),
    ],
)
def test_a_clock_is_believed_from_the_last_entry_to_the_visit_that_was_named_and_its_spread(
    founded: Founded, tmp_path: Path, ahead: timedelta, code: str
) -> None:
    now = NOW + ahead
    with founded.unlock(now) as authority:
        unlocked = authority.unlocked(tmp_path / "config.yaml")
        assert (unlocked.clock, unlocked.last_entry_at) == (code, NOW)
        assert authority.status(now).clock == code
        last = list(authority.entries())[-1]
    assert last.act == "unlock"
    if code:  # what is not believed does not become the journal's time
        assert (last.time, last.detail["clock"]) == (NOW, f"{now:%Y-%m-%dT%H:%M:%SZ}")
    else:
        assert (last.time, "clock" in last.detail) == (now, False)


@pytest.mark.parametrize("alarm_days", [0, 3, 14])
def test_coming_when_told_is_no_alarm(founded: Founded, alarm_days: int) -> None:
    with founded.open() as authority:
        named = authority.status(NOW).next_visit_by
        assert named == NAMED
        authority.believe(named - timedelta(days=alarm_days))  # as next-visit.ics rings


@pytest.mark.parametrize("late", [timedelta(), SECOND])
def test_where_nothing_was_named_a_visit_and_its_spread_are_expected(tmp_path: Path, late: timedelta) -> None:
    empty = found(tmp_path / "state", top_up=False)
    now = NOW + timedelta(days=90 + 30) + late
    with empty.open() as authority:
        if late:
            assert refusal(authority.believe, now) == "E-CLOCK-LATE"
        else:
            authority.believe(now)


def test_a_late_visit_that_was_confirmed_goes_on(founded: Founded) -> None:
    late = NOW + LONGEST + timedelta(days=100)
    with founded.unlock(late) as authority:
        assert refusal(authority.top_up, late, report_nothing) == "E-CLOCK-LATE"
        assert authority.correct_clock(late).issued_after == ()
        authority.top_up(late, report_nothing)


@pytest.mark.parametrize("now", [NOW - SECOND, NOW + LONGEST + SECOND])
def test_under_a_clock_that_is_not_believed_every_act_is_refused(founded: Founded, now: datetime) -> None:
    with founded.open() as authority:
        before = authority.status(NOW)
        signer = authority.certificates()[-1]
        refused = [
            lambda: authority.top_up(now, report_nothing),
            lambda: authority.write_archive("egress", "main-kudo", out, now, report_nothing, public=True),
            lambda: authority.confirm_written("egress", "main-kudo", 1, "PISM-ALL", now),
            lambda: authority.approve_policy(make_policy(), now),
            lambda: authority.change_passphrase(PASSPHRASE, PASSPHRASE, COST, now, BOOT),
            lambda: authority.revoke(signer.id, "superseded", now),
        ]
        out = io.BytesIO()
        code = "E-CLOCK-BEHIND" if now < NOW else "E-CLOCK-LATE"
        assert {refusal(act) for act in refused} == {code}
        assert authority.status(NOW) == before
        assert out.getvalue() == b""


def test_within_a_session_no_act_may_be_dated_before_the_one_before_it(founded: Founded) -> None:
    with founded.unlock(NOW + timedelta(hours=1)) as authority:
        assert refusal(authority.top_up, NOW, report_nothing) == "E-CLOCK-BEHIND"
        stopped = NOW + timedelta(hours=2)
        authority.top_up(stopped, report_nothing)
        authority.approve_policy(make_policy(), stopped + SECOND)
        assert authority.unlocked(founded.state / "config.yaml").clock == ""
        assert refusal(authority.revoke, "x", "superseded", stopped) == "E-CLOCK-BEHIND"


def test_a_corrected_clock_works_again_and_lists_what_was_issued_after_it(
    founded: Founded, tmp_path: Path
) -> None:
    wrong = NOW + timedelta(days=1000)
    with founded.unlock(wrong) as authority:
        assert authority.correct_clock(wrong).issued_after == ()
        known = {item.id for item in authority.certificates()}
        authority.top_up(wrong, report_nothing)
        late = [item.id for item in authority.certificates() if item.id not in known and item.kind != "seal"]
    true = NOW + timedelta(days=1)
    with founded.unlock(true) as authority:
        assert authority.unlocked(tmp_path / "config.yaml").clock == "E-CLOCK-BEHIND"
        assert refusal(authority.top_up, true, report_nothing) == "E-CLOCK-BEHIND"
        corrected = authority.correct_clock(true)
        assert [item.id for item in corrected.issued_after] == late
        assert {item.path for item in corrected.issued_after} == {"roots", "services/mongo"}
        assert authority.unlocked(tmp_path / "config.yaml").clock == ""
        last = list(authority.entries())[-1]
        assert (last.act, last.time) == ("clock", true)
        assert last.detail == {"last": f"{wrong:%Y-%m-%dT%H:%M:%SZ}", "issued_after": len(late)}
        authority.top_up(true, report_nothing)
    with founded.unlock(true + SECOND) as authority:
        assert authority.unlocked(tmp_path / "config.yaml").clock == ""


def test_what_is_revoked_already_is_not_listed_again(founded: Founded) -> None:
    with founded.open() as authority:
        true = NOW - timedelta(days=1)
        listed = authority.correct_clock(true).issued_after
        authority.revoke_all(tuple(item.id for item in listed[:2]), "superseded", true)
        assert authority.correct_clock(true).issued_after == listed[2:]
        authority.revoke_all(tuple(item.id for item in listed[2:]), "superseded", true)
        assert authority.correct_clock(true).issued_after == ()
        assert authority.top_up(true, report_nothing).signers


def test_what_was_revoked_by_a_clock_ahead_does_not_stop_an_export_at_the_true_time(founded: Founded) -> None:
    with founded.open() as authority:
        signer = next(item for item in authority.certificates() if item.kind == "signer")
        authority.correct_clock(NOW + timedelta(days=1000))
        authority.revoke(signer.id, "superseded", NOW + timedelta(days=1000))
        authority.correct_clock(NOW)
        written = authority.write_archive(
            "egress", "main-kudo", io.BytesIO(), NOW, report_nothing, public=False
        )
        assert written.sequence == 1


@pytest.mark.parametrize(
    ("now", "code"),
    [
        (datetime(1970, 1, 1, tzinfo=UTC), "E-CLOCK-BEHIND"),
        (RELEASED - SECOND, "E-CLOCK-BEHIND"),
        (UNTIL, "E-CLOCK-AHEAD"),
    ],
)
def test_refuses_to_found_before_the_release_that_runs(tmp_path: Path, now: datetime, code: str) -> None:
    def found_then() -> None:
        Authority.found(tmp_path / "state", make_policy(), PASSPHRASE, COST, now)

    assert refusal(found_then) == code
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    ("now", "code"),
    [
        (utc("0001-01-01"), "E-CLOCK-BEHIND"),
        (utc("2020-01-01"), "E-CLOCK-BEHIND"),
        (RELEASED - SECOND, "E-CLOCK-BEHIND"),
        (UNTIL, "E-CLOCK-AHEAD"),
        (datetime.max.replace(microsecond=0, tzinfo=UTC), "E-CLOCK-AHEAD"),
    ],
)
def test_a_clock_is_not_corrected_to_what_this_program_cannot_run_at(
    founded: Founded, now: datetime, code: str
) -> None:
    with founded.open() as authority:
        before = list(authority.entries())
        assert refusal(authority.correct_clock, now) == code
        assert list(authority.entries()) == before


def test_the_release_has_the_date_that_the_changelog_gives_it() -> None:
    text = (Path(__file__).parents[3] / "CHANGELOG.md").read_text()
    dates = re.findall(r"^## \[[0-9.]+\] - (\d{4}-\d\d-\d\d)$", text, re.MULTILINE)
    assert not dates or f"{RELEASED:%Y-%m-%d}" == max(dates)
    assert datetime.now(UTC) >= RELEASED


def test_two_times_of_one_minute_are_told_apart(founded: Founded) -> None:
    with founded.unlock(NOW - SECOND) as authority, pytest.raises(ClockBehindError) as refused:
        authority.top_up(NOW - SECOND, report_nothing)
    ours, journals = re.findall(r"\d\d:\d\d:\d\d", str(refused.value))
    assert ours < journals
