"""How a server stands: what hurts now, what will, and the three forms of saying it."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from core.errors import CaError
from server.agent import OPENED, take_archive
from server.opened import read_opened
from server.standing import load_memory, load_refused
from server.status import Status, describe, encode_json, encode_metrics, make_status
from tests.archives import NOW
from tests.server.makers import LAST, NEXT, make_quarters
from tests.server.test_agent import HOUR, Server

DAY = 24 * HOUR
WELL = NOW + 5 * DAY


@pytest.fixture
def server(tmp_path: Path) -> Server:
    server = Server(tmp_path, make_quarters())
    server.take(head={"next_visit_by": NOW + 60 * DAY})
    server.turn(NOW)
    return server


def status_at(server: Server, now: datetime, *, turn: bool = True) -> Status:
    if turn:
        server.turn(now)
    opened = read_opened(server.state / OPENED)
    return make_status(server.settings, opened, load_memory(server.state), load_refused(server.state), now)


def troubles(status: Status) -> str:
    return "\n".join(f"{trouble.level}: {trouble.text}" for trouble in status.troubles)


def test_all_is_well_and_says_for_how_long(server: Server) -> None:
    status = status_at(server, WELL)
    assert (status.level, status.troubles) == ("ok", ())
    (place,) = status.places
    assert (place.period, place.issue_until, place.next_switch, place.covered_until) == (
        "2027.1",
        NEXT,
        NEXT,
        LAST,
    )
    days = (NEXT - WELL).days
    assert list(describe(status)) == [
        f"ok, {WELL:%Y-%m-%dT%H:%M:%SZ}",
        f"mongo: services/mongo lane 1: 2027.1 stands for {days} more days; covered until 2027-07-01",
        f"main-kudo 000001: 5 days old; next visit by {NOW + 60 * DAY:%Y-%m-%d}",
        f"list 1 of root 2027.1: until {NOW + 90 * DAY:%Y-%m-%d}",
    ]


@pytest.mark.parametrize(
    ("now", "level", "says"),
    [
        (NOW + 61 * DAY, "warning", "the list of root 2027.1 runs out"),
        (NOW + 61 * DAY, "warning", "the visit to the box is late"),
        (NOW + 91 * DAY, "critical", "the list of root 2027.1 runs out"),
        (LAST - 29 * DAY, "warning", "mongo: signers end on 2027-07-01T00:00:00Z: visit the box before"),
        (LAST, "critical", "mongo: no signer may stand: E-SIGNER-RETIRED"),
    ],
)
def test_what_will_hurt_warns_and_what_hurts_is_critical(
    server: Server, now: datetime, level: str, says: str
) -> None:
    status = status_at(server, now)
    assert f"{level}: {says}" in troubles(status)
    assert status.level in (level, "critical")


def test_cover_that_ends_before_the_next_visit_warns_at_once(tmp_path: Path) -> None:
    server = Server(tmp_path, make_quarters())
    server.take(head={"next_visit_by": LAST + DAY})
    assert "warning: mongo: signers end" in troubles(status_at(server, NOW))


def test_a_refused_archive_is_told_until_one_is_taken(server: Server) -> None:
    archive = server.folder / "archive.tar.age"
    archive.write_bytes(server.box.make(sequence=server.sequence, created=WELL))  # another one of its number
    with pytest.raises(CaError):
        take_archive(server.state, archive, [server.box.identity], (), WELL)
    status = status_at(server, WELL)
    assert "warning: an archive was refused: E-ARCHIVE-FORK" in troubles(status)
    assert status.troubles[0].since == WELL
    server.take(WELL, head={"next_visit_by": NOW + 60 * DAY})
    assert status_at(server, WELL + HOUR).level == "ok"


def test_a_place_that_refuses_is_critical_since_its_first_no(server: Server) -> None:
    server.write_settings(", hook: [/missing/program]")
    server.turn(WELL)
    status = status_at(server, WELL + HOUR)
    assert status.level == "critical"
    assert "critical: mongo refuses: E-PLACE: the hook of mongo cannot be run" in troubles(status)
    assert status.troubles[0].since == WELL


def test_an_agent_that_does_not_run_is_told(server: Server) -> None:
    status = status_at(server, NOW + 3 * DAY, turn=False)
    assert "warning: the agent does not run" in troubles(status)
    late = status_at(server, NEXT + DAY, turn=False)
    assert "critical: mongo: 2027.1 does not stand yet" in troubles(late)


def test_a_wrong_clock_is_critical(server: Server) -> None:
    server.turn(NOW - 400 * DAY)
    assert "critical: nothing is switched: E-CLOCK-BEHIND" in troubles(status_at(server, WELL, turn=False))


def test_a_folder_for_a_web_server_that_refuses_warns(server: Server) -> None:
    text = (server.folder / "server.yaml").read_text()
    (server.folder / "server.yaml").write_text(f"{text}public: {server.folder}/no/where\n")
    assert "the folder for a web server is not up to date" in troubles(status_at(server, WELL))


def test_a_place_without_a_lane_is_told(server: Server) -> None:
    server.write_settings(", lane: 7")
    status = status_at(server, WELL)
    assert "no signer may stand: E-SIGNER-MISSING" in troubles(status)
    assert status.places[0].lane is None
    assert any("nobody stands" in line for line in describe(status))


def test_json_and_metrics_say_the_same(server: Server) -> None:
    status = status_at(server, WELL)
    read: dict[str, Any] = json.loads(encode_json(status))
    assert read["level"] == "ok"
    assert read["places"][0]["covered_until"] == "2027-07-01T00:00:00Z"
    metrics = encode_metrics(status).decode()
    assert "\npism_status 0\n" in f"\n{metrics}"
    assert f'pism_place_covered_until_seconds{{place="mongo"}} {LAST.timestamp():.0f}\n' in metrics
    assert 'pism_place_stands{place="mongo"} 1\n' in metrics
    samples = [line for line in metrics.splitlines() if not line.startswith("#")]
    assert all(len(line.split(" ")) == 2 for line in samples)
    assert timedelta(seconds=float(samples[1].split(" ")[1])) == WELL - datetime.fromtimestamp(0, WELL.tzinfo)
