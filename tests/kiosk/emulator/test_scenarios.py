"""The rules of the states (design 6), each played as its scenario on the emulated box, with a real vault.

What an operator must see stands in tests/scenarios/*.txt; here is what must be on stick and in journal.
"""

import hashlib
import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from core.crypto.identities import load_identities
from core.receive.opening import open_archive
from hw.fat.volume import open_volume
from kiosk.emulator.box import EmulatedBox, Folders
from kiosk.emulator.folder import HOLDERS, lay_folder, lay_stick
from kiosk.emulator.scenario import Player, parse_scenario
from kiosk.screens.reader import read_text
from tests.core.issue.test_csr_subject import ODD
from tests.hw.disks import BASIC, EFI, judge, make_disk, take_part
from tests.hw.images import check_fat
from tests.kiosk.emulated import (
    NOW,
    SCENARIOS,
    acts,
    count_signers,
    files_on,
    make_backup,
    play,
    read_journal,
    set_up_box,
    small_config,
    top_up_ahead,
)
from tests.kiosk.place import holds, read_receipts
from tests.signing_requests import make_request

JOB = ["issue", "issue", "issue", "export", "written", "backup", "written"]  # two roots, then signers at once
SIGNERS = 22
_REDIS = "      redis: {load: 1, quantum: 0.5}\n"
GATES = ((_REDIS, f"{_REDIS}      gates: {{quantum: 0.5, own_key: true}}\n"),)
"""What makes a target of the small world that takes requests."""
RECEIPTS = {"pism-receipt-main-kudo-000001.json", "pism-receipt-main-backup-000001.json"}


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return set_up_box(tmp_path)


def play_alone(folders: Folders, name: str) -> EmulatedBox:
    """Play a scenario on a box of its own, which has ended then."""
    with EmulatedBox(folders) as box:
        play(box, name)
    return box


def digest(image: Path) -> str:
    return hashlib.sha256(image.read_bytes()).hexdigest()


def has_all(image: Path) -> bool:
    """Tell whether both archives are on a stick, with all that their receipts name, as mtools reads it."""
    names = files_on(image)
    archives = [name for name in names if name.endswith(".tar.age")]
    is_tidy = len(archives) == 2 and not any(name.endswith(".part") for name in names)
    return names > RECEIPTS and is_tidy and all(holds(image, receipt) for receipt in read_receipts(image))


def test_requests_on_a_stick_are_signed_as_approved_and_exported_without_a_key(tmp_path: Path) -> None:
    folders = set_up_box(tmp_path, changes=GATES)
    files = {f"services.gates.{n}.csr": make_request(common_name=f"gate {n}") for n in (1, 2, 3)}
    files["services.mongo.csr"] = make_request()
    lay_stick(folders, "PISM-ALL", {f"requests/{name}": data for name, data in files.items()})
    box = play_alone(folders, "requests")
    assert {f"requests/{name}" for name in files} < files_on(box.image("PISM-ALL"))
    requests = [entry.detail["requests"] for entry in read_journal(folders) if "requests" in entry.detail]
    assert [[item["file"] for item in each] for each in requests] == [["services.gates.1.csr"]]
    key = (tmp_path / "receivers" / "main-kudo.key").read_bytes()
    with open_volume(box.image("PISM-ALL")) as volume:
        name = min(item.name for item in volume.list() if item.name.startswith("main-kudo-"))
        (tmp_path / name).write_bytes(volume.get(name, 1 << 24))
    identities = load_identities(key, None, "key")
    now = datetime.now(UTC)
    received = open_archive(tmp_path / name, identities, (), tmp_path / "out", lambda _: True, now)
    (gate,) = [entry for entry in received.manifest.certificates if entry.target == "gates"]
    assert not isinstance(gate.key_file, str)
    assert received.folder is not None
    signer, _ = x509.load_pem_x509_certificates((received.folder / gate.file).read_bytes())
    assert signer.public_key() == x509.load_der_x509_csr(files["services.gates.1.csr"]).public_key()


def test_no_request_is_passed_over_in_silence(tmp_path: Path) -> None:
    folders = set_up_box(tmp_path, changes=GATES)
    names = (
        "gate.csr",
        "requests/services.gates.csr.txt",
        "requests/services.gates.req",
        "requests/Thumbs.db",
    )
    lay_stick(folders, "PISM-ALL", dict.fromkeys(names, make_request()))
    box = play_alone(folders, "requests-misnamed")
    assert set(names) < files_on(box.image("PISM-ALL"))
    assert not [entry for entry in read_journal(folders) if "requests" in entry.detail]


def test_requests_on_a_stick_that_takes_the_place_of_a_pulled_one_wait_and_are_told(tmp_path: Path) -> None:
    folders = set_up_box(tmp_path, changes=GATES)
    odd, _ = ODD["umlaut as PrintableString"]
    for name, number, data in (("FIRST", 1, odd), ("SECOND", 2, make_request(common_name="gate 2"))):
        image = lay_stick(folders, "PISM-ALL", {f"requests/services.gates.{number}.csr": data})
        image.rename(folders.sticks / f"{name}.img")
    box = play_alone(folders, "requests-late")
    assert files_on(box.image("SECOND")) > RECEIPTS
    requests = [entry.detail["requests"] for entry in read_journal(folders) if "requests" in entry.detail]
    assert [[item["file"] for item in each] for each in requests] == [
        [f"services.gates.{number}.csr"] for number in (1, 2)
    ]


def test_a_second_stick_while_working_is_not_touched_and_the_work_ends(folders: Folders) -> None:
    box = EmulatedBox(folders)
    untouched = digest(box.make("PISM-EXPORT"))
    with box:
        play(box, "second-stick")
    assert has_all(box.image("PISM-ALL"))
    assert digest(box.image("PISM-EXPORT")) == untouched
    assert acts(folders) == ["init", "unlock", *JOB]


def test_of_two_sticks_at_start_neither_is_touched(folders: Folders) -> None:
    box = EmulatedBox(folders)
    before = [digest(box.make(label)) for label in ("PISM-ALL", "PISM-EXPORT")]
    box.insert("PISM-ALL")
    box.insert("PISM-EXPORT")
    with box:
        play(box, "two-at-start")
    assert [digest(box.image(label)) for label in ("PISM-ALL", "PISM-EXPORT")] == before
    assert acts(folders) == ["init"]


def test_a_stick_pulled_early_is_put_in_again_and_the_same_job_goes_on(folders: Folders) -> None:
    box = play_alone(folders, "pulled-early")
    assert has_all(box.image("PISM-ALL"))
    assert files_on(box.image("PISM-EXPORT")) == set()
    assert acts(folders) == ["init", "unlock", *JOB]  # nothing was made twice


def test_a_stick_that_cannot_take_its_job_is_told_before_the_passphrase_and_costs_no_number(
    folders: Folders,
) -> None:
    box = play_alone(folders, "stick-cannot")
    assert has_all(box.image("PISM-ALL"))
    assert acts(folders) == ["init", "unlock", *JOB]


def test_after_an_early_pull_another_stick_of_that_label_gets_everything(folders: Folders) -> None:
    box = play_alone(folders, "pulled-early-other-stick")
    assert has_all(box.image("PISM-ALL"))
    first = files_on(folders.sticks / "PISM-ALL.img")
    assert not first & RECEIPTS
    assert not any(name.endswith(".age") for name in first)
    assert acts(folders) == ["init", "unlock", *JOB]


def test_after_a_job_that_was_cut_off_the_next_visit_says_what_the_first_could_not(folders: Folders) -> None:
    box = play_alone(folders, "cut-off")
    assert {name for name in files_on(box.image("PISM-ALL")) if name.endswith(".json")} == {
        "pism-receipt-main-kudo-000002.json",
        "pism-receipt-main-backup-000001.json",
    }
    assert acts(folders)[-4:] == ["export", "written", "backup", "written"]


def test_the_lock_timer_waits_for_the_work_and_locks_after_it(folders: Folders) -> None:
    box = play_alone(folders, "lock-timer")
    assert has_all(box.image("PISM-ALL"))
    assert acts(folders) == ["init", "unlock", *JOB]


def test_a_held_key_stops_a_long_top_up_and_the_next_goes_on_from_there(tmp_path: Path) -> None:
    folders = set_up_box(tmp_path, large=True)
    box = play_alone(folders, "stop-and-go-on")
    assert has_all(box.image("PISM-ALL"))
    assert count_signers(folders) == 646
    signed = [len(entry.detail["certificates"]) for entry in read_journal(folders) if entry.act == "issue"]
    assert sum(signed) == 646 + 2 * 6
    # Six roots; the signers in three batches, or in two when the stop falls on a commit.
    assert len(signed) - 6 in (2, 3)


def test_the_system_going_down_stops_the_work_and_then_switches_off(tmp_path: Path) -> None:
    folders = set_up_box(tmp_path, large=True)
    box = play_alone(folders, "power-off-while-working")
    assert not files_on(box.image("PISM-ALL"))
    assert acts(folders)[:3] == ["init", "unlock", "issue"]
    assert count_signers(folders) < 646


def test_the_system_goes_down_though_the_work_hangs(tmp_path: Path) -> None:
    folders = set_up_box(tmp_path, large=True)
    play_alone(folders, "power-off-hung")
    assert acts(folders)[:3] == ["init", "unlock", "issue"]
    assert count_signers(folders) < 646


def test_a_wrong_label_is_named_and_the_stick_stays_as_it_is(folders: Folders) -> None:
    box = EmulatedBox(folders)
    before = digest(box.make("HOLIDAYS"))
    with box:
        play(box, "wrong-label")
    assert digest(box.image("HOLIDAYS")) == before
    assert acts(folders) == ["init"]


def test_after_a_wrong_passphrase_its_words_can_be_corrected(folders: Folders) -> None:
    play_alone(folders, "wrong-passphrase")
    unlock = read_journal(folders)[-1]
    assert unlock.act == "unlock"
    assert unlock.detail["failed"] == 1


def test_a_wrong_word_of_the_first_three_is_corrected_before_any_try(folders: Folders) -> None:
    play_alone(folders, "wrong-beginning")
    unlock = read_journal(folders)[-1]
    assert unlock.act == "unlock"
    assert unlock.detail["failed"] == 0


def test_a_dead_display_stops_no_work_and_the_receipt_tells(folders: Folders) -> None:
    box = play_alone(folders, "display-dead")
    assert has_all(box.image("PISM-ALL"))
    assert acts(folders) == ["init", "unlock", *JOB]


def test_a_lost_keypad_stops_no_work_and_its_keys_come_back(folders: Folders) -> None:
    box = play_alone(folders, "keypad-lost")
    assert has_all(box.image("PISM-ALL"))
    assert acts(folders) == ["init", "unlock", *JOB]


def test_a_killed_vault_locks_the_box_and_the_job_can_be_done_anew(folders: Folders) -> None:
    box = play_alone(folders, "vault-killed")
    assert has_all(box.image("PISM-ALL"))
    assert acts(folders) == ["init", "unlock", "unlock", *JOB]


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("full", "E-STICK-FULL"),
        ("dying", "E-STICK-IO"),
        ("lying", "E-STICK-VERIFY"),
    ],
)
def test_a_bad_stick_is_told_by_its_code_and_gets_no_receipt(folders: Folders, fault: str, code: str) -> None:
    text = (SCENARIOS / "bad-stick.txt").read_text(encoding="utf-8")
    with EmulatedBox(folders) as box:
        Player(box).play(parse_scenario(text.replace("FAULT", fault).replace("CODE", code)))
    assert not files_on(folders.sticks / "PISM-ALL.img") & RECEIPTS
    assert "written" not in acts(folders)


@pytest.mark.parametrize(
    ("options", "why"), [(("-F", "32", "-s", "128"), "are the least"), (("-F", "16"), "FAT32 is taken")]
)
def test_a_stick_whose_format_is_not_taken_says_why_and_can_be_erased(
    folders: Folders, options: tuple[str, ...], why: str
) -> None:
    image = folders.sticks / "PISM-ALL.img"
    with image.open("xb") as file:
        file.truncate(600 << 20)
    command = ["mkfs.vfat", *options, "--mbr=n", "-n", "PISM-ALL", image]
    subprocess.run(command, check=True, capture_output=True)
    with EmulatedBox(folders) as box:
        play(box, "bad-format", WHY=why)
    assert has_all(image)
    check_fat(image)
    assert acts(folders) == ["init", "unlock", *JOB]


def test_of_a_stick_with_several_parts_the_one_is_taken_or_all_are_erased(folders: Folders) -> None:
    mac = make_disk(folders.sticks / "MAC.img", "gpt", (EFI, "EFI"), (BASIC, "PISM-ALL"))
    place = int(judge(mac)[1]["start"]) * 512 + 512 + 488
    with mac.open("r+b") as file:
        os.pwrite(file.fileno(), bytes(4), place)
    make_disk(folders.sticks / "PARTS.img", "dos", ("c", "PHOTOS"), ("83", None))
    untouched = digest(take_part(mac, 1, folders.sticks / "before"))
    box = play_alone(folders, "stick-parts")
    volume_of_mac = take_part(mac, 2, folders.sticks / "volume")
    assert has_all(volume_of_mac)
    check_fat(volume_of_mac)
    assert digest(take_part(mac, 1, folders.sticks / "efi")) == untouched
    with open_volume(box.image("PARTS")) as volume:
        assert (volume.label, volume.list()) == ("PISM-ALL", ())
        assert volume.size_bytes == box.image("PARTS").stat().st_size
    assert acts(folders) == ["init", "unlock", *JOB]


def lay_policy(folders: Folders, old: str = "", new: str = "") -> None:
    """Lay a stick ready that brings another table of sticks, with one text put for another."""
    text = small_config().replace("  PISM-EXPORT:", "  PISM-KUDO:")
    text = text.replace("dim_after_s: 60", "dim_after_s: 59").replace(old, new)
    keys = {f"keys/{holder}.pub": (folders.config.parent / "keys" / f"{holder}.pub") for holder in HOLDERS}
    files = {path: file.read_bytes() for path, file in keys.items()}
    lay_stick(folders, "PISM-CONFIG", files | {"config.yaml": text.encode()})


def test_a_policy_of_a_stick_is_approved_and_a_locked_box_knows_its_labels(folders: Folders) -> None:
    lay_policy(folders)
    play_alone(folders, "policy-stick")
    assert acts(folders) == ["init", "unlock", "policy", "unlock"]
    assert "instead_of" in read_journal(folders)[2].detail
    with EmulatedBox(folders) as box:  # after a restart
        box.insert("PISM-KUDO")
        assert box.watch(lambda picture: "STICK PISM-KUDO asks" in read_text(picture), 60)


def test_a_policy_stick_may_hold_other_files_and_its_keys_anywhere(folders: Folders) -> None:
    keys = {path.name: path.read_bytes() for path in (folders.config.parent / "keys").glob("*.pub")}
    text = (
        small_config().replace("  PISM-EXPORT:", "  PISM-KUDO:").replace("dim_after_s: 60", "dim_after_s: 59")
    )
    text = text.replace("keys/main-kudo.pub", "main-kudo.pub").replace("keys/backup-a", r"holders\backup-a")
    files = {
        "keys/Thumbs.db": bytes(30_000),
        "keys/offer.pdf": bytes(90_000),
        "main-kudo.pub": keys["main-kudo.pub"],
    }
    files |= {"holders/backup-a.pub": keys["backup-a.pub"], "keys/backup-b.pub": keys["backup-b.pub"]}
    lay_stick(folders, "PISM-CONFIG", files | {"config.yaml": text.encode()})
    play_alone(folders, "policy-stick")
    assert acts(folders) == ["init", "unlock", "policy", "unlock"]


def test_of_a_policy_with_one_exchanged_key_that_key_alone_is_read(folders: Folders) -> None:
    keys = {path.name: path.read_bytes() for path in (folders.config.parent / "keys").glob("*.pub")}
    public = Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    files = {f"keys/{name}": data for name, data in keys.items()}
    files |= {"keys/backup-b.pub": public + b" new@holder\n", "config.yaml": small_config().encode()}
    lay_stick(folders, "PISM-CONFIG", files)
    play_alone(folders, "policy-stick-key")
    assert acts(folders) == ["init", "unlock", "policy"]


def test_a_policy_of_a_stick_with_a_mistake_is_refused_with_its_place(folders: Folders) -> None:
    lay_policy(folders, "load: 4", "laod: 4")
    play_alone(folders, "policy-stick-bad")
    assert acts(folders) == ["init", "unlock"]


def test_a_policy_stick_pulled_at_any_stage_pins_nothing(folders: Folders) -> None:
    lay_policy(folders)
    play_alone(folders, "policy-stick-gone")
    assert acts(folders) == ["init", "unlock", "unlock"]


def test_an_empty_box_is_set_up_by_a_stick_alone(tmp_path: Path) -> None:
    folders = lay_folder(tmp_path, small_config())
    lay_policy(folders, "load: 2,", "load: 1,")
    for key in (tmp_path / "keys").iterdir():
        key.unlink()
    with EmulatedBox(folders) as box:
        play(box, "policy-stick-set-up")


def test_the_words_of_a_drill_are_typed_and_count_once(folders: Folders) -> None:
    words = make_backup(folders)
    with EmulatedBox(folders) as box:
        play(box, "drill-words", SIX=words)
    entries = [entry for entry in read_journal(folders) if entry.act == "drill"]
    assert [entry.detail for entry in entries] == [{"name": "main-backup", "sequence": 1}]
    assert words not in str([entry.detail for entry in read_journal(folders)])


def test_the_words_of_a_drill_come_on_a_stick(folders: Folders) -> None:
    words = make_backup(folders)
    lay_stick(folders, "EMPTY", {})
    lay_stick(folders, "DRILLED", {"pism-drill-main-backup-000001.txt": f"{words}\n".encode()})
    play_alone(folders, "drill-stick")
    assert acts(folders).count("drill") == 1


def test_a_stick_labelled_for_a_drill_asks_unlocks_and_records(folders: Folders) -> None:
    words = make_backup(folders)
    for name, text in (("BAD", "five words are too few"), ("GOOD", words)):
        image = lay_stick(folders, "PISM-DRILL", {"pism-drill-main-backup-000001.txt": text.encode()})
        image.rename(folders.sticks / f"{name}.img")
    play_alone(folders, "drill-label")
    assert acts(folders).count("drill") == 1


def test_what_a_clock_ahead_signed_is_listed_and_revoked_together(folders: Folders) -> None:
    top_up_ahead(folders)
    with EmulatedBox(folders, instant=datetime(2026, 11, 23, 11, 50, tzinfo=UTC)) as box:
        play(box, "clock-ahead")
    found = acts(folders)
    assert found.count("clock") == 2
    assert found.count("revoke") == 24
    assert found[-1] == "issue"


def test_after_a_revocation_the_visit_is_due_today_wherever_it_is_said(folders: Folders) -> None:
    top_up_ahead(folders)
    with EmulatedBox(folders, instant=NOW) as box:
        play(box, "revoked")
    assert acts(folders)[-2:] == ["revoke", "issue"]


def test_who_comes_when_told_is_asked_nothing_and_who_comes_late_is_asked_once(folders: Folders) -> None:
    top_up_ahead(folders)
    lay_stick(folders, "PISM-EXPORT", {})
    with EmulatedBox(folders, instant=NOW) as box:
        play(box, "visit-late")
    entries = read_journal(folders)
    assert [entry.act for entry in entries].count("clock") == 1
    assert [entry.act for entry in entries].count("written") == 2


def test_every_scenario_can_be_read() -> None:
    found = sorted(SCENARIOS.glob("*.txt"))
    assert found
    for path in found:
        text = path.read_text(encoding="utf-8")
        assert text.startswith("# ")
        for word, given in (("FAULT", "full"), ("SIX", "zoo"), ("PLACE", "1"), ("AGAIN", "A")):
            text = text.replace(word, given)
        assert parse_scenario(text)
