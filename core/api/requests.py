"""What the vault is asked.

1. A request is a struct that names its result: `class TopUp(Request[ToppedUp], ...)`. With its function in
   core.vault.requests that is all it takes; `REQUESTS` and the decoder (core.api.wire) are made from the
   structs of this module.
2. Unknown fields and types are refused; a request with a secret redacts its repr.
3. Nothing heavy is imported here: the kiosk shares this module.

How requests travel, how one is stopped and how it is refused is core.api.wire's. A docstring says what the
request does and, after the colon, what it is answered with.
"""

from datetime import datetime
from typing import Annotated, Any, Final, Generic, TypeVar, get_args

from msgspec import Meta, Struct

from core.api.csr_files import RequestFile
from core.api.results import (
    Acknowledged,
    ArchiveForeseen,
    ArchiveWritten,
    BackupOpened,
    BackupRestored,
    ClockCorrected,
    DrillRecorded,
    IdentitySeen,
    PolicyProposal,
    Ready,
    ReceiptChecked,
    Recognized,
    RequestsProposal,
    RequestsSigned,
    Result,
    Runs,
    StatusReport,
    ToppedUp,
    Unlocked,
)

SealNumber = Annotated[str, Meta(pattern=r"\A[0-9]{1,12}\Z")]
R_co = TypeVar("R_co", bound=Result, covariant=True)


class Request(Struct, Generic[R_co], frozen=True, kw_only=True, forbid_unknown_fields=True, tag=True):
    """Base of all requests, told apart by their class name; the parameter is the type of the result."""


class SecretRequest(Request[R_co], Generic[R_co], frozen=True, kw_only=True):
    """A request that carries a secret: its repr shows only its kind."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(...)"


class Hello(Request[Ready], frozen=True):
    """Ask how things stand before any passphrase: answered by `Ready`."""


class AskPolicy(Request[PolicyProposal], frozen=True):
    """Ask what config.yaml says now, recipients' keys included: `PolicyProposal`."""


class BringPolicy(SecretRequest[PolicyProposal], frozen=True, kw_only=True):
    """Ask what a config.yaml says that a stick brought, with its key files by path: `PolicyProposal`.

    It is kept until this connection ends; `Init` and `ApprovePolicy` take it by its hash. Its repr is
    redacted: somebody may have put a private key there, which is refused.
    """

    config: bytes
    keys: dict[str, bytes]


class Recognize(SecretRequest[Recognized], frozen=True, kw_only=True):
    """Ask for the words by which an operator knows this box, after a passphrase's beginning: `Recognized`."""

    passphrase: bytes


class Init(SecretRequest[Unlocked], frozen=True, kw_only=True):
    """Found the authority with the policy that was shown, and stay unlocked: `Unlocked`."""

    passphrase: bytes
    policy_sha256: str
    now: datetime


class Unlock(SecretRequest[Unlocked], frozen=True, kw_only=True):
    """Open the store: `Unlocked`.

    `runs`: what runs on the box, where a kiosk asks; it is journaled where it is another than before.
    """

    passphrase: bytes
    now: datetime
    runs: Runs | None = None


class AskSession(Request[Unlocked], frozen=True):
    """Ask what an unlock would say by now, after whatever was done since: `Unlocked`."""


class CheckReceipt(Request[ReceiptChecked], frozen=True, kw_only=True):
    """Compare a receipt from a stick with what the store remembers: `ReceiptChecked`, or E-STATE-OLD."""

    data: bytes


class TopUp(Request[ToppedUp], frozen=True, kw_only=True):
    """Fill every gap: `ToppedUp`."""

    now: datetime


class ProposeRequests(Request[RequestsProposal], frozen=True, kw_only=True):
    """Ask what signing requests ask for; signs nothing: `RequestsProposal`."""

    files: tuple[RequestFile, ...]
    now: datetime


class SignRequests(Request[RequestsSigned], frozen=True, kw_only=True):
    """Sign these requests, each of which the operator approved as it was shown: `RequestsSigned`.

    `approved`: what `RequestsProposal` names them by.
    """

    files: tuple[RequestFile, ...]
    approved: tuple[str, ...]
    now: datetime


class ForeseeArchive(Request[ArchiveForeseen], frozen=True, kw_only=True):
    """Ask how large an archive will be, `public` as for `WriteArchive`: `ArchiveForeseen`.

    `topped_up`: with what a top-up before it would issue.
    """

    kind: str
    name: str
    public: bool
    topped_up: bool = False
    now: datetime


class WriteArchive(Request[ArchiveWritten], frozen=True, kw_only=True):
    """Write an egress or backup archive into the one descriptor sent along: `ArchiveWritten`.

    `public`: with what is to be hosted and the calendar file; one archive of a job brings them.
    """

    kind: str
    name: str
    public: bool
    now: datetime


class ConfirmWritten(Request[Acknowledged], frozen=True, kw_only=True):
    """The archive stands on a stick, read back and compared: `Acknowledged`."""

    kind: str
    name: str
    sequence: int
    where: str
    now: datetime


class AskStatus(Request[StatusReport], frozen=True, kw_only=True):
    """Ask for the whole picture: `StatusReport`."""

    now: datetime


class ApprovePolicy(Request[Unlocked], frozen=True, kw_only=True):
    """Pin the policy that was shown, all of it: `Unlocked`, with the new table of sticks."""

    policy_sha256: str
    now: datetime


class ConfirmRecipients(Request[Unlocked], frozen=True, kw_only=True):
    """Let backup keys that waited get backups, after the operator said yes to their words: `Unlocked`."""

    recipients: tuple[str, ...]
    now: datetime


class ChangePassphrase(SecretRequest[Acknowledged], frozen=True, kw_only=True):
    """Wrap the master key under another passphrase: `Acknowledged`."""

    old: bytes
    new: bytes
    now: datetime


class CorrectClock(Request[ClockCorrected], frozen=True, kw_only=True):
    """The operator vouches for `now`, although the journal speaks against it: `ClockCorrected`."""

    now: datetime


class Revoke(Request[Acknowledged], frozen=True, kw_only=True):
    """Revoke one certificate with an RFC 5280 5.3.1 reason: `Acknowledged`."""

    certificate: str
    reason: str
    now: datetime


class RevokeAll(Request[Acknowledged], frozen=True, kw_only=True):
    """Revoke several certificates with one reason, all or none: `Acknowledged`."""

    certificates: tuple[str, ...]
    reason: str
    now: datetime


class NoteSeal(Request[Acknowledged], frozen=True, kw_only=True):
    """Journal the number of the seal that the box is put away under, 1 to 12 digits: `Acknowledged`."""

    number: SealNumber
    now: datetime


class RecordDrill(SecretRequest[DrillRecorded], frozen=True, kw_only=True):
    """Journal the six words of a drill: `DrillRecorded`, or E-DRILL.

    `name`: the backup that they must be of; None: whichever they are of. Its repr is redacted: somebody may
    have typed the passphrase in their place.
    """

    words: str
    name: str | None
    now: datetime


class SeeIdentity(Request[IdentitySeen], frozen=True):
    """Look whether the one descriptor sent along is an identity, and forget it: `IdentitySeen`."""


class TakeIdentity(Request[IdentitySeen], frozen=True):
    """Take the identity in the one descriptor sent along, to open a backup with: `IdentitySeen`."""


class OpenIdentity(SecretRequest[Acknowledged], frozen=True, kw_only=True):
    """Open the identity that was taken: `Acknowledged`, or E-IDENTITY-LOCKED and it may be tried again."""

    passphrase: bytes


class OpenBackup(Request[BackupOpened], frozen=True, kw_only=True):
    """Check the backup in the one descriptor sent along, and keep it open: `BackupOpened`."""

    now: datetime


class Restore(SecretRequest[BackupRestored], frozen=True, kw_only=True):
    """Restore the backup that is open into the empty state folder; it stays locked: `BackupRestored`."""

    passphrase: bytes
    now: datetime


REQUESTS: Final[tuple[type[Request[Any]], ...]] = tuple(
    each
    for each in tuple(globals().values())
    if isinstance(each, type) and issubclass(each, Request) and each not in (Request, SecretRequest)
)
"""Every request of this module, in its order."""


def result_of(kind: type[Request[Any]]) -> type[Result]:
    """Return the type of the result that requests of a kind are answered with."""
    (base,) = kind.__orig_bases__  # type: ignore[attr-defined]  # PEP 560: the base with its parameter
    result: type[Result] = get_args(base)[0]
    return result
