"""Everything that the authority can refuse, as one tree.

    CaError
    ├── ConfigError            config.yaml cannot be used
    │   ├── ConfigSyntaxError      not YAML, too large, an alias, a duplicate key
    │   ├── ConfigKeyError         unknown or missing key
    │   ├── ConfigValueError       a value of the wrong type or out of range
    │   └── ConfigVisitError       lead times do not outlast a visit (design 3)
    ├── RecipientError         a public key that nothing may be encrypted to
    │   ├── RecipientMissingError  its file is not there
    │   ├── RecipientMixedError    post-quantum and classical keys in one destination
    │   ├── RecipientPrivateError  the file holds a private key
    │   └── RecipientWeakError     RSA below 3072 bits, or a low-order point
    ├── PassphraseError
    │   ├── PassphraseWeakError    under 64 bits by estimate, or not canonical
    │   ├── PassphraseWrongError   it opens no keyslot
    │   └── PassphraseWaitError    too early after wrong ones
    ├── StateError             the state folder
    │   ├── StateExistsError, StateMissingError, StateLockedError, StateModeError
    │   ├── StateDamagedError      truncated, empty, altered, or an old page put back
    │   ├── StateOldError          an older copy was put back
    │   ├── StateForgedError       somebody else seals as this box
    │   └── StateWipedError        destroyed after wrong passphrases
    ├── SwapError              keys could reach a disk
    ├── JournalError           the hash chain does not hold
    ├── ClockError
    │   ├── ClockBehindError       now is before the last journal entry, or the release
    │   ├── ClockLateError         now is later than a visit was expected
    │   └── ClockAheadError        now is years after it
    ├── IssueError             planning or signing broke one of our own rules
    │   └── CheckError             a named rule of core.issue.checks failed
    ├── PolicyError            an unknown egress, backup, target, or a change not approved
    │   └── ProbationError         a backup key waits
    ├── RequestError           a signing request that nothing can be made of
    │   ├── RequestNameError       its file name does not say class and target
    │   ├── RequestPlaceError      it lies where no request is read
    │   ├── RequestLateError       its job's requests were answered already
    │   ├── RequestTargetError     no target of the policy takes requests under that name
    │   ├── RequestPrivateError    the file holds a private key
    │   ├── RequestKeyError        another algorithm than the target's, or a weak key
    │   ├── RequestProofError      it is not signed by its own key
    │   ├── RequestUsedError       its key has a certificate already, or came twice
    │   ├── RequestGapError        the plan has no place for it now
    │   ├── RequestManyError       more than are taken in one go
    │   └── RequestChangedError    it is not what was shown and approved
    ├── ArchiveError           an archive cannot be used
    │   ├── ArchiveIdentityError   the identity does not fit
    │   │   ├── IdentityLockedError    it is encrypted, and its passphrase is missing or wrong
    │   │   └── IdentityCipherError    it is encrypted with a cipher that cannot be read
    │   ├── ArchiveDamagedError    truncated, altered, trailing bytes
    │   ├── ArchiveMemberError     unknown, unsafe or oversized member, links
    │   ├── ArchiveFormatError     manifest of another version, or not to the format
    │   ├── ArchiveKindError       an egress where a backup is needed
    │   ├── ArchiveSealError       no seal of a pinned root fits
    │   │   └── ArchiveDateError       it was made after now
    │   ├── ArchiveCertificateError  chain, dates or key do not fit
    │   ├── ArchiveTrustError      a root or an authority that is not pinned
    │   │   └── ArchiveBoxError        a box key that nobody has accepted
    │   ├── ArchiveRollbackError   older than what was opened before
    │   └── ArchiveForkError       does not continue what was opened before
    ├── SignerError            the receiver has no signer to put in place
    │   ├── SignerMissingError     no opened archive holds that target or lane
    │   ├── SignerLaneError        there are several lanes, and none was named
    │   ├── SignerFutureError, SignerRetiredError, SignerExpiredError   not on that day
    │   └── SignerRevokedError     the one of that day is revoked
    ├── PlaceError             an engine, a folder or a hook did not take a signer
    ├── RescueError            what a restore onto an empty box needs is not there
    │   ├── RescueMissingError, RescueKeyError, RescueManyError   no archive, no identity, more than one
    │   └── RescueSpaceError       the archive does not fit into this box
    ├── DrillError             words that no backup of this store waits for
    ├── FileError              a file exists already, is too large, or cannot be read
    ├── AcceptanceError        a real box failed its acceptance
    └── StoppedError           the operator stopped the work; what was done is kept

Rules: every class has a `code` (at most 21 characters) that the screen, the journal, the command
line and docs/errors.md share, and an `action` of at most three lines of 21 characters. A message
never holds a secret. Anything outside this tree and `HardwareError` is a bug.

What may be written down of a bug: its type and where it showed. Its text could quote a secret.
"""

import traceback
from typing import ClassVar


class CaError(Exception):
    """Root of everything that the authority refuses; the text says what happened, never a secret."""

    code: ClassVar[str] = "E-CA"
    action: ClassVar[tuple[str, ...]] = ("Try again",)


class ConfigError(CaError):
    """config.yaml cannot be used; the text names file, line and key path."""

    code = "E-CONFIG"
    action: ClassVar[tuple[str, ...]] = ("Correct config.yaml", "on a PC")


class ConfigSyntaxError(ConfigError):
    """The file is not plain YAML: too large, an alias, a duplicate key, not a mapping."""

    code = "E-CONFIG-SYNTAX"


class ConfigKeyError(ConfigError):
    """A key is unknown or missing."""

    code = "E-CONFIG-KEY"


class ConfigValueError(ConfigError):
    """A value has the wrong type or lies outside its range."""

    code = "E-CONFIG-VALUE"


class ConfigVisitError(ConfigError):
    """A lead time or the CRL lifetime is shorter than visit_every_days + spread_days."""

    code = "E-CONFIG-VISIT"
    action = ("Lead times must be at", "least visit + spread", "days")


class RecipientError(CaError):
    """A recipient cannot be used: garbage, of an unknown kind, or there twice."""

    code = "E-RECIPIENT"
    action: ClassVar[tuple[str, ...]] = ("Put its owner's", "public key there")


class RecipientMissingError(RecipientError):
    """There is no file where config.yaml says that a public key lies."""

    code = "E-RECIPIENT-MISSING"
    action = ("Bring that file, too",)


class RecipientPrivateError(RecipientError):
    """The file holds a private key, which must never come here."""

    code = "E-RECIPIENT-PRIVATE"
    action = ("Replace the pair: it", "was carried about")


class RecipientMixedError(RecipientError):
    """A destination has post-quantum keys and others, and its policy does not say that this is meant."""

    code = "E-RECIPIENT-MIXED"
    action = ("Use one kind, or set", "mixed_recipients", "there to true")


class RecipientWeakError(RecipientError):
    """The key is too weak: RSA below 3072 bits, or a point of low order."""

    code = "E-RECIPIENT-WEAK"
    action = ("Make a new age or", "ed25519 key")


class PassphraseError(CaError):
    """Something is wrong with a passphrase."""

    code = "E-PASSPHRASE"


class PassphraseWeakError(PassphraseError):
    """The passphrase is estimated under 64 bits, or no panel can type it: not ASCII, or too long."""

    code = "E-PASSPHRASE-WEAK"
    action = ("Take 8 random words",)


class PassphraseWrongError(PassphraseError):
    """The passphrase opens no keyslot."""

    code = "E-PASSPHRASE-WRONG"
    action = ("Check the words and", "try again")


class PassphraseWaitError(PassphraseError):
    """After tries that ended in no unlock the next one must wait.

    Args:
        wait_s: Whole seconds until the next try is looked at.
    """

    code = "E-PASSPHRASE-WAIT"
    action = ("Wait, then try again",)

    def __init__(self, wait_s: int) -> None:
        super().__init__(f"wait {wait_s} s after tries that ended in no unlock")
        self.wait_s = wait_s


class StateError(CaError):
    """The state folder cannot be used."""

    code = "E-STATE"


class StateExistsError(StateError):
    """There is a state already; nothing overwrites it."""

    code = "E-STATE-EXISTS"
    action = ("This box is set up", "already: unlock it")


class StateMissingError(StateError):
    """There is no state yet."""

    code = "E-STATE-MISSING"
    action = ("Set this box up first",)


class StateLockedError(StateError):
    """Another process has the state open."""

    code = "E-STATE-LOCKED"
    action = ("Close the other", "session first")


class StateModeError(StateError):
    """The state folder has another owner or is open to others."""

    code = "E-STATE-MODE"
    action = ("Set owner pism-vault,", "mode 0700")


class StateDamagedError(StateError):
    """The store was truncated, emptied or altered."""

    code = "E-STATE-DAMAGED"
    action = ("Restore a backup on", "a new card")


class StateOldError(StateError):
    """An older copy of the state was put back: a stick carries a receipt that this state does not know."""

    code = "E-STATE-OLD"
    action = ("Restore the newest", "backup")


class StateForgedError(StateError):
    """A stick carries a receipt that is sealed as this box's, and that its box key did not sign.

    Somebody else has keys of this authority; or it is of a later state of before there was a box key.
    """

    code = "E-STATE-FORGED"
    action = ("Somebody has keys of", "this box: see manual,", "take another stick")


class StateWipedError(StateError):
    """Too many tries in a row ended in no unlock: the store was destroyed, as config.yaml asks."""

    code = "E-STATE-WIPED"
    action = ("Restore a backup",)


class SwapError(CaError):
    """The system swaps memory to a disk, so a key could end up there in the clear."""

    code = "E-SWAP"
    action = ("Turn swap off: see", "docs/hardware.md,", "Installation")


class JournalError(CaError):
    """The journal's hash chain, or its hash of the state, does not hold."""

    code = "E-JOURNAL"
    action = ("Restore a backup on", "a new card")


class ClockError(CaError):
    """The time cannot be trusted."""

    code = "E-CLOCK"
    action = ("Set the clock in the", "menu")


class ClockBehindError(ClockError):
    """The clock is behind the last journal entry, or a date is before the release that runs."""

    code = "E-CLOCK-BEHIND"


class ClockLateError(ClockError):
    """It is later than anybody was expected: after the next visit that the box named, and the spread."""

    code = "E-CLOCK-LATE"
    action = ("Lock, unlock, confirm", "the date it shows")


class ClockAheadError(ClockError):
    """The clock is more than two years ahead of the last entry, and nobody was expected so late."""

    code = "E-CLOCK-AHEAD"


class IssueError(CaError):
    """Issuing would break one of our own rules, such as nesting."""

    code = "E-ISSUE"
    action = ("Nothing was signed.", "Report this")


class CheckError(IssueError):
    """A named rule of core.issue.checks failed; the text names the rule."""

    code = "E-CHECK"


class PolicyError(CaError):
    """The policy names no such egress, backup or target, or a change awaits approval."""

    code = "E-POLICY"
    action = ("See the policy in the", "menu")


class ProbationError(PolicyError):
    """A backup key that a policy brought waits until the box was off once and was confirmed again."""

    code = "E-PROBATION"
    action = ("Restart the box,", "unlock, say yes again")


class RequestError(CaError):
    """A signing request cannot be used: garbage, too large, more than one in a file."""

    code = "E-REQUEST"
    action: ClassVar[tuple[str, ...]] = ("Have the request made", "anew: see the manual")


class RequestNameError(RequestError):
    """The request's file name does not say class and target."""

    code = "E-REQUEST-NAME"
    action = ("Name it on a PC:", "class.target.csr")


class RequestPlaceError(RequestError):
    """What looks like a request lies outside the folder `requests`, or on a stick without a top-up."""

    code = "E-REQUEST-PLACE"
    action = ("Put it into requests,", "on a stick that asks", "for a top-up")


class RequestLateError(RequestError):
    """The request came on a stick that went in when the job's requests were answered, or its top-up made."""

    code = "E-REQUEST-LATE"
    action = ("Put it in once more", "after this job")


class RequestTargetError(RequestError):
    """The policy has no target of that name, or makes its keys itself."""

    code = "E-REQUEST-TARGET"
    action = ("Requests need own_key", "in config.yaml")


class RequestPrivateError(RequestError):
    """The file holds a private key, which must never come here."""

    code = "E-REQUEST-PRIVATE"
    action = ("Replace the pair: it", "was carried about")


class RequestKeyError(RequestError):
    """The request's key is of another algorithm than the target's, or weak."""

    code = "E-REQUEST-KEY"
    action = ("Have a new key made,", "as config.yaml says")


class RequestProofError(RequestError):
    """The request is not signed by its own key, so nobody has shown to hold that key."""

    code = "E-REQUEST-PROOF"
    action = ("Do not use it. Have", "the request made anew")


class RequestUsedError(RequestError):
    """The request's key has a certificate already, is one of the box's own, or came twice."""

    code = "E-REQUEST-USED"
    action = ("A key is signed once:", "have a new one made")


class RequestGapError(RequestError):
    """The target is covered, or other requests fill its gaps already."""

    code = "E-REQUEST-GAP"
    action = ("Nothing is due: bring", "it again later")


class RequestManyError(RequestError):
    """There are more requests than are taken in one go."""

    code = "E-REQUEST-MANY"
    action = ("Bring the rest", "another time")


class RequestChangedError(RequestError):
    """What came to be signed is not what the operator was shown."""

    code = "E-REQUEST-CHANGED"
    action = ("Nothing was signed.", "Begin the job again")


class ArchiveError(CaError):
    """An archive cannot be used."""

    code = "E-ARCHIVE"
    action: ClassVar[tuple[str, ...]] = ("Fetch the archive", "again from the stick")


class ArchiveIdentityError(ArchiveError):
    """The identity does not open the archive, or is itself not usable."""

    code = "E-ARCHIVE-IDENTITY"
    action: ClassVar[tuple[str, ...]] = ("Use the identity that", "belongs to the", "recipient")


class IdentityLockedError(ArchiveIdentityError):
    """The identity is encrypted, and no passphrase was given or another one."""

    code = "E-IDENTITY-LOCKED"
    action = ("Type the passphrase", "of that key")


class IdentityCipherError(ArchiveIdentityError):
    """The identity is encrypted with a cipher that cannot be read; the text names it and the way out."""

    code = "E-IDENTITY-CIPHER"
    action = ("Make a copy on a PC", "as the text or the", "manual says")


class ArchiveDamagedError(ArchiveError):
    """The archive is truncated, altered, or has bytes after its end."""

    code = "E-ARCHIVE-DAMAGED"


class ArchiveMemberError(ArchiveError):
    """A member is unknown, unsafe, a link, out of order or too large."""

    code = "E-ARCHIVE-MEMBER"
    action = ("Do not use this", "archive")


class ArchiveFormatError(ArchiveError):
    """The manifest is of another version or not to the format."""

    code = "E-ARCHIVE-FORMAT"
    action = ("Open it with a newer", "pism")


class ArchiveKindError(ArchiveError):
    """The archive is an egress; only a backup holds what a restore or a drill needs."""

    code = "E-ARCHIVE-KIND"
    action = ("Take an archive of a", "backup")


class ArchiveSealError(ArchiveError):
    """No seal under a pinned root signs this archive."""

    code = "E-ARCHIVE-SEAL"
    action = ("Do not use this", "archive")


class ArchiveDateError(ArchiveSealError):
    """The archive was made more than a day after now: the clock is behind, or the archive is not ours."""

    code = "E-ARCHIVE-DATE"
    action = ("Set the clock right,", "then try again")


class ArchiveCertificateError(ArchiveError):
    """A certificate, its chain, dates or key does not fit."""

    code = "E-ARCHIVE-CERT"
    action = ("Do not use this", "archive")


class ArchiveTrustError(ArchiveError):
    """The root or incarnation is not pinned here and was not confirmed."""

    code = "E-ARCHIVE-TRUST"
    action = ("Compare its words on", "the box, then confirm")


class ArchiveBoxError(ArchiveTrustError):
    """The archive is signed by a box key that nobody has accepted here, or by none where one is pinned."""

    code = "E-ARCHIVE-BOX"
    action = ("Compare its words on", "the panel, accept it")


class ArchiveRollbackError(ArchiveError):
    """The archive is older than the last one opened here."""

    code = "E-ARCHIVE-ROLLBACK"
    action = ("Use the newest one",)


class ArchiveForkError(ArchiveError):
    """The archive does not continue the last one opened here."""

    code = "E-ARCHIVE-FORK"
    action = ("Do not use it: two", "boxes claim to be one")


class SignerError(CaError):
    """A receiver has no signer that may stand in a place."""

    code = "E-SIGNER"
    action = ("Open the newest", "archive")


class SignerMissingError(SignerError):
    """No opened archive holds a signer of that class, target and lane."""

    code = "E-SIGNER-MISSING"
    action = ("Check its name, open", "the newest archive")


class SignerLaneError(SignerError):
    """The target has several lanes, and none was named."""

    code = "E-SIGNER-LANE"
    action = ("Name the lane of this", "server")


class SignerFutureError(SignerError):
    """The first issuing period of that lane has not begun."""

    code = "E-SIGNER-FUTURE"
    action = ("Check the clock, or", "wait for its day")


class SignerRetiredError(SignerError):
    """The last issuing period of that lane is over; what it signed stays valid for a while."""

    code = "E-SIGNER-RETIRED"
    action = ("Visit the box, open", "the newest archive")


class SignerExpiredError(SignerError):
    """The last certificate of that lane is no longer valid."""

    code = "E-SIGNER-EXPIRED"
    action = ("Visit the box, open", "the newest archive")


class SignerRevokedError(SignerError):
    """The signer of that day is revoked, and no other one is there."""

    code = "E-SIGNER-REVOKED"
    action = ("Visit the box, open", "the newest archive")


class PlaceError(CaError):
    """A place on a server did not take what it was given."""

    code = "E-PLACE"
    action = ("See what it says, put", "it right: it is tried", "again")


class RescueError(CaError):
    """A stick or a box does not have what restoring a backup onto an empty box needs."""

    code = "E-RESCUE"
    action: ClassVar[tuple[str, ...]] = ("Check what is on the", "stick")


class RescueMissingError(RescueError):
    """There is no backup archive at the top of the stick."""

    code = "E-RESCUE-MISSING"
    action = ("Copy one .tar.age", "to the stick's top")


class RescueKeyError(RescueError):
    """There is no identity, the private key that opens the backup, at the top of the stick."""

    code = "E-RESCUE-KEY"
    action = ("Copy the private key", "of a recipient to the", "stick's top")


class RescueManyError(RescueError):
    """There are several archives, or more small files than are looked at for a key."""

    code = "E-RESCUE-MANY"
    action = ("Leave one archive and", "its key on the stick")


class RescueSpaceError(RescueError):
    """The archive does not fit onto the disk or into the memory of this box."""

    code = "E-RESCUE-SPACE"
    action = ("Take a larger card or", "a box with more", "memory")


class DrillError(CaError):
    """The words of a drill are not those that a recent backup of this store waits for."""

    code = "E-DRILL"
    action = ("Check the six words,", "or drill the newest", "backup")


class FileError(CaError):
    """A file is there already, is too large, or cannot be read or written."""

    code = "E-FILE"
    action = ("Check path, space and", "rights")


class StoppedError(CaError):
    """The operator stopped the work; what was finished is kept."""

    code = "E-STOPPED"
    action = ("Start the job again,", "it goes on")


class AcceptanceError(CaError):
    """A box did not do what a scenario says it does."""

    code = "E-ACCEPTANCE"
    action = ("Do not use this box", "until it does")


def describe_bug(error: BaseException) -> str:
    """Return the type of an unforeseen error and the places it came through, without any value."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    return f"E-BUG {type(error).__name__}\n{frames}"
