"""`pism signer`: the signer of a day out of an opened folder, or why there is none."""

import json
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from tests.archives import NOW, Box
from tests.kiosk.command import Ran, run
from tests.server.makers import TARGET, make_quarters, open_into, write_identity

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
