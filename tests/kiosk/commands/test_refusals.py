"""Bad input at the command line: `error E-CODE: text`, exit status 1, nothing written, no secret said."""

import contextlib
import fcntl
import os
import pty
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from core.crypto.process import read_boot
from core.store.attempts import Attempts, write_attempts
from tests.kiosk.command import ENVIRONMENT, ROOT, START, at, lay, run, snapshot, spawn
from tests.kiosk.live import PASSPHRASE, lay_config, unlock

LOW_ORDER = "age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq5cu47z"  # the point at zero


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return lay(tmp_path, topped_up=True)


# config.yaml


@pytest.mark.parametrize(
    ("old", "new", "code", "says"),
    [
        ("spread_days: 10", "spred_days: 10", "E-CONFIG-KEY", r"config\.yaml line 4, spred_days"),
        ("spread_days: 10\n", "", "E-CONFIG-KEY", r"config\.yaml.*spread_days"),
        (
            "spread_days: 10",
            "spread_days: 10\nspread_days: 10",
            "E-CONFIG-SYNTAX",
            r"config\.yaml line 5, spread_days",
        ),
        (
            "load: 2",
            "load: 0",
            "E-CONFIG-VALUE",
            r"config\.yaml line \d+, signers\.classes\.services\.mongo\.load",
        ),
        ("load: 2", "load: many", "E-CONFIG-VALUE", r"signers\.classes\.services\.mongo\.load"),
        ("quantum: 0.25}", "quantum: 0.3}", "E-CONFIG-VALUE", r"signers\.classes\.services\.mongo\.quantum"),
        ("lifetime_days: 90", "lifetime_days: 69", "E-CONFIG-VISIT", r"crl\.lifetime_days"),
        ("lead_time: 0.25\n", "lead_time: 0.1\n", "E-CONFIG-VISIT", r"signers\.lead_time"),
        ("authority: {", "authority: [", "E-CONFIG-SYNTAX", r"config\.yaml"),
    ],
)
def test_a_config_that_cannot_be_used_names_file_line_and_key(
    tmp_path: Path, old: str, new: str, code: str, says: str
) -> None:
    config = lay_config(tmp_path, old, new)
    before = snapshot(tmp_path)
    for ran in (at(tmp_path, "init", "--config", config), run("plan", "--config", config)):
        assert (ran.status, ran.code, ran.out) == (1, code, "")
        assert re.search(says, ran.err), ran.err
    assert snapshot(tmp_path) == before
    assert not (tmp_path / "state").exists()


def test_a_config_that_is_not_there_is_named(tmp_path: Path) -> None:
    ran = run("plan", "--config", tmp_path / "config.yaml")
    assert (ran.status, ran.code) == (1, "E-FILE")
    assert "config.yaml" in ran.err


# recipients


def make_rsa(bits: int) -> bytes:
    key = subprocess.run(["openssl", "genrsa", str(bits)], capture_output=True, check=True).stdout
    public = subprocess.run(["openssl", "rsa", "-pubout"], input=key, capture_output=True, check=True)
    return public.stdout


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"AGE-SECRET-KEY-1QQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQ\n", "E-RECIPIENT-PRIVATE"),
        (
            b"-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END PRIVATE KEY-----\n",
            "E-RECIPIENT-PRIVATE",
        ),
        (b"what is this\n", "E-RECIPIENT"),
        (b"", "E-RECIPIENT"),
        (b"\xff\xfe\x00", "E-RECIPIENT"),
        (None, "E-RECIPIENT-MISSING"),
        (2048, "E-RECIPIENT-WEAK"),
    ],
)
def test_a_recipient_that_nothing_may_be_encrypted_to(
    tmp_path: Path, content: bytes | int | None, code: str
) -> None:
    config = lay_config(tmp_path)
    key = tmp_path / "keys" / "backup.pub"
    key.unlink()
    if content is not None:
        key.write_bytes(make_rsa(content) if isinstance(content, int) else content)
    # A plan is the check on a PC: it finds what the box would refuse, and shows what it shows all the same.
    planned = run("plan", "--config", config)
    assert (planned.status, planned.code) == (1, code)
    assert "certificates to issue" in planned.out
    ran = at(tmp_path, "init", "--config", config)
    assert (ran.status, ran.code) == (1, code)
    assert "backup.pub" in ran.err
    assert "SECRET" not in ran.err
    assert not (tmp_path / "state").exists()


def test_a_low_order_recipient_is_weak(tmp_path: Path) -> None:
    config = lay_config(tmp_path)
    (tmp_path / "keys" / "backup.pub").write_text(LOW_ORDER + "\n")
    assert at(tmp_path, "init", "--config", config).code == "E-RECIPIENT-WEAK"


def test_a_swapped_recipient_takes_no_effect_before_it_is_approved(folder: Path) -> None:
    config = folder / "config.yaml"
    (folder / "keys" / "backup.pub").write_text("garbage\n")
    assert at(folder, "policy", "diff", "--config", config).code == "E-RECIPIENT"
    assert at(folder, "backup", "main-backup", "--to", folder / "out").status == 0  # by what is pinned


# passphrases


def test_a_wrong_passphrase_is_counted_and_then_waited_for(folder: Path) -> None:
    # after four others, whose wait is over: a busy machine takes longer than a second to ask again
    write_attempts(folder / "state", Attempts(count=4, boot_id=read_boot().id))
    wrong = at(folder, "status", passphrase=b"another passphrase of some words")
    assert (wrong.status, wrong.code, wrong.out) == (1, "E-PASSPHRASE-WRONG", "")
    waits = at(folder, "status")
    assert (waits.status, waits.code) == (1, "E-PASSPHRASE-WAIT")
    assert "another" not in wrong.err + waits.err


@pytest.mark.parametrize(
    "weak", [b"password", b"abandon ability", b"with\x00control characters in it and more"]
)
def test_a_weak_passphrase_founds_nothing(tmp_path: Path, weak: bytes) -> None:
    ran = at(tmp_path, "init", "--config", lay_config(tmp_path), passphrase=weak)
    assert (ran.status, ran.code) == (1, "E-PASSPHRASE-WEAK")
    assert not (tmp_path / "state").exists()
    assert weak.decode() not in ran.err


UNTYPABLE = "Gr\u00f6\u00dfe \u00fcber alles und noch viel mehr dazu 4711".encode()


def test_what_the_panel_cannot_type_founds_nothing(tmp_path: Path) -> None:
    config = lay_config(tmp_path)
    ran = at(tmp_path, "init", "--config", config, passphrase=UNTYPABLE)
    assert (ran.status, ran.code) == (1, "E-PASSPHRASE-WEAK")
    assert "cannot type" in ran.err
    assert "4711" not in ran.err
    assert not (tmp_path / "state").exists()
    wide = "\uff11\uff12\uff13\u3000" + PASSPHRASE.decode()  # canonical: in ASCII
    assert at(tmp_path, "init", "--config", config, passphrase=wide.encode()).status == 0


@pytest.mark.parametrize("rekey", [(), ("--rekey",)])
def test_what_the_panel_cannot_type_changes_nothing(folder: Path, rekey: tuple[str, ...]) -> None:
    options = ("--passphrase-file", "-", "--new-passphrase-file", "-", *rekey)
    ran = run(
        "passphrase", "--state", folder / "state", *options, typed=PASSPHRASE + b"\n" + UNTYPABLE + b"\n"
    )
    assert (ran.status, ran.code) == (1, "E-PASSPHRASE-WEAK")
    assert at(folder, "status").status == 0


def test_a_weak_passphrase_changes_nothing(folder: Path) -> None:
    ran = run(
        *("passphrase", "--state", folder / "state", "--passphrase-file", "-", "--new-passphrase-file", "-"),
        typed=PASSPHRASE + b"\nshort\n",
    )
    assert (ran.status, ran.code) == (1, "E-PASSPHRASE-WEAK")
    assert at(folder, "status").status == 0


@pytest.mark.parametrize(("content", "code"), [(b"\xff\xfe", "E-FILE"), (b"x" * 5000, "E-FILE")])
def test_a_passphrase_file_that_is_none(folder: Path, content: bytes, code: str) -> None:
    file = folder / "passphrase"
    file.write_bytes(content)
    assert run("status", "--state", folder / "state", "--passphrase-file", file).code == code
    assert (
        run("status", "--state", folder / "state", "--passphrase-file", "-", typed=b"\xff\n").code == "E-FILE"
    )


def test_a_passphrase_file_is_read_in_whatever_form_it_was_saved(folder: Path) -> None:
    file = folder / "passphrase"
    for text in (b"\xef\xbb\xbf" + PASSPHRASE + b"\r\n", PASSPHRASE + b"\r"):
        file.write_bytes(text)
        assert run("status", "--state", folder / "state", "--passphrase-file", file).status == 0
    file.write_bytes(PASSPHRASE.decode().encode("utf-16"))
    ran = run("status", "--state", folder / "state", "--passphrase-file", file)
    assert ran.err.startswith("error E-FILE: the passphrase file is UTF-16 text: save it as UTF-8\n")


# the clock


def test_a_clock_before_the_release_founds_nothing(tmp_path: Path) -> None:
    config = lay_config(tmp_path)
    options = ("--config", config, "--state", tmp_path / "state", "--passphrase-file", "-")
    ran = spawn("init", *options, typed=PASSPHRASE + b"\n", when="1970-01-02 03:04:05")
    assert (ran.status, ran.code) == (1, "E-CLOCK-BEHIND")
    assert "the clock says 1970-01-02 03:04 UTC" in ran.err
    assert not (tmp_path / "state").exists()


def test_the_date_that_an_authority_is_founded_under_is_said(tmp_path: Path) -> None:
    config = lay_config(tmp_path)
    options = ("--config", config, "--state", tmp_path / "state", "--passphrase-file", "-")
    ran = spawn("init", *options, typed=PASSPHRASE + b"\n", when="2027-02-01 12:34:56")
    assert ran.status == 0
    assert "founded under this date: 2027-02-01 12:34 UTC\n" in ran.err


# the state folder


def test_a_state_that_exists_is_not_founded_again(folder: Path) -> None:
    before = snapshot(folder / "state" / "store")
    ran = at(folder, "init", "--config", folder / "config.yaml")
    assert (ran.status, ran.code) == (1, "E-STATE-EXISTS")
    assert snapshot(folder / "state" / "store") == before


def test_a_state_that_exists_is_said_before_anything_is_asked(folder: Path) -> None:
    ran = run("init", "--state", folder / "state", "--config", folder / "no-such.yaml")
    assert ran.code == "E-STATE-EXISTS"


def test_a_folder_with_something_else_in_it_is_no_state(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir(mode=0o700)
    (tmp_path / "state" / "letter.txt").write_text("of the operator")
    assert at(tmp_path, "init", "--config", lay_config(tmp_path)).code == "E-STATE-EXISTS"
    assert at(tmp_path, "status").code == "E-STATE-MISSING"


def test_no_state_is_missing(tmp_path: Path) -> None:
    ran = at(tmp_path, "status")
    assert (ran.status, ran.code) == (1, "E-STATE-MISSING")
    assert not (tmp_path / "state").exists()


def test_a_state_that_another_process_has_open_is_locked(folder: Path) -> None:
    with (folder / "state" / "lock").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert at(folder, "status").code == "E-STATE-LOCKED"
    assert at(folder, "status").status == 0


@pytest.mark.parametrize(
    "place", ["state", "state/store", "state/store/store.db", "state/store/keyslots.json"]
)
def test_open_modes_are_refused(folder: Path, place: str) -> None:
    (folder / place).chmod((folder / place).stat().st_mode | 0o040)
    assert at(folder, "status").code == "E-STATE-MODE"


def test_another_owner_is_refused(folder: Path) -> None:
    link = folder / "linked"
    link.symlink_to(folder / "state")
    assert run("status", "--state", link, "--passphrase-file", "-", typed=PASSPHRASE).code == "E-STATE-MODE"
    if (
        os.geteuid() == 0
    ):  # only root can give a folder away; core.store.folder's own tests show the rule to all
        os.chown(folder / "state", 12345, 12345)
        assert at(folder, "status").code == "E-STATE-MODE"


@pytest.mark.parametrize("size", [0, 1, 4096, -1, -4096])
def test_an_emptied_or_truncated_database_is_damage(folder: Path, size: int) -> None:
    database = folder / "state" / "store" / "store.db"
    os.truncate(database, size if size >= 0 else database.stat().st_size + size)
    ran = at(folder, "status")
    assert (ran.status, ran.code, ran.out) == (1, "E-STATE-DAMAGED", "")


@pytest.mark.parametrize("name", ["store.db", "keyslots.json"])
def test_a_missing_file_is_damage(folder: Path, name: str) -> None:
    (folder / "state" / "store" / name).unlink()
    assert at(folder, "status").code == "E-STATE-DAMAGED"


def test_one_old_page_put_back_is_noticed(folder: Path) -> None:
    database = folder / "state" / "store" / "store.db"
    before = database.read_bytes()
    assert at(folder, "policy", "show", "--config", folder / "config.yaml").status == 0  # writes the journal
    after = database.read_bytes()
    changed = [
        at_ for at_ in range(0, len(before), 4096) if before[at_ : at_ + 4096] != after[at_ : at_ + 4096]
    ]
    assert len(changed) > 1
    for place in changed[1:]:
        database.write_bytes(after[:place] + before[place : place + 4096] + after[place + 4096 :])
        (folder / "state" / "attempts.json").unlink(missing_ok=True)
        ran = at(folder, "status")
        assert ran.code in ("E-STATE-DAMAGED", "E-JOURNAL"), place


# the clock


def test_a_clock_before_the_last_entry_issues_nothing(folder: Path) -> None:
    past = f"{START - timedelta(days=3):%Y-%m-%d %H:%M:%S}"
    ran = spawn("top-up", *state(folder), typed=PASSPHRASE, when=past)
    assert (ran.status, ran.code) == (1, "E-CLOCK-BEHIND")


def test_a_clock_later_than_expected_issues_nothing_and_says_what_confirms_it(folder: Path) -> None:
    late = START + timedelta(days=300)
    ahead, date = f"{late:%Y-%m-%d %H:%M:%S}", f"{late:%Y-%m-%d}"
    for command in (("top-up",), ("export", "main-kudo", "--to", str(folder / "out"))):
        ran = spawn(*command, *state(folder), typed=PASSPHRASE, when=ahead)
        assert (ran.status, ran.code) == (1, "E-CLOCK-LATE")
        assert f"--confirm-date {date}" in ran.err
    assert not [*(folder / "out").iterdir()]
    assert spawn("status", *state(folder), typed=PASSPHRASE, when=ahead).status == 0
    assert spawn("top-up", *state(folder), "--confirm-date", date, typed=PASSPHRASE, when=ahead).status == 0


def test_a_person_at_a_terminal_confirms_a_late_visit(folder: Path) -> None:
    (folder / "passphrase").write_bytes(PASSPHRASE)
    when = f"{START + timedelta(days=300):%Y-%m-%d %H:%M:%S}"
    command = [sys.executable, "-m", "kiosk", "top-up", "--state", str(folder / "state")]
    for answer, status in ((b"n\n", 1), (b"y\n", 0)):
        ours, theirs = pty.openpty()
        child = subprocess.Popen(
            ["faketime", "-f", f"@{when}", *command, "--passphrase-file", str(folder / "passphrase")],
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            env=ENVIRONMENT,
        )
        os.close(theirs)
        os.write(ours, answer)
        _, said = child.communicate(timeout=60)
        os.close(ours)
        assert b"Is this the time?" in said
        assert child.returncode == status


def state(folder: Path) -> tuple[str, ...]:
    return ("--state", str(folder / "state"), "--passphrase-file", "-")


# policy


@pytest.mark.parametrize(
    "command",
    [("export", "nowhere"), ("backup", "nowhere"), ("export", "main-backup"), ("backup", "main-kudo")],
)
def test_what_the_policy_does_not_name_is_not_written(folder: Path, command: tuple[str, str]) -> None:
    ran = at(folder, *command, "--to", folder / "out")
    assert (ran.status, ran.code) == (1, "E-POLICY")
    assert not [*(folder / "out").iterdir()]


@pytest.mark.parametrize(
    "arguments", [("nobody", "--reason", "keyCompromise"), ("", "--reason", "keyCompromise")]
)
def test_an_unknown_certificate_is_not_revoked(folder: Path, arguments: tuple[str, ...]) -> None:
    assert at(folder, "revoke", *arguments).code.startswith("E-")


def test_an_unknown_reason_is_refused(folder: Path) -> None:
    (signer, *_) = unlock_ids(folder)
    ran = at(folder, "revoke", signer, "--reason", "because")
    assert (ran.status, ran.code) == (2, "E-USAGE")


def unlock_ids(folder: Path) -> list[str]:
    with contextlib.closing(unlock(folder, START)) as authority:
        return [item.id for item in authority.certificates() if item.kind == "signer"]


# folders


def test_an_export_leaves_what_has_its_names_alone(folder: Path) -> None:
    (folder / "out" / "pism-receipt-main-kudo-000001.html").write_text("taken")
    (folder / "out" / "public").write_text("taken")
    before = snapshot(folder / "out")
    assert at(folder, "export", "main-kudo", "--to", folder / "out").status == 0
    after = snapshot(folder / "out")
    assert {name: after[name] for name in before} == before
    (report,) = (folder / "out").glob("pism-receipt-main-kudo-000001-*.html")
    assert report.read_text().startswith("<!DOCTYPE html>")
    assert [*(folder / "out").glob("public-main-kudo-000001/roots.pem")]


def test_the_folder_of_an_export_is_made_and_does_not_stay_where_it_fails(folder: Path) -> None:
    missing = folder / "out" / "missing"
    assert at(folder, "export", "nowhere", "--to", missing).code == "E-POLICY"
    assert not missing.exists()
    assert at(folder, "export", "main-kudo", "--to", missing / "below").code == "E-FILE"
    assert not missing.exists()
    assert at(folder, "export", "main-kudo", "--to", missing).status == 0
    assert len([*missing.glob("*.tar.age")]) == 1
