"""Where the box rests: locked or unlocked, with or without a stick, and after an error."""

from dataclasses import dataclass
from enum import StrEnum

from kiosk.effects import Timer
from kiosk.reports import Result
from kiosk.states.box import Screen


@dataclass(frozen=True, slots=True, kw_only=True)
class Locked(Screen):
    """Locked, and no stick that asks for something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Home(Screen):
    """Unlocked, and no stick that asks for something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StickAsks(Screen):
    """A stick with a known label is in: `#` unlocks, or starts the job; `*` ignores it.

    Args:
        page: Of its steps, three a page.
    """

    vault = True

    page: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongStick(Screen):
    """A stick that no step belongs to, or not FAT32: what is on it, and what could be done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoSticks(Screen):
    """More than one stick, until one remains.

    Args:
        results: Of the job that ended while the second came; () when there was none.
    """

    results: tuple[Result, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem(Screen):
    """An error: its code, what happened, what to do.

    Args:
        code: Of the error.
        text: What happened.
        page: 0 first.
    """

    code: str
    text: str
    page: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned(Screen):
    """Ten seconds before the auto-lock: any key keeps the session, and does nothing else.

    Args:
        under: Where the operator was.
        left_s: Seconds left.
    """

    timers = (Timer.COUNT,)

    under: Screen
    left_s: int


class Topic(StrEnum):
    """What an answer is awaited for."""

    SETUP_DATE = "setup-date"
    SETUP_POLICY = "setup-policy"
    SETUP_STICK = "setup-stick"
    SETUP_CLOCK = "setup-clock"
    STATUS = "status"
    RECIPIENTS = "recipients"
    ROOTS = "roots"
    JOURNAL = "journal"
    TARGETS = "targets"
    SIGNERS = "signers"
    POLICY = "policy"
    STICK_POLICY = "stick-policy"
    CLOCK = "clock"
    TEST = "test"
    SET_CLOCK = "set-clock"
    APPROVE = "approve"
    REVOKE = "revoke"
    REVOKE_LATE = "revoke-late"
    DRILL = "drill"


CHANGING = frozenset(
    {Topic.SETUP_CLOCK, Topic.SET_CLOCK, Topic.APPROVE, Topic.REVOKE, Topic.REVOKE_LATE, Topic.DRILL}
)
"""Topics that change something: their answer is waited for; most others may be left with `*`."""

AWAITED = CHANGING | {Topic.SETUP_STICK, Topic.STICK_POLICY}
"""Topics that cannot be left: what one stick brought must not answer for another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking(Screen):
    """Something quick was asked, and its answer opens the next screen.

    Args:
        topic: What for.
        path: SIGNERS: of the target that was picked.
    """

    topic: Topic
    path: str = ""
