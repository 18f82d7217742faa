"""While the operator types, and while the vault looks at what was typed."""

from dataclasses import dataclass
from datetime import datetime

from kiosk.effects import Purpose, Timer
from kiosk.states.box import Screen


@dataclass(frozen=True, slots=True, kw_only=True)
class Entering(Screen):
    """Keys go to the entry.

    Args:
        purpose: What for.
        stick: UNLOCK: identity of the stick whose job is to start; "" for none.
        proposed: REPEAT: of the proposed words, not of a chosen passphrase.
        change: CHOOSE, REPEAT: the passphrase is being changed.
        setup: DATE, DATE_AGAIN: during first set-up.
        date: DATE_AGAIN: what DATE gave.
        wrong: DRILL: how many tries were wrong since the menu.
    """

    secretive = True
    vault = True

    purpose: Purpose
    stick: str = ""
    proposed: bool = False
    change: bool = False
    setup: bool = False
    date: datetime | None = None
    wrong: int = 0

    @property
    def entry(self) -> Purpose | None:
        """Its purpose."""
        return self.purpose


@dataclass(frozen=True, slots=True, kw_only=True)
class Checking(Screen):
    """The vault looks at a passphrase.

    Args:
        stick: As in Entering.
        change: A change of passphrase, not an unlock.
    """

    secretive = True
    busy = True
    vault = True

    stick: str = ""
    change: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused(Screen):
    """Wrong, or too early: a countdown; then `#` goes back to the words, or to an empty entry.

    Args:
        code: Of the refusal.
        wait_s: Seconds left; 0 when the next try is free.
        kept: The typed words are still there to be corrected (60 s).
        stick: As in Entering.
        purpose: UNLOCK, or IDENTITY of a key.
    """

    secretive = True
    timers = (Timer.WAIT, Timer.KEEP)

    code: str
    wait_s: int
    kept: bool = True
    stick: str = ""
    purpose: Purpose = Purpose.UNLOCK
