"""What is asked of the box's own devices: its clock, a stick that is to be made, the switch."""

from dataclasses import dataclass
from datetime import datetime

from core.api.requests import CorrectClock
from core.api.results import ClockCorrected
from hw.ports import Stick
from kiosk.work.job import Job
from kiosk.work.task import Task, Tools


@dataclass(frozen=True, slots=True)
class ReadClock(Task):
    """What does the clock say? Result: aware UTC, whole seconds."""

    def run(self, tools: Tools) -> datetime:
        """Return the time."""
        return tools.now


@dataclass(frozen=True, slots=True, kw_only=True)
class SetClock(Task):
    """Set the clock and, in a session, have that journaled. Result: core.api.results.ClockCorrected."""

    instant: datetime

    def run(self, tools: Tools) -> ClockCorrected:
        """Set it; a job that was kept would be dated before."""
        tools.forget(Job)
        tools.board.clock.set(self.instant)
        if not tools.unlocked:
            return ClockCorrected(issued_after=())
        return tools.vault.ask(CorrectClock(now=self.instant), ClockCorrected)


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatStick(Task):
    """Erase a stick and make it FAT32 with this label. Result: the same Stick as it is named now."""

    stick: Stick
    label: str

    def run(self, tools: Tools) -> Stick:
        """Erase it."""
        return tools.board.format_stick(self.stick, self.label)


@dataclass(frozen=True, slots=True)
class PowerOff(Task):
    """Shut the box down. Result: None."""

    def run(self, tools: Tools) -> None:
        """Press the switch."""
        tools.board.power.off()


@dataclass(frozen=True, slots=True)
class Restart(Task):
    """Restart the box. Result: None."""

    def run(self, tools: Tools) -> None:
        """Press the switch."""
        tools.board.power.restart()
