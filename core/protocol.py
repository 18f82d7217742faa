"""What the kiosk and the vault process say to each other.

The client asks, the vault answers any number of `Progress` and then one `Done` or `Failed`. `Stop` alone
may be sent while a request runs. Closing the connection is the lock. How messages travel is core.wire's.

Rules: unknown fields and types are refused; a message with a secret redacts its repr. Nothing heavy is
imported here: the kiosk shares this module.
"""

from datetime import datetime

import msgspec


class _Message(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag=True):
    """Base of all messages: strict, immutable, told apart by their class name."""


class _SecretMessage(_Message, frozen=True, kw_only=True):
    """A message that carries a secret: its repr shows only its kind."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(...)"


class Hello(_Message, frozen=True):
    """Ask how things stand before any passphrase: answered by `Ready`."""


class Init(_SecretMessage, frozen=True, kw_only=True):
    """Found the authority in an empty state folder and stay unlocked: `Unlocked`."""

    passphrase: bytes
    policy: bytes
    now: datetime


class Unlock(_SecretMessage, frozen=True, kw_only=True):
    """Open the store: `Unlocked`. `policy` is what config.yaml says now, to be compared, or None."""

    passphrase: bytes
    policy: bytes | None
    now: datetime


class TopUp(_Message, frozen=True, kw_only=True):
    """Fill every gap: `ToppedUp`."""

    now: datetime


class WriteArchive(_Message, frozen=True, kw_only=True):
    """Write an egress or backup archive into the one descriptor sent along: `ArchiveWritten`."""

    kind: str
    name: str
    now: datetime


class ConfirmWritten(_Message, frozen=True, kw_only=True):
    """The archive stands on a stick, read back and compared: `Acknowledged`."""

    kind: str
    name: str
    sequence: int
    where: str
    now: datetime


class AskStatus(_Message, frozen=True, kw_only=True):
    """Ask for the whole picture: `StatusReport`."""

    now: datetime


class ApprovePolicy(_Message, frozen=True, kw_only=True):
    """Pin the policy that the operator has seen and approved: `Acknowledged`."""

    policy: bytes
    now: datetime


class ChangePassphrase(_SecretMessage, frozen=True, kw_only=True):
    """Wrap the master key under another passphrase: `Acknowledged`."""

    old: bytes
    new: bytes
    now: datetime


class CorrectClock(_Message, frozen=True, kw_only=True):
    """The operator vouches for `now`, although the journal speaks against it: `ClockCorrected`."""

    now: datetime


class Revoke(_Message, frozen=True, kw_only=True):
    """Revoke one certificate with an RFC 5280 5.3.1 reason: `Acknowledged`."""

    certificate: str
    reason: str
    now: datetime


class Stop(_Message, frozen=True):
    """End the running request at its next commit; it then fails with E-STOPPED."""


Request = (
    Hello
    | Init
    | Unlock
    | TopUp
    | WriteArchive
    | ConfirmWritten
    | AskStatus
    | ApprovePolicy
    | ChangePassphrase
    | CorrectClock
    | Revoke
    | Stop
)


class Ready(_Message, frozen=True, kw_only=True):
    """How things stand while locked.

    Args:
        provisioned: There is an authority in the state folder.
        failed_attempts: Wrong passphrases since the last unlock.
        wait_s: Seconds until the next try is allowed.
        swap: The system has swap, so keys could reach a disk.
    """

    provisioned: bool
    failed_attempts: int
    wait_s: int
    swap: bool


class Unlocked(_Message, frozen=True, kw_only=True):
    """The store is open.

    Args:
        authority: Its name.
        sticks: The pinned table: volume label to steps.
        clock: "" or the code that forbids work until the clock is corrected.
        last_entry_at: Time of the last journal entry before this unlock.
        policy_changes: What config.yaml would change, one line each; waits for approval.
        failed_attempts: Wrong passphrases folded into the journal just now.
    """

    authority: str
    sticks: dict[str, tuple[str, ...]]
    clock: str
    last_entry_at: datetime | None
    policy_changes: tuple[str, ...]
    failed_attempts: int


class ToppedUp(_Message, frozen=True, kw_only=True):
    """What a top-up made; `late_roots` start without their spread (design 3, Visits)."""

    roots: int
    signers: int
    erased_keys: int
    late_roots: int
    next_visit_by: datetime


class Companion(_Message, frozen=True, kw_only=True):
    """A clear-text file that goes on the stick beside the archive; `replace`: newer takes the place."""

    path: str
    data: bytes
    replace: bool


class ArchiveWritten(_Message, frozen=True, kw_only=True):
    """The archive that now stands in the descriptor, and the files that go with it, receipt last."""

    kind: str
    name: str
    sequence: int
    archive_name: str
    size_bytes: int
    sha256: str
    companions: tuple[Companion, ...]


class LaneCover(_Message, frozen=True, kw_only=True):
    """How far one target (or the roots) is covered: its lanes and the lowest of them."""

    path: str
    lanes: int
    until: datetime
    lowest_lane: int


class ArchiveState(_Message, frozen=True, kw_only=True):
    """The last archive of an egress or backup; None where there was none."""

    kind: str
    name: str
    sequence: int | None
    created: datetime | None
    written: datetime | None
    drilled: datetime | None


class RootSummary(_Message, frozen=True, kw_only=True):
    """One root for a person to compare: period, state, SHA-256 and its words."""

    id: str
    period: str
    status: str
    sha256: str
    words: tuple[str, ...]


class RecipientSummary(_Message, frozen=True, kw_only=True):
    """Whom an egress or backup is encrypted to."""

    kind: str
    name: str
    key: str
    words: tuple[str, ...]


class SignerSummary(_Message, frozen=True, kw_only=True):
    """One signer that can be revoked."""

    id: str
    path: str
    lane: int
    period: str
    status: str


class StatusReport(_Message, frozen=True, kw_only=True):
    """The whole picture, for the status pages and `pism status`."""

    authority: str
    incarnation: str
    now: datetime
    next_visit_by: datetime | None
    covers: tuple[LaneCover, ...]
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


class ClockCorrected(_Message, frozen=True, kw_only=True):
    """The clock is believed again; these were issued after the true time and may need revoking."""

    issued_after: tuple[SignerSummary, ...]


class Acknowledged(_Message, frozen=True):
    """It is done and journaled."""


Result = Ready | Unlocked | ToppedUp | ArchiveWritten | StatusReport | ClockCorrected | Acknowledged


class Progress(_Message, frozen=True, kw_only=True):
    """How far the running request is."""

    done: int
    total: int
    what: str


class Done(_Message, frozen=True, kw_only=True):
    """The request succeeded."""

    result: Result


class Failed(_Message, frozen=True, kw_only=True):
    """The request was refused: an error of core.errors, or E-BUG without its text.

    Args:
        code: Stable code.
        text: What happened; never a secret.
        action: At most three lines for the screen.
        wait_s: Seconds before another passphrase is looked at.
    """

    code: str
    text: str
    action: tuple[str, ...]
    wait_s: int = 0


Reply = Progress | Done | Failed
Message = Request | Reply
