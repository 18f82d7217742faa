"""The menu and its pages."""

from dataclasses import dataclass
from datetime import datetime

from kiosk.effects import Timer
from kiosk.reports import SignerRow, TestRow
from kiosk.states.box import Screen


@dataclass(frozen=True, slots=True, kw_only=True)
class Menu(Screen):
    """The list: a digit picks from anywhere, D turns the page.

    Args:
        page: 0 first.
    """

    page: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Status(Screen):
    """Next visit, cover per target, archives, page by page; box.report has it."""

    page: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipients(Screen):
    """Whom archives are encrypted to: two pages of words for each."""

    page: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Roots(Screen):
    """One root: 0 text, 1 and 2 words, 3 QR; D turns, `#` goes to the next root.

    Args:
        index: Of the root.
        page: 0 to 3.
    """

    index: int = 0
    page: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalHead(Screen):
    """Sequence and words of the last journal entry."""

    page: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PickTarget(Screen):
    """Revoke: whose signer; A to C pick, D turns the page."""

    page: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PickSigner(Screen):
    """Revoke: which certificate of that target; A to C pick, D turns the page.

    Args:
        path: Of the target.
        signers: What can be revoked there.
        page: 0 first.
    """

    path: str
    signers: tuple[SignerRow, ...]
    page: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmRevoke(Screen):
    """Held `#` revokes; A to D choose the reason.

    Args:
        path: Of its target.
        signer: Which.
        reason: RFC 5280 5.3.1 name.
    """

    holds = "#"

    path: str
    signer: SignerRow
    reason: str = "keyCompromise"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockPage(Screen):
    """The time; `#` starts the ceremony."""

    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockIsWrong(Screen):
    """Nothing runs before the clock is put right; box.clock says how it is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmClock(Screen):
    """The date was typed twice: held `#` sets it.

    Args:
        date: Aware UTC.
        setup: During first set-up.
    """

    holds = "#"

    date: datetime
    setup: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TestKeys(Screen):
    """Self-test: each key lights its cell; `*` held goes on.

    Args:
        seen: Keys so far.
    """

    __test__ = False  # not for pytest

    holds = "*"

    seen: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TestPixels(Screen):
    """Self-test: all pixels lit, then none, then a check pattern; any key goes on."""

    __test__ = False

    pattern: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TestFindings(Screen):
    """Self-test: random source, clock, store, free space."""

    __test__ = False

    rows: tuple[TestRow, ...]
    page: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerMenu(Screen):
    """A restarts, B powers off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending(Screen):
    """The work is being stopped so that the box can go down; at most 30 s."""

    busy = True
    timers = (Timer.POWER,)

    restart: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Off(Screen):
    """The last words: they stay on the glass until the plug is pulled.

    Args:
        restart: The system begins anew.
        is_down: Nothing runs any more; no machine gets here, only kiosk.daemon.last_light shows it.
    """

    busy = True

    restart: bool
    is_down: bool = False
