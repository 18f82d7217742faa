"""Signing requests on their way past the operator's eyes, one after the other, in the middle of a job."""

from dataclasses import dataclass

from hw.ports import Stick
from kiosk.reports import RequestRow
from kiosk.states.box import Screen


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestReview:
    """How far the operator is.

    Args:
        rows: What the stick brought.
        steps: Of the job that goes on afterwards.
        stick: Its stick.
        index: Of the row that is shown.
        approved: Approvals given so far.
    """

    rows: tuple[RequestRow, ...]
    steps: tuple[str, ...]
    stick: Stick
    index: int = 0
    approved: tuple[str, ...] = ()

    @property
    def row(self) -> RequestRow:
        """The row that is shown."""
        return self.rows[self.index]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestAsked(Screen):
    """What one request asks for, and who says to ask: `#` shows its key.

    Args:
        review: What is reviewed, and how far.
    """

    review: RequestReview


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestKey(Screen):
    """The fingerprint of its key: held `#` approves.

    A state of its own, so that a key that went down on the page before never counts as held here.

    Args:
        review: As RequestAsked.
    """

    holds = "#"

    review: RequestReview


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRefused(Screen):
    """Why one cannot be signed; the rest of the job goes on.

    Args:
        review: As RequestAsked.
    """

    review: RequestReview


RequestScreen = RequestAsked | RequestKey | RequestRefused
