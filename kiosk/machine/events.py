"""What can happen to the machine: keys and sticks, answers, timers, the entry, power."""

from dataclasses import dataclass

from hw.ports import HardwareEvent
from kiosk.entry.buffers import EntryChanged, EntryFinished, EntryLeft
from kiosk.machine.effects import Timer
from kiosk.work.inspection import Inspected
from kiosk.work.worker import Answer, Bug, Progressed, VaultLost, VaultReady


@dataclass(frozen=True, slots=True)
class TimerFired:
    """A timer set by SetTimer ran out."""

    name: Timer


@dataclass(frozen=True, slots=True)
class PowerAsked:
    """The system is to go down (SIGTERM, a power button): end the work, lock, and let it."""

    restart: bool = False


@dataclass(frozen=True, slots=True)
class DeviceFailed:
    """A device of the box cannot be had."""

    code: str
    text: str


Event = (
    HardwareEvent
    | TimerFired
    | PowerAsked
    | DeviceFailed
    | EntryChanged
    | EntryFinished
    | EntryLeft
    | VaultReady
    | VaultLost
    | Answer
    | Progressed
    | Bug
    | Inspected
)
