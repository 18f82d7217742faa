"""The Box: what is true whatever the panel shows. Flows read it, and change it by its verbs only.

It holds no secret, and nothing that only one page is about.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from core.api.results import Unlocked
from core.policy.settings import Kiosk
from hw.ports import Stick
from kiosk.work.inspection import Inspected
from kiosk.work.job import JobDone

StickTable = tuple[tuple[str, tuple[str, ...]], ...]
"""Volume label and its steps, in the order of config.yaml."""

POLICY_LABEL: Final = "PISM-CONFIG"
"""The reserved label of a stick that brings a policy."""
DRILL_LABEL: Final = "PISM-DRILL"
"""The reserved label of a stick that brings the words of drills."""
RESCUE_LABEL: Final = "PISM-RESCUE"
"""The reserved label of a stick that restores a backup onto an empty box."""
RESERVED_STEPS: Final = {POLICY_LABEL: ("new policy",), DRILL_LABEL: ("record a drill",)}
"""What the screen says that sticks with reserved labels ask for; no job has such a step."""


_USUAL: Final = Kiosk(lock_after_s=300, dim_after_s=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the kiosk takes from config.yaml before anything is unlocked.

    Args:
        sticks: What was pinned last, as the kiosk kept it, else by config.yaml: good for saying what a stick
            asks, never for doing it.
        kiosk: The section of that name.
        note: What the operator should know of them while locked; "" for nothing.
    """

    sticks: StickTable = ()
    kiosk: Kiosk = _USUAL
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockTrouble:
    """Nothing runs before the clock is put right, or confirmed.

    Args:
        code: E-CLOCK-BEHIND, E-CLOCK-LATE or E-CLOCK-AHEAD.
        now: What the clock says.
        last: Time of the last journal entry.
    """

    code: str
    now: datetime
    last: datetime


@dataclass(slots=True, kw_only=True)
class Box:
    """What is known.

    Args:
        settings: Before anything is unlocked; while locked, with the table of sticks that was pinned last.
        sticks: All that are in, first come first, as they are; `volumes` says what is meant of each.
        ignored: Identity of a stick that was served or that the operator does not want; "" for none.
        provisioned: There is an authority; None until the vault said so.
        failed_attempts: Wrong passphrases in a row, as the vault counts.
        session: What the vault said when it was unlocked; None while locked.
        clock: The session may do nothing until this is put right; None when the clock is believed.
        rescuing: The vault holds an identity or a backup that is to be restored.
        single_job: The session was opened for one stick, and ends with its job.
        closing: The vault is to be closed; the machine does it, and forgets that.
        last_visit: What the last stick's job brought since the box was switched on; nothing secret.
        inspected: What was found of the box itself; None until the worker has looked.
    """

    settings: Settings
    sticks: tuple[Stick, ...] = ()
    ignored: str = ""
    provisioned: bool | None = None
    failed_attempts: int = 0
    session: Unlocked | None = None
    clock: ClockTrouble | None = None
    rescuing: bool = False
    single_job: bool = False
    closing: bool = False
    last_visit: JobDone | None = None
    inspected: Inspected | None = None

    @property
    def volumes(self) -> tuple[Stick, ...]:
        """All sticks that are in; one with several volumes as the one whose label asks for something."""
        return tuple(self._choose(stick) for stick in self.sticks)

    def _choose(self, stick: Stick) -> Stick:
        """Return the one part of a stick that asks for something; else the stick."""
        asking = [part for part in stick.parts if part.filesystem == "vfat" and self.asks(part.label)]
        return asking[0] if len(asking) == 1 else stick

    @property
    def stick(self) -> Stick | None:
        """The only stick that is in and not ignored, as the volume that is meant; else None."""
        if len(self.sticks) != 1 or self.sticks[0].identity == self.ignored:
            return None
        return self.volumes[0]

    @property
    def is_open(self) -> bool:
        """The vault holds something: an unlocked store, or what a rescue brought."""
        return self.session is not None or self.rescuing

    @property
    def table(self) -> StickTable:
        """The table of sticks in force: the pinned one, or while locked that of the settings."""
        return self.settings.sticks if self.session is None else tuple(self.session.sticks.items())

    def steps(self, label: str) -> tuple[str, ...]:
        """Return what a stick of that label asks for, by the table in force."""
        return RESERVED_STEPS.get(label) or dict(self.table).get(label, ())

    def asks(self, label: str) -> bool:
        """Tell whether a stick of that label asks for anything."""
        return bool(self.steps(label)) or label == RESCUE_LABEL

    def has(self, stick: Stick) -> bool:
        """Tell whether this insertion of a stick is still in."""
        return any(one.identity == stick.identity for one in self.sticks)

    def unlock(self, session: Unlocked) -> None:
        """Take what the vault said of an unlocked session, or of a policy that was approved in it."""
        self.session = session
        self.failed_attempts = 0
        self.inspected = self.inspected and self.inspected.unlocked

    def lock(self) -> None:
        """End session and rescue; what was pinned is what a locked box says of sticks."""
        if self.session is not None:
            self.keep_table(tuple(self.session.sticks.items()))
        self.session = None
        self.clock = None
        self.single_job = False
        self.rescuing = False
        self.closing = True

    def keep_table(self, table: StickTable) -> None:
        """Say from now on what this table says, while locked."""
        self.settings = Settings(sticks=table, kiosk=self.settings.kiosk)

    def ignore(self, stick: Stick) -> None:
        """Do nothing more for this insertion of a stick."""
        self.ignored = stick.identity
