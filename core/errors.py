"""Everything that the authority can refuse, as one tree.

    CaError
    ├── ConfigError            config.yaml cannot be used
    │   ├── ConfigSyntaxError      not YAML, too large, an alias, a duplicate key
    │   ├── ConfigKeyError         unknown or missing key
    │   ├── ConfigValueError       a value of the wrong type or out of range
    │   └── ConfigVisitError       lead times do not outlast a visit (design 3)
    ├── RecipientError         a public key that nothing may be encrypted to
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
    │   └── StateWipedError        destroyed after wrong passphrases
    ├── SwapError              keys could reach a disk
    ├── JournalError           the hash chain does not hold
    ├── ClockError
    │   ├── ClockBehindError       now is before the last journal entry
    │   └── ClockAheadError        now is too far after it
    ├── IssueError             planning or signing broke one of our own rules
    │   └── CheckError             a named rule of core.checks failed
    ├── PolicyError            an unknown egress, backup, target, or a change not approved
    ├── RequestError           a signing request that nothing can be made of
    │   ├── RequestNameError       its file name does not say class and target
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
    │   │   └── IdentityLockedError    it is encrypted, and its passphrase is missing or wrong
    │   ├── ArchiveDamagedError    truncated, altered, trailing bytes
    │   ├── ArchiveMemberError     unknown, unsafe or oversized member, links
    │   ├── ArchiveFormatError     manifest of another version, or not to the format
    │   ├── ArchiveKindError       an egress where a backup is needed
    │   ├── ArchiveSealError       no seal of a pinned root fits
    │   │   └── ArchiveDateError       it was made after now
    │   ├── ArchiveCertificateError  chain, dates or key do not fit
    │   ├── ArchiveTrustError      a root or an authority that is not pinned
    │   ├── ArchiveRollbackError   not newer than what was opened before
    │   └── ArchiveForkError       does not continue what was opened before
    ├── RescueError            what a restore onto an empty box needs is not there
    │   ├── RescueMissingError, RescueKeyError, RescueManyError   no archive, no identity, more than one
    │   └── RescueSpaceError       the archive does not fit into this box
    ├── DrillError             words that no backup of this store waits for
    ├── FileError              a file exists already, is too large, or cannot be read
    ├── AcceptanceError        a real box failed its acceptance
    └── StoppedError           the operator stopped the work; what was done is kept

Rules: every class has a `code` (at most 21 characters) that the screen, the journal, the command
line and docs/errors.md share, and an `action` of at most three lines of 21 characters. A message
never holds a secret. Anything outside this tree and `HardwareError` is a bug. This module is the door
to all of them; some stand in modules of their own noun.
"""

from core.archive_errors import (
    ArchiveCertificateError,
    ArchiveDamagedError,
    ArchiveDateError,
    ArchiveError,
    ArchiveForkError,
    ArchiveFormatError,
    ArchiveIdentityError,
    ArchiveKindError,
    ArchiveMemberError,
    ArchiveRollbackError,
    ArchiveSealError,
    ArchiveTrustError,
    IdentityLockedError,
)
from core.config_errors import (
    ConfigError,
    ConfigKeyError,
    ConfigSyntaxError,
    ConfigValueError,
    ConfigVisitError,
    RecipientError,
    RecipientPrivateError,
    RecipientWeakError,
)
from core.refusal import (
    CaError,
)
from core.request_errors import (
    RequestChangedError,
    RequestError,
    RequestGapError,
    RequestKeyError,
    RequestManyError,
    RequestNameError,
    RequestPrivateError,
    RequestProofError,
    RequestTargetError,
    RequestUsedError,
)
from core.rescue_errors import (
    RescueError,
    RescueKeyError,
    RescueManyError,
    RescueMissingError,
    RescueSpaceError,
)
from core.state_errors import (
    ClockAheadError,
    ClockBehindError,
    ClockError,
    JournalError,
    PassphraseError,
    PassphraseWaitError,
    PassphraseWeakError,
    PassphraseWrongError,
    StateDamagedError,
    StateError,
    StateExistsError,
    StateLockedError,
    StateMissingError,
    StateModeError,
    StateOldError,
    StateWipedError,
    SwapError,
)

__all__ = [
    "AcceptanceError",
    "ArchiveCertificateError",
    "ArchiveDamagedError",
    "ArchiveDateError",
    "ArchiveError",
    "ArchiveForkError",
    "ArchiveFormatError",
    "ArchiveIdentityError",
    "ArchiveKindError",
    "ArchiveMemberError",
    "ArchiveRollbackError",
    "ArchiveSealError",
    "ArchiveTrustError",
    "CaError",
    "CheckError",
    "ClockAheadError",
    "ClockBehindError",
    "ClockError",
    "ConfigError",
    "ConfigKeyError",
    "ConfigSyntaxError",
    "ConfigValueError",
    "ConfigVisitError",
    "DrillError",
    "FileError",
    "IdentityLockedError",
    "IssueError",
    "JournalError",
    "PassphraseError",
    "PassphraseWaitError",
    "PassphraseWeakError",
    "PassphraseWrongError",
    "PolicyError",
    "RecipientError",
    "RecipientPrivateError",
    "RecipientWeakError",
    "RequestChangedError",
    "RequestError",
    "RequestGapError",
    "RequestKeyError",
    "RequestManyError",
    "RequestNameError",
    "RequestPrivateError",
    "RequestProofError",
    "RequestTargetError",
    "RequestUsedError",
    "RescueError",
    "RescueKeyError",
    "RescueManyError",
    "RescueMissingError",
    "RescueSpaceError",
    "StateDamagedError",
    "StateError",
    "StateExistsError",
    "StateLockedError",
    "StateMissingError",
    "StateModeError",
    "StateOldError",
    "StateWipedError",
    "StoppedError",
    "SwapError",
]


class IssueError(CaError):
    """Issuing would break one of our own rules, such as nesting."""

    code = "E-ISSUE"
    action = ("Nothing was signed.", "Report this")


class CheckError(IssueError):
    """A named rule of core.checks failed; the text names the rule."""

    code = "E-CHECK"


class PolicyError(CaError):
    """The policy names no such egress, backup or target, or a change awaits approval."""

    code = "E-POLICY"
    action = ("See the policy in the", "menu")


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
