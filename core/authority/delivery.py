"""A delivery: one archive of an egress or a backup, with its sidecars, the files that go beside it.

One transaction holds all of it: fresh CRLs, the sequence number, the archive, its record, its journal
entry. Nobody is given the archive before that transaction is committed, so a number that was undone is a
number nobody has seen. That the archive stands on a stick is journaled later, by the caller.
"""

from datetime import datetime
from typing import BinaryIO, Final

from core.api import results
from core.archive.manifest import ArchiveKind
from core.authority.revocation import refresh_crls
from core.errors import PolicyError
from core.export.archives import Written, write_backup, write_egress
from core.export.sidecars import make_sidecars
from core.policy.policy import Policy
from core.progress import Report
from core.recovery.drill import expect_drill
from core.store import journal
from core.store.records import ArchiveRecord
from core.store.store import Store

_MARK_DIGITS: Final = 8


def archive_kind(kind: str) -> ArchiveKind:
    """Return `kind` as what it must be.

    Raises:
        PolicyError: It is neither egress nor backup (E-POLICY).
    """
    match kind:
        case "egress" | "backup":
            return kind
        case _:
            raise PolicyError(f"there is no kind of archive {kind}")


def deliver(
    store: Store,
    policy: Policy,
    kind: ArchiveKind,
    name: str,
    *,
    out: BinaryIO,
    public: bool,
    now: datetime,
    report: Report,
) -> results.ArchiveWritten:
    """Write an archive into `out` and return what goes beside it.

    Args:
        store: Open, in no transaction.
        policy: The approved policy.
        kind: egress or backup.
        name: Of the policy.
        out: Where the age file goes; flushed, not closed.
        public: Whether the files to be hosted and the calendar file go beside it too.
        now: Aware UTC, whole seconds.
        report: Told (keys done, keys in all, what); may raise StoppedError.

    Raises:
        PolicyError: The policy has no such egress or backup (E-POLICY).
        CaError: As core.export.archives.
    """
    write = write_egress if kind == "egress" else write_backup
    with store.transaction():
        refresh_crls(store, policy, now)
        written = write(store, policy, name, now, out, report=report)
        out.flush()
        sidecars = make_sidecars(store, policy, written, public=public)
        _record(store, written, now)
    return results.ArchiveWritten(
        kind=kind,
        name=name,
        sequence=written.head.sequence,
        mark=written.head.incarnation[:_MARK_DIGITS],
        archive_name=written.archive_name,
        size_bytes=written.size_bytes,
        sha256=written.archive_sha256,
        companions=tuple(
            results.Companion(path=each.path, data=each.data, numbered=each.numbered) for each in sidecars
        ),
    )


def _record(store: Store, written: Written, now: datetime) -> None:
    head = written.head
    store.add_archive(
        ArchiveRecord(
            kind=head.kind,
            name=head.name,
            sequence=head.sequence,
            created=now,
            manifest_sha256=written.manifest_sha256,
        )
    )
    if head.kind == "backup":
        expect_drill(store, head.name, head.sequence, written.manifest_sha256, written.contents.key_ids)
    detail = {
        "name": head.name,
        "sequence": head.sequence,
        "manifest": written.manifest_sha256,
        "archive": written.archive_sha256,
    }
    journal.append(store, "export" if head.kind == "egress" else "backup", detail, now)
