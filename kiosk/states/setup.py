"""From the first instant to the first lock: boot and first set-up.

Order: Boot, Welcome, ConfirmDate, Review, ChoosePassphrase, ProposedWords, Entering, Creating, SetUpDone;
Asking stands in between while an answer is awaited.
"""

from dataclasses import dataclass
from datetime import datetime

from kiosk.events import Progress
from kiosk.reports import Proposal
from kiosk.states.box import Screen

PROPOSED_WORDS = 8
WORDS_PER_PAGE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Boot(Screen):
    """Starting: the vault has not answered yet."""

    busy = True
    vault = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Welcome(Screen):
    """No authority yet: `#` begins the set-up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmDate(Screen):
    """Set-up, or a rescue where its stick is in: is this the time (UTC)?"""

    vault = True

    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Review(Screen):
    """A policy page by page: differences, then two pages for each recipient; held `#` approves at the end.

    Args:
        proposal: What would be pinned.
        page: 0 first.
        setup: At first set-up, where `#` on the last page confirms.
    """

    holds = "#"
    vault = True

    proposal: Proposal
    page: int = 0
    setup: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoosePassphrase(Screen):
    """A: eight proposed words; B: one's own.

    Args:
        change: The current passphrase was entered and is being changed; else first set-up.
    """

    secretive = True

    change: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposedWords(Screen):
    """The proposed words to write down, WORDS_PER_PAGE a page; the daemon draws them from its buffer."""

    secretive = True

    page: int = 0
    change: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Mismatch(Screen):
    """What was typed again is not the same.

    Args:
        proposed: The words were proposed, and may be shown again.
    """

    secretive = True

    proposed: bool
    change: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Creating(Screen):
    """The authority is being made."""

    secretive = True
    busy = True

    progress: Progress | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetUpDone(Screen):
    """It stands, and is locked again."""
