"""`pism requests`: what is shown, who is asked, what is signed, and what programs are told."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from core.crypto.keys import make_key
from tests.kiosk.command import ENVIRONMENT, ROOT, at, lay, run
from tests.kiosk.live import PASSPHRASE
from tests.signing_requests import make_request, make_with_openssl


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = lay(tmp_path, topped_up=True, own_key=True)
    (place / "requests").mkdir()
    return place


def put(folder: Path, name: str = "services.gate.csr", data: bytes | None = None) -> Path:
    path = folder / "requests" / name
    path.write_bytes(make_request() if data is None else data)
    return path


def test_a_folder_of_requests_is_shown_signed_and_exported(folder: Path) -> None:
    data = make_with_openssl(folder, "ed25519")
    put(folder, data=data)
    (folder / "requests" / "Thumbs.db").write_text("no request")
    (folder / "requests" / "._services.gate.csr").write_bytes(b"what some systems leave")
    ran = at(folder, "requests", folder / "requests", "--yes")
    assert ran.status == 0
    assert "services.gate.csr: services/gate\n    subject  CN=gate 7,O=Visitors & Sons\n" in ran.err
    assert "services/gate lane 1" in ran.out
    assert ran.out.endswith("signed 1 of 1 request; next: export\n")
    exported = json.loads(at(folder, "export", "main-kudo", "--to", folder / "out", "--json").out)
    assert exported["sequence"] == 1
    assert "services/gate waits for 1 signing requests" in at(folder, "status").out


def test_a_plan_says_what_waits_for_requests(folder: Path) -> None:
    plan = ("plan", "--config", folder / "config.yaml", "--at", "2027-02-01")
    assert "     2  services/gate  when signing requests for them come\n" in run(*plan).out
    assert json.loads(run(*plan, "--json").out)["requests"] == {"services/gate": 2}


def test_programs_are_told_everything(folder: Path) -> None:
    paths = [put(folder, f"services.gate.{n}.csr") for n in (1, 2, 3)]
    paths += [put(folder, "services.mongo.csr"), put(folder, "x.csr", b"?")]
    told = json.loads(at(folder, "requests", *paths, "--yes", "--json").out)
    assert [item["code"] for item in told["requests"]] == [
        "", "", "E-REQUEST-GAP", "E-REQUEST-TARGET", "E-REQUEST-NAME",
    ]  # fmt: skip
    assert [item["lane"] for item in told["signed"]] == [1, 1]
    assert told["signed"][0]["issue_from"] < told["signed"][1]["issue_from"]
    again = json.loads(at(folder, "requests", *paths[:2], "--yes", "--json").out)
    assert [item["served"] for item in again["requests"]] == [True, True]
    assert again["signed"] == []


def test_a_refused_request_is_named_with_its_code(folder: Path) -> None:
    ran = at(folder, "requests", put(folder, data=make_request(make_key("p384"))), "--yes")
    assert "services.gate.csr: refused, E-REQUEST-KEY: its key is p384" in ran.err
    assert ran.out == "signed 0 of 1 request\n"


def test_nothing_in_a_folder_is_passed_over_but_litter(folder: Path) -> None:
    for name in ("services.gate.csr.txt", "services.gate.req", "x.csr", "._services.gate.csr"):
        put(folder, name)
    put(folder, "photo.jpg", bytes(100_000))
    ran = at(folder, "requests", folder / "requests", "--yes")
    for name, end in (
        ("services.gate.csr.txt", ".txt"),
        ("services.gate.req", ".req"),
        ("photo.jpg", ".jpg"),
    ):
        assert f"{name}: refused, E-REQUEST-NAME: " in ran.err
        assert f": it ends in {end}\n" in ran.err
    assert "x.csr: refused, E-REQUEST-NAME" in ran.err
    assert "._" not in ran.err
    assert ran.out == "signed 0 of 4 requests\n"


def test_a_crowd_of_other_files_hinders_no_request(folder: Path) -> None:
    put(folder)
    for number in range(101):
        put(folder, f"{number}.jpg", b"")
    ran = at(folder, "requests", folder / "requests", "--yes")
    assert "2 more files are not named as requests" in ran.err
    assert ran.out.endswith("signed 1 of 100 requests; next: export\n")


def test_one_request_in_two_folders_is_signed_once(folder: Path) -> None:
    one = put(folder)
    (folder / "other").mkdir()
    (folder / "other" / one.name).write_bytes(one.read_bytes())
    told = json.loads(at(folder, "requests", one, folder / "other", "--yes", "--json").out)
    assert [item["code"] for item in told["requests"]] == ["", "E-REQUEST-USED"]
    assert len(told["signed"]) == 1


def test_where_nobody_can_be_asked_nothing_is_signed(folder: Path) -> None:
    ran = at(folder, "requests", put(folder))
    assert ran.status == 2
    assert "--yes" in ran.err
    assert "waits for 2 signing requests" in at(folder, "status").out


@pytest.mark.parametrize(("name", "data"), [("services.gate.csr", b"0" * 40_000), ("missing.csr", None)])
def test_a_file_that_cannot_be_read_is_refused(folder: Path, name: str, data: bytes | None) -> None:
    path = folder / "requests" / name
    if data is not None:
        path.write_bytes(data)
    ran = at(folder, "requests", path, "--yes")
    assert (ran.status, ran.code) == (1, "E-FILE")


def test_each_request_is_asked_about_on_a_terminal(folder: Path) -> None:
    """One is approved, one is left; the later of the two takes the earlier gap."""
    put(folder, "services.gate.1.csr")
    put(folder, "services.gate.2.csr")
    (folder / "passphrase").write_bytes(PASSPHRASE)
    command = [
        sys.executable, "-m", "kiosk", "requests", folder / "requests", "--state", folder / "state",
        "--passphrase-file", folder / "passphrase", "--json",
    ]  # fmt: skip
    ours, theirs = pty.openpty()
    try:
        os.write(ours, b"n\ny\n")
        done = subprocess.run(
            [*map(str, command)], stdin=theirs, capture_output=True, timeout=120, cwd=ROOT, check=True,
            env=ENVIRONMENT,
        )  # fmt: skip
    finally:
        os.close(ours)
        os.close(theirs)
    assert b"Sign the key of services.gate.1.csr?" in done.stderr
    (signed,) = json.loads(done.stdout)["signed"]
    assert signed["file"] == "services.gate.2.csr"
    assert "waits for 1 signing requests, the first from" in at(folder, "status").out


def test_nothing_to_sign_is_said_before_a_passphrase_is_asked_for(tmp_path: Path) -> None:
    ran = run("requests", tmp_path, "--state", tmp_path / "state")
    assert (ran.status, ran.code) == (1, "E-FILE")
    assert f"no .csr in {tmp_path}" in ran.err
