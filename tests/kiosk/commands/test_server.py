"""`pism signer` and `pism server`: the signer of a day out of what was opened, and in its place by itself."""

import json
import os
import signal
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.archives import NOW, Box
from tests.kiosk.command import ENVIRONMENT, ROOT, Ran, run, spawn
from tests.server.makers import NEXT, TARGET, make_quarters, open_into, write_identity

AT = f"{NOW:%Y-%m-%d}"


def signer(folder: Path, *more: str | Path, at: str = AT, target: str = TARGET) -> Ran:
    fixed = ("--identity", folder / "identity", "--from", folder / "out", "--out", folder / "signer")
    return run("signer", target, *fixed, "--at", at, *more)


@pytest.fixture
def box(tmp_path: Path) -> Box:
    box = make_quarters()
    open_into(tmp_path / "out", box)
    write_identity(tmp_path / "identity", box)
    return box


def test_the_signer_of_the_day_is_written_with_its_key_under_a_passphrase(box: Box, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("words of its own\n")
    ran = signer(tmp_path, "--key-passphrase-file", tmp_path / "secret", "--json")
    assert ran.status == 0, ran.err
    said = json.loads(ran.out)
    assert said["id"] == box.of("signer")[0].record.id
    assert said["leaf_lifetime_s"] == 30 * 86400
    command = [
        "openssl",
        "pkey",
        "-in",
        tmp_path / "signer" / "key.pem",
        "-passin",
        f"file:{tmp_path}/secret",
    ]
    subprocess.run([*command, "-noout"], check=True)


def test_another_day_another_signer(box: Box, tmp_path: Path) -> None:
    ran = signer(tmp_path, "--plain-key", at="2027-04-01T00:00:00Z")
    assert ran.status == 0, ran.err
    assert box.of("signer")[1].record.id in ran.out
    assert (tmp_path / "signer" / "key.pem").read_bytes().startswith(b"-----BEGIN PRIVATE KEY-----")


def test_how_the_key_is_kept_must_be_said(box: Box, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("words\n")
    for more in ((), ("--plain-key", "--key-passphrase-file", tmp_path / "secret")):
        assert signer(tmp_path, *more).status == 2
    (tmp_path / "secret").write_text("\n")
    assert signer(tmp_path, "--key-passphrase-file", tmp_path / "secret").code == "E-PASSPHRASE"
    assert not (tmp_path / "signer").exists()


@pytest.mark.parametrize(
    ("at", "target", "code"),
    [
        ("2026-12-31", TARGET, "E-SIGNER-FUTURE"),
        ("2027-07-01", TARGET, "E-SIGNER-RETIRED"),
        ("2027-09-01", TARGET, "E-SIGNER-EXPIRED"),
        (AT, "services/etcd", "E-SIGNER-MISSING"),
        (AT, "etcd", "E-SIGNER-MISSING"),
    ],
)
def test_what_may_not_stand_is_refused(box: Box, tmp_path: Path, at: str, target: str, code: str) -> None:
    ran = signer(tmp_path, "--plain-key", at=at, target=target)
    assert (ran.status, ran.code) == (1, code)
    assert not (tmp_path / "signer").exists()


def test_a_revoked_one_is_refused(box: Box, tmp_path: Path) -> None:
    first = box.manifest_sha256
    box.revoked.add(box.of("signer")[0].record.id)
    box.crl_number += 1
    later = NOW + timedelta(hours=1)
    open_into(tmp_path / "out", box, sequence=2, previous=first, created=later)
    assert signer(tmp_path, "--plain-key").code == "E-SIGNER-REVOKED"
    assert signer(tmp_path, "--plain-key", "--lane", "2").code == "E-SIGNER-MISSING"


class Agent:
    """A server's folder, its commands run as processes on a clock of ours."""

    def __init__(self, folder: Path, box: Box) -> None:
        self.folder, self.box = folder, box
        write_identity(folder / "identity", box)
        (folder / "roots.pem").write_bytes(box.of("root")[0].pem)
        places = f"{{files: {{mongo: {{target: {TARGET}, folder: {folder}/place, plain_key: true}}}}}}"
        (folder / "server.yaml").write_text(
            f"identity: {folder}/identity\ntrust: [{folder}/roots.pem]\nplaces: {places}\n"
        )
        (folder / "first.tar.age").write_bytes(box.make())

    def take(self, *more: str) -> Ran:
        given = more or ("--accept-box", " ".join(self.box.words))
        return self.run("take", self.folder / "first.tar.age", *given)

    def run(self, *arguments: str | Path, when: datetime = NOW) -> Ran:
        fixed = ("--state", self.folder / "state", "--config", self.folder / "server.yaml")
        return spawn("server", *arguments, *fixed, when=f"{when:%Y-%m-%d %H:%M:%S}")


@pytest.fixture
def agent(tmp_path: Path) -> Agent:
    return Agent(tmp_path, make_quarters())


def test_an_archive_is_taken_and_the_signer_of_each_day_stands(agent: Agent) -> None:
    taken = agent.take()
    assert taken.out == "Example Virtual Worlds: egress main-kudo 000001 is taken\n", taken.err
    for when, item in zip((NOW, NEXT), agent.box.of("signer"), strict=True):
        ran = agent.run("run", "--once", when=when)
        assert ran.status == 0, ran.err
        assert item.record.id in ran.out
        assert (agent.folder / "place" / "certificate.pem").read_bytes() == item.pem
    assert agent.run("run", "--once", when=NEXT).out == ""


def test_the_first_box_is_followed_by_its_words_alone(agent: Agent) -> None:
    unasked = agent.run("take", agent.folder / "first.tar.age")
    assert (unasked.status, unasked.code) == (1, "E-ARCHIVE-BOX")
    assert agent.take("--accept-box", "zoo " * 12).code == "E-ARCHIVE-BOX"
    assert agent.take().status == 0


def test_what_is_refused_changes_nothing(agent: Agent) -> None:
    assert agent.take().status == 0
    (agent.folder / "first.tar.age").write_bytes(agent.box.make())  # another one of that number
    refused = agent.take()
    assert (refused.status, refused.code) == (1, "E-ARCHIVE-FORK")
    assert agent.run("run", "--once").status == 0


def test_an_archive_may_be_taken_twice(agent: Agent) -> None:
    assert agent.take().status == 0
    again = agent.take()
    assert (again.status, again.out) == (
        0,
        "Example Virtual Worlds: egress main-kudo 000001 is taken already\n",
    )
    assert agent.run("run", "--once").status == 0


def test_once_fails_where_a_place_refuses_or_nothing_can_be_done(agent: Agent) -> None:
    assert agent.run("run", "--once").code == "E-PLACE"
    assert agent.take().status == 0
    (agent.folder / "place").write_text("in the way")
    ran = agent.run("run", "--once")
    assert (ran.status, ran.code) == (1, "E-PLACE")
    assert "mongo" in ran.err


def test_a_signal_ends_the_agent_at_once_and_in_peace(agent: Agent) -> None:
    assert agent.take().status == 0
    command = [sys.executable, "-m", "kiosk", "server", "run", "--state", agent.folder / "state"]
    command += ["--config", agent.folder / "server.yaml"]
    command = ["faketime", "-f", f"@{NOW:%Y-%m-%d %H:%M:%S}", *command]
    environment = ENVIRONMENT | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        ["setsid", *command], stdout=subprocess.PIPE, cwd=ROOT, env=environment, text=True
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline().startswith("mongo: ")
        os.killpg(running.pid, signal.SIGTERM)
        assert running.stdout.read() == ""
    assert (agent.folder / "place" / "key.pem").exists()


def test_status_is_an_exit_status_too(agent: Agent) -> None:
    assert agent.take().status == 0
    before = agent.run("status")
    assert (before.status, before.out.split(",")[0]) == (2, "critical")
    assert agent.run("run", "--once").status == 0
    well = agent.run("status", "--metrics", agent.folder / "pism.prom", "--json")
    assert (well.status, json.loads(well.out)["level"]) == (0, "ok")
    assert (agent.folder / "pism.prom").read_text().startswith("# HELP pism_status 0 ok")
    later = agent.run("status", when=NEXT)
    assert later.status == 2
    assert "does not stand yet" in later.out
