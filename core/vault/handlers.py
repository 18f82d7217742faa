"""What the vault does for each request: one function each, in one table.

1. `answers` puts a function into the table: for which request, in which state of the box, and whether a file
   comes along. `perform` holds a request against that before the function is called.
2. What an operator can bring about is refused with a code: a locked box, one with an authority where an empty
   one is wanted. What else is out of place is a ProtocolError, a bug of ours, which ends the process.
3. A refused passphrase says how long the next one has to wait, and wipes the store if it was one too many
   and config.yaml asks for that (core.store.attempts).

A new request is a struct in core.api.requests and a function here; a test holds the two against each other.

What an operation consists of is core.authority's and core.recovery's. The life of the process is
core.vault.process's: it loads this module, which is heavy, once it has heard the first request.
"""

import os
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Literal, TypeVar

from core.api import requests, results
from core.api.requests import Request
from core.api.results import Result
from core.api.wire import Done, Failed, ProtocolError
from core.authority import passphrase
from core.authority.authority import Authority
from core.crypto.process import read_boot, read_confined, swap_is_on
from core.errors import CaError, PassphraseError, PassphraseWrongError, StateExistsError, StateMissingError
from core.policy.config import load_config
from core.policy.policy import KeyName, Policy
from core.policy.proposal import (
    approved_policy,
    key_names,
    mark_replaced,
    propose_brought,
    propose_policy,
)
from core.progress import Report
from core.store.attempts import wipe_if_due
from core.store.keyslots import KdfCost, choose_cost
from core.store.store import is_provisioned

if TYPE_CHECKING:
    from core.recovery.rescue import Rescue

R = TypeVar("R", bound=Result)
FileMode = Literal["rb", "wb"]


class When(Enum):
    """In which state of the box a request is taken."""

    ALWAYS = auto()
    LOCKED = auto()
    UNLOCKED = auto()
    EMPTY = auto()
    """Locked, and no authority in the state folder."""


class Connection:
    """What one connection to the vault has open.

    Args:
        state: State folder, absolute.
        config: config.yaml, absolute; read when a policy is asked for.
        report: Told of progress while a request runs; may raise StoppedError.

    Attributes:
        unlocked: The authority; None while the box is locked.
        brought: The policy of a stick and how it was shown, until the connection ends.
    """

    def __init__(self, state: Path, config: Path, report: Report) -> None:
        self.state = state
        self.config = config
        self.report = report
        self.unlocked: Authority | None = None
        self.brought: tuple[Policy, results.PolicyProposal] | None = None
        self._rescue: Rescue | None = None

    @property
    def authority(self) -> Authority:
        """The authority of an unlocked box.

        Raises:
            StateMissingError: The box is locked (E-STATE-MISSING).
        """
        if self.unlocked is None:
            raise StateMissingError("the box is locked")
        return self.unlocked

    @property
    def rescue(self) -> "Rescue":
        """What an empty box has taken in to become another one again; begun when it is first asked for."""
        if self._rescue is None:
            from core.recovery.rescue import Rescue  # a box with an authority does not load it

            self._rescue = Rescue(self.state, self.config)
        return self._rescue

    @property
    def pinned(self) -> Policy | None:
        """The policy in force, where there is one to be known."""
        return self.unlocked.policy if self.unlocked else None

    def require(self, when: When) -> None:
        """Refuse a request that wants the box in another state.

        Raises:
            StateMissingError: It is locked (E-STATE-MISSING).
            StateExistsError: It is not empty (E-STATE-EXISTS).
            ProtocolError: It is unlocked already, which whoever asks knows.
        """
        if when is When.UNLOCKED:
            _ = self.authority
        if when in (When.LOCKED, When.EMPTY) and self.unlocked is not None:
            raise ProtocolError("this connection is unlocked already")
        if when is When.EMPTY and is_provisioned(self.state):
            raise StateExistsError("there is an authority on this box already")

    def close(self) -> None:
        """Close the store and forget the rescue; what Python kept of keys is wiped when the process ends."""
        if self.unlocked is not None:
            self.unlocked.close()
        if self._rescue is not None:
            self._rescue.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Handler:
    """A line of the table.

    Args:
        when: In which state of the box the request is taken.
        file: How the one file is opened that comes with it; None where none comes.
        answer: Called with the connection and the request, and with the file where there is one.
    """

    when: When
    file: FileMode | None
    answer: Callable[..., Result]


HANDLERS: Final[dict[type[Request[Any]], Handler]] = {}
"""The table."""


def answers(
    kind: type[Request[R]], *, when: When, file: FileMode | None = None
) -> Callable[[Callable[..., R]], Callable[..., R]]:
    """Put a function into the table; its result is the one that the request names.

    Args:
        kind: What it answers.
        when: In which state of the box.
        file: How the file that comes along is opened, if one has to come.
    """

    def register(answer: Callable[..., R]) -> Callable[..., R]:
        HANDLERS[kind] = Handler(when=when, file=file, answer=answer)
        return answer

    return register


def perform(connection: Connection, request: Request[Any], descriptors: tuple[int, ...]) -> Done | Failed:
    """Do what a request asks for, and return its result or the refusal.

    Args:
        connection: Where it came from.
        request: The request.
        descriptors: That came with it; the caller closes them.

    Raises:
        ProtocolError: It is out of place.
    """
    try:
        return Done(result=_perform(connection, request, descriptors))
    except PassphraseError as error:
        return _refuse_passphrase(connection, error)
    except CaError as error:
        return _refuse(error)


def _perform(connection: Connection, request: Request[Any], descriptors: tuple[int, ...]) -> Result:
    handler = HANDLERS[type(request)]
    connection.require(handler.when)
    if len(descriptors) != (handler.file is not None):
        raise ProtocolError(f"{len(descriptors)} descriptors came with {type(request).__name__}")
    if handler.file is None:
        return handler.answer(connection, request)
    # A folder is refused by the library with the descriptor left open; of a pipe nothing can be read twice.
    if not stat.S_ISREG(os.fstat(descriptors[0]).st_mode):
        raise ProtocolError(f"what came with {type(request).__name__} is no file")
    with os.fdopen(os.dup(descriptors[0]), handler.file) as file:
        return handler.answer(connection, request, file)


def _refuse(error: CaError) -> Failed:
    return Failed(code=error.code, text=str(error), action=error.action)


def _refuse_passphrase(connection: Connection, error: PassphraseError) -> Failed:
    """Return the refusal with how long the next try has to wait; wipe if that was one too many (rule 3)."""
    ready = Authority.look(connection.state, read_boot(), swap=False, confined=read_confined())
    if isinstance(error, PassphraseWrongError) and connection.unlocked is None:
        try:
            wipe_if_due(connection.state, ready.failed_attempts, _wipe_after(connection.config))
        except CaError as wiped:
            return _refuse(wiped)
    return Failed(
        code=error.code,
        text=str(error),
        action=error.action,
        wait_s=ready.wait_s,
        failed_attempts=ready.failed_attempts,
    )


def _wipe_after(config: Path) -> int | None:
    """Return how many wrong passphrases wipe the store; never any, when config.yaml cannot say."""
    try:
        return load_config(config).kiosk.wipe_after
    except CaError:
        return None


# --- before and at the unlock ---


@answers(requests.Hello, when=When.ALWAYS)
def look(connection: Connection, _request: requests.Hello) -> results.Ready:
    """Say how things stand, whoever asks."""
    return Authority.look(connection.state, read_boot(), swap=swap_is_on(), confined=read_confined())


@answers(requests.AskPolicy, when=When.ALWAYS)
def show_policy(connection: Connection, _request: requests.AskPolicy) -> results.PolicyProposal:
    """Show what config.yaml says now."""
    return propose_policy(connection.config, connection.pinned)[1]


@answers(requests.BringPolicy, when=When.ALWAYS)
def show_brought_policy(connection: Connection, request: requests.BringPolicy) -> results.PolicyProposal:
    """Keep the policy of a stick, and show it."""
    connection.brought = propose_brought(request.config, request.keys, connection.config, connection.pinned)
    return connection.brought[1]


@answers(requests.Recognize, when=When.ALWAYS)
def recognize(connection: Connection, request: requests.Recognize) -> results.Recognized:
    """Show that this is the box that knows the passphrase's beginning; nothing is counted or opened."""
    return results.Recognized(words=passphrase.recognize(connection.state, request.passphrase))


@answers(requests.Init, when=When.EMPTY)
def found_authority(connection: Connection, request: requests.Init) -> results.Unlocked:
    """Found the authority with the policy that was shown."""
    policy, names, instead_of = _shown_policy(connection, request.policy_sha256)
    connection.unlocked = Authority.found(
        connection.state,
        policy,
        request.passphrase,
        _choose_cost(),
        request.now,
        instead_of=instead_of,
        names=names,
    )
    return connection.unlocked.unlocked(connection.config)


@answers(requests.Unlock, when=When.LOCKED)
def unlock(connection: Connection, request: requests.Unlock) -> results.Unlocked:
    """Open the store and prove it."""
    connection.unlocked = Authority.unlock(
        connection.state, request.passphrase, request.now, read_boot(), request.runs
    )
    return connection.unlocked.unlocked(connection.config)


@answers(requests.AskSession, when=When.UNLOCKED)
def show_session(connection: Connection, _request: requests.AskSession) -> results.Unlocked:
    """Say of the session what holds by now."""
    return connection.authority.unlocked(connection.config)


# --- a stick's job ---


@answers(requests.CheckReceipt, when=When.UNLOCKED)
def check_receipt(connection: Connection, request: requests.CheckReceipt) -> results.ReceiptChecked:
    """Refuse to go on if a receipt is later than the state; say whether it is of this incarnation."""
    return connection.authority.check_receipt(request.data)


@answers(requests.TopUp, when=When.UNLOCKED)
def top_up(connection: Connection, request: requests.TopUp) -> results.ToppedUp:
    """Issue what the policy asks for."""
    return connection.authority.top_up(request.now, connection.report)


@answers(requests.ProposeRequests, when=When.UNLOCKED)
def propose_requests(connection: Connection, request: requests.ProposeRequests) -> results.RequestsProposal:
    """Show what signing requests ask for."""
    return connection.authority.propose_requests(request.files, request.now)


@answers(requests.SignRequests, when=When.UNLOCKED)
def sign_requests(connection: Connection, request: requests.SignRequests) -> results.RequestsSigned:
    """Sign the requests that were approved."""
    return connection.authority.sign_requests(request.files, request.approved, request.now, connection.report)


@answers(requests.ForeseeArchive, when=When.UNLOCKED)
def foresee_archive(connection: Connection, request: requests.ForeseeArchive) -> results.ArchiveForeseen:
    """Say how large an archive would be."""
    return connection.authority.foresee_archive(
        request.kind, request.name, request.now, public=request.public, topped_up=request.topped_up
    )


@answers(requests.WriteArchive, when=When.UNLOCKED, file="wb")
def write_archive(
    connection: Connection, request: requests.WriteArchive, file: BinaryIO
) -> results.ArchiveWritten:
    """Write an archive into the file that the kiosk opened."""
    return connection.authority.write_archive(
        request.kind, request.name, file, request.now, connection.report, public=request.public
    )


@answers(requests.ConfirmWritten, when=When.UNLOCKED)
def confirm_written(connection: Connection, request: requests.ConfirmWritten) -> results.Acknowledged:
    """Journal that an archive stands on its stick."""
    connection.authority.confirm_written(
        request.kind, request.name, request.sequence, request.where, request.now
    )
    return results.Acknowledged()


# --- from the menu ---


@answers(requests.AskStatus, when=When.UNLOCKED)
def show_status(connection: Connection, request: requests.AskStatus) -> results.StatusReport:
    """Show the whole picture."""
    return connection.authority.status(request.now)


@answers(requests.ApprovePolicy, when=When.UNLOCKED)
def approve_policy(connection: Connection, request: requests.ApprovePolicy) -> results.Unlocked:
    """Pin the policy that was shown."""
    policy, names, instead_of = _shown_policy(connection, request.policy_sha256)
    connection.authority.approve_policy(policy, request.now, instead_of=instead_of, names=names)
    return connection.authority.unlocked(connection.config)


@answers(requests.ConfirmRecipients, when=When.UNLOCKED)
def confirm_recipients(connection: Connection, request: requests.ConfirmRecipients) -> results.Unlocked:
    """End the probation of backup keys."""
    connection.authority.confirm_recipients(request.recipients, request.now)
    return connection.authority.unlocked(connection.config)


@answers(requests.ChangePassphrase, when=When.UNLOCKED)
def change_passphrase(connection: Connection, request: requests.ChangePassphrase) -> results.Acknowledged:
    """Wrap the master key under another passphrase."""
    connection.authority.change_passphrase(request.old, request.new, _choose_cost(), request.now, read_boot())
    return results.Acknowledged()


@answers(requests.CorrectClock, when=When.UNLOCKED)
def correct_clock(connection: Connection, request: requests.CorrectClock) -> results.ClockCorrected:
    """Believe the time that the operator vouches for."""
    return connection.authority.correct_clock(request.now)


@answers(requests.Revoke, when=When.UNLOCKED)
def revoke(connection: Connection, request: requests.Revoke) -> results.Acknowledged:
    """Revoke one certificate."""
    connection.authority.revoke(request.certificate, request.reason, request.now)
    return results.Acknowledged()


@answers(requests.RevokeAll, when=When.UNLOCKED)
def revoke_all(connection: Connection, request: requests.RevokeAll) -> results.Acknowledged:
    """Revoke several certificates, or none."""
    connection.authority.revoke_all(request.certificates, request.reason, request.now)
    return results.Acknowledged()


@answers(requests.NoteSeal, when=When.UNLOCKED)
def note_seal(connection: Connection, request: requests.NoteSeal) -> results.Acknowledged:
    """Journal the number of the box's new seal."""
    connection.authority.note_seal(request.number, request.now)
    return results.Acknowledged()


@answers(requests.RecordDrill, when=When.UNLOCKED)
def record_drill(connection: Connection, request: requests.RecordDrill) -> results.DrillRecorded:
    """Journal a drill by its six words."""
    return connection.authority.record_drill(request.name, request.words, request.now)


# --- a rescue ---


@answers(requests.SeeIdentity, when=When.EMPTY, file="rb")
def see_identity(
    connection: Connection, _request: requests.SeeIdentity, file: BinaryIO
) -> results.IdentitySeen:
    """Say whether a file is an identity."""
    return connection.rescue.see_identity(file)


@answers(requests.TakeIdentity, when=When.EMPTY, file="rb")
def take_identity(
    connection: Connection, _request: requests.TakeIdentity, file: BinaryIO
) -> results.IdentitySeen:
    """Keep an identity until the backup is open."""
    return connection.rescue.take_identity(file)


@answers(requests.OpenIdentity, when=When.EMPTY)
def open_identity(connection: Connection, request: requests.OpenIdentity) -> results.Acknowledged:
    """Open the identity by its passphrase."""
    connection.rescue.open_identity(request.passphrase)
    return results.Acknowledged()


@answers(requests.OpenBackup, when=When.EMPTY, file="rb")
def open_backup(connection: Connection, request: requests.OpenBackup, file: BinaryIO) -> results.BackupOpened:
    """Check a backup, whole, and keep it open."""
    return connection.rescue.open_backup(file, request.now, connection.report)


@answers(requests.Restore, when=When.EMPTY)
def restore(connection: Connection, request: requests.Restore) -> results.BackupRestored:
    """Restore the backup that is open."""
    return connection.rescue.restore(request.passphrase, _choose_cost(), request.now, connection.report)


def _shown_policy(connection: Connection, policy_sha256: str) -> tuple[Policy, tuple[KeyName, ...], str]:
    """Return the policy that was shown, its keys' names, and what it is approved instead of.

    It is a stick's, or the file's.
    """
    if connection.brought is not None and connection.brought[0].sha256 == policy_sha256:
        policy, shown = connection.brought
        return policy, key_names(shown), mark_replaced(connection.config, policy)
    policy, shown = approved_policy(connection.config, policy_sha256)
    return policy, key_names(shown), ""


def _choose_cost() -> KdfCost:
    return choose_cost(time.perf_counter)
