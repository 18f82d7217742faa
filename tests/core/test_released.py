"""What an earlier release wrote is opened as it is: a state folder, and every kind of archive made from it.

The folder and how it was made: tests/fixtures/0.1.0/README.md.
"""

import io
import json
import shutil
from datetime import datetime
from pathlib import Path

import pytest
from cryptography import x509

from core.archive.seal import is_current
from core.authority.authority import Authority
from core.crypto.identities import load_identities
from core.crypto.process import Boot
from core.errors import ArchiveBoxError, ArchiveRollbackError, PassphraseWrongError
from core.policy.proposal import propose_policy
from core.progress import report_nothing
from core.receive.opening import open_archive, verify_archive
from core.receive.trust import load_roots
from core.recovery.drill import drill
from core.recovery.restore import restore
from core.store.keyslots import KdfCost
from core.store.store import open_store
from tests.builders import utc

RELEASED = Path(__file__).parents[1] / "fixtures" / "0.1.0"
ARCHIVES = RELEASED / "archives"
LAST_VISIT = utc("2026-11-26T16:00")
NOW = utc("2027-03-01T09:00")
BOOT = Boot(id="0", uptime_s=1.0)
PASSPHRASE = (RELEASED / "passphrase").read_bytes().strip()
RECIPIENTS = {"main-kudo": ("main-kudo",), "main-backup": ("backup-a", "backup-b")}


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A copy of the state folder, with the modes that it had on its box."""
    copy = tmp_path / "state"
    shutil.copytree(RELEASED / "state", copy)
    for path in (copy, *copy.rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o600)
    return copy


def find(name: str, sequence: int = 2) -> Path:
    (found,) = ARCHIVES.glob(f"{name}-{sequence:06}-*.tar.age")
    return found


def identities_of(recipient: str) -> list[object]:
    return list(load_identities((RELEASED / "identities" / f"{recipient}.key").read_bytes()))


def roots() -> tuple[x509.Certificate, ...]:
    return load_roots((ARCHIVES / "public" / "roots.pem").read_bytes(), "roots.pem")


def unlock(state: Path, now: datetime = NOW) -> Authority:
    return Authority.unlock(state, PASSPHRASE, now, BOOT)


def test_the_state_folder_opens_and_is_what_its_journal_says(state: Path) -> None:
    authority = unlock(state, LAST_VISIT)  # which verifies the journal, and the state by it
    acts = [entry.act for entry in authority.entries()]
    report = authority.status(LAST_VISIT)
    authority.close()
    assert (acts[0], acts[-1]) == ("init", "unlock")
    assert {"backup", "drill", "export", "revoke", "passphrase", "written"} <= set(acts)
    assert report.counts["signer revoked"] == 1
    assert [item.sequence for item in report.archives] == [2, 2]
    assert report.archives[1].drilled is not None


def test_the_state_folder_gets_its_box_key_with_the_first_unlock_and_keeps_it(state: Path) -> None:
    words = []
    for _ in range(2):
        authority = unlock(state, LAST_VISIT)
        (made,) = (entry for entry in authority.entries() if entry.act == "box-key")
        box = authority.status(LAST_VISIT).box
        authority.close()
        assert made.detail == {"box_key": box.key}
        words.append(box.words)
    assert words[0] == words[1]
    assert len(set(words[0])) > 1


def test_a_clock_that_is_not_believed_does_not_date_the_box_key(state: Path) -> None:
    authority = unlock(state, utc("2026-01-01"))
    last = list(authority.entries())[-3:]
    authority.close()
    assert [entry.act for entry in last[1:]] == ["box-key", "unlock"]
    assert {entry.time for entry in last} == {last[0].time}


def test_the_passphrase_that_was_changed_opens_it_no_longer(state: Path) -> None:
    former = (RELEASED / "first-passphrase").read_bytes().strip()
    with pytest.raises(PassphraseWrongError):
        Authority.unlock(state, former, LAST_VISIT, BOOT)


def test_its_configuration_is_the_policy_that_it_pinned(state: Path) -> None:
    authority = unlock(state, LAST_VISIT)
    assert propose_policy(RELEASED / "config.yaml")[0] == authority.policy
    authority.close()


def test_a_top_up_goes_on_and_its_archives_continue_those_before(state: Path, tmp_path: Path) -> None:
    authority = unlock(state)
    made = authority.top_up(NOW, report_nothing)
    assert made.signers
    assert authority.top_up(NOW, report_nothing).signers == 0
    archive = tmp_path / "next.tar.age"
    with archive.open("wb") as out:
        written = authority.write_archive("egress", "main-kudo", out, NOW, report_nothing, public=True)
    authority.close()
    assert written.sequence == 3
    again = unlock(state)
    words = again.status(NOW).box.words
    again.close()
    server = tmp_path / "server"
    for each in (find("main-kudo", 1), find("main-kudo")):
        open_archive(each, identities_of("main-kudo"), roots(), server, None, LAST_VISIT)
    with pytest.raises(ArchiveBoxError):
        open_archive(archive, identities_of("main-kudo"), roots(), server, None, NOW)
    open_archive(archive, identities_of("main-kudo"), (), server, None, NOW, accept_box=words)
    assert (server / "current" / "main-kudo").resolve().name == written.archive_name.removesuffix(".tar.age")


def test_a_top_up_replaces_seals_that_go_cannot_read_and_the_old_ones_verify_on(state: Path) -> None:
    authority = unlock(state)
    old = {item.id for item in authority.certificates() if item.kind == "seal"}
    authority.top_up(NOW, report_nothing)
    seals = [item for item in authority.certificates() if item.kind == "seal" and item.revoked_at is None]
    new = [item for item in seals if item.id not in old]
    roots = {item.id for item in authority.certificates() if item.kind == "root" and item.revoked_at is None}
    authority.close()
    assert {item.issuer for item in new} == roots
    with open_store(state, PASSPHRASE) as store:
        assert all(is_current(der) for _, der in store.ders([item.id for item in new]))


@pytest.mark.parametrize("name", RECIPIENTS)
def test_an_archive_opens_for_each_of_its_recipients(name: str) -> None:
    for recipient in RECIPIENTS[name]:
        received = verify_archive(find(name), identities_of(recipient), roots(), NOW)
        assert (received.manifest.name, received.manifest.sequence) == (name, 2)
        assert received.key_count
        receipt = json.loads((ARCHIVES / f"pism-receipt-{name}-000002.json").read_bytes())
        assert received.manifest_sha256 in json.dumps(receipt)


def test_an_archive_that_is_older_than_one_that_was_opened_is_refused(tmp_path: Path) -> None:
    server = tmp_path / "server"
    open_archive(find("main-kudo"), identities_of("main-kudo"), roots(), server, None, NOW)
    with pytest.raises(ArchiveRollbackError):
        open_archive(find("main-kudo", 1), identities_of("main-kudo"), roots(), server, None, NOW)


def test_a_receipt_is_not_later_than_the_state_that_made_it(state: Path) -> None:
    authority = unlock(state, LAST_VISIT)
    for receipt in ARCHIVES.glob("pism-receipt-*.json"):
        assert authority.check_receipt(receipt.read_bytes()).is_ours
    authority.close()


def test_the_backup_is_drilled_and_the_box_takes_the_words(state: Path) -> None:
    found = drill(find("main-backup"), identities_of("backup-b"), roots(), None, NOW, report=report_nothing)
    authority = unlock(state)
    assert authority.record_drill(None, " ".join(found.words), NOW).sequence == 2
    authority.close()


def test_the_backup_is_restored_and_goes_on(tmp_path: Path) -> None:
    back = tmp_path / "back"
    restored = restore(
        find("main-backup"),
        identities_of("backup-a"),
        roots(),
        None,
        state=back,
        passphrase=PASSPHRASE,
        cost=KdfCost(),
        now=NOW,
        report=report_nothing,
    )
    assert restored.clock_believed
    authority = unlock(back)
    assert authority.top_up(NOW, report_nothing).signers
    out = io.BytesIO()
    assert authority.write_archive("backup", "main-backup", out, NOW, report_nothing, public=False)
    authority.close()
