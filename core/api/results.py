"""What the authority answers: results of requests, for the kiosk, the command line and programs (--json).

1. A result is frozen and strict. Its fields are a public format: what --json prints.
2. It is public to whoever has the passphrase: no key, no passphrase. Times are aware UTC.
3. Nothing heavy is imported here: the kiosk shares this module.

Which request is answered with which result is core.api.requests's.
"""

from datetime import datetime
from typing import Annotated, Final

from msgspec import Meta, Struct

DRILL_WORDS: Final = 6
"""How many words a drill gives; see core.recovery.drill."""


class Result(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag=True):
    """Base of all results and of what they are made of, told apart by their class name."""


class Confined(Struct, frozen=True, kw_only=True):
    """What the kernel says of the vault's process.

    Args:
        user_id: Who it is.
        has_seccomp: Its system calls are filtered.
        gains_nothing: No program that it runs can gain privileges (no_new_privs).
    """

    user_id: int
    has_seccomp: bool
    gains_nothing: bool


class Ready(Result, frozen=True, kw_only=True):
    """How things stand while locked.

    Args:
        provisioned: There is an authority in the state folder.
        failed_attempts: Wrong passphrases since the last unlock.
        wait_s: Seconds until the next try is allowed.
        swap: The system has swap, so keys could reach a disk.
        confined: What guards the vault's process.
    """

    provisioned: bool
    failed_attempts: int
    wait_s: int
    swap: bool
    confined: Confined


class Recognized(Result, frozen=True, kw_only=True):
    """The words by which an operator knows this box.

    Args:
        words: Two; none where the passphrase has fewer than three words, or there is no authority.
    """

    words: tuple[str, ...]


_Shown = Annotated[str, Meta(pattern=r"\A[ -~]{0,100}\Z")]


class Runs(Result, frozen=True, kw_only=True):
    """What runs on a box, as the kiosk finds it; each is "" where it cannot be found.

    Args:
        version: Of PiSM.
        files: SHA-256 over its files, 64 hex digits (kiosk.work.runs).
        board: Name of the board.
        serial: Its serial number.
        installed: When those files were put there, YYYY-MM-DD HH:MM:SS in UTC.
    """

    version: _Shown
    files: Annotated[str, Meta(pattern=r"\A([0-9a-f]{64})?\Z")]
    board: _Shown
    serial: _Shown
    installed: _Shown


class RecipientSummary(Result, frozen=True, kw_only=True):
    """One key that an egress or backup is encrypted to.

    Args:
        kind: egress or backup.
        name: Of the egress or backup.
        key: In one canonical line.
        key_kind: See core.crypto.recipients, such as age-pq.
        words: 12 of them, of its fingerprint.
        number: Of the key among those of its destination, from 1.
        count: How many those are.
        file: Of the key, as config.yaml names it; "" where it has none that is known.
        comment: What the file says beside the key, printable; a claim of whoever made it, "" for none.
        is_new: The pinned policy has no such key for this destination; at the first set-up all are new.
        waits: It is on probation: backups are not encrypted to it yet (core.policy.probation).
    """

    kind: str
    name: str
    key: str
    key_kind: str
    words: tuple[str, ...]
    number: int
    count: int
    file: str
    comment: str
    is_new: bool
    waits: bool = False


class PolicyProposal(Result, frozen=True, kw_only=True):
    """config.yaml resolved, for the operator's eyes; approved by its hash.

    Args:
        policy_sha256: Hash of the whole policy, 64 hex digits.
        authority: Its name.
        recipients: Whom archives would be encrypted to.
        changes: Against what is pinned, one line each; empty before the first set-up.
        names: All targets, as class/target, then all egresses and backups.
        new_names: Those of them that the pinned policy has not.
        untaken: Sections of a stick's config.yaml that differ from the box's own, and are not taken.
    """

    policy_sha256: str
    authority: str
    recipients: tuple[RecipientSummary, ...]
    changes: tuple[str, ...]
    names: tuple[str, ...] = ()
    new_names: tuple[str, ...] = ()
    untaken: tuple[str, ...] = ()


class Unlocked(Result, frozen=True, kw_only=True):
    """The store is open.

    Args:
        authority: Its name.
        sticks: The pinned table: volume label to steps.
        clock: "" or the code that forbids work until the clock is corrected.
        last_entry_at: Time of the last journal entry before this session; the founding's at the first.
        next_visit_by: When the next visit is due; the present where it is due now.
        policy_changes: What config.yaml would change, one line each; waits for approval.
        failed_attempts: Wrong passphrases folded into the journal just now.
        ran_before: What ran at the unlock before, where something else was told at this one; else None.
        to_confirm: Backup keys on probation that the operator may say yes to by now.
        seal: Number of the seal that the box was put away under last; "" where none was noted.
    """

    authority: str
    sticks: dict[str, tuple[str, ...]]
    clock: str
    last_entry_at: datetime
    next_visit_by: datetime
    policy_changes: tuple[str, ...]
    failed_attempts: int
    ran_before: Runs | None = None
    to_confirm: tuple[RecipientSummary, ...] = ()
    seal: str = ""


class ToppedUp(Result, frozen=True, kw_only=True):
    """What a top-up made; `late_roots` start without their spread (design 3, Visits)."""

    roots: int
    signers: int
    erased_keys: int
    late_roots: int
    next_visit_by: datetime


class RequestSummary(Result, frozen=True, kw_only=True):
    """One signing request, for the operator's eyes; approved by its hash.

    Args:
        place: Of its file among those that were sent, from 0.
        file: Name of its file, printable.
        class_name: The target's class; "" where the file cannot be read, as all else up to `approval`.
        target: The target.
        subject: Its subject, printable; a claim of whoever made it.
        algorithm: Of its key.
        key_sha256: SHA-256 of its key, 64 hex digits.
        words: The same as 12 words.
        approval: What an approval names it by, 64 hex digits; "" where there is nothing to approve.
        served: Its key has its certificate already.
        code: Why it is refused; "" if it is not.
        text: The same in words.
    """

    place: int
    file: str
    class_name: str
    target: str
    subject: str
    algorithm: str
    key_sha256: str
    words: tuple[str, ...]
    approval: str
    served: bool
    code: str
    text: str


class RequestsProposal(Result, frozen=True, kw_only=True):
    """What was brought to be signed, in the order in which it would be."""

    requests: tuple[RequestSummary, ...]


class RequestSigned(Result, frozen=True, kw_only=True):
    """One request that was signed, and the place in the plan that its certificate took."""

    file: str
    certificate: str
    path: str
    lane: int
    period: str
    issue_from: datetime
    issue_until: datetime


class RequestsSigned(Result, frozen=True, kw_only=True):
    """What came of approved requests; roots that were made for them, `late_roots` as in ToppedUp."""

    roots: int
    late_roots: int
    signed: tuple[RequestSigned, ...]


class Companion(Result, frozen=True, kw_only=True):
    """A clear-text file that goes beside the archive, `numbered`: its name has the archive's number.

    A name without a number may be taken already on a stick; only an earlier file of the box's own is replaced
    there, so whoever writes it finds another place (kiosk.work.places).
    """

    path: str
    data: bytes
    numbered: bool


class ArchiveForeseen(Result, frozen=True, kw_only=True):
    """How large an archive would be, within a tenth; how many papers go with it, and how large these are."""

    size_bytes: int
    papers: int
    papers_bytes: int


class ArchiveWritten(Result, frozen=True, kw_only=True):
    """The archive that now stands in the descriptor, and the files that go with it, receipt last.

    `mark` tells the archives of this incarnation from those of any other: eight hex digits. Since the archive
    of this name that was last seen on a stick, roots and signers are `new`, of which `late_roots` sign before
    they could be spread; `revoked` (signers) and `revoked_roots` were revoked; and the numbers `unseen` were
    used up by archives that were made and cut off.
    """

    kind: str
    name: str
    sequence: int
    mark: str
    archive_name: str
    size_bytes: int
    sha256: str
    companions: tuple[Companion, ...]
    new: int = 0
    unseen: tuple[int, ...] = ()
    late_roots: int = 0
    revoked: int = 0
    revoked_roots: int = 0


class TargetCoverage(Result, frozen=True, kw_only=True, tag="TargetCover"):
    """How far one target is covered: its lanes, the lowest of them, until when, and the lead time.

    `class_name` and `target` are "" for the roots.
    """

    class_name: str
    target: str
    lanes: int
    lowest_lane: int
    until: datetime
    lead_days: int


class ArchiveState(Result, frozen=True, kw_only=True):
    """The last archive of an egress or backup; None where there was none.

    `written` and `written_sequence` are of the last one that was seen on a stick: it may be an earlier one.
    """

    kind: str
    name: str
    sequence: int | None
    created: datetime | None
    written: datetime | None
    written_sequence: int | None
    drilled: datetime | None


class RootSummary(Result, frozen=True, kw_only=True):
    """One root for a person to compare: period, state, SHA-256 and its words, serial number and validity.

    `serial`: 40 hex digits. `signers`: how many are live under it, and go with it when it is revoked.
    """

    id: str
    period: str
    status: str
    sha256: str
    words: tuple[str, ...]
    serial: str
    not_before: datetime
    not_after: datetime
    signers: int


class BoxSummary(Result, frozen=True, kw_only=True):
    """The box key of this incarnation: the public key, 64 hex digits, and its 12 words."""

    key: str
    words: tuple[str, ...]


class SignerSummary(Result, frozen=True, kw_only=True):
    """One signer, or a root, that can be revoked; its serial number is 40 hex digits."""

    id: str
    path: str
    lane: int
    period: str
    status: str
    serial: str
    not_before: datetime
    not_after: datetime


class RequestsDue(Result, frozen=True, kw_only=True):
    """How many signing requests one target waits for, and when the first of its gaps begins."""

    path: str
    gaps: int
    issue_from: datetime


class StatusReport(Result, frozen=True, kw_only=True):
    """The whole picture, for the status pages and `pism status`."""

    authority: str
    incarnation: str
    box: BoxSummary
    now: datetime
    next_visit_by: datetime
    covers: tuple[TargetCoverage, ...]
    requests: tuple[RequestsDue, ...]
    roots: tuple[RootSummary, ...]
    signers: tuple[SignerSummary, ...]
    counts: dict[str, int]
    recipients: tuple[RecipientSummary, ...]
    archives: tuple[ArchiveState, ...]
    undrilled: tuple[str, ...]
    journal_sequence: int
    journal_head: str
    journal_words: tuple[str, ...]
    clock: str


class ClockCorrected(Result, frozen=True, kw_only=True):
    """The clock is believed again; these roots and signers were issued by a clock ahead of it.

    They may need revoking. A root's path is `roots`, its lane 0.
    """

    issued_after: tuple[SignerSummary, ...]


class DrillRecorded(Result, frozen=True, kw_only=True):
    """The backup that was drilled."""

    name: str
    sequence: int


class Acknowledged(Result, frozen=True):
    """It is done and journaled."""


class Paper(Result, frozen=True, kw_only=True):
    """A file beside an archive, as the archive's receipt names it: its own path, and SHA-256 in hex."""

    path: str
    sha256: str


class ReceiptChecked(Result, frozen=True, kw_only=True):
    """What a file from a stick is: a receipt of this incarnation, no later than its state; or none of it.

    `papers` are those of any receipt that a root of this authority seals, of any incarnation; else none.
    """

    is_ours: bool
    papers: tuple[Paper, ...]


class IdentitySeen(Result, frozen=True, kw_only=True):
    """What a file from a stick is: an identity or not, and whether it needs a passphrase of its own."""

    is_identity: bool
    locked: bool


class BackupOpened(Result, frozen=True, kw_only=True):
    """A backup that passed every check; nothing of it is written yet.

    Args:
        authority: Its name.
        name: Of the backup.
        sequence: Its number.
        created: When it was made, aware UTC.
        box_words: Of the box that made it, 12 of them; none in format 1.
        root_words: Of the root that sealed it, 12 of them.
        root_sha256: Of the same root, 64 hex digits.
        roots: How many roots there are.
        signers: How many signers were ever issued.
        keys: How many private keys are inside.
    """

    authority: str
    name: str
    sequence: int
    created: datetime
    box_words: tuple[str, ...]
    root_words: tuple[str, ...]
    root_sha256: str
    roots: int
    signers: int
    keys: int


class BackupRestored(Result, frozen=True, kw_only=True):
    """The store stands, as a new incarnation.

    Args:
        incarnation: The new one.
        box_words: Of its box key, 12 of them: what receivers ask for.
        next_visit_by: When the next visit is due; the present where it is due now.
        clock_believed: The journal goes on at the time that was given; else the date must be confirmed.
        policy_changes: What config.yaml would change, one line each; waits for approval.
    """

    incarnation: str
    box_words: tuple[str, ...]
    next_visit_by: datetime
    clock_believed: bool
    policy_changes: tuple[str, ...]
