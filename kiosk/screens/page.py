"""Pages: what a flow yields to be shown, and all that a picture of the panel is drawn from.

Rules:

1. A page holds no secret: it may be logged, compared and drawn. What is typed or proposed comes to the screen
   through a view (kiosk.entry) that lives for one picture.
2. A page says which keys mean something on it; no other key reaches its flow.
3. What is granted without asking the flow is said on the page, too: see the arguments of `Page`.
"""

from dataclasses import dataclass
from typing import ClassVar, Final

from core.progress import Progress
from kiosk.entry.buffers import Purpose

PATTERNS: Final = ("lit", "dark", "chess", "opposite")
"""What `Pixels` may show: all lit, all dark, a chessboard of single pixels, and its opposite."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Large:
    """One line of double size, and one below it.

    Args:
        text: At most ten characters, eight with an icon.
        icon: One of kiosk.text.wrap, before the text; "" for none.
        below: At most 21.
        top: First pixel row of the large line.
        names_stuck: Stuck keys are named in place of `below`.
    """

    text: str
    icon: str = ""
    below: str = ""
    top: int = 14
    names_stuck: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """Up to three rows of two texts, the second at the right end."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Up to three bars, each with a name of nine characters, a share from 0.0 to 1.0, and a number."""

    bars: tuple[tuple[str, float, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class QrCode:
    """Text of kiosk.text.camera, and up to five short lines beside it."""

    text: str
    beside: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The sixteen keys, those lit that were `seen`, and up to five short lines beside them."""

    seen: str
    beside: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pixels:
    """The whole panel in one of PATTERNS."""

    pattern: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """Four of the proposed words, from number `first` on (0 is the first), and a line below them."""

    first: int
    below: str


Body = tuple[str, ...] | Large | Pairs | Chart | QrCode | Keys | Pixels | Proposed
"""What stands between title and keys; a tuple is up to three lines, or four that stand closer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One screenful.

    Args:
        title: The top row; "" for none.
        mark: At its right end, such as "2/5".
        icon: One of kiosk.text.wrap, there where no mark is and the title leaves room; "" for none.
        strong: The top row is lit.
        body: See Body.
        left: The bottom row: what keys do.
        right: The same, at its right end.
        takes: Keys that mean something when they are pressed.
        holds: Keys that mean something when they are held for two seconds.
        keeps_hold: A key that was down on the page before goes on being held.
        minds_sticks: A stick that comes or goes is an interruption here.
        rests: Nothing is under way, so that something else may be said.
        busy: Something runs: no auto-lock, and the panel stays on.
        secretive: What was typed is kept; a page without this has it wiped.
        needs_vault: The vault process is started if it does not run, and its loss ends the flow.
        awaits_vault: Goes on when the vault says that it is ready.
        ticks: Goes on every second.
        names_stuck: Stuck keys are named in place of the title.
        tells_time: The box's date and time stand in the title's row, or where that is taken as the last line.
    """

    title: str = ""
    mark: str = ""
    icon: str = ""
    strong: bool = False
    body: Body = ()
    left: str = ""
    right: str = ""
    takes: str = ""
    holds: str = ""
    keeps_hold: bool = False
    minds_sticks: bool = False
    rests: bool = False
    busy: bool = False
    secretive: bool = False
    needs_vault: bool = False
    awaits_vault: bool = False
    ticks: bool = False
    names_stuck: bool = False
    tells_time: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A page while something runs: how far it is, and how long it will still take.

    Args:
        titles: One a step.
        begins_at: The step that is shown before anything was told.
        starting: What is said until then.
        counts: Between done and total; "" where only the name of the unit is shown.
        warnings: The bottom row, one a step; the last one holds for all that follow.
        stops: What is said once it is being stopped; "" where nothing can stop it.
        secretive: As for Page.
        needs_vault: As for Page.
        progress: The last one told.
        step: Which step that was about.
        seconds_left: Estimate for this step; None while there is none.
        stopping: It was told to stop.
    """

    titles: tuple[str, ...]
    begins_at: int = 1
    starting: str = "starting"
    counts: str = " of "
    warnings: tuple[str, ...] = ("do not unplug",)
    stops: str = ""
    secretive: bool = False
    needs_vault: bool = False
    progress: Progress | None = None
    step: int = 0
    seconds_left: int | None = None
    stopping: bool = False

    busy: ClassVar[bool] = True
    tells_time: ClassVar[bool] = False
    takes: ClassVar[str] = ""
    keeps_hold: ClassVar[bool] = False
    minds_sticks: ClassVar[bool] = False
    rests: ClassVar[bool] = False
    awaits_vault: ClassVar[bool] = False
    ticks: ClassVar[bool] = False

    @property
    def holds(self) -> str:
        """`*` stops what can be stopped."""
        return "*" if self.stops else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Keys go to the entry for this purpose until it is finished or left.

    Args:
        purpose: What for.
        again: What was typed for it is still there to be corrected; else it begins empty.
        refused: With `again`: it was tried and is wrong, and is not taken once more as it stands.
        resumed: It goes on where it had begun, with this key if there is one; None where it did not.
    """

    purpose: Purpose
    again: bool = False
    refused: bool = False
    resumed: str | None = None

    busy: ClassVar[bool] = False
    tells_time: ClassVar[bool] = False
    takes: ClassVar[str] = ""
    holds: ClassVar[str] = ""
    keeps_hold: ClassVar[bool] = False
    minds_sticks: ClassVar[bool] = False
    rests: ClassVar[bool] = False
    secretive: ClassVar[bool] = True
    needs_vault: ClassVar[bool] = True
    awaits_vault: ClassVar[bool] = False
    ticks: ClassVar[bool] = False


Shown = Page | Work | Entry
