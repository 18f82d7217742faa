"""`pism restore` and `pism drill`, as they are typed."""

import ctypes
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyrage
import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.serialization import Encoding

from core.archive.box_key import box_words, load_box_key
from core.authority.authority import Authority
from core.crypto.process import set_dumpable
from core.policy.policy import Policy
from core.progress import report_nothing
from core.store.store import open_store
from hw.system.clock import SystemClock
from kiosk.commands.cli import main
from tests.backups import BOOT, COST, NEW_PASSPHRASE, PASSPHRASE, PastBox, policy_for, roots_of, write
from tests.keys import HybridKey
from tests.kiosk.command import Ran, spawn


@pytest.fixture(autouse=True)
def _soften_process() -> Iterator[None]:
    """Undo what the commands ask of the kernel for their process, which here is pytest's."""
    yield
    set_dumpable(1)
    ctypes.CDLL(None).munlockall()


@dataclass(frozen=True, kw_only=True)
class Desk:
    """What lies before the operator: archives, roots, identity, passphrases."""

    folder: Path
    box: PastBox
    policy: Policy

    def restore(
        self, state: Path, *more: str, archive: str = "backup", new: str = "new", **options: Any
    ) -> Result:
        files = {
            "--identity": self.folder / "identity",
            "--passphrase-file": self.folder / new,
            "--state": state,
        }
        given = [str(text) for pair in files.items() for text in pair]
        return run("restore", str(self.folder / archive), *given, *more, **options)

    def drill(self, *more: str, **options: Any) -> Result:
        return run(
            "drill",
            str(self.folder / "backup"),
            "--identity",
            str(self.folder / "identity"),
            *more,
            **options,
        )

    def record(self, state: Path, words: str, *more: str) -> Result:
        passphrase = str(self.folder / "new")
        return run("drill", "--words", words, "--state", str(state), "--passphrase-file", passphrase, *more)

    @property
    def trust(self) -> tuple[str, str]:
        return "--trust", str(self.folder / "roots.pem")


class Terminal(io.BytesIO):
    """What a person types."""

    def isatty(self) -> bool:
        return True


def run(*arguments: str, **options: Any) -> Result:
    return CliRunner().invoke(main, arguments, **options)


def make_desk(folder: Path, at: datetime, identity: Any = None) -> Desk:
    identity = identity or pyrage.x25519.Identity.generate()
    policy = policy_for(identity)
    authority = Authority.found(folder / "state", policy, PASSPHRASE, COST, at)
    authority.top_up(at, report_nothing)
    write(authority, "egress", "main-kudo", folder, at).rename(folder / "egress")
    write(authority, "backup", "main-backup", folder, at).rename(folder / "backup")
    authority.close()
    box = PastBox(state=folder / "state", identity=identity, out=folder)
    (folder / "identity").write_text(f"{identity}\n")
    (folder / "roots.pem").write_bytes(b"".join(root.public_bytes(Encoding.PEM) for root in roots_of(box)))
    (folder / "new").write_bytes(NEW_PASSPHRASE + b"\n")
    (folder / "weak").write_bytes(b"password\n")
    return Desk(folder=folder, box=box, policy=policy)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return make_desk(tmp_path_factory.mktemp("desk"), SystemClock().now())


def refused(done: Result) -> str:
    assert done.exit_code == 1
    assert done.stdout == ""
    return Ran(done.exit_code, done.stdout, done.stderr).code


def test_restores_under_a_new_passphrase_and_says_what(desk: Desk, tmp_path: Path) -> None:
    done = desk.restore(tmp_path / "state", *desk.trust)
    assert done.exit_code == 0, done.output
    assert f"{desk.policy.authority.name} is restored" in done.stdout
    assert "next: pism top-up, then a backup and every export" in done.stdout
    with open_store(tmp_path / "state", NEW_PASSPHRASE) as store:
        words = " ".join(box_words(load_box_key(store).public))
    assert f"tell your receivers the words of this box:\n    {words}\n" in done.stdout
    assert done.stderr.startswith("recognition words, for the paper: ")
    assert done.stderr.count("\n") == 1
    Authority.unlock(tmp_path / "state", NEW_PASSPHRASE, SystemClock().now(), BOOT).close()


def test_prints_json_for_a_program(desk: Desk, tmp_path: Path) -> None:
    found = json.loads(desk.restore(tmp_path / "state", *desk.trust, "--json").stdout)
    assert (found["name"], found["sequence"], found["clock_believed"]) == ("main-backup", 1, True)
    assert found["incarnation"] != found["restored_from"]
    assert found["box_words"] == list(box_words(found["box_key"]))


def test_says_that_the_date_must_be_confirmed(desk: Desk, tmp_path: Path) -> None:
    later = SystemClock().now() + timedelta(days=150)
    files = ("--identity", desk.folder / "identity", "--passphrase-file", desk.folder / "new")
    options = ("--state", tmp_path / "state", *files, *desk.trust)
    done = spawn("restore", desk.folder / "backup", *options, when=f"{later:%Y-%m-%d %H:%M:%S}")
    assert "pism top-up --confirm-date" in done.out


def test_archives_for_post_quantum_keys_are_opened_drilled_and_restored(tmp_path: Path) -> None:
    now = SystemClock().now()
    (tmp_path / "desk").mkdir()
    desk = make_desk(tmp_path / "desk", now, HybridKey())
    for name in ("egress", "backup"):
        assert b"-> mlkem768x25519 " in (desk.folder / name).read_bytes()[:64]
    identity = ("--identity", str(desk.folder / "identity"))
    verified = run("verify", str(desk.folder / "egress"), *identity, *desk.trust)
    assert "egress main-kudo 000001 is good" in verified.stdout, verified.stderr
    out = str(tmp_path / "out")
    with open_store(desk.box.state, PASSPHRASE) as store:
        words = " ".join(box_words(load_box_key(store).public))
    opened = run("open", str(desk.folder / "egress"), *identity, "--accept-box", words, "--out", out)
    assert opened.exit_code == 0, opened.stderr
    signer = run(
        "signer", "services/mongo", "--from", out, *identity, "--out", str(tmp_path / "s"), "--plain-key"
    )
    assert signer.exit_code == 0, signer.stderr
    assert len(json.loads(desk.drill(*desk.trust, "--json").stdout)["words"]) == 6
    assert desk.restore(tmp_path / "state", *desk.trust).exit_code == 0
    stranger = tmp_path / "stranger"
    stranger.write_text(f"{HybridKey()}\n")
    wrong = run("verify", str(desk.folder / "egress"), "--identity", str(stranger), *desk.trust)
    assert refused(wrong) == "E-ARCHIVE-IDENTITY"


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"archive": "egress"}, "E-ARCHIVE-KIND"),
        ({"archive": "new"}, "E-ARCHIVE-DAMAGED"),
        ({"new": "weak"}, "E-PASSPHRASE-WEAK"),
    ],
)
def test_refuses_with_a_code_and_leaves_nothing(
    desk: Desk, tmp_path: Path, options: dict[str, str], code: str
) -> None:
    assert refused(desk.restore(tmp_path / "state", *desk.trust, **options)) == code
    assert not list(tmp_path.iterdir())


def test_refuses_a_root_that_nobody_vouches_for(desk: Desk, tmp_path: Path) -> None:
    assert refused(desk.restore(tmp_path / "state")) == "E-ARCHIVE-TRUST"
    assert refused(desk.drill()) == "E-ARCHIVE-TRUST"
    assert not list(tmp_path.iterdir())


def test_asks_about_the_box_on_a_terminal(desk: Desk, tmp_path: Path) -> None:
    done = desk.restore(tmp_path / "state", input=Terminal(b"y\n"))
    with open_store(desk.box.state, PASSPHRASE) as store:
        assert " ".join(box_words(load_box_key(store).public)) in done.stderr
    assert done.exit_code == 0
    assert desk.drill(input=Terminal(b"y\n")).exit_code == 0
    assert refused(desk.drill(input=Terminal(b"n\n"))) == "E-ARCHIVE-TRUST"


def test_a_no_is_told_as_what_was_asked(desk: Desk) -> None:
    """The question is about the box that made the backup: no refusal speaks of a root that nobody saw."""
    said = desk.drill(input=Terminal(b"n\n")).stderr
    assert "The words of the box that made it" in said
    assert "error E-ARCHIVE-TRUST: Nobody confirmed the words of the box of Example Virtual Worlds.\n" in said
    unasked = desk.drill().stderr
    assert "is sealed under no root that is trusted here" in unasked
    assert "nobody was there to compare the words of the box" in unasked
    assert "and confirm them in a terminal, or name its root with --trust" in unasked


def test_a_drill_gives_the_words_that_the_box_takes(desk: Desk, tmp_path: Path) -> None:
    state = tmp_path / "state"
    desk.restore(state, *desk.trust)
    words = " ".join(json.loads(desk.drill(*desk.trust, "--json").stdout)["words"])
    plain = desk.drill(*desk.trust).stdout
    assert f"    {words}\n" in plain
    assert "backup main-backup 000001" in plain

    assert refused(desk.record(state, words, "--name", "spare")) == "E-POLICY"
    assert refused(desk.record(state, "zoo " * 6)) == "E-DRILL"
    with_commas = words.upper().replace(" ", ", ")  # as people write them down
    assert desk.record(state, with_commas).stdout == "backup main-backup 000001 is drilled\n"
    assert refused(desk.record(state, words, "--name", "main-backup")) == "E-DRILL"


def test_a_drill_says_what_a_panel_could_not_type_in_a_rescue(desk: Desk, tmp_path: Path) -> None:
    key = (desk.folder / "identity").read_text()
    locked = tmp_path / "locked"
    for words, warned in (("plain words", False), ("gr\u00fcne Worte", True)):
        locked.write_bytes(pyrage.passphrase.encrypt(key.encode(), words))
        (tmp_path / "pw").write_text(f"{words}\n")
        options = ("--identity", str(locked), "--identity-passphrase-file", str(tmp_path / "pw"))
        done = run("drill", str(desk.folder / "backup"), *options, *desk.trust)
        assert done.exit_code == 0
        assert ("warning: a box's panel, in a rescue, cannot type" in done.stderr) is warned
        assert "Worte" not in done.stderr


def test_a_drill_writes_its_words_for_a_stick_and_overwrites_nothing(desk: Desk, tmp_path: Path) -> None:
    drilled = json.loads(desk.drill(*desk.trust, "--to", str(tmp_path), "--json").stdout)
    file = tmp_path / "pism-drill-main-backup-000001.txt"
    assert file.read_text() == " ".join(drilled["words"]) + "\n"
    file.write_text("mine")
    assert refused(desk.drill(*desk.trust, "--to", str(tmp_path))) == "E-FILE"
    assert file.read_text() == "mine"


def test_records_as_json(desk: Desk, tmp_path: Path) -> None:
    state = tmp_path / "state"
    desk.restore(state, *desk.trust)
    words = " ".join(json.loads(desk.drill(*desk.trust, "--json").stdout)["words"])
    found = json.loads(desk.record(state, words, "--json").stdout)
    assert (found["name"], found["sequence"]) == ("main-backup", 1)


@pytest.mark.parametrize(
    "names",
    [
        (),
        ("backup",),
        ("--identity",),
        ("backup", "--identity", "--words"),
        ("--identity", "--words"),
        ("--to", "--words"),
    ],
)
def test_a_drill_is_one_of_two_things(desk: Desk, names: tuple[str, ...]) -> None:
    values = {
        "backup": [str(desk.folder / "backup")],
        "--identity": ["--identity", str(desk.folder / "identity")],
        "--words": ["--words", "zoo"],
        "--to": ["--to", str(desk.folder)],
    }
    assert run("drill", *[value for name in names for value in values[name]]).exit_code == 2
