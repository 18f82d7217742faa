"""What the machine asks of the daemon: one frozen record per wish, performed in order.

An effect holds no secret: what is typed stays in the daemon's buffers. Setting a running timer restarts it;
cancelling one that is not running is nothing.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from kiosk.entry.buffers import Purpose
from kiosk.flows.flow import (
    ProposeWords,
)


class Timer(StrEnum):
    """The machine's timers."""

    HOLD = "hold"  # a key is held down
    DIM = "dim"  # nobody pressed a key: dim, then move the picture
    BLANK = "blank"  # still nobody: panel off
    LOCK = "lock"  # still nobody: warn, count down, lock
    COUNT = "count"  # one second of the warning before the lock
    TICK = "tick"  # one second of a page that ticks
    POWER = "power"  # how long a power-off waits for the work to end


@dataclass(frozen=True, slots=True)
class OpenVault:
    """Start the vault process. Answer: VaultReady, or VaultLost."""


@dataclass(frozen=True, slots=True)
class CloseVault:
    """Close the connection, which is the lock; no answer. Archives kept for a stick are forgotten."""


@dataclass(frozen=True, slots=True)
class Perform:
    """Have a request done. Answer: Answer, with the same ticket; or VaultLost, or Bug.

    Args:
        ticket: Tells the answer from others.
        request: See kiosk.flows.flow.Ask, as the next.
        fields: Each a value, or the Purpose of the buffer that holds it.
    """

    ticket: int
    request: type[Any]
    fields: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class StopWork:
    """End the work at the next commit. Answer: that of the request that runs."""


@dataclass(frozen=True, slots=True)
class StartEntry:
    """Begin an empty entry for `purpose`; buffers of other purposes stay."""

    purpose: Purpose


@dataclass(frozen=True, slots=True)
class CorrectEntry:
    """Go on with what was typed for `purpose`; if it was `refused`, it is not taken as it stands."""

    purpose: Purpose
    refused: bool


@dataclass(frozen=True, slots=True)
class ResumeEntry:
    """Go on with what was begun for `purpose`."""

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
class SetTimer:
    """Fire TimerFired(name) once, after so many seconds; a running one starts anew."""

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
    """Turn the panel off."""


@dataclass(frozen=True, slots=True)
class Wake:
    """Turn the panel on, with normal contrast; set-up and picture are sent anew."""


@dataclass(frozen=True, slots=True)
class SwitchOff:
    """Shut the box down, or restart it, after the last picture was drawn. Answer: an Answer when refused."""

    ticket: int
    restart: bool


EntryEffect = StartEntry | CorrectEntry | ResumeEntry | FeedEntry | WipeEntry
"""What is done with what is typed."""

Effect = (
    OpenVault
    | CloseVault
    | Perform
    | StopWork
    | EntryEffect
    | ProposeWords
    | SetTimer
    | CancelTimer
    | Dim
    | Blank
    | Wake
    | SwitchOff
)


Effects = tuple[Effect, ...]
