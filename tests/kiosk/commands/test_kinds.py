"""A file that is another thing than is wanted is told as what it is, before anything is done with it."""

import os
import subprocess
from pathlib import Path

import pyrage
import pytest

from hw.fat.mkfs import MIN_BYTES, make_image
from kiosk.commands.kinds import find_kind
from tests.archives import make_box
from tests.hw.disks import make_disk
from tests.kiosk.command import run, snapshot
from tests.kiosk.live import lay_config


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """Return a folder with one file of each kind."""
    box = make_box()
    key = f"# created\n{box.identity}\n"
    (tmp_path / "archive").write_bytes(box.make())
    (tmp_path / "key").write_text(key)
    (tmp_path / "locked").write_bytes(pyrage.passphrase.encrypt(key.encode(), "some words"))
    (tmp_path / "root.pem").write_bytes(box.of("root")[0].pem)
    (tmp_path / "note").write_text("a note that speaks of authority: none\n")
    make_image(tmp_path / "stick", "PISM-ALL", MIN_BYTES)
    make_disk(tmp_path / "disk", "gpt", ("c12a7328-f81f-11d2-ba4b-00a0c93ec93b", None))
    lay_config(tmp_path)
    return tmp_path


def test_files_are_known_by_what_they_are(desk: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", desk / "ssh"], check=True)
    (desk / "server.yaml").write_text("identity: key\nplaces: {}\n")
    os.mkfifo(desk / "pipe")  # looking at it must not wait
    known = {
        "archive": "archive",
        "key": "private key",
        "ssh": "private key",
        "locked": "locked key",
        "root.pem": "certificate",
        "stick": "stick",
        "disk": "stick",
        "config.yaml": "configuration",
        "server.yaml": "configuration",
        **dict.fromkeys(("note", "ssh.pub", "pipe", "none", "keys")),
    }
    assert {name: find_kind(desk / name) for name in known} == known


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("open key --identity archive", "archive is an archive, and a private key is wanted here"),
        ("verify locked --identity key", "locked is a private key under a passphrase, and an archive is"),
        ("verify archive --identity archive", "archive is an archive, and a private key is wanted here"),
        ("restore key --identity archive --state s", "archive is an archive, and a private key"),
        ("drill key --identity locked", "key is a private key, and an archive is"),
        ("drill archive --identity stick", "stick is an image of a stick, and a private key is"),
        ("signer a/b --identity archive --out o --plain-key", "archive is an archive, and a private key is"),
        ("server take stick --config config.yaml", "stick is an image of a stick, and an archive is"),
        ("server status --config key", "key is a private key, and a configuration is"),
        ("plan --config archive", "archive is an archive, and a configuration is"),
        ("init --config stick --state s", "stick is an image of a stick, and a configuration is"),
        ("policy diff --config key", "key is a private key, and a configuration is"),
        ("stick list archive", "archive is an archive, and a stick, or an image of one, is wanted here"),
        ("stick put config.yaml stick", "config.yaml is a configuration, and a stick, or an image of one,"),
        ("stick put note stick", "stick is an image of a stick, and note is none: TARGET comes first"),
        (
            "stick get note.txt stick",
            "stick is an image of a stick, and note.txt is none: TARGET comes",
        ),
        ("stick format key --label PISM-ALL --yes", "key is a private key, and a stick, or an image of one,"),
    ],
)
def test_swapped_arguments_are_told_as_that(
    desk: Path, monkeypatch: pytest.MonkeyPatch, command: str, says: str
) -> None:
    monkeypatch.chdir(desk)
    before = snapshot(desk)
    ran = run(*command.split())
    assert (ran.status, ran.code) == (2, "E-USAGE")
    assert says in " ".join(ran.err.split())
    assert snapshot(desk) == before


@pytest.mark.parametrize("size_bytes", [0, 7, 600, 1 << 20])
def test_what_is_no_stick_is_said_in_our_words(desk: Path, size_bytes: int) -> None:
    (desk / "note").write_bytes(b"\n" * size_bytes)
    ran = run("stick", "put", desk / "note", desk / "note")
    said = "error E-STICK-FORMAT: the stick is not FAT32\nhint: see that it is the stick that you mean"
    assert ran.err.startswith(said), ran.err
