"""The command line at work: every command, its output for people and for programs, its progress."""

import contextlib
import json
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from core.errors import StateDamagedError
from core.store.database import Database
from core.store.keyslots import open_slots
from kiosk.commands.cli import _COMMANDS, main
from tests.kiosk.command import ENVIRONMENT, ROOT, START, at, converse, lay, run, snapshot, spawn
from tests.kiosk.live import OTHER_PASSPHRASE, OTHER_WORDS, PASSPHRASE, WORDS, lay_config, unlock


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return lay(tmp_path, topped_up=True)


def test_every_command_of_the_table_is_there() -> None:
    context = click.Context(main)
    for name in _COMMANDS:
        command = main.get_command(context, name)
        assert command is not None
        assert command.help
    assert main.get_command(context, "nothing") is None
    assert main.list_commands(context) == [*_COMMANDS]


@pytest.mark.parametrize("name", ["", *_COMMANDS])
def test_help_ends_well(name: str) -> None:
    ran = run(*filter(None, [name]), "--help")
    assert ran.status == 0
    assert ran.out.startswith("Usage:")


def test_a_wrong_call_is_usage(folder: Path) -> None:
    for arguments in (
        ["nothing"],
        ["export"],
        ["plan", "--at", "tomorrow"],
        ["revoke", "x"],
        ["status", "--what"],
    ):
        ran = run(*arguments)
        assert (ran.status, ran.code) == (2, "E-USAGE")


def test_an_authority_is_founded_topped_up_and_reported(tmp_path: Path) -> None:
    config = lay_config(tmp_path)
    founded = at(tmp_path, "init", "--config", config, "--json")
    assert founded.status == 0
    assert json.loads(founded.out)["authority"] == "Example Virtual Worlds"
    assert (
        "NEW egress main-kudo, age key 1 of 1\n    age1" in founded.err
    )  # its key stands in config.yaml itself
    assert "NEW backup main-backup, age key 1 of 1: keys/backup.pub" in founded.err
    topped_up = at(tmp_path, "top-up", "--json")
    made = json.loads(topped_up.out)
    assert made["signers"] > 0
    again = at(tmp_path, "top-up")
    assert again.out.startswith("issued 0 roots and 0 signers")
    report = at(tmp_path, "status")
    assert "services/mongo, 2 side by side" in report.out
    assert json.loads(at(tmp_path, "status", "--json").out)["counts"]


def test_init_says_what_comes_next(tmp_path: Path) -> None:
    assert "pism top-up" in at(tmp_path, "init", "--config", lay_config(tmp_path)).out


def test_a_passphrase_may_come_from_a_file(folder: Path) -> None:
    for ending in (b"", b"\n", b"\r\n", b"\nsecond line\n"):
        file = folder / "passphrase"
        file.write_bytes(PASSPHRASE + ending)
        assert run("status", "--state", folder / "state", "--passphrase-file", file).status == 0


def test_a_plan_issues_nothing_and_needs_no_state(tmp_path: Path) -> None:
    config = lay_config(tmp_path)
    ran = run("plan", "--config", config, "--at", "2027-02-01", "--json")
    plan = json.loads(ran.out)
    assert plan["at"] == "2027-02-01T00:00:00Z"
    assert {gap["kind"] for gap in plan["gaps"]} == {"root", "signer"}
    shown = run("plan", "--config", config, "--at", "2027-02-01T13:00:00+01:00")
    assert f"{len(plan['gaps']):6d}  certificates to issue at 2027-02-01" in shown.out
    assert run("plan", "--config", config).status == 0


def test_a_plan_warns_of_targets_that_look_alike_on_the_panel(tmp_path: Path) -> None:
    mongo = "      mongo: {load: 2, quantum: 0.25}\n"
    alike = "".join(mongo.replace("mongo", f"world{number}-frankfurt-north") for number in (1, 2))
    told = run("plan", "--config", lay_config(tmp_path, mongo, alike))
    assert told.status == 0
    assert "look alike: services/world1-frankfurt-north, services/world2-frankfurt-north" in told.err
    assert "alike" not in run("plan", "--config", lay_config(tmp_path)).err


def test_a_plan_warns_of_programs_that_refuse_a_targets_certificates(tmp_path: Path) -> None:
    config = lay_config(tmp_path, "mongo: {load: 2,", "mongo: {load: 2, verifiers: [nss, go],")
    told = run("plan", "--config", config)
    line = "services/mongo: NSS 3.110 refuses ed25519 keys of its signers"
    assert (told.status, f"warning: {line}" in told.err) == (0, True)
    assert line in json.loads(run("plan", "--config", config, "--json").out)["warnings"]
    wrong = run(
        "plan", "--config", lay_config(tmp_path, "mongo: {load: 2,", "mongo: {load: 2, verifiers: [ns],")
    )
    assert "nss" in wrong.err


def test_a_plan_warns_of_destinations_and_of_glyphs_that_look_alike(tmp_path: Path) -> None:
    second = "  main-backup: {recipients: [keys/backup.pub]}\n"
    config = lay_config(tmp_path, second, second + second.replace("main-backup", "mail-backup"))
    assert "look alike" not in run("plan", "--config", config).err
    config = lay_config(tmp_path, second, second + second.replace("main-backup", "ma1n-backup"))
    assert "look alike: main-backup, ma1n-backup" in run("plan", "--config", config).err


def test_a_plan_on_a_state_knows_what_is_issued(folder: Path) -> None:
    before = json.loads(at(folder, "plan", "--config", folder / "config.yaml", "--json").out)
    assert before["gaps"] == []
    later = (START + timedelta(days=100)).isoformat()
    ahead = at(folder, "plan", "--config", folder / "config.yaml", "--at", later, "--json")
    assert json.loads(ahead.out)["gaps"]


@pytest.mark.parametrize(("command", "name"), [("export", "main-kudo"), ("backup", "main-backup")])
def test_an_archive_goes_into_a_folder_with_its_papers(folder: Path, command: str, name: str) -> None:
    first = at(folder, command, name, "--to", folder / "out")
    assert first.status == 0
    second = json.loads(at(folder, command, name, "--to", folder / "out", "--json").out)
    assert second["sequence"] == 2
    names = {path.name for path in (folder / "out").iterdir()}
    assert Path(second["archive"]).name in names
    assert len([each for each in names if each.endswith(".tar.age")]) == 2
    # what has no number of its own moved aside the second time; nothing was overwritten
    assert {"public", f"public-{name}-000002", "next-visit.ics", f"next-visit-{name}-000002.ics"} <= names
    assert f"pism-receipt-{name}-000002.json" in names
    assert oct((folder / "out" / Path(second["archive"]).name).stat().st_mode & 0o777) == "0o600"
    (row,) = [
        row for row in json.loads(at(folder, "status", "--json").out)["archives"] if row["name"] == name
    ]
    assert row["written"]


def test_the_journal_is_a_short_line_an_entry_for_people_and_whole_as_archives_carry_it(folder: Path) -> None:
    at(folder, "export", "main-kudo", "--to", folder / "out")
    shown = at(folder, "journal").out.splitlines()
    assert re.fullmatch(r" {5}1  20\d\d-\d\d-\d\d \d\d:\d\d  init        authority .*", shown[0])
    assert any(re.search(r"  issue       [1-9]\d* certificates$", line) for line in shown)
    assert any(re.search(r"  export      main-kudo, 000001, archive [0-9a-f]{16}, ", line) for line in shown)
    assert any(re.search(r"  unlock$", line) for line in shown)
    assert max(map(len, shown)) < 190
    lines = [json.loads(line) for line in at(folder, "journal", "--json").out.splitlines()]
    assert [line["sequence"] for line in lines] == list(range(1, len(lines) + 1))
    assert lines[-1]["act"] == "unlock"
    assert len(lines) == len(shown) + 1


def test_the_whole_state_is_proven_when_asked_for(folder: Path) -> None:
    said = at(folder, "journal", "--verify")
    assert re.fullmatch(r"all is as the journal says, \d+ entries\n", said.out)
    last = json.loads(at(folder, "journal", "--verify", "--json").out)
    assert (last["act"], last["sequence"]) == ("unlock", int(said.out.split()[-2]) + 1)


def test_another_file_takes_the_place_of_the_boxs_own_until_that_changes(folder: Path) -> None:
    (folder / "box").mkdir()
    box = lay_config(folder / "box")
    brought = lay_config(folder, "spread_days: 10", "spread_days: 11")

    def proposed() -> bool:
        with contextlib.closing(unlock(folder, datetime.now(UTC).replace(microsecond=0))) as authority:
            return bool(authority.unlocked(box).policy_changes)

    assert not proposed()
    assert "approved" in at(folder, "policy", "approve", "--config", brought, "--box-config", box).err
    assert not proposed()
    lay_config(folder / "box", "spread_days: 10", "spread_days: 12")
    assert proposed()
    assert "approved" in at(folder, "policy", "approve", "--config", box, "--box-config", box).err
    assert not proposed()
    lay_config(folder / "box")
    assert proposed()


def test_a_policy_is_shown_compared_and_approved_whole(folder: Path) -> None:
    config = folder / "config.yaml"
    assert json.loads(at(folder, "policy", "show", "--json").out)["spread_days"] == 10
    assert "says what is pinned" in at(folder, "policy", "--config", config).out
    lay_config(folder, "spread_days: 10", "spread_days: 11")
    assert at(folder, "policy", "diff", "--config", config).out == "spread_days: 10 -> 11\n"
    assert json.loads(at(folder, "policy", "diff", "--config", config, "--json").out)["changes"]
    assert json.loads(at(folder, "policy", "show", "--json").out)["spread_days"] == 10
    approved = at(folder, "policy", "approve", "--config", config)
    assert "approved" in approved.err
    assert json.loads(at(folder, "policy", "show", "--json").out)["spread_days"] == 11
    assert "approved" not in at(folder, "policy", "approve", "--config", config).err


def test_a_policy_that_is_shown_can_be_edited_and_proposed(folder: Path) -> None:
    """Its recipients are keys, not files; a second time it reads the same."""
    file = folder / "elsewhere.yaml"
    for config in (folder / "config.yaml", folder / "no-such.yaml"):
        shown = at(folder, "policy", "show", "--config", config).out
        file.write_text(shown)
        same = at(folder, "policy", "diff", "--exit-code", "--config", file)
        assert (same.status, same.out) == (0, f"{file} says what is pinned\n")
        assert at(folder, "policy", "show", "--config", file).out.count("\n") == shown.count("\n")
    file.write_text(shown.replace("spread_days: 10", "spread_days: 11"))
    other = at(folder, "policy", "diff", "--exit-code", "--config", file)
    assert (other.status, other.out) == (1, "spread_days: 10 -> 11\n")
    assert at(folder, "policy", "diff", "--config", file).status == 0
    assert at(folder, "policy", "approve", "--config", file).status == 0
    assert json.loads(at(folder, "policy", "show", "--json").out)["spread_days"] == 11


def test_a_changed_key_is_shown_with_its_file_and_comment_and_the_others_are_counted(folder: Path) -> None:
    config, file = folder / "config.yaml", folder / "keys" / "backup.pub"
    assert "backup main-backup, age key 1 of 1\n" in at(folder, "status").out, "founded without names"
    public = Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    file.write_bytes(public + b" safe@north\n")
    called = 'backup main-backup, ssh-ed25519 key 1 of 1: keys/backup.pub "safe@north"\n'
    for act in ("diff", "approve"):
        told = at(folder, "policy", act, "--config", config)
        assert f"NEW {called}    {public.decode()}\n    " in told.err
        assert "1 key as before: egress main-kudo\n" in told.err
        assert f"backups.main-backup.recipients: - -> {public.decode()}\n" in told.out
    assert "new backup keys wait: after a restart of this machine" in told.err
    waits = called.replace("of 1:", "of 1, waits:")
    assert f"  {waits}" in at(folder, "status").out
    early = at(folder, "policy", "confirm")
    assert (early.status, early.code) == (1, "E-PROBATION")
    shown = at(folder, "policy", "show", "--config", config).out
    assert f"# {waits}" in shown
    (folder / "shown.yaml").write_text(shown.replace("spread_days: 10", "spread_days: 12"))
    inline = at(folder, "policy", "approve", "--config", folder / "shown.yaml")
    assert "2 keys as before: egress main-kudo, backup main-backup\n" in inline.err
    assert f"  {waits}" in at(folder, "status").out, "a key keeps its name when its line is proposed alone"


def test_a_revoked_signer_leaves_a_hole_that_the_next_top_up_fills(folder: Path) -> None:
    signer = json.loads(at(folder, "status", "--json").out)["signers"][0]
    assert at(folder, "revoke", signer["id"], "--reason", "KEYCOMPROMISE").status == 0
    after = {row["id"]: row for row in json.loads(at(folder, "status", "--json").out)["signers"]}
    assert after[signer["id"]]["status"] == "revoked"
    assert json.loads(at(folder, "top-up", "--json").out)["signers"] > 0


def test_a_passphrase_is_changed_with_both_on_standard_input(folder: Path) -> None:
    both = PASSPHRASE + b"\n" + OTHER_PASSPHRASE + b"\n"
    ran = run(
        *("passphrase", "--state", folder / "state", "--passphrase-file", "-", "--new-passphrase-file", "-"),
        typed=both,
    )
    assert ran.status == 0
    assert at(folder, "status", passphrase=OTHER_PASSPHRASE).status == 0


def test_everything_is_encrypted_anew_with_a_change_of_passphrase(folder: Path) -> None:
    key = open_slots((folder / "state" / "store" / "keyslots.json").read_bytes(), PASSPHRASE)[0].master
    ran = run(
        *("passphrase", "--rekey", "--state", folder / "state"),
        *("--passphrase-file", "-", "--new-passphrase-file", "-"),
        typed=PASSPHRASE + b"\n" + OTHER_PASSPHRASE + b"\n",
    )
    assert (ran.status, ran.out) == (0, "the passphrase is changed, everything is encrypted anew\n")
    assert at(folder, "status", passphrase=OTHER_PASSPHRASE).status == 0
    with pytest.raises(StateDamagedError):
        Database.open(folder / "state" / "store" / "store.db", key)
    lines = at(folder, "journal", "--json", passphrase=OTHER_PASSPHRASE).out.splitlines()
    entries = [json.loads(line) for line in lines]
    told = [entry["detail"] for entry in entries if entry["act"] == "passphrase"]
    assert told == [{"failed": 0}, {"failed": 0, "rekey": True}]


def test_the_same_passphrase_changes_nothing(folder: Path) -> None:
    both = PASSPHRASE + b"\n" + PASSPHRASE + b"\n"
    options = ("--state", folder / "state", "--passphrase-file", "-", "--new-passphrase-file", "-")
    ran = run("passphrase", *options, typed=both)
    assert (ran.status, ran.out) == (0, "the same passphrase: nothing was changed\n")
    anew = run("passphrase", "--rekey", *options, typed=both)
    assert (anew.status, anew.out) == (0, "the same passphrase, everything is encrypted anew\n")
    lines = at(folder, "journal", "--json").out.splitlines()
    acts = [json.loads(line)["act"] for line in lines]
    assert acts.count("passphrase") == 1


def test_eight_random_words_are_proposed_and_are_strong_enough(tmp_path: Path) -> None:
    words = run("words").out
    assert len({*words.split()}) == 8
    assert words != run("words").out
    assert len(json.loads(run("words", "--json").out)["words"]) == 8
    assert (
        at(tmp_path, "init", "--config", lay_config(tmp_path), passphrase=words.strip().encode()).status == 0
    )


def test_a_passphrase_is_asked_for_where_no_file_is_given(folder: Path) -> None:
    ran = converse(
        *("passphrase", "--state", folder / "state"),
        answers=(
            ("Passphrase: ", " ".join(WORDS) + "\n"),
            ("New passphrase: ", " ".join(OTHER_WORDS) + "\n"),
            ("Repeat for confirmation: ", " ".join(OTHER_WORDS) + "\n"),
        ),
    )
    assert ran.status == 0
    assert "the passphrase is changed" in ran.err
    assert " ".join(OTHER_WORDS[:2]) not in ran.err


def test_a_clock_that_the_journal_speaks_against_is_confirmed(folder: Path) -> None:
    # founded by a clock that was ahead: now all is behind the journal
    with contextlib.closing(unlock(folder, START)) as authority:
        authority.approve_policy(authority.policy, START + timedelta(days=20))
    refused = at(folder, "top-up")
    assert (refused.status, refused.code) == (1, "E-CLOCK-BEHIND")
    assert "E-CLOCK-BEHIND" in at(folder, "status").out
    today = f"{START:%Y-%m-%d}"
    assert at(folder, "status", "--confirm-date", "2001-01-01").status == 2
    assert at(folder, "top-up", "--confirm-date", today).status == 0


def test_a_stick_is_made_written_listed_and_read(tmp_path: Path) -> None:
    image, text = tmp_path / "stick.img", tmp_path / "note.txt"
    text.write_bytes(b"of the operator")
    made = run("stick", "format", image, "--label", "PISM-ALL", "--size", "34")
    assert (made.status, made.out) == (0, f"{image} is PISM-ALL\n")
    assert run("stick", "put", image, text).status == 0
    assert run("stick", "put", image, text, "--name", "public/note.txt").status == 0
    listed = json.loads(run("stick", "list", image, "--json").out)
    assert listed["label"] == "PISM-ALL"
    assert {"name": "note.txt", "size_bytes": 15, "folder": False} in listed["files"]
    shown = run("stick", "list", image).out
    assert "<folder>  public" in shown
    assert "note.txt" in run("stick", "list", image, "public").out
    got = run("stick", "get", image, "note.txt", "--to", tmp_path / "got.txt")
    assert got.status == 0
    assert (tmp_path / "got.txt").read_bytes() == b"of the operator"
    assert run("stick", "format", image, "--label", "EMPTY", "--yes").status == 0
    assert json.loads(run("stick", "list", image, "--json").out)["files"] == []


def test_an_erasure_is_asked_about_on_standard_error_once_it_is_possible(tmp_path: Path) -> None:
    image = tmp_path / "stick.img"
    made = run(
        "stick", "format", image, "--label", "PISM-ALL", "--size", "34"
    )  # nothing to erase: no question
    assert (made.status, made.err) == (0, "")
    before = image.read_bytes()
    for label in ("PISM-LABEL-TOO-LONG", "PISM:ALL"):
        judged = run("stick", "format", image, "--label", label, typed="y\n")
        assert (judged.status, judged.code) == (1, "E-STICK-NAME")
        assert "erased" not in judged.err
    ran = run("stick", "format", image, "--label", "PISM-ALL", typed="n\n")
    assert (ran.status, ran.code, ran.out) == (1, "E-STOPPED", "")
    assert f"Everything on {image} is erased. Go on?" in ran.err
    assert image.read_bytes() == before
    assert run("stick", "format", image, "--label", "OTHER", typed="y\n").status == 0


def test_the_command_runs_as_a_process(folder: Path) -> None:
    ran = spawn("status", "--state", folder / "state", "--passphrase-file", "-", "--json", typed=PASSPHRASE)
    assert ran.status == 0
    assert ran.err == ""  # no progress bar where nobody looks
    assert json.loads(ran.out)["authority"] == "Example Virtual Worlds"


def test_a_terminal_gets_one_bar_that_ends_complete_and_none_for_nothing(tmp_path: Path) -> None:
    lay(tmp_path)
    (tmp_path / "passphrase").write_bytes(PASSPHRASE)
    options = ("--state", tmp_path / "state", "--passphrase-file", tmp_path / "passphrase")
    ran = converse("top-up", *options, answers=())
    assert (ran.status, "issued" in ran.err) == (0, True)
    bars = re.findall(r"(root|signer) (\d+) of (\d+)", ran.err)
    assert {name for name, _, _ in bars} >= {"signer"}
    assert bars[-1][1] == bars[-1][2]
    assert "\x1b[1A" not in ran.err  # never a second line
    again = converse("top-up", *options, answers=())
    assert again.err.splitlines()[0] == "issued 0 roots and 0 signers"


def test_a_reader_that_leaves_early_is_no_bug(folder: Path) -> None:
    command = f"{sys.executable} -m kiosk journal --state {folder}/state --passphrase-file - | head -c 1"
    ran = subprocess.run(
        ["bash", "-c", command], input=PASSPHRASE, capture_output=True, cwd=ROOT, check=False, env=ENVIRONMENT
    )
    assert b"E-BUG" not in ran.stderr


def test_a_full_folder_leaves_nothing_half_written(folder: Path) -> None:
    blocker = folder / "out" / "public"
    blocker.write_bytes(b"a file of that name")
    before = snapshot(folder / "out")
    ran = at(folder, "export", "main-kudo", "--to", folder / "out")
    assert ran.status == 0  # the papers went beside it
    assert snapshot(folder / "out").items() >= before.items()
