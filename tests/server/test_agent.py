"""The agent on a clock of ours: archives taken, places kept, faults told and outlived."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from core.errors import CaError, FileError
from server.agent import do_turn, hold_state, run, take_archive
from server.settings import Settings, read_settings
from server.standing import load_memory
from tests.archives import NOW, Box, day
from tests.authorities import snapshot
from tests.core.killpoints import sweep
from tests.server.makers import LAST, NEXT, TARGET, make_quarters, write_identity

HOUR = timedelta(hours=1)
KILLS = 40


class Server:
    """A server with one place of files, its clock and what its agent said."""

    def __init__(self, folder: Path, box: Box, more: str = "") -> None:
        self.folder, self.box, self.state = folder, box, folder / "state"
        self.place = folder / "place"
        self.said: list[str] = []
        self.sequence = 0
        self.previous: str | None = None
        write_identity(folder / "identity", box)
        self.write_settings(more)

    def write_settings(self, more: str = "") -> None:
        place = f"{{target: {TARGET}, folder: {self.place}, plain_key: true{more}}}"
        text = f"identity: {self.folder}/identity\nplaces: {{files: {{mongo: {place}}}}}\n"
        (self.folder / "server.yaml").write_text(text)

    @property
    def settings(self) -> Settings:
        return read_settings(self.folder / "server.yaml")

    def take(self, now: datetime = NOW, **options: object) -> None:
        archive = self.folder / "archive.tar.age"
        given = {"sequence": self.sequence + 1, "previous": self.previous, "created": now} | options
        archive.write_bytes(self.box.make(**given))  # type: ignore[arg-type]
        take_archive(self.state, archive, [self.box.identity], (), now, accept_box=self.box.words)
        self.sequence, self.previous = self.sequence + 1, self.box.manifest_sha256

    def turn(self, now: datetime) -> datetime:
        return do_turn(self.state, self.settings, now, self.said.append)

    def stands(self) -> int | None:
        """Return which of the box's signers stands, from 0; None if none does."""
        if not (self.place / "certificate.pem").exists():
            assert not (self.place / "key.pem").exists()
            return None
        found = x509.load_pem_x509_certificate((self.place / "certificate.pem").read_bytes())
        return [item.x509 for item in self.box.of("signer")].index(found)


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path, make_quarters())


def test_the_signer_changes_by_the_calendar_without_another_archive(server: Server) -> None:
    server.take()
    seen = []
    for now in (NOW, NEXT - HOUR, NEXT, LAST - HOUR, LAST):
        server.turn(now)
        seen.append(server.stands())
    assert seen == [0, 0, 1, 1, None]
    assert [line.split(",")[0] for line in server.said][-1] == "mongo: no signer may stand"
    assert (server.place / "trust.pem").exists()


def test_the_loop_wakes_at_the_very_switch_and_ends_when_told(server: Server) -> None:
    server.take()
    clock = NEXT - timedelta(seconds=70)
    waits: list[float] = []

    def wait(seconds: float) -> bool:
        nonlocal clock
        waits.append(seconds)
        clock += timedelta(seconds=seconds)
        return len(waits) == 4

    run(server.state, lambda: server.settings, now=lambda: clock, wait=wait, say=server.said.append)
    assert waits == [30, 30, 10, 30]
    assert server.stands() == 1


def test_sleep_over_the_switch_is_made_up_for_at_once(server: Server) -> None:
    server.take()
    server.turn(NOW)
    server.turn(NEXT + 30 * 24 * HOUR)
    assert server.stands() == 1


def test_a_revoked_one_leaves_with_the_archive_that_says_so(server: Server) -> None:
    server.take()
    server.turn(NOW)
    server.box.revoked.add(server.box.of("signer")[0].record.id)
    server.box.crl_number += 1
    server.take(NOW + HOUR)
    server.turn(NOW + HOUR)
    assert server.stands() is None
    server.box.add("signer", tail=30)
    server.take(NOW + 2 * HOUR)
    server.turn(NOW + 2 * HOUR)
    assert server.stands() == 2


def test_only_the_newest_archives_stay(server: Server) -> None:
    for hours in range(3):
        server.take(NOW + hours * HOUR)
    kept = [path.name for path in (server.state / "opened").iterdir() if path.name.startswith("main-kudo")]
    assert [name[:16] for name in kept] == ["main-kudo-000003"]
    server.turn(NOW + 3 * HOUR)
    assert server.stands() == 0


def test_a_rollback_or_a_foreign_box_is_refused_and_the_places_stay(server: Server, tmp_path: Path) -> None:
    server.take()
    old = (tmp_path / "archive.tar.age").read_bytes()
    server.take()
    server.turn(NOW)
    foreign = make_quarters().make(recipients=(server.box.identity.to_public(),))  # type: ignore[attr-defined]
    for data, code in ((old, "E-ARCHIVE-ROLLBACK"), (foreign, "E-ARCHIVE-TRUST")):
        (tmp_path / "other.tar.age").write_bytes(data)
        with pytest.raises(CaError) as caught:
            take_archive(server.state, tmp_path / "other.tar.age", [server.box.identity], (), NOW + HOUR)
        assert caught.value.code == code
        server.turn(NOW + HOUR)
        assert server.stands() == 0


def test_an_archive_that_is_taken_already_changes_nothing(server: Server, tmp_path: Path) -> None:
    server.take()
    server.turn(NOW)
    before = snapshot(server.state)
    archive = tmp_path / "archive.tar.age"
    received = take_archive(server.state, archive, [server.box.identity], (), NOW + HOUR)
    assert received.was_open
    assert snapshot(server.state) == before
    assert server.stands() == 0


@pytest.mark.parametrize(("wrong", "code"), [(day(2020), "E-CLOCK-BEHIND"), (day(2031), "E-CLOCK-AHEAD")])
def test_a_wrong_clock_switches_nothing_and_says_so_once(server: Server, wrong: datetime, code: str) -> None:
    server.take()
    server.turn(NOW)
    before = len(server.said)
    for _ in range(3):
        server.turn(wrong)
    assert server.stands() == 0
    assert [code in line for line in server.said[before:]] == [True]
    refusal = load_memory(server.state).refusal
    assert refusal is not None
    assert refusal.code == code
    server.turn(NEXT)
    assert server.stands() == 1
    assert load_memory(server.state).refusal is None


def test_a_hook_is_told_of_each_change_and_of_nothing_else(server: Server) -> None:
    script = server.folder / "hook"
    script.write_text(
        f'#!/bin/sh\necho "$PISM_PLACE $PISM_PERIOD $PISM_LEAF_SECONDS" >>{server.folder}/log\n'
    )
    script.chmod(0o700)
    server.write_settings(f", hook: [{script}]")
    server.take()
    for now in (NOW, NOW + HOUR, NEXT, NEXT + HOUR):
        server.turn(now)
    assert (server.folder / "log").read_text() == "mongo 2027.1 2592000\n" * 2


def test_a_failing_hook_is_told_once_tried_again_and_forgotten_when_it_works(server: Server) -> None:
    flag = server.folder / "works"
    server.write_settings(f", hook: [sh, -c, 'test -e {flag} || {{ echo engine is down >&2; exit 7; }}']")
    server.take()
    for minutes in range(4):
        server.turn(NOW + timedelta(minutes=minutes))
    assert server.said == ["mongo: refused, E-PLACE: the hook of mongo ended with status 7: engine is down"]
    refusal = load_memory(server.state).of("mongo").refusal
    assert refusal is not None
    assert (refusal.tries, refusal.since) == (3, NOW)
    flag.touch()
    server.turn(NOW + HOUR)
    assert load_memory(server.state).of("mongo").refusal is None
    assert server.stands() == 0


def test_a_hook_that_cannot_be_run_is_refused(server: Server) -> None:
    server.write_settings(", hook: [/missing/program]")
    server.take()
    server.turn(NOW)
    assert server.said == [
        "mongo: refused, E-PLACE: the hook of mongo cannot be run: No such file or directory"
    ]


def test_a_place_that_refuses_keeps_no_other_one_waiting(server: Server) -> None:
    text = (server.folder / "server.yaml").read_text()
    other = f"{{aaa: {{target: {TARGET}, folder: {server.folder}/no/where, plain_key: true}}, mongo:"
    (server.folder / "server.yaml").write_text(text.replace("{mongo:", other))
    server.take()
    server.turn(NOW)
    assert server.stands() == 0
    assert server.said[0].startswith("aaa: refused, E-FILE")


def test_a_settings_file_that_breaks_is_said_and_the_places_stay(server: Server) -> None:
    server.take()
    turns = iter(["places: [", "places: [", ""])
    good = (server.folder / "server.yaml").read_text()

    def wait(_seconds: float) -> bool:
        try:
            broken = next(turns)
        except StopIteration:
            return True
        (server.folder / "server.yaml").write_text(broken or good)
        return False

    run(server.state, lambda: server.settings, now=lambda: NOW, wait=wait, say=server.said.append)
    assert sum("E-CONFIG-SYNTAX" in line for line in server.said) == 1
    assert server.stands() == 0


def test_before_the_first_archive_it_waits(server: Server) -> None:
    run(server.state, lambda: server.settings, now=lambda: NOW, wait=lambda _: True, say=server.said.append)
    assert server.said == [
        f"nothing is switched: E-SIGNER-MISSING: no egress archive was opened into {server.state}/opened"
    ]
    server.take()
    server.turn(NOW)
    assert server.stands() == 0


def test_one_agent_at_a_time_in_a_closed_folder(server: Server) -> None:
    server.take()
    with (
        hold_state(server.state),
        pytest.raises(FileError, match="another agent"),
        hold_state(server.state),
    ):
        pass
    server.state.chmod(0o750)
    with pytest.raises(FileError, match="0700"), hold_state(server.state):
        pass


def test_what_was_remembered_and_damaged_is_refused_with_the_way_out(server: Server) -> None:
    server.take()
    (server.state / "standing.json").write_text("{}x")
    with pytest.raises(FileError, match="remove it"):
        server.turn(NOW)


def test_no_key_is_read_where_nothing_is_due(server: Server) -> None:
    server.take()
    server.turn(NOW)
    (server.folder / "identity").unlink()
    server.turn(NOW + HOUR)
    assert server.stands() == 0
    server.turn(NEXT)
    assert server.said[-1].startswith("mongo: refused, E-FILE")
    assert server.stands() == 0


def test_keys_are_nowhere_in_what_is_said_or_remembered(server: Server) -> None:
    server.take()
    server.turn(NOW)
    told = "".join(server.said) + (server.state / "standing.json").read_text()
    assert "KEY" not in told
    assert all(secret not in told for secret in server.box.passphrases.values())


def test_the_folder_for_a_web_server_follows_the_archives(server: Server) -> None:
    text = (server.folder / "server.yaml").read_text()
    (server.folder / "server.yaml").write_text(f"{text}public: {server.folder}/no/where\n")
    server.take()
    for _ in range(2):
        server.turn(NOW)
    assert [line.split(":")[0] for line in server.said] == ["mongo", "public"]
    (server.folder / "no").mkdir()
    server.turn(NOW)
    list_ = server.folder / "no" / "where" / f"{server.box.of('root')[0].record.id}.crl"
    before = list_.read_bytes()
    server.box.crl_number += 1
    server.take(NOW + HOUR)
    server.turn(NOW + HOUR)
    assert list_.read_bytes() != before


CHILD = """\
import sys
from pathlib import Path
from tests.server.test_agent import take_and_turn
take_and_turn(Path(sys.argv[1]))
"""


def take_and_turn(folder: Path) -> None:
    """What a killed agent was about: another archive is taken, the second quarter's signer put in place."""
    settings = read_settings(folder / "server.yaml")
    identities = settings.read_identities()
    take_archive(folder / "state", folder / "second.tar.age", identities, (), NOW + HOUR)
    do_turn(folder / "state", settings, NEXT, lambda _: None)


def test_a_kill_at_any_step_is_made_good_by_the_next_start(tmp_path: Path) -> None:
    box = make_quarters()
    made: list[Server] = []

    def setup() -> Path:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        server = Server(folder, box)
        made.append(server)
        script = folder / "hook"
        script.write_text(f'#!/bin/sh\necho "$PISM_SIGNER" >{folder}/told\n')
        script.chmod(0o700)
        server.write_settings(f", hook: [{script}]")
        server.take()
        server.turn(NOW)
        second = box.make(sequence=2, previous=server.previous, created=NOW + HOUR)
        (folder / "second.tar.age").write_bytes(second)
        return folder

    def check(folder: Path) -> str:
        server = next(server for server in made if server.folder == folder)
        found = server.stands()
        take_archive(server.state, folder / "second.tar.age", [box.identity], (), NOW + HOUR)
        server.turn(NEXT)
        assert server.stands() == 1
        assert (folder / "told").read_text() == f"{box.of('signer')[1].record.id}\n"
        assert load_memory(server.state).of("mongo").refusal is None
        server.turn(NEXT + HOUR)
        kept = [
            path.name for path in (server.state / "opened").iterdir() if path.name.startswith(("main", "."))
        ]
        assert [name[:16] for name in kept] == ["main-kudo-000002"]
        return f"{found}"

    found = sweep(setup, lambda folder: ["-c", CHILD, str(folder)], check, KILLS)
    assert set(found) == {"0", "1"}
