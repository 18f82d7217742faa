"""What the machine asks of the daemon: one frozen record per wish, performed in order.

Rules:

1. An effect holds no secret: passphrases and proposed words stay in the daemon's entry buffers.
2. An effect that asks something names, in its docstring, the events that answer it. `JobFailed` may
   always be the answer; silence never is.
3. A vault effect while the vault is still starting waits for it; the machine has asked `OpenVault`.
4. Timers are named. Setting a running one restarts it; cancelling one that is not running is nothing.

It does not perform anything.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from hw.ports import Stick
from kiosk.rescue_effects import RescueEffect


class Purpose(StrEnum):
    """What an entry is for; every purpose is one buffer of the daemon."""

    UNLOCK = "unlock"  # the passphrase of this box
    CURRENT = "current"  # the same, before it is changed
    CHOOSE = "choose"  # a new passphrase of the operator's own; weak ones never finish
    REPEAT = "repeat"  # CHOOSE, or the proposed words, typed once more; EntryFinished.same says how
    IDENTITY = "identity"  # the passphrase of a private key on a stick; taken as it was typed
    DATE = "date"  # 12 digits, yyyymmddhhmm UTC; not secret: EntryFinished.text has them
    DATE_AGAIN = "date-again"  # the same once more
    DRILL = "drill"  # the six words of a drill


class Timer(StrEnum):
    """The machine's timers."""

    HOLD = "hold"  # a key is held down
    DIM = "dim"  # nobody pressed a key: dim, then move the picture
    BLANK = "blank"  # still nobody: glass off
    LOCK = "lock"  # still nobody: warn, count down, lock
    COUNT = "count"  # one second of the warning before the lock
    WAIT = "wait"  # one second of the wait after a wrong passphrase
    KEEP = "keep"  # the typed words may be corrected until it fires
    POWER = "power"  # how long a power-off waits for the work to end


@dataclass(frozen=True, slots=True)
class OpenVault:
    """Start the vault process. Answer: VaultReady, or VaultLost."""


@dataclass(frozen=True, slots=True)
class CloseVault:
    """Close the connection, which is the lock; no answer.

    Archives kept for a stick are forgotten. What the old vault said and is still queued, is dropped.
    """


@dataclass(frozen=True, slots=True)
class AskPolicy:
    """Have the vault resolve config.yaml. Answer: PolicyProposal."""


@dataclass(frozen=True, slots=True)
class AskStickPolicy:
    """Have the vault resolve the config.yaml that a stick brings. Answer: PolicyProposal."""

    stick: Stick


@dataclass(frozen=True, slots=True)
class ApprovePolicy:
    """Pin the proposal that was shown. Answer: Unlocked, with the new session."""


@dataclass(frozen=True, slots=True)
class ProposeWords:
    """Draw 8 random words into the daemon's buffer, for ProposalView. Answer: EntryChanged."""


@dataclass(frozen=True, slots=True)
class StartEntry:
    """Begin an empty entry for `purpose`; buffers of other purposes stay."""

    purpose: Purpose


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """Hand a key to the entry. Answer: EntryChanged, EntryFinished or EntryLeft, or none if it is dead.

    Args:
        key: One of hw.ports.KEYS.
        down: False when it came up again.
    """

    key: str
    down: bool


@dataclass(frozen=True, slots=True)
class WipeEntry:
    """Overwrite and drop every buffer, proposed words included; no answer."""


@dataclass(frozen=True, slots=True)
class Unlock:
    """Send the UNLOCK buffer, keep it until WipeEntry. Answer: Unlocked, ClockWrong, UnlockRefused."""


@dataclass(frozen=True, slots=True)
class Create:
    """Make the authority with the repeated passphrase and the proposal shown. Answer: Progress, Created."""


@dataclass(frozen=True, slots=True)
class ChangePassphrase:
    """Send the CURRENT and the new passphrase. Answer: PassphraseChanged, or UnlockRefused."""


@dataclass(frozen=True, slots=True)
class RunJob:
    """Do the steps. Answer: Progress, then JobFinished, JobFailed or Stopped; or RequestsFound first.

    Asked again after a pull, with the stick that came back: what is made already is only written.

    Args:
        stick: The stick to write to; None for steps that need none.
        steps: As in config.yaml: "top-up", "export NAME", "backup NAME".
        approved: After RequestsFound: the approvals of those that the operator approved; else None.
    """

    stick: Stick | None
    steps: tuple[str, ...]
    approved: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class StopJob:
    """End the work at the next commit. Answer: Stopped, or JobFinished if it was over."""


@dataclass(frozen=True, slots=True)
class AskStatus:
    """Answer: StatusReady."""


@dataclass(frozen=True, slots=True)
class AskSigners:
    """List what can be revoked under one target, or the roots ("" and ""). Answer: SignersReady."""

    class_name: str
    target: str


@dataclass(frozen=True, slots=True)
class Revoke:
    """Revoke one certificate, with an RFC 5280 reason name. Answer: Revoked."""

    certificate_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class RevokeAll:
    """Revoke several certificates, all or none. Answer: Revoked."""

    certificate_ids: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class RecordDrill:
    """Send the DRILL buffer, keep it until WipeEntry. Answer: DrillsRecorded; JobFailed with E-DRILL."""


@dataclass(frozen=True, slots=True)
class ReadDrill:
    """Record the words that a stick brings. Answer: DrillsRecorded."""

    stick: Stick


@dataclass(frozen=True, slots=True)
class AskClock:
    """Answer: ClockRead."""


@dataclass(frozen=True, slots=True)
class SetClock:
    """Set the box's clock and, with a session, journal it. Answer: ClockSet."""

    instant: datetime


@dataclass(frozen=True, slots=True)
class RunSelfTest:
    """Test random source, clock, store and free space. Answer: SelfTestReady."""


@dataclass(frozen=True, slots=True)
class FormatStick:
    """Erase the stick and make it FAT32 with this label. Answer: StickFormatted."""

    stick: Stick
    label: str


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Fire TimerFired(name) once, after so many seconds."""

    name: Timer
    seconds: float


@dataclass(frozen=True, slots=True)
class CancelTimer:
    """Let the timer not fire; one that fired already and waits in the queue must be dropped too."""

    name: Timer


@dataclass(frozen=True, slots=True)
class Dim:
    """Lower the contrast; set-up and picture are sent anew."""


@dataclass(frozen=True, slots=True)
class Blank:
    """Turn the glass off."""


@dataclass(frozen=True, slots=True)
class Wake:
    """Turn the glass on, with normal contrast; set-up and picture are sent anew."""


@dataclass(frozen=True, slots=True)
class PowerOff:
    """Shut the box down, after the last frame was drawn. Answer: none, or JobFailed when refused."""


@dataclass(frozen=True, slots=True)
class Restart:
    """Restart the box, after the last frame was drawn. Answer: none, or JobFailed when refused."""


Effect = (
    OpenVault
    | CloseVault
    | AskPolicy
    | AskStickPolicy
    | ApprovePolicy
    | ProposeWords
    | StartEntry
    | FeedEntry
    | WipeEntry
    | Unlock
    | Create
    | ChangePassphrase
    | RunJob
    | StopJob
    | AskStatus
    | AskSigners
    | Revoke
    | RevokeAll
    | RecordDrill
    | ReadDrill
    | AskClock
    | SetClock
    | RunSelfTest
    | FormatStick
    | RescueEffect
    | SetTimer
    | CancelTimer
    | Dim
    | Blank
    | Wake
    | PowerOff
    | Restart
)
Effects = tuple[Effect, ...]
