"""The clock of the box, as a flow asks for it and sets it."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ReadClock:
    """What does the clock say? Result: aware UTC, whole seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetClock:
    """Set the clock and, in a session, have that journaled. Result: core.api.results.ClockCorrected."""

    instant: datetime
