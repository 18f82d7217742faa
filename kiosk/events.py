"""What can happen to the kiosk: the hardware's events, the vault's answers, timers, the entry's news.

Rules: frozen records without a secret; whoever posts one never waits. `step` takes any event in any
state: an answer that nobody waits for any more changes nothing.
"""

from dataclasses import dataclass
from datetime import datetime

from hw.ports import HardwareEvent, Stick
from kiosk.effects import Timer
from kiosk.reports import (
    NOTHING_LATE,
    DrillRow,
    LateIssue,
    Proposal,
    RequestRow,
    Result,
    Session,
    SignerRow,
    StatusReport,
    StickTable,
    TestRow,
)
from kiosk.rescue_events import RescueEvent


@dataclass(frozen=True, slots=True)
class TimerFired:
    """A timer set by SetTimer ran out."""

    name: Timer


@dataclass(frozen=True, slots=True)
class KeyHeld:
    """The key stayed down as long as a state asked; the machine tells itself, nobody posts it."""

    key: str


@dataclass(frozen=True, slots=True)
class PowerAsked:
    """The system is to go down (SIGTERM, a power button): end the work, lock, and let it."""

    restart: bool = False


@dataclass(frozen=True, slots=True)
class VaultReady:
    """The vault process is up.

    Args:
        provisioned: There is an authority.
        failed_attempts: Wrong passphrases since the last right one.
        wait_s: Whole seconds until the next try is taken.
    """

    provisioned: bool
    failed_attempts: int = 0
    wait_s: int = 0


@dataclass(frozen=True, slots=True)
class VaultLost:
    """The vault process ended without being told to, or could not start."""

    text: str = ""


@dataclass(frozen=True, slots=True)
class PolicyProposal:
    """Answers AskPolicy and AskStickPolicy."""

    proposal: Proposal


@dataclass(frozen=True, slots=True)
class EntryChanged:
    """The entry's view is another: draw again."""


@dataclass(frozen=True, slots=True)
class EntryFinished:
    """The operator ended the entry with `#`, and it is acceptable.

    Args:
        same: REPEAT and DATE_AGAIN: equal to what was entered before; else True.
        text: The digits of a date; "" for every secret.
    """

    same: bool = True
    text: str = ""


@dataclass(frozen=True, slots=True)
class EntryLeft:
    """The operator went back with `*` from an empty entry."""


@dataclass(frozen=True, slots=True)
class Created:
    """The authority stands, with the pinned table of sticks; the vault's session is now to be closed."""

    sticks: StickTable = ()


@dataclass(frozen=True, slots=True)
class Unlocked:
    """The passphrase was right, or a policy was approved."""

    session: Session


@dataclass(frozen=True, slots=True)
class UnlockRefused:
    """The passphrase was wrong, or came too early.

    Args:
        code: E-PASSPHRASE-WRONG, E-PASSPHRASE-WAIT, or any code that kept the store shut.
        text: What happened.
        wait_s: Whole seconds until the next try is taken.
        failed_attempts: In a row.
    """

    code: str
    text: str
    wait_s: int = 0
    failed_attempts: int = 0


@dataclass(frozen=True, slots=True)
class ClockWrong:
    """The passphrase was right; nothing runs before the clock is put right.

    Args:
        code: E-CLOCK-BEHIND or E-CLOCK-AHEAD.
        now: What the clock says.
        last: Time of the last journal entry.
        session: What Unlocked would have brought.
    """

    code: str
    now: datetime
    last: datetime
    session: Session


@dataclass(frozen=True, slots=True)
class ClockRead:
    """Answers AskClock."""

    now: datetime


@dataclass(frozen=True, slots=True)
class ClockSet:
    """Answers SetClock.

    Args:
        now: Aware UTC.
        late: What was signed by a clock ahead of that.
    """

    now: datetime
    late: LateIssue = NOTHING_LATE


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the work is.

    Args:
        step: 1 for the first of RunJob's steps.
        steps: How many.
        done: Units done of this step.
        total: Units of this step; 0 when nobody knows.
        what: One unit, such as "signer", or a phrase with total 0.
        seconds_left: Estimate for the whole job; None when there is none yet.
    """

    step: int
    steps: int
    done: int
    total: int
    what: str
    seconds_left: int | None = None


@dataclass(frozen=True, slots=True)
class RequestsFound:
    """The job's stick brought signing requests, none signed yet: RunJob waits for those that are approved."""

    requests: tuple[RequestRow, ...]


@dataclass(frozen=True, slots=True)
class JobFinished:
    """All is written, compared and journaled; nothing touches the stick any more."""

    results: tuple[Result, ...]


@dataclass(frozen=True, slots=True)
class JobFailed:
    """What an effect asked was refused or broke; no part of it is running any more."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """The work ended early, as asked; what was committed is kept."""


@dataclass(frozen=True, slots=True)
class StatusReady:
    """Answers AskStatus."""

    report: StatusReport


@dataclass(frozen=True, slots=True)
class SignersReady:
    """Answers AskSigners."""

    signers: tuple[SignerRow, ...]


@dataclass(frozen=True, slots=True)
class Revoked:
    """Answers Revoke and RevokeAll."""


@dataclass(frozen=True, slots=True)
class DrillsRecorded:
    """Answers RecordDrill and ReadDrill: the backups that are proven now, at least one."""

    drills: tuple[DrillRow, ...]


@dataclass(frozen=True, slots=True)
class PassphraseChanged:
    """Answers ChangePassphrase."""


@dataclass(frozen=True, slots=True)
class SelfTestReady:
    """Answers RunSelfTest."""

    rows: tuple[TestRow, ...]


@dataclass(frozen=True, slots=True)
class StickFormatted:
    """Answers FormatStick: the same insertion, as it is named and labelled now."""

    stick: Stick


@dataclass(frozen=True, slots=True)
class Bug:
    """Something outside the two error trees was raised; the traceback is in the log."""


Event = (
    HardwareEvent
    | TimerFired
    | KeyHeld
    | PowerAsked
    | VaultReady
    | VaultLost
    | PolicyProposal
    | EntryChanged
    | EntryFinished
    | EntryLeft
    | Created
    | Unlocked
    | UnlockRefused
    | ClockWrong
    | ClockRead
    | ClockSet
    | Progress
    | RequestsFound
    | JobFinished
    | JobFailed
    | Stopped
    | StatusReady
    | SignersReady
    | Revoked
    | DrillsRecorded
    | PassphraseChanged
    | SelfTestReady
    | StickFormatted
    | RescueEvent
    | Bug
)
