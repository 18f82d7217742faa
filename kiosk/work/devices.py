"""What a flow asks of the box's own devices: its clock, and making a PiSM stick."""

from dataclasses import dataclass
from datetime import datetime

from hw.ports import Stick


@dataclass(frozen=True, slots=True)
class ReadClock:
    """What does the clock say? Result: aware UTC, whole seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetClock:
    """Set the clock and, in a session, have that journaled. Result: core.api.results.ClockCorrected."""

    instant: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatStick:
    """Erase a stick and make it FAT32 with this label. Result: the same Stick as it is named now."""

    stick: Stick
    label: str
