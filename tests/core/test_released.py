"""What an earlier release wrote is opened as it is: a state folder, and every kind of archive made from it.

Format 1 is tests/fixtures/0.1.0, format 2 tests/fixtures/format-2; made as their README.md says.
"""

import io
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from core.api.results import ArchiveWritten
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

FIXTURES = Path(__file__).parents[1] / "fixtures"
NOW = utc("2027-03-01T09:00")
BOOT = Boot(id="0", uptime_s=1.0)


@dataclass(frozen=True)
class Released:
    """What a release left behind.

    Attributes:
        folder: Of the fixtures.
        last_visit: After the last of its commands.
        backups: Recipients of each of its backups.
    """

    folder: str
    last_visit: datetime
    backups: dict[str, tuple[str, ...]]

    @property
    def path(self) -> Path:
        return FIXTURES / self.folder

    @property
    def archives(self) -> Path:
        return self.path / "archives"

    @property
    def passphrase(self) -> bytes:
        return (self.path / "passphrase").read_bytes().strip()

    @property
    def recipients(self) -> dict[str, tuple[str, ...]]:
        return {"main-kudo": ("main-kudo",), **self.backups}

    def find(self, name: str, sequence: int | None = None) -> Path:
        """Return an archive, the newest of its name."""
        number = "*" if sequence is None else f"{sequence:06}"
        return max(self.archives.glob(f"{name}-{number}-*.tar.age"))

    def receipt(self, archive: Path) -> bytes:
        stem = archive.name.rsplit("-", 1)[0]
        return (self.archives / f"pism-receipt-{stem}.json").read_bytes()

    def identities(self, recipient: str) -> list[Any]:
        return list(load_identities((self.path / "identities" / f"{recipient}.key").read_bytes()))

    def roots(self) -> tuple[x509.Certificate, ...]:
        return load_roots((self.archives / "public" / "roots.pem").read_bytes(), "roots.pem")

    def unlock(self, state: Path, now: datetime = NOW) -> Authority:
        return Authority.unlock(state, self.passphrase, now, BOOT)


MAIN = ("backup-a", "backup-b")
FORMAT_1 = Released("0.1.0", utc("2026-11-26T16:00"), {"main-backup": MAIN})
FORMAT_2 = Released("format-2", utc("2026-11-27T16:00"), {"main-backup": MAIN, "far-backup": ("backup-pq",)})
BOTH = (FORMAT_1, FORMAT_2)
WORDS = tuple((FORMAT_2.path / "words").read_text().split())
each_release = pytest.mark.parametrize("released", BOTH, ids=[each.folder for each in BOTH])
format_1 = pytest.mark.parametrize("released", [FORMAT_1], ids=["format 1"])
format_2 = pytest.mark.parametrize("released", [FORMAT_2], ids=["format 2"])


@pytest.fixture
def state(tmp_path: Path, released: Released) -> Path:
    """A copy of the state folder, with the modes that it had on its box."""
    copy = tmp_path / "state"
    shutil.copytree(released.path / "state", copy)
    for path in (copy, *copy.rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o600)
    return copy


@each_release
def test_the_state_folder_opens_and_is_what_its_journal_says(released: Released, state: Path) -> None:
    authority = released.unlock(state, released.last_visit)  # which verifies the journal, and the state by it
    acts = [entry.act for entry in authority.entries()]
    report = authority.status(released.last_visit)
    authority.close()
    assert (acts[0], acts[-1]) == ("init", "unlock")
    assert {"backup", "drill", "export", "revoke", "passphrase", "written"} <= set(acts)
    assert report.counts["signer revoked"] == 1
    archives = {item.name: item for item in report.archives}
    assert {name: item.sequence for name, item in archives.items()} == {
        name: 1 if name == "far-backup" else 2 for name in released.recipients
    }
    assert archives["main-backup"].drilled is not None


@each_release
def test_the_passphrase_that_was_changed_opens_it_no_longer(released: Released, state: Path) -> None:
    former = (released.path / "first-passphrase").read_bytes().strip()
    with pytest.raises(PassphraseWrongError):
        Authority.unlock(state, former, released.last_visit, BOOT)


@each_release
def test_its_configuration_is_the_policy_that_it_pinned(released: Released, state: Path) -> None:
    authority = released.unlock(state, released.last_visit)
    assert propose_policy(released.path / "config.yaml")[0] == authority.policy
    authority.close()


@format_1
def test_the_state_folder_gets_its_box_key_with_the_first_unlock_and_keeps_it(
    released: Released, state: Path
) -> None:
    words = []
    for _ in range(2):
        authority = released.unlock(state, released.last_visit)
        (made,) = (entry for entry in authority.entries() if entry.act == "box-key")
        box = authority.status(released.last_visit).box
        authority.close()
        assert made.detail == {"box_key": box.key}
        words.append(box.words)
    assert words[0] == words[1]
    assert len(set(words[0])) > 1


@format_1
def test_a_clock_that_is_not_believed_does_not_date_the_box_key(released: Released, state: Path) -> None:
    authority = released.unlock(state, utc("2026-01-01"))
    last = list(authority.entries())[-3:]
    authority.close()
    assert [entry.act for entry in last[1:]] == ["box-key", "unlock"]
    assert {entry.time for entry in last} == {last[0].time}


@format_2
def test_the_box_keeps_the_words_that_it_had(released: Released, state: Path) -> None:
    authority = released.unlock(state, released.last_visit)
    assert tuple(authority.status(released.last_visit).box.words) == WORDS
    authority.close()


def top_up_and_export(authority: Authority, archive: Path) -> ArchiveWritten:
    """Top up, which a second time changes nothing, and write the egress's next archive."""
    assert authority.top_up(NOW, report_nothing).signers
    assert authority.top_up(NOW, report_nothing).signers == 0
    with archive.open("wb") as out:
        return authority.write_archive("egress", "main-kudo", out, NOW, report_nothing, public=True)


def receive_earlier(released: Released, server: Path, words: tuple[str, ...] | None = None) -> None:
    """Have a server open both egresses that the release left."""
    for number in (1, 2):
        open_archive(
            released.find("main-kudo", number),
            released.identities("main-kudo"),
            released.roots(),
            server,
            None,
            released.last_visit,
            accept_box=words,
        )


@format_1
def test_archives_of_format_2_follow_those_of_format_1_once_the_box_is_vouched_for(
    released: Released, state: Path, tmp_path: Path
) -> None:
    authority = released.unlock(state)
    archive, server = tmp_path / "next.tar.age", tmp_path / "server"
    written = top_up_and_export(authority, archive)
    words = authority.status(NOW).box.words
    authority.close()
    assert written.sequence == 3
    identities = released.identities("main-kudo")
    receive_earlier(released, server)
    with pytest.raises(ArchiveBoxError):
        open_archive(archive, identities, released.roots(), server, None, NOW)
    open_archive(archive, identities, (), server, None, NOW, accept_box=words)
    assert (server / "current" / "main-kudo").resolve().name == written.archive_name.removesuffix(".tar.age")


@format_2
def test_archives_follow_those_before_without_a_question(
    released: Released, state: Path, tmp_path: Path
) -> None:
    authority = released.unlock(state)
    archive, server = tmp_path / "next.tar.age", tmp_path / "server"
    written = top_up_and_export(authority, archive)
    authority.close()
    assert written.sequence == 3
    receive_earlier(released, server, WORDS)
    open_archive(archive, released.identities("main-kudo"), (), server, None, NOW)
    assert (server / "current" / "main-kudo").resolve().name == written.archive_name.removesuffix(".tar.age")


@format_1
def test_a_top_up_replaces_seals_that_go_cannot_read_and_the_old_ones_verify_on(
    released: Released, state: Path
) -> None:
    authority = released.unlock(state)
    old = {item.id for item in authority.certificates() if item.kind == "seal"}
    authority.top_up(NOW, report_nothing)
    seals = [item for item in authority.certificates() if item.kind == "seal" and item.revoked_at is None]
    new = [item for item in seals if item.id not in old]
    roots = {item.id for item in authority.certificates() if item.kind == "root" and item.revoked_at is None}
    authority.close()
    assert {item.issuer for item in new} == roots
    with open_store(state, released.passphrase) as store:
        assert all(is_current(der) for _, der in store.ders([item.id for item in new]))


@pytest.mark.parametrize(
    ("released", "name", "recipient"),
    [
        pytest.param(released, name, recipient, id=f"{released.folder}-{name}-{recipient}")
        for released in BOTH
        for name, recipients in released.recipients.items()
        for recipient in recipients
    ],
)
def test_an_archive_opens_for_each_of_its_recipients(released: Released, name: str, recipient: str) -> None:
    archive = released.find(name)
    received = verify_archive(archive, released.identities(recipient), released.roots(), NOW)
    assert received.manifest.name == name
    assert received.manifest.format == ("pism-archive-v1" if released is FORMAT_1 else "pism-archive-v2")
    assert received.key_count
    assert received.manifest_sha256.encode() in released.receipt(archive)


@each_release
def test_an_archive_that_is_older_than_one_that_was_opened_is_refused(
    released: Released, tmp_path: Path
) -> None:
    server = tmp_path / "server"
    words = None if released is FORMAT_1 else WORDS
    identities = released.identities("main-kudo")
    open_archive(
        released.find("main-kudo"), identities, released.roots(), server, None, NOW, accept_box=words
    )
    with pytest.raises(ArchiveRollbackError):
        open_archive(released.find("main-kudo", 1), identities, released.roots(), server, None, NOW)


@each_release
def test_a_receipt_is_not_later_than_the_state_that_made_it(released: Released, state: Path) -> None:
    authority = released.unlock(state, released.last_visit)
    receipts = list(released.archives.glob("pism-receipt-*.json"))
    assert receipts
    for receipt in receipts:
        assert authority.check_receipt(receipt.read_bytes()).is_ours
    authority.close()


@each_release
def test_the_backup_is_drilled_and_the_box_takes_the_words(released: Released, state: Path) -> None:
    found = drill(
        released.find("main-backup"),
        released.identities("backup-b"),
        released.roots(),
        None,
        NOW,
        report=report_nothing,
    )
    authority = released.unlock(state)
    assert authority.record_drill(None, " ".join(found.words), NOW).sequence == 2
    authority.close()


@pytest.mark.parametrize(
    ("released", "name", "recipient"),
    [
        pytest.param(FORMAT_1, "main-backup", "backup-a", id="format 1"),
        pytest.param(FORMAT_2, "main-backup", "backup-a", id="format 2"),
        pytest.param(FORMAT_2, "far-backup", "backup-pq", id="format 2, post-quantum"),
    ],
)
def test_a_backup_is_restored_and_goes_on_as_another_box(
    released: Released, name: str, recipient: str, tmp_path: Path
) -> None:
    back = tmp_path / "back"
    restored = restore(
        released.find(name),
        released.identities(recipient),
        released.roots(),
        None,
        state=back,
        passphrase=released.passphrase,
        cost=KdfCost(),
        now=NOW,
        report=report_nothing,
    )
    assert restored.clock_believed
    authority = released.unlock(back)
    assert authority.top_up(NOW, report_nothing).signers
    assert tuple(authority.status(NOW).box.words) != WORDS
    out = io.BytesIO()
    assert authority.write_archive("backup", name, out, NOW, report_nothing, public=False)
    authority.close()
