"""The authority, unlocked: the facade that the vault process and the command line use.

Owns the order of things in every operation: is the clock believed, what is done in which transaction, and
that each is journaled in the transaction that does it.

1. `found` and `unlock` are the only ways in; `close` ends it. The passphrase is never kept.
2. A passphrase is counted as wrong, on disk, before it is looked at (core.store.attempts).
3. At unlock the state is held against the journal's last entry; then failed unlocks are folded in. What is
   used later is proven when it is read (core.store.blocks); all is looked at by `verify`, and by a backup.
4. `now` behind the last entry, or later than somebody was expected, forbids everything but reading and
   `correct_clock` (core.authority.clock).
5. A change of policy takes effect only by `approve_policy`, whole.

6. A delivery is one transaction: fresh CRLs, the sequence number, the archive, its record, its journal entry.
   Nobody is given the archive before that is committed, so a number that was undone is a number nobody has
   seen. That the archive stands on a stick is journaled later, by `confirm_written`.

What the other operations consist of is the other modules' of this package.
"""

import secrets
import uuid
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final, Self

from core.api import results
from core.api.csr_files import RequestFile
from core.archive.box_key import make_box_key
from core.archive.contents import keep_seen
from core.archive.manifest import ArchiveKind
from core.authority.clock import (
    clock_code,
    correct_clock,
    last_time,
    require_clock,
    require_possible_clock,
)
from core.authority.costs import cost_of_archive
from core.authority.passphrase import change_passphrase, journal_unlock, rekey
from core.authority.revocation import refresh_crls, revoke, revoke_all
from core.authority.signing_requests import propose_requests, sign_requests
from core.authority.status import make_status
from core.authority.top_up import top_up
from core.certificate import Certificate
from core.crypto.passphrase import require_strong, require_typable
from core.crypto.process import Boot, read_boot
from core.errors import PolicyError
from core.export.archives import Written, select_contents, write_contents
from core.export.foresight import Planned, count_papers, foresee_papers, foresee_size
from core.export.receipt import check_receipt
from core.export.sidecars import make_sidecars
from core.plan.coverage import next_visit_by
from core.plan.gaps import Plan, find_gaps
from core.policy.policy import (
    KeyName,
    Policy,
    differences,
    is_replaced,
    list_recipients,
    pin,
    read_key_names,
    read_pinned,
)
from core.policy.probation import may_be_taken, put_on_probation, read_probation, take_off_probation
from core.policy.proposal import read_file_policy, render_difference
from core.progress import Progress, Report, Weighed
from core.recovery.drill import expect_drill, record_drill
from core.store import attempts, journal
from core.store.box import keep_seal, read_runs, read_seal
from core.store.keyslots import KdfCost
from core.store.records import ArchiveRecord
from core.store.store import Store, create_store, is_provisioned, open_store

_MARK_DIGITS: Final = 8  # of the incarnation, in names that give way


class Authority:
    """One unlocked authority; use `found` or `unlock`.

    Args:
        store: Open, with a policy and a journal; whoever made the authority closes it, through `close`.
        now: Aware UTC, whole seconds.
        boot_id: Of the kernel that runs.

    Raises:
        StateDamagedError: The store holds no policy or no journal (E-STATE-DAMAGED).
    """

    def __init__(self, store: Store, now: datetime, boot_id: str) -> None:
        self._store = store
        self._boot_id = boot_id
        self._failed_attempts = 0
        self._ran_before: results.Runs | None = None
        self._now = now  # the last one that was given
        self._last_at = last_time(store)  # before this session
        self.policy = read_pinned(store)

    @staticmethod
    def look(state: Path, boot: Boot, *, swap: bool, confined: results.Confined) -> results.Ready:
        """Return how things stand while locked."""
        counted = attempts.read_attempts(state)
        return results.Ready(
            provisioned=is_provisioned(state),
            failed_attempts=counted.count,
            wait_s=attempts.wait_s(counted, boot),
            swap=swap,
            confined=confined,
        )

    @classmethod
    def found(
        cls,
        state: Path,
        policy: Policy,
        passphrase: bytes,
        cost: KdfCost,
        now: datetime,
        *,
        instead_of: str = "",
        names: Iterable[KeyName] = (),
    ) -> Self:
        """Found the authority in an empty state folder; nothing is issued yet.

        Args:
            state: The folder; made if it is missing, mode 0700.
            policy: Shown to and confirmed by the operator.
            passphrase: Canonical.
            cost: Of the key derivation.
            now: Aware UTC, whole seconds.
            instead_of: See `approve_policy`.
            names: What the policy's keys are called.

        Raises:
            ClockBehindError: `now` is before the release that runs (E-CLOCK-BEHIND).
            ClockAheadError: It is in 2200 or later (E-CLOCK-AHEAD).
            PassphraseWeakError: Under 64 bits by estimate (E-PASSPHRASE-WEAK).
            StateExistsError: There is one already (E-STATE-EXISTS).
            StateError: The folder cannot be used (E-STATE-...).
        """
        require_possible_clock(now)
        require_strong(passphrase.decode())
        incarnation = str(uuid.uuid4())
        with create_store(state, passphrase, cost, stay_open=True) as store, store.transaction():
            pin(store, policy, instead_of, names)
            store.set_fact("incarnation", incarnation)
            store.set_fact("drill_token", secrets.token_hex(32))
            detail = {
                "authority": policy.authority.id,
                "incarnation": incarnation,
                "box_key": make_box_key(store),
                "policy": policy.sha256,
            }
            journal.append(store, "init", detail, now)
        return cls(store, now, read_boot().id)

    @classmethod
    def unlock(
        cls, state: Path, passphrase: bytes, now: datetime, boot: Boot, runs: results.Runs | None = None
    ) -> Self:
        """Open the store of `state` and prove that it is what its journal says.

        Args:
            state: The folder.
            passphrase: Canonical.
            now: Aware UTC, whole seconds.
            boot: This boot and its uptime.
            runs: What runs on the box, where a kiosk asks.

        Raises:
            PassphraseWaitError: Too early after wrong ones (E-PASSPHRASE-WAIT).
            PassphraseWrongError: It opens nothing (E-PASSPHRASE-WRONG).
            StateError: The folder or the store cannot be used (E-STATE-...).
            JournalError: The journal or the state was altered (E-JOURNAL).
        """
        store = open_store(state, passphrase, before_check=partial(attempts.begin, state, boot, now))
        try:
            journal.prove(store)
            authority = cls(store, now, boot.id)
            before = read_runs(store)
            authority._failed_attempts = journal_unlock(store, authority.policy, state, now, runs)
            authority._ran_before = before if runs not in (None, before) else None
        except BaseException:
            store.close()
            raise
        return authority

    def close(self) -> None:
        """Close the store; what Python kept of keys is wiped when the process ends."""
        self._store.close()

    def unlocked(self, config: Path) -> results.Unlocked:
        """Return what the kiosk may know of the session; `config` is compared with what is pinned.

        A file that another policy was approved instead of is proposed again only when it has changed.
        """
        file = read_file_policy(config, self.policy)
        return results.Unlocked(
            authority=self.policy.authority.name,
            sticks=self.policy.sticks,
            clock=clock_code(self._store, self.policy, self._now),
            last_entry_at=self._last_at,
            next_visit_by=self._next_visit_by(self._now),
            policy_changes=() if is_replaced(self._store, file.mark) else file.changes,
            failed_attempts=self._failed_attempts,
            ran_before=self._ran_before,
            to_confirm=self.to_confirm(),
            seal=read_seal(self._store),
        )

    def certificates(self, *, alive_at: datetime | None = None) -> tuple[Certificate, ...]:
        """Return everything that was ever issued, or without signers that had ended by a time."""
        return self._store.certificates(alive_at=alive_at)

    def verify(self) -> journal.Entry:
        """Read the whole store, what is over too, and prove that it is what its journal says.

        Returns:
            The last entry.

        Raises:
            JournalError: The journal or the state was altered (E-JOURNAL).
            StateDamagedError: A page, row or body was (E-STATE-DAMAGED).
        """
        return journal.verify(self._store)

    def entries(self) -> Iterator[journal.Entry]:
        """Return the journal, oldest entry first."""
        return self._store.entries()

    def recipients(self) -> tuple[results.RecipientSummary, ...]:
        """Return whom the policy in force has archives encrypted to."""
        names, waiting = read_key_names(self._store), read_probation(self._store)
        return list_recipients(self.policy, names, self.policy, waiting)

    def to_confirm(self) -> tuple[results.RecipientSummary, ...]:
        """Return the backup keys on probation that the operator may say yes to in this boot."""
        keys = may_be_taken(read_probation(self._store), self._boot_id)
        return tuple(each for each in self.recipients() if each.waits and each.key in keys)

    def confirm_recipients(self, keys: Sequence[str], now: datetime) -> None:
        """Let backup keys get backups from now on.

        Args:
            keys: Of `to_confirm`; their words were shown, and the operator said yes.
            now: Aware UTC, whole seconds.

        Raises:
            ProbationError: One does not wait, or was approved in this very boot (E-PROBATION).
        """
        with self._operation(now) as store:
            take_off_probation(store, keys, self._boot_id)
            journal.append(store, "confirm", {"keys": list(keys)}, now)

    def status(self, now: datetime) -> results.StatusReport:
        """Return the whole picture at `now`."""
        return make_status(self._store, self.policy, now, clock_code(self._store, self.policy, now))

    def check_receipt(self, data: bytes) -> results.ReceiptChecked:
        """Refuse to go on if a receipt from a stick is later than this state; see core.export.receipt."""
        return check_receipt(self._store, data)

    def top_up(self, now: datetime, report: Report) -> results.ToppedUp:
        """Issue what the policy asks for by `now`; see core.authority.top_up."""
        self.believe(now)
        made = top_up(self._store, self.policy, now, report)
        return results.ToppedUp(
            roots=made.roots,
            signers=made.signers,
            erased_keys=made.erased_keys,
            late_roots=made.late_roots,
            next_visit_by=self._next_visit_by(now),
        )

    def propose_requests(self, files: Sequence[RequestFile], now: datetime) -> results.RequestsProposal:
        """Return what signing requests ask for, for a person to approve."""
        require_clock(self._store, self.policy, now)
        return propose_requests(self._store, self.policy, files, now)

    def sign_requests(
        self, files: Sequence[RequestFile], approved: Collection[str], now: datetime, report: Report
    ) -> results.RequestsSigned:
        """Sign the requests that a person approved; see core.authority.signing_requests."""
        self.believe(now)
        return sign_requests(self._store, self.policy, files, approved, now=now, report=report)

    def foresee_archive(
        self, kind: str, name: str, now: datetime, *, public: bool, topped_up: bool = False
    ) -> results.ArchiveForeseen:
        """Return how large an archive would be; nothing is written, and no number taken.

        Args:
            kind: egress or backup.
            name: Of the policy.
            now: Aware UTC, whole seconds.
            public: As for `write_archive`.
            topped_up: With what a top-up before it would issue.

        Raises:
            PolicyError: There is no such kind, or the policy has no such name (E-POLICY).
            ClockError: With `topped_up`, the year of `now` fits in no certificate (E-CLOCK).
        """
        contents = select_contents(self._store, self.policy, _archive_kind(kind), name, now)
        issued = self._store.certificates(alive_at=now)
        plan = find_gaps(self.policy, issued, now) if topped_up else Plan()
        planned = Planned.of(self.policy, contents, plan)
        papers = count_papers(contents, self._next_visit_by(now), now, public=public)
        if public:
            papers += planned.public_papers
        return results.ArchiveForeseen(
            size_bytes=foresee_size(self._store, contents) + planned.size_bytes,
            papers=papers,
            papers_bytes=foresee_papers(contents, papers) + planned.papers_bytes,
        )

    def write_archive(
        self, kind: str, name: str, out: BinaryIO, now: datetime, report: Report, *, public: bool
    ) -> results.ArchiveWritten:
        """Write an archive into `out` and return what goes beside it.

        Args:
            kind: egress or backup.
            name: Of the policy.
            out: Where the age file goes; flushed, not closed.
            now: Aware UTC, whole seconds.
            report: Told of each phase, all on one scale; may raise StoppedError.
            public: Whether the files to be hosted and the calendar file go beside it too.

        Raises:
            PolicyError: There is no such kind, or the policy has no such name (E-POLICY).
            CaError: As core.export.archives.
        """
        with self._operation(now) as store:
            contents = select_contents(store, self.policy, _archive_kind(kind), name, now)
            unseen = store.unseen(contents.kind, name)
            weighed = Weighed(report, cost_of_archive(self.policy, contents))
            refresh_crls(store, self.policy, now, weighed)
            written = write_contents(store, self.policy, contents, now, out, report=weighed)
            out.flush()
            weighed(Progress(done=0, total=1, what="papers", counted=False))
            sidecars = make_sidecars(store, self.policy, written, public=public)
            weighed(Progress(done=1, total=1, what="papers", counted=False))
            _record_archive(store, written, now)
        return results.ArchiveWritten(
            kind=written.head.kind,
            name=name,
            sequence=written.head.sequence,
            mark=written.head.incarnation[:_MARK_DIGITS],
            archive_name=written.archive_name,
            size_bytes=written.size_bytes,
            sha256=written.archive_sha256,
            companions=tuple(
                results.Companion(path=each.path, data=each.data, numbered=each.numbered) for each in sidecars
            ),
            late_roots=written.changes.late_roots(now + timedelta(days=self.policy.spread_days)),
            revoked=sum(item.kind != "root" for item in written.changes.revoked),
            revoked_roots=sum(item.kind == "root" for item in written.changes.revoked),
            new=len(written.changes.issued),
            unseen=unseen,
        )

    def confirm_written(self, kind: str, name: str, sequence: int, where: str, now: datetime) -> None:
        """Journal that an archive stands, read back and compared, at `where` (a stick's label, a folder)."""
        with self._operation(now) as store:
            store.mark_written(_archive_kind(kind), name, sequence, now)
            if not store.unseen(_archive_kind(kind), name):  # it is the last one that was made
                keep_seen(store, kind, name)
            detail = {"kind": kind, "name": name, "sequence": sequence, "where": where}
            journal.append(store, "written", detail, now)

    def approve_policy(
        self, policy: Policy, now: datetime, *, instead_of: str = "", names: Iterable[KeyName] = ()
    ) -> None:
        """Pin another policy, whole. Backup keys that it brings wait until the box was off once.

        Args:
            policy: Shown to and confirmed by the operator.
            now: Aware UTC, whole seconds.
            instead_of: Mark of the box's own config.yaml, where that says something else
                (core.policy.proposal.mark_replaced); "" where it is the file's policy.
            names: What its keys are called; one without a name keeps the one that it had.
        """
        with self._operation(now) as store:
            changes = [render_difference(item) for item in differences(self.policy, policy)]
            pin(store, policy, instead_of, names)
            detail = {"policy": policy.sha256, "changes": changes}
            detail |= {"instead_of": instead_of} if instead_of else {}
            waiting = put_on_probation(store, self.policy, policy, self._boot_id)
            detail |= {"on_probation": list(waiting)} if waiting else {}
            journal.append(store, "policy", detail, now)
        self.policy = policy

    def change_passphrase(self, old: bytes, new: bytes, cost: KdfCost, now: datetime, boot: Boot) -> None:
        """Wrap the master key under another passphrase.

        Raises:
            PassphraseWeakError: The new one is under 64 bits, or no panel can type it (E-PASSPHRASE-WEAK).
            PassphraseWaitError: Too early after wrong ones (E-PASSPHRASE-WAIT).
            PassphraseWrongError: The old one does not fit (E-PASSPHRASE-WRONG).
        """
        require_strong(new.decode())
        self.believe(now)
        change_passphrase(self._store, old, new, cost, now, boot)

    def rekey(self, passphrase: bytes, cost: KdfCost, now: datetime, boot: Boot, report: Report) -> None:
        """Encrypt everything anew under a new master key; the passphrase stays.

        Raises:
            PassphraseWeakError: No panel can type it: it is changed first (E-PASSPHRASE-WEAK).
            PassphraseWaitError: Too early after wrong ones (E-PASSPHRASE-WAIT).
            PassphraseWrongError: It does not fit (E-PASSPHRASE-WRONG).
            FileError: No space for a second store, or the system refused; nothing is changed (E-FILE).
            StoppedError: As `report` wants; nothing is changed (E-STOPPED).
        """
        require_typable(passphrase.decode())
        self.believe(now)
        rekey(self._store, passphrase, cost, now, boot, report)

    def revoke(self, certificate_id: str, reason: str, now: datetime) -> None:
        """Revoke a root, signer or seal; see core.authority.revocation."""
        with self._operation(now) as store:
            revoke(store, certificate_id, reason, now)

    def revoke_all(self, certificate_ids: tuple[str, ...], reason: str, now: datetime) -> None:
        """Revoke several, all or none; see core.authority.revocation."""
        with self._operation(now) as store:
            revoke_all(store, certificate_ids, reason, now)

    def record_drill(self, name: str | None, words: str, now: datetime) -> results.DrillRecorded:
        """Remember that the backup `name`, or whichever the words are of, was drilled."""
        with self._operation(now) as store:
            return record_drill(store, self.policy, name, words, now)

    def note_seal(self, number: str, now: datetime) -> None:
        """Remember the number of the seal that the box is put away under; see core.store.box."""
        with self._operation(now) as store:
            keep_seal(store, number, now)

    def believe(self, now: datetime) -> None:
        """Take `now` as the time of an operation, unless the journal speaks against it.

        Raises:
            ClockError: It does (E-CLOCK-BEHIND, E-CLOCK-LATE, E-CLOCK-AHEAD).
        """
        require_clock(self._store, self.policy, now)
        self._now = now

    def correct_clock(self, now: datetime) -> results.ClockCorrected:
        """Believe `now`, for which the operator vouches; see core.authority.clock.

        Raises:
            ClockError: This program cannot run then (E-CLOCK-BEHIND, E-CLOCK-AHEAD).
        """
        with self._store.transaction():
            corrected = correct_clock(self._store, now)
        self._now = now
        return corrected

    @contextmanager
    def _operation(self, now: datetime) -> Iterator[Store]:
        """Yield the store inside the transaction of one operation, which ends with a journal entry."""
        self.believe(now)
        with self._store.transaction():
            yield self._store

    def _next_visit_by(self, now: datetime) -> datetime:
        return next_visit_by(self.policy, self._store.certificates(alive_at=now), self._store.crls(), now)


def _archive_kind(kind: str) -> ArchiveKind:
    """Return `kind` as what it must be.

    Raises:
        PolicyError: It is neither (E-POLICY).
    """
    match kind:
        case "egress" | "backup":
            return kind
        case _:
            raise PolicyError(f"there is no kind of archive {kind}")


def _record_archive(store: Store, written: Written, now: datetime) -> None:
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
