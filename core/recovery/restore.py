"""Restoring: a backup into an empty state folder, under a new passphrase.

1. The store is built beside and renamed (core.store.store.create_store): a kill leaves nothing, or all of it.
2. A restore begins a new incarnation and goes on as the old one: policy, certificates with their
   revocations, keys, CRLs, numbers, archives, drills and the whole journal are carried over. The backup
   itself becomes the last archive of its name, so the next one continues it.
3. The new incarnation has a box key of its own, the old one's being in no backup: receivers ask before they
   follow it.
4. The journal's old entries keep what they say of the old store; a `restore` entry with the state of the
   new one ends it. The whole is verified before the rename, as at an unlock.
5. Every key is proven by signing and verifying before it is kept (core.recovery.backup).
6. A clock that the journal speaks against does not become the journal's: the entry is then dated as the last
   one of the old box, and nothing is issued until the operator has confirmed the date.

What the old box did after the backup is not known here: docs/recovery.md says what that means.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from cryptography import x509

from core.archive.box_key import box_words, make_box_key
from core.archive.contents import keep_seen
from core.certificate import Crl, Issued
from core.crypto.passphrase import require_strong
from core.plan.coverage import next_visit_by
from core.progress import Progress, Report
from core.receive.seals import Confirm
from core.recovery.backup import OpenBackup, open_backup
from core.recovery.backup_journal import count_issued
from core.recovery.drill import expect_drill
from core.store import journal
from core.store.box import OF_ONE_BOX
from core.store.keyslots import KdfCost
from core.store.records import ArchiveRecord
from core.store.records import Sequence as StoreSequence
from core.store.store import Store, create_store
from core.times import format_time

_CRLS: Final = "crls/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What a restore brought back.

    Args:
        authority: Name of the authority.
        incarnation: The new one.
        box_key: Its public box key, 64 hex digits.
        box_words: The 12 words of that key: what receivers ask for.
        restored_from: The one that the backup is of.
        name: Of the backup.
        sequence: Its number.
        created: When it was made, aware UTC.
        roots: How many roots there are.
        signers: How many signers.
        keys: How many private keys.
        clock_believed: Whether the journal goes on at `now`; else the date must be confirmed first.
        next_visit_by: When the next visit is due, aware UTC; the time of the restore where it is due.
    """

    authority: str
    incarnation: str
    box_key: str
    box_words: tuple[str, ...]
    restored_from: str
    name: str
    sequence: int
    created: datetime
    roots: int
    signers: int
    keys: int
    clock_believed: bool
    next_visit_by: datetime


def restore(
    source: Path,
    identities: Sequence[Any],
    trust: Sequence[x509.Certificate],
    confirm: Confirm | None,
    *,
    state: Path,
    passphrase: bytes,
    cost: KdfCost,
    now: datetime,
    report: Report,
) -> Restored:
    """Restore a backup, or change nothing.

    Args:
        source: The archive.
        identities: From core.crypto.identities.
        trust: Roots to believe, from core.receive.trust.load_roots.
        confirm: Asked about the root, if it is none of `trust`; None refuses it.
        state: The state folder, missing or empty; its parent exists.
        passphrase: Canonical, new.
        cost: Of the key derivation.
        now: Aware UTC, whole seconds.
        report: Told (keys checked, keys in all, what), then the same of certificates; may raise StoppedError.

    Raises:
        PassphraseWeakError: Under 64 bits by estimate (E-PASSPHRASE-WEAK).
        StateExistsError: There is a state, or something else, in the folder (E-STATE-EXISTS).
        StateError: The folder cannot be used (E-STATE-...).
        CaError: As core.recovery.backup.open_backup.
    """
    require_strong(passphrase.decode())
    with (
        create_store(state, passphrase, cost) as store,
        open_backup(source, identities, trust, confirm, now, report=report) as backup,
    ):
        return _fill(store, backup, now, report)


def restore_open(
    backup: OpenBackup, *, state: Path, passphrase: bytes, cost: KdfCost, now: datetime, report: Report
) -> Restored:
    """Restore a backup that was opened and confirmed before, or change nothing.

    Args:
        backup: From core.recovery.backup.open_backup.
        state: The state folder, missing or empty; its parent exists.
        passphrase: Canonical, new.
        cost: Of the key derivation.
        now: Aware UTC, whole seconds.
        report: Told (certificates done, certificates in all, what); may raise StoppedError.

    Raises:
        PassphraseWeakError, StateExistsError, StateError, CaError: As `restore`.
    """
    require_strong(passphrase.decode())
    with create_store(state, passphrase, cost) as store:
        return _fill(store, backup, now, report)


def _fill(store: Store, backup: OpenBackup, now: datetime, report: Report) -> Restored:
    """Carry a backup into a new store, prove the store, and return what was carried."""
    believed = _is_believed(backup, now)
    time = now if believed else backup.history.last.time
    with store.transaction():
        box_key = make_box_key(store)
        restored = Restored(
            authority=backup.manifest.authority.name,
            incarnation=str(uuid.uuid4()),
            box_key=box_key,
            box_words=box_words(box_key),
            restored_from=backup.manifest.incarnation,
            name=backup.manifest.name,
            sequence=backup.manifest.sequence,
            created=backup.manifest.created,
            roots=sum(item.kind == "root" for item in backup.certificates),
            signers=sum(item.kind == "signer" for item in backup.certificates),
            keys=len(backup.key_ids),
            clock_believed=believed,
            next_visit_by=next_visit_by(backup.policy, backup.certificates, _read_crls(backup), time),
        )
        _carry_journal(store, backup, report)
        for crl in _read_crls(backup):
            store.put_crl(crl)
        _carry_records(store, backup, restored, time)
        _append(store, backup, restored, time, now)
    journal.verify(store)
    return restored


def _is_believed(backup: OpenBackup, now: datetime) -> bool:
    """Return whether the old journal could go on at `now` (design 3, Time)."""
    last, policy = backup.history.last.time, backup.policy
    return last <= now <= last + timedelta(days=policy.visit_every_days + policy.spread_days)


def _carry_journal(store: Store, backup: OpenBackup, report: Report) -> None:
    """Carry the entries over, and with each what it issued: a certificate knows its entry."""
    done, total = 0, len(backup.certificates)
    for entry in backup.read_entries():
        issued = []
        for certificate in backup.certificates[done : done + count_issued(entry)]:
            report(Progress(done=done, total=total, what="certificate"))
            key = backup.prove_key(certificate.id) if certificate.id in backup.key_ids else b""
            issued.append(Issued(certificate=certificate, der=backup.read_der(certificate.id), key=key))
            done += 1
        store.add(issued)
        store.carry_entry(entry)
    report(Progress(done=total, total=total, what="certificate"))


def _read_crls(backup: OpenBackup) -> tuple[Crl, ...]:
    paths = (path for path in backup.archive.paths if path.startswith(_CRLS))
    return tuple(_read_crl(path, backup.archive.read(path)) for path in paths)


def _read_crl(path: str, der: bytes) -> Crl:
    crl = x509.load_der_x509_crl(der)  # the receiver's check 9 has read it
    assert crl.next_update_utc is not None  # noqa: S101  every list of ours ends
    return Crl(
        issuer=path.removeprefix(_CRLS).removesuffix(".crl"),
        number=crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number,
        this_update=crl.last_update_utc,
        next_update=crl.next_update_utc,
        der=der,
    )


def _carry_records(store: Store, backup: OpenBackup, restored: Restored, time: datetime) -> None:
    """Carry facts, numbers and archives over; the backup itself is the newest archive of its name."""
    incarnations = {"incarnation": restored.incarnation, "restored_from": restored.restored_from}
    for name, value in (backup.state.facts | incarnations).items():
        if name not in OF_ONE_BOX:
            store.set_fact(name, value)
    for item in backup.state.sequences:
        store.put_sequence(StoreSequence(kind=item.kind, name=item.name, last=item.last))
    for archive in backup.state.archives:
        store.add_archive(
            ArchiveRecord(
                kind=archive.kind,
                name=archive.name,
                sequence=archive.sequence,
                created=archive.created,
                manifest_sha256=archive.manifest_sha256,
                written_at=archive.written_at,
            )
        )
    store.add_archive(
        ArchiveRecord(
            kind="backup",
            name=restored.name,
            sequence=restored.sequence,
            created=restored.created,
            manifest_sha256=backup.manifest_sha256,
            written_at=time,
        )
    )
    keep_seen(store, "backup", restored.name)
    expect_drill(store, restored.name, restored.sequence, backup.manifest_sha256, backup.key_ids)


def _append(store: Store, backup: OpenBackup, restored: Restored, time: datetime, now: datetime) -> None:
    detail = {
        "name": restored.name,
        "sequence": restored.sequence,
        "manifest": backup.manifest_sha256,
        "incarnation": restored.incarnation,
        "box_key": restored.box_key,
        "restored_from": restored.restored_from,
    }
    if not restored.clock_believed:
        detail["clock"] = format_time(now)
    journal.append(store, "restore", detail, time)
