"""A backup of a box with a past, restored: the new box goes on as the old one."""

import hashlib
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyrage
import pytest

from core.api.results import Runs
from core.archive.box_key import load_box_key
from core.authority.authority import Authority
from core.errors import CaError, ClockBehindError, ClockLateError, StoppedError
from core.plan.gaps import find_gaps
from core.progress import Progress, report_nothing
from core.receive.opening import Received, open_archive
from core.recovery.restore import Restored, restore
from core.store import journal
from core.store.box import keep_runs, keep_seal, read_runs, read_seal
from core.store.folder import Folder
from core.store.store import Store, open_store
from tests.backups import (
    BOOT,
    COST,
    EVERY_ALGORITHM,
    FOUNDED,
    LAST_VISIT,
    NEW_PASSPHRASE,
    PASSPHRASE,
    PastBox,
    found_box,
    make_past,
    roots_of,
)
from tests.builders import utc

NOW = utc("2027-10-02T08:00")
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> tuple[PastBox, Path]:
    return make_past(tmp_path_factory.mktemp("past"))


def restore_into(state: Path, box: PastBox, backup: Path, **given: Any) -> Restored:
    options: dict[str, Any] = {
        "state": state,
        "passphrase": NEW_PASSPHRASE,
        "cost": COST,
        "now": NOW,
        "report": report_nothing,
    }
    confirm = given.pop("confirm", lambda _: True)
    trust = given.pop("trust", ())
    identities = given.pop("identities", [box.identity])
    return restore(backup, identities, trust, confirm, **(options | given))


def renewed(box: PastBox, state: Path) -> PastBox:
    """Return the box that a restore made."""
    return PastBox(state=state, identity=box.identity, out=box.out, passphrase=NEW_PASSPHRASE)


@pytest.fixture
def stores(past: tuple[PastBox, Path], tmp_path: Path) -> Iterator[tuple[Store, Store]]:
    """Yield the old box's store and the one restored from its last backup."""
    box, backup = past
    restore_into(tmp_path / "state", box, backup)
    with open_store(box.state, PASSPHRASE) as old, open_store(tmp_path / "state", NEW_PASSPHRASE) as new:
        yield old, new


def test_certificates_and_revocations_are_those_of_the_old_box(stores: tuple[Store, Store]) -> None:
    old, new = stores
    issued = old.certificates()
    assert new.certificates() == issued
    assert {item.kind for item in issued if item.revoked_at} == {"seal", "signer"}
    ids = [item.id for item in issued]
    assert list(new.ders(ids)) == list(old.ders(ids))


def test_a_backup_of_this_past_lists_not_all_that_was_issued(past: tuple[PastBox, Path]) -> None:
    box, _ = past
    with open_store(box.state, PASSPHRASE) as store:
        signers = store.certificates(kind="signer")
    assert any(item.not_after < LAST_VISIT for item in signers)


def test_every_key_that_the_old_box_had_is_there(stores: tuple[Store, Store]) -> None:
    old, new = stores
    assert new.key_ids() == old.key_ids()
    assert list(new.keys(sorted(old.key_ids()))) == list(old.keys(sorted(old.key_ids())))


def test_crls_sequences_and_archives_go_on(stores: tuple[Store, Store]) -> None:
    old, new = stores
    assert new.crls() == old.crls()
    assert new.sequences() == old.sequences()
    assert [(item.kind, item.name, item.sequence, item.manifest_sha256) for item in new.archives()] == [
        (item.kind, item.name, item.sequence, item.manifest_sha256) for item in old.archives()
    ]
    own = [item for item in new.archives() if (item.name, item.sequence) == ("main-backup", 3)]
    assert [item.written_at for item in own] == [NOW]


def test_facts_go_on_but_the_incarnation(stores: tuple[Store, Store]) -> None:
    old, new = stores
    changed = {"incarnation", "restored_from"}
    assert {name: value for name, value in new.facts().items() if name not in changed} == {
        name: value for name, value in old.facts().items() if name not in changed
    }
    assert new.fact("restored_from") == old.fact("incarnation")
    assert new.fact("incarnation") not in (None, old.fact("incarnation"))


def test_a_restored_box_has_a_box_key_of_its_own_which_its_journal_names(
    stores: tuple[Store, Store],
) -> None:
    old, new = stores
    key = load_box_key(new).public
    assert key != load_box_key(old).public
    assert journal.verify(new).detail["box_key"] == key


def test_the_journal_goes_on_and_holds(stores: tuple[Store, Store]) -> None:
    old, new = stores
    last = journal.verify(new)
    carried = list(new.entries())[:-1]
    assert list(old.entries())[: len(carried)] == carried
    assert (last.act, last.time, last.previous) == ("restore", NOW, carried[-1].hash)
    assert last.detail["restored_from"] == old.fact("incarnation")


def test_a_certificate_still_knows_the_entry_that_issued_it(stores: tuple[Store, Store]) -> None:
    old, new = stores
    for at in (FOUNDED - DAY, FOUNDED + DAY, utc("2027-05-01"), LAST_VISIT):
        assert new.issued_after(at) == old.issued_after(at)


def test_a_top_up_issues_what_the_old_box_would(past: tuple[PastBox, Path], tmp_path: Path) -> None:
    box, backup = past
    restored = restore_into(tmp_path / "state", box, backup)
    new = renewed(box, tmp_path / "state")
    authority = new.unlock(NOW)
    assert authority.top_up(NOW, report_nothing).signers == 0
    assert authority.status(NOW).incarnation == restored.incarnation
    later = utc("2028-01-05")
    gaps = find_gaps(authority.policy, authority.certificates(), later)
    with open_store(box.state, PASSPHRASE) as old:
        assert find_gaps(authority.policy, old.certificates(), later) == gaps
    assert authority.top_up(later, report_nothing).signers == len(gaps.signers) > 0
    authority.close()


def test_a_restored_box_can_be_restored(past: tuple[PastBox, Path], tmp_path: Path) -> None:
    box, backup = past
    first = restore_into(tmp_path / "first", box, backup)
    (again,) = renewed(box, tmp_path / "first").visit(NOW + DAY, "backup main-backup")
    second = restore_into(tmp_path / "second", box, again, now=NOW + 2 * DAY)
    assert (second.restored_from, second.sequence) == (first.incarnation, first.sequence + 1)
    with open_store(tmp_path / "second", NEW_PASSPHRASE) as store:
        assert [entry.act for entry in store.entries()].count("restore") == 2
        archives = {(item.kind, item.name, item.sequence): item for item in store.archives()}
        assert archives["backup", "main-backup", 3].written_at == NOW
        assert ("backup", "main-backup", 4) in archives


def test_what_was_restored_is_counted(past: tuple[PastBox, Path], tmp_path: Path) -> None:
    box, backup = past
    seen: list[Progress] = []
    restored = restore_into(
        tmp_path / "state",
        box,
        backup,
        trust=roots_of(box),
        confirm=None,
        report=seen.append,
    )
    assert restored.keys > restored.roots > 0
    assert restored.clock_believed
    checked = [progress for progress in seen if progress.what == "key"]
    carried = [progress for progress in seen if progress.what == "certificate"]
    assert seen == checked + carried
    assert carried[-1].total >= restored.roots + restored.signers
    for part in (checked, carried):
        total = part[-1].total
        assert [(progress.done, progress.total) for progress in part] == [
            (n, total) for n in range(total + 1)
        ]


# --- with the receiver of the old box ---


class Server:
    """A server that follows one box."""

    def __init__(self, folder: Path, box: PastBox) -> None:
        self.out, self.box = folder / "server", box

    def open(self, archive: Path, now: datetime, *, yes: bool = False) -> Received:
        confirm: Callable[[Any], bool] | None = (lambda _: True) if yes else None
        return open_archive(archive, [self.box.identity], (), self.out, confirm, now)

    def refusal(self, archive: Path, now: datetime) -> str:
        with pytest.raises(CaError) as caught:
            self.open(archive, now, yes=True)
        return caught.value.code


def test_a_receiver_follows_the_new_incarnation_and_no_other(tmp_path: Path) -> None:
    old = found_box(tmp_path)
    server = Server(tmp_path, old)
    first, backup = old.visit(FOUNDED, "egress main-kudo", "backup main-backup")
    opened = server.open(first, FOUNDED, yes=True)
    for name in ("new", "twin"):
        restore_into(tmp_path / name, old, backup, now=FOUNDED + DAY)
    new, twin = renewed(old, tmp_path / "new"), renewed(old, tmp_path / "twin")

    (export,) = new.visit(FOUNDED + DAY, "egress main-kudo")
    with pytest.raises(CaError) as caught:
        server.open(export, FOUNDED + DAY)
    assert caught.value.code == "E-ARCHIVE-BOX"
    accepted = server.open(export, FOUNDED + DAY, yes=True).manifest
    assert accepted.restored_from == opened.manifest.incarnation
    assert (accepted.sequence, accepted.before) == (2, opened.manifest_sha256)
    (following,) = new.visit(FOUNDED + 2 * DAY, "egress main-kudo")
    assert server.open(following, FOUNDED + 2 * DAY).manifest.sequence == 3

    (late,) = old.visit(FOUNDED + 3 * DAY, "egress main-kudo")
    assert server.refusal(late, FOUNDED + 3 * DAY) == "E-ARCHIVE-ROLLBACK"
    (other,) = twin.visit(FOUNDED + 3 * DAY, "egress main-kudo")
    assert server.refusal(other, FOUNDED + 3 * DAY) == "E-ARCHIVE-FORK"

    (newest,) = new.visit(FOUNDED + 4 * DAY, "backup main-backup")
    restore_into(tmp_path / "third", old, newest, now=FOUNDED + 5 * DAY)
    (export,) = renewed(old, tmp_path / "third").visit(FOUNDED + 5 * DAY, "egress main-kudo")
    assert server.open(export, FOUNDED + 5 * DAY, yes=True).manifest.restored_from == accepted.incarnation


def test_crl_numbers_rise_over_a_restore(past: tuple[PastBox, Path], tmp_path: Path) -> None:
    box, backup = past
    restore_into(tmp_path / "state", box, backup)
    with open_store(box.state, PASSPHRASE) as old:
        numbers = {crl.issuer: crl.number for crl in old.crls()}
    renewed(box, tmp_path / "state").visit(NOW, "egress main-kudo")
    with open_store(tmp_path / "state", NEW_PASSPHRASE) as new:
        assert all(crl.number > numbers[crl.issuer] for crl in new.crls())


# --- time ---


@pytest.mark.parametrize(
    ("now", "error"),
    [(LAST_VISIT - timedelta(hours=5), ClockBehindError), (NOW + 400 * DAY, ClockLateError)],
)
def test_a_clock_that_is_not_believed_does_not_become_the_journals(
    past: tuple[PastBox, Path], tmp_path: Path, now: datetime, error: type[CaError]
) -> None:
    box, backup = past
    assert not restore_into(tmp_path / "state", box, backup, now=now).clock_believed
    authority = renewed(box, tmp_path / "state").unlock(now)
    entry = next(entry for entry in authority.entries() if entry.act == "restore")
    assert (entry.time, entry.detail["clock"]) == (LAST_VISIT, f"{now:%Y-%m-%dT%H:%M:%SZ}")
    with pytest.raises(error):
        authority.top_up(now, report_nothing)
    authority.correct_clock(now)
    authority.top_up(now, report_nothing)
    authority.close()


# --- what is refused ---


def refused(state: Path, box: PastBox, backup: Path, **given: Any) -> str:
    """Return the code of a refusal, which left nothing behind."""
    before = sorted(state.parent.rglob("*"))
    with pytest.raises(CaError) as caught:
        restore_into(state, box, backup, **given)
    assert sorted(state.parent.rglob("*")) == before
    return caught.value.code


def test_an_egress_is_no_backup(tmp_path: Path) -> None:
    box = found_box(tmp_path)
    (egress,) = box.visit(FOUNDED, "egress main-kudo")
    assert refused(tmp_path / "new", box, egress, now=FOUNDED) == "E-ARCHIVE-KIND"


def test_refuses_a_folder_that_is_not_empty(past: tuple[PastBox, Path], tmp_path: Path) -> None:
    box, backup = past
    (tmp_path / "full").mkdir(mode=0o700)
    (tmp_path / "full" / "file").touch()
    assert refused(tmp_path / "full", box, backup) == "E-STATE-EXISTS"
    restore_into(tmp_path / "state", box, backup)
    assert refused(tmp_path / "state", box, backup) == "E-STATE-EXISTS"


def test_refuses_a_folder_that_another_process_fills(past: tuple[PastBox, Path], tmp_path: Path) -> None:
    box, backup = past
    folder = Folder.make(tmp_path / "state")
    assert refused(tmp_path / "state", box, backup) == "E-STATE-LOCKED"
    folder.close()


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"passphrase": b"weak"}, "E-PASSPHRASE-WEAK"),
        ({"identities": [pyrage.x25519.Identity.generate()]}, "E-ARCHIVE-IDENTITY"),
        ({"confirm": None}, "E-ARCHIVE-TRUST"),
        ({"confirm": lambda _: False}, "E-ARCHIVE-TRUST"),
        ({"now": utc("2027-01-01")}, "E-ARCHIVE-DATE"),
    ],
)
def test_refuses_without_a_trace(
    past: tuple[PastBox, Path], tmp_path: Path, given: dict[str, Any], code: str
) -> None:
    box, backup = past
    assert refused(tmp_path / "state", box, backup, **given) == code


def test_refuses_a_backup_of_another_authority(past: tuple[PastBox, Path], tmp_path: Path) -> None:
    box, backup = past
    (tmp_path / "other").mkdir()
    other = found_box(tmp_path / "other")
    other.visit(FOUNDED)
    assert refused(tmp_path / "state", box, backup, trust=roots_of(other)) == "E-ARCHIVE-SEAL"


@pytest.mark.parametrize("place", [100, 0.3, 0.9, -1])
def test_refuses_a_flipped_bit(past: tuple[PastBox, Path], tmp_path: Path, place: float) -> None:
    box, backup = past
    data = bytearray(backup.read_bytes())
    data[int(place * len(data)) if isinstance(place, float) else place] ^= 1
    (tmp_path / "a").write_bytes(data)
    assert refused(tmp_path / "state", box, tmp_path / "a").startswith("E-ARCHIVE-")


def test_a_stop_leaves_nothing(past: tuple[PastBox, Path], tmp_path: Path) -> None:
    box, backup = past

    def stop(progress: Progress) -> None:
        if progress.done == 2:
            raise StoppedError("stopped by the operator")

    assert refused(tmp_path / "state", box, backup, report=stop) == "E-STOPPED"
    restore_into(tmp_path / "state", box, backup)


# --- algorithms ---


def test_keys_of_every_algorithm_come_back_as_they_were(tmp_path: Path) -> None:
    box = found_box(tmp_path, algorithm="p384", signers=EVERY_ALGORITHM)
    (backup,) = box.visit(FOUNDED, "backup main-backup")
    restore_into(tmp_path / "new", box, backup, now=FOUNDED)
    with open_store(box.state, PASSPHRASE) as old, open_store(tmp_path / "new", NEW_PASSPHRASE) as new:
        ids = sorted(old.key_ids())
        assert list(new.keys(ids)) == list(old.keys(ids))
        assert list(new.key_digests()) == [(id_, hashlib.sha256(key).digest()) for id_, key in old.keys(ids)]


def test_what_was_of_the_old_box_itself_is_not_of_the_new_one(tmp_path: Path) -> None:
    box = found_box(tmp_path)
    with open_store(box.state, PASSPHRASE) as store, store.transaction():
        runs = Runs(version="0", files="", board="Raspberry Pi 4", serial="1", installed="")
        keep_runs(store, runs)
        keep_seal(store, "555", FOUNDED)
    (backup,) = box.visit(FOUNDED, "backup main-backup")
    restore_into(tmp_path / "new", box, backup, now=FOUNDED)
    with open_store(tmp_path / "new", NEW_PASSPHRASE) as store:
        assert (read_seal(store), read_runs(store)) == ("", None)
        assert [entry.detail for entry in store.entries() if entry.act == "seal"] == [{"number": "555"}]


def test_nothing_readable_lies_in_the_folder(past: tuple[PastBox, Path], tmp_path: Path) -> None:
    box, backup = past
    restore_into(tmp_path / "state", box, backup)
    data = b"".join(path.read_bytes() for path in (tmp_path / "state").rglob("*") if path.is_file())
    authority = Authority.unlock(tmp_path / "state", NEW_PASSPHRASE, NOW, BOOT)
    words = (authority.policy.authority.name, authority.policy.authority.domain, "services", "mongo", "2027")
    authority.close()
    assert not [word for word in words if word.encode() in data]
