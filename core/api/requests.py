"""What the kiosk and the vault process say to each other.

The client asks, the vault answers any number of `Progress` and then one `Done` or `Failed`. `Stop` alone
may be sent while a request runs. Closing the connection is the lock. How messages travel is core.api.wire's.

Rules: unknown fields and types are refused; a message with a secret redacts its repr. Nothing heavy is
imported here: the kiosk shares this module.

The file that a signing request comes in: its bytes, its bounds, and what its name says.

Rules:
1. `<class>.<target>.csr` or `<class>.<target>.<label>.csr`, in small or large letters. Class and target say
   what the request is for; the label tells files apart, and is the requester's own.
2. Nothing in a name says lane or period: those are the plan's (core.issue.requests).
3. A name that begins with a dot is no request: some systems leave such files beside others.

The kiosk shares this module, so nothing heavy is imported. What the bytes say is core.issue.requests's.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec
from msgspec import Struct

from core.api.results import (
    Acknowledged,
    ArchiveWritten,
    BackupOpened,
    BackupRestored,
    ClockCorrected,
    DrillRecorded,
    IdentitySeen,
    PolicyProposal,
    Ready,
    RequestsProposal,
    RequestsSigned,
    StatusReport,
    ToppedUp,
    Unlocked,
)

MAX_REQUESTS: Final = 100
"""How many requests are looked at in one go."""


MAX_REQUEST_BYTES: Final = 32 * 1024
"""ML-DSA 87 in PEM takes 10 KiB; some programs put a text before it."""


FOLDER: Final = "requests"
"""Where they lie on a stick."""


_NAME = re.compile(r"([a-z][a-z0-9-]{0,23})\.([a-z][a-z0-9-]{0,23})(?:\.[a-z0-9][a-z0-9_-]{0,31})?\.csr")


class RequestFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file: its name without a folder, and its bytes, from who knows whom; no repr shows those.

    Somebody may have put a private key into it.
    """

    name: str
    data: bytes

    def __repr__(self) -> str:
        return f"RequestFile(name={self.name!r}, {len(self.data)} bytes)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a request's name asks for."""

    class_name: str
    target: str


def is_request(name: str) -> bool:
    """Return whether a file of that name is meant as a request."""
    return name.lower().endswith(".csr") and not name.startswith(".")


def request_order(name: str) -> tuple[str, str]:
    """Return the key by which names are put in order, whatever order a folder has."""
    return name.lower(), name


def parse_name(name: str) -> Wanted | None:
    """Return the class and target that a name says, None when it says none (rule 1)."""
    found = _NAME.fullmatch(name.lower()) if name.isascii() else None  # a Kelvin sign is no k
    return Wanted(class_name=found[1], target=found[2]) if found else None


class _Message(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag=True):
    """Base of all messages: strict, immutable, told apart by their class name."""


class _SecretMessage(_Message, frozen=True, kw_only=True):
    """A message that carries a secret: its repr shows only its kind."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(...)"


class Hello(_Message, frozen=True):
    """Ask how things stand before any passphrase: answered by `Ready`."""


class AskPolicy(_Message, frozen=True):
    """Ask what config.yaml says now, recipients' keys included: `PolicyProposal`."""


class BringPolicy(_SecretMessage, frozen=True, kw_only=True):
    """Ask what a config.yaml says that a stick brought, with its key files by path: `PolicyProposal`.

    It is kept until this connection ends; `Init` and `ApprovePolicy` take it by its hash. Its repr is
    redacted: somebody may have put a private key there, which is refused.
    """

    config: bytes
    keys: dict[str, bytes]


class Init(_SecretMessage, frozen=True, kw_only=True):
    """Found the authority with the policy that was shown, and stay unlocked: `Unlocked`."""

    passphrase: bytes
    policy_sha256: str
    now: datetime


class Unlock(_SecretMessage, frozen=True, kw_only=True):
    """Open the store: `Unlocked`."""

    passphrase: bytes
    now: datetime


class CheckReceipt(_Message, frozen=True, kw_only=True):
    """Compare a receipt from a stick with what the store remembers: `Acknowledged`, or E-STATE-OLD."""

    data: bytes


class TopUp(_Message, frozen=True, kw_only=True):
    """Fill every gap: `ToppedUp`."""

    now: datetime


class ProposeRequests(_Message, frozen=True, kw_only=True):
    """Ask what signing requests ask for; signs nothing: `RequestsProposal`."""

    files: tuple[RequestFile, ...]
    now: datetime


class SignRequests(_Message, frozen=True, kw_only=True):
    """Sign these requests, each of which the operator approved as it was shown: `RequestsSigned`.

    `approved`: what `RequestsProposal` names them by.
    """

    files: tuple[RequestFile, ...]
    approved: tuple[str, ...]
    now: datetime


class WriteArchive(_Message, frozen=True, kw_only=True):
    """Write an egress or backup archive into the one descriptor sent along: `ArchiveWritten`.

    `papers`: with what is to be hosted and the calendar file; one archive of a job brings them.
    """

    kind: str
    name: str
    papers: bool
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
    """Pin the policy that was shown, all of it: `Unlocked`, with the new table of sticks."""

    policy_sha256: str
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


class RevokeAll(_Message, frozen=True, kw_only=True):
    """Revoke several certificates with one reason, all or none: `Acknowledged`."""

    certificates: tuple[str, ...]
    reason: str
    now: datetime


class RecordDrill(_SecretMessage, frozen=True, kw_only=True):
    """Journal the six words of a drill: `DrillRecorded`, or E-DRILL.

    `name`: the backup that they must be of; None: whichever they are of. Its repr is redacted: somebody may
    have typed the passphrase in their place.
    """

    words: str
    name: str | None
    now: datetime


class SeeIdentity(_Message, frozen=True):
    """Look whether the one descriptor sent along is an identity, and forget it: `IdentitySeen`."""


class TakeIdentity(_Message, frozen=True):
    """Take the identity in the one descriptor sent along, to open a backup with: `IdentitySeen`."""


class OpenIdentity(_SecretMessage, frozen=True, kw_only=True):
    """Open the identity that was taken: `Acknowledged`, or E-IDENTITY-LOCKED and it may be tried again."""

    passphrase: bytes


class OpenBackup(_Message, frozen=True, kw_only=True):
    """Check the backup in the one descriptor sent along, and keep it open: `BackupOpened`."""

    now: datetime


class Restore(_SecretMessage, frozen=True, kw_only=True):
    """Restore the backup that is open into the empty state folder; it stays locked: `BackupRestored`."""

    passphrase: bytes
    now: datetime


class Stop(_Message, frozen=True):
    """End the running request at its next commit; it then fails with E-STOPPED."""


RescueRequest = SeeIdentity | TakeIdentity | OpenIdentity | OpenBackup | Restore
"""What an empty box is asked, in that order, to become one that a backup is of."""

Request = (
    Hello
    | AskPolicy
    | BringPolicy
    | Init
    | Unlock
    | CheckReceipt
    | TopUp
    | ProposeRequests
    | SignRequests
    | WriteArchive
    | ConfirmWritten
    | AskStatus
    | ApprovePolicy
    | ChangePassphrase
    | CorrectClock
    | Revoke
    | RevokeAll
    | RecordDrill
    | SeeIdentity
    | TakeIdentity
    | OpenIdentity
    | OpenBackup
    | Restore
    | Stop
)


Result = (
    Ready
    | PolicyProposal
    | Unlocked
    | ToppedUp
    | RequestsProposal
    | RequestsSigned
    | ArchiveWritten
    | StatusReport
    | ClockCorrected
    | DrillRecorded
    | IdentitySeen
    | BackupOpened
    | BackupRestored
    | Acknowledged
)


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
        failed_attempts: Wrong passphrases since the last unlock.
    """

    code: str
    text: str
    action: tuple[str, ...]
    wait_s: int = 0
    failed_attempts: int = 0


Reply = Progress | Done | Failed
Message = Request | Reply
