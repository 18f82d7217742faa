"""What all states share: the Box, and the base of every state.

Rules:

1. A state holds no secret: it may be logged, compared and drawn.
2. What holds whatever the screen shows (sticks, session, glass) stands in the Box; a state has only its own.
3. Class variables say what the machine grants a state without asking its rule:
   `secretive`: the daemon may keep entry buffers; they are wiped when a state follows that is not;
   `busy`: something runs, so no auto-lock and no blanking;
   `holds`: the keys that mean something when held;
   `vault`: the vault process is wanted, and started if it does not run;
   `timers`: those that belong to the state and end with it.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Final

from hw.ports import Stick
from kiosk.effects import Purpose, Timer
from kiosk.reports import POLICY_LABEL, Session, Settings, StatusReport
from kiosk.rescue_reports import Rescue

POLICY_STEPS: Final = ("new policy",)
"""What the screen says a PISM-CONFIG stick asks for; no job has such a step."""


class Glass(StrEnum):
    """How the panel stands."""

    BRIGHT = "bright"
    DIM = "dim"
    BLANK = "blank"


class Vault(StrEnum):
    """How the vault process stands."""

    CLOSED = "closed"
    OPENING = "opening"
    OPEN = "open"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockTrouble:
    """Nothing runs before the clock is put right.

    Args:
        code: E-CLOCK-BEHIND or E-CLOCK-AHEAD.
        now: What the clock says.
        last: Time of the last journal entry.
    """

    code: str
    now: datetime
    last: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """What holds whatever the screen shows.

    Args:
        settings: What is known before anything is unlocked.
        sticks: All that are in, first come first.
        ignored: Identity of a stick that was served or that the operator does not want; "" for none.
        vault: Whether it runs.
        provisioned: There is an authority; None until the vault said so.
        failed_attempts: Wrong passphrases in a row, as the vault counts.
        session: What is known while unlocked; None while locked.
        clock: The session may do nothing until this is put right; None when the clock is believed.
        rescue: What the vault holds of a backup to be restored; None but during a rescue.
        single_job: The session was opened for one stick, and ends with its job.
        report: The last status of this session; None until asked.
        glass: How the panel stands.
        shift: Counts the moves of a dimmed picture.
        waking: The key that woke the glass or kept the session: swallowed until it is up.
        held: The key whose hold is being timed; "" for none.
        stuck: Keys that were down at start.
    """

    settings: Settings
    sticks: tuple[Stick, ...] = ()
    ignored: str = ""
    vault: Vault = Vault.CLOSED
    provisioned: bool | None = None
    failed_attempts: int = 0
    session: Session | None = None
    clock: ClockTrouble | None = None
    rescue: Rescue | None = None
    single_job: bool = False
    report: StatusReport | None = None
    glass: Glass = Glass.BRIGHT
    shift: int = 0
    waking: str = ""
    held: str = ""
    stuck: tuple[str, ...] = ()

    @property
    def stick(self) -> Stick | None:
        """The only stick that is in and not ignored, else None."""
        if len(self.sticks) != 1 or self.sticks[0].identity == self.ignored:
            return None
        return self.sticks[0]

    def steps(self, label: str) -> tuple[str, ...]:
        """Return what the label asks for: by the pinned table, or while locked by the settings."""
        if label == POLICY_LABEL:
            return POLICY_STEPS
        table = self.settings.sticks if self.session is None else self.session.sticks
        return dict(table).get(label, ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """Base of all states."""

    secretive: ClassVar[bool] = False
    busy: ClassVar[bool] = False
    holds: ClassVar[str] = ""
    vault: ClassVar[bool] = False
    timers: ClassVar[tuple[Timer, ...]] = ()

    box: Box

    @property
    def entry(self) -> Purpose | None:
        """The entry that keys go to; None when the state takes keys itself."""
        return None
