"""Where the box rests: locked or unlocked, with or without a stick, and after an error."""

from dataclasses import dataclass

from kiosk.effects import Purpose
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

    page: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongStick(Screen):
    """A stick that no step belongs to, or not FAT32: what is on it, and what could be done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoSticks(Screen):
    """More than one stick, until one remains."""


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
    """Ten seconds before the auto-lock: any key keeps the session.

    Args:
        under: Where the operator was.
        left_s: Seconds left.
    """

    under: Screen
    left_s: int

    @property
    def entry(self) -> Purpose | None:
        """The buffers of what lies under stay, but keys only wake."""
        return None
