"""Rescues on the emulated box, from an empty state to one that exports, with the real vault and real sticks.

What an operator must see stands in tests/scenarios/rescue*.txt and below; what must be on disks, here.
"""

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyrage
import pytest

from core.crypto.passphrase import canonical
from core.store.store import Store, is_provisioned, open_store
from kiosk.emulator.box import EmulatedBox, Folders
from kiosk.emulator.scenario import Player, parse_scenario
from tests.kiosk.emulated import PASSPHRASE, files_on, play
from tests.kiosk.rescues import NOW, Lost, fill_stick, lay_empty_box, lose_box, rescue_files

DAY = timedelta(days=1)
BEGIN = """
expect "FIRST SET-UP" 60
insert PISM-RESCUE
expect "onto this empty box?"
press #
expect "IS THIS THE TIME?"
press #
"""
DONE = """
expect "ON THE PAPER, TOO" 60
press #
expect "RESTORED" 120
"""
CONFIRM = """
expect "WHOSE BACKUP?" 120
press # # #
expect "#hold: restore"
hold # 2.5
expect "eight random words"
press A
expect "WRITE DOWN"
read words
press #
expect "WORD 1 of 8"
type words
"""


@pytest.fixture(scope="module")
def lost() -> Lost:
    return lose_box()


@pytest.fixture
def folders(tmp_path: Path, lost: Lost) -> Folders:
    return lay_empty_box(tmp_path, lost)


def open_restored(folders: Folders, player: Player) -> Store:
    """Open the restored store by the words that the operator wrote down."""
    return open_store(folders.state, canonical(" ".join(player._words)))


def run(folders: Folders, text: str, files: dict[str, bytes], now: datetime = NOW + DAY) -> Player:
    """Play a scenario on an empty box, with a PISM-RESCUE stick of these files at hand."""
    fill_stick(folders.sticks / "PISM-RESCUE.img", files)
    with EmulatedBox(folders, instant=now) as box:
        player = Player(box)
        player.play(parse_scenario(text))
        return player


def assert_no_key(folders: Folders, lost: Lost) -> None:
    """Check that the identity is nowhere but on the stick."""
    key = lost.key.strip().splitlines()[-1]
    for file in folders.state.parent.rglob("*"):
        assert not file.is_file() or file.suffix == ".img" or key not in file.read_bytes(), file


def test_an_empty_box_comes_back_and_exports(folders: Folders, lost: Lost) -> None:
    image = fill_stick(folders.sticks / "PISM-RESCUE.img", rescue_files(lost))
    before = image.read_bytes()
    with EmulatedBox(folders, instant=NOW + DAY) as box:
        player = play(box, "rescue")
        assert len(files_on(box.image("PISM-ALL"))) > 4
    assert image.read_bytes() == before, "neither the rescue nor the box that is not empty wrote to it"
    with open_restored(folders, player) as new, open_store(lost.folders.state, PASSPHRASE) as old:
        acts = [entry.act for entry in new.entries()]
        carried = acts.index("restore")
        assert [entry.act for entry in old.entries()][:carried] == acts[:carried]
        assert acts[carried:] == ["restore", "unlock", "export", "written", "backup", "written"]
        assert new.certificates("root") == old.certificates("root")
        assert new.key_ids() == old.key_ids()
        assert new.fact("restored_from") == old.fact("incarnation")
    assert_no_key(folders, lost)


def test_a_post_quantum_key_opens_the_backup_on_the_panel(tmp_path: Path) -> None:
    lost = lose_box(post_quantum=True)
    folders = lay_empty_box(tmp_path, lost)
    locked = pyrage.passphrase.encrypt(lost.key, "cabin")
    text = """
expect "THE KEY IS LOCKED"
press #
expect "Key passphrase"
type cabin
"""
    player = run(folders, BEGIN + text + CONFIRM + DONE, {lost.name: lost.backup, "a.age": locked})
    open_restored(folders, player).close()
    assert_no_key(folders, lost)


def test_the_key_is_picked_and_opened_by_its_own_passphrase(folders: Folders, lost: Lost) -> None:
    locked = pyrage.passphrase.encrypt(lost.key, "cabin engine harbor")
    other = f"{pyrage.x25519.Identity.generate()}\n".encode()
    files = {lost.name: lost.backup, "other.txt": other, "backup-a.age": locked}
    text = """
expect "WHICH KEY?"
expect "B backup-a.age"
press B
expect "THE KEY IS LOCKED"
press #
expect "Key passphrase"
type cabin engine market
expect "E-IDENTITY-LOCKED" 60
press #
expect "WORD 3"
type harbor
"""
    player = run(folders, BEGIN + text + CONFIRM + DONE, files)
    open_restored(folders, player).close()
    assert_no_key(folders, lost)


def test_a_key_opens_by_a_passphrase_with_two_blanks_in_a_row(folders: Folders, lost: Lost) -> None:
    files = {lost.name: lost.backup, "backup-a.age": pyrage.passphrase.encrypt(lost.key, "a  b ")}
    text = """
expect "Any ASCII, also space"
press #
expect "Key passphrase"
press C
press 2
clock advance 2s
press 0
clock advance 2s
press 0
clock advance 2s
press 2 2
clock advance 2s
press 0
clock advance 2s
press #
"""
    player = run(folders, BEGIN + text + CONFIRM + DONE, files)
    open_restored(folders, player).close()


def test_a_key_that_an_editor_saved_with_a_mark_before_it_opens(folders: Folders, lost: Lost) -> None:
    files = {lost.name: lost.backup, "backup-a.txt": b"\xef\xbb\xbf" + lost.key.replace(b"\n", b"\r\n")}
    player = run(folders, BEGIN + CONFIRM + DONE, files)
    open_restored(folders, player).close()


@pytest.mark.parametrize("saved", ["UTF-16", "RTF"])
def test_a_key_that_an_editor_saved_in_another_form_says_so(folders: Folders, lost: Lost, saved: str) -> None:
    forms = {"UTF-16": lost.key.decode().encode("utf-16"), "RTF": rb"{\rtf1\ansi " + lost.key + b"}"}
    text = f"""
expect "E-ARCHIVE-IDENTITY" 60
press-until D "{saved}" 10
press #
"""
    run(folders, BEGIN + text, {lost.name: lost.backup, "backup-a.txt": forms[saved]})
    assert not is_provisioned(folders.state)


def test_a_key_under_a_cipher_that_cannot_be_read_is_named_with_the_way_out(
    folders: Folders, lost: Lost, tmp_path: Path
) -> None:
    make = ("ssh-keygen", "-q", "-t", "ed25519", "-N", "plain words", "-f", tmp_path / "key")
    subprocess.run([*make, "-Z", "chacha20-poly1305@openssh.com"], check=True)
    files = {lost.name: lost.backup, "holder": (tmp_path / "key").read_bytes()}
    text = """
expect "E-IDENTITY-CIPHER" 60
expect "Its cipher is unknown"
press D
expect "20-poly1305@openssh."
press-until D "ssh-keygen" 10
press #
"""
    run(folders, BEGIN + text, files)


def test_another_config_waits_for_approval_after_the_first_unlock(folders: Folders, lost: Lost) -> None:
    text = folders.config.read_text().replace("load: 4", "load: 3").replace("PISM-ALL:", "PISM-OTHER:")
    folders.config.write_text(text)
    scenario = """
expect "ON THE PAPER, TOO" 60
press #
expect "RESTORED" 120
press-until # "CONFIG DIFFERS" 20
press-until # "Stick is not used" 10
pull
press #
expect "WORD 1"
type words
expect "UNLOCKED" 60
expect "policy change"
press D
expect "POLICY CHANGES"
press *
"""
    player = run(folders, BEGIN + CONFIRM + scenario, rescue_files(lost))
    with open_restored(folders, player) as store, open_store(lost.folders.state, PASSPHRASE) as old:
        assert store.fact("policy") == old.fact("policy")


def spoilt(lost: Lost, how: str) -> dict[str, bytes]:
    """Return a stick that nothing can be restored from."""
    files = rescue_files(lost)
    middle = len(lost.backup) // 2
    match how:
        case "no archive":
            del files[lost.name]
        case "two archives":
            files["main-backup-000002-20270101T000000Z.tar.age"] = lost.backup
        case "crowd":
            files |= {f"photo-{number}.txt": b"x" for number in range(33)}
        case "no key":
            files["backup-a.txt"] = b"# public key: age1...\n"
        case "other key":
            files["backup-a.txt"] = f"{pyrage.x25519.Identity.generate()}\n".encode()
        case "cut":
            files[lost.name] = lost.backup[:middle]
        case "altered":
            files[lost.name] = lost.backup[:middle] + b"\0" + lost.backup[middle + 1 :]
        case "empty":
            files[lost.name] = b""
        case "egress":
            files |= {lost.name: lost.egress, "backup-a.txt": lost.server_key}
    return files


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ("no archive", "E-RESCUE-MISSING"),
        ("two archives", "E-RESCUE-MANY"),
        ("crowd", "E-RESCUE-MANY"),
        ("no key", "E-RESCUE-KEY"),
        ("other key", "E-ARCHIVE-IDENTITY"),
        ("cut", "E-ARCHIVE-DAMAGED"),
        ("altered", "E-ARCHIVE-DAMAGED"),
        ("empty", "E-ARCHIVE-DAMAGED"),
        ("egress", "E-ARCHIVE-KIND"),
    ],
)
def test_what_is_wrong_with_a_stick_is_told_and_the_box_stays_empty(
    folders: Folders, lost: Lost, how: str, code: str
) -> None:
    end = f'expect "{code}" 120\npress #\nexpect "onto this empty box?" 30\n'
    run(folders, BEGIN + end, spoilt(lost, how))
    assert not is_provisioned(folders.state)
    assert list(folders.spool.iterdir()) == []


def test_a_clock_that_is_behind_the_backup_is_set_and_the_rescue_goes_on(
    folders: Folders, lost: Lost
) -> None:
    later = (NOW + DAY).strftime("%Y%m%d%H%M")
    keys = " ".join(later)
    text = f"""
expect "E-ARCHIVE-DATE" 120
press #
expect "onto this empty box?" 30
press #
expect "IS THIS THE TIME?"
press A
expect "Type the date"
press {keys}
expect "Type it again"
press {keys}
expect "SET THE CLOCK?"
hold # 2.5
expect "IS THIS THE TIME?"
press #
"""
    player = run(folders, BEGIN + text + CONFIRM + DONE, rescue_files(lost), NOW - 9 * DAY)
    with open_restored(folders, player) as store:
        assert [entry.act for entry in store.entries()][-1] == "restore"


def test_a_clock_before_the_release_is_set_before_anything_is_read(folders: Folders, lost: Lost) -> None:
    keys = " ".join((NOW + DAY).strftime("%Y%m%d%H%M"))
    begin = BEGIN.replace('expect "IS THIS THE TIME?"', 'expect "E-CLOCK-BEHIND"\nexpect "Box  1970-01-01"')
    text = f"""
expect "Type the date"
press {keys}
expect "Type it again"
press {keys}
expect "SET THE CLOCK?"
hold # 2.5
expect "IS THIS THE TIME?"
press #
expect "WHOSE BACKUP?" 120
"""
    run(folders, begin + text, rescue_files(lost), datetime(1970, 1, 1, tzinfo=UTC))


def test_a_box_that_locks_in_the_middle_forgets_all(folders: Folders, lost: Lost) -> None:
    text = """
expect "WHOSE BACKUP?" 120
clock advance 291s
expect "LOCKS IN"
clock advance 11s
expect "onto this empty box?" 30
"""
    run(folders, BEGIN + text, rescue_files(lost))
    assert not is_provisioned(folders.state)


def test_a_killed_vault_leaves_the_box_empty_and_the_rescue_begins_anew(folders: Folders, lost: Lost) -> None:
    text = f"""
{CONFIRM.replace("type words", "kill vault")}
type words
expect "E-VAULT" 30
press #
expect "onto this empty box?" 60
press #
expect "IS THIS THE TIME?"
press #
"""
    player = run(folders, BEGIN + text + CONFIRM + DONE, rescue_files(lost))
    open_restored(folders, player).close()
