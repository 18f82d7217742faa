"""While something is done for a stick, and its end."""

from dataclasses import dataclass

from hw.ports import Stick
from kiosk.events import Progress
from kiosk.reports import Result
from kiosk.states.box import Screen


@dataclass(frozen=True, slots=True, kw_only=True)
class Working(Screen):
    """A job runs.

    Args:
        steps: Its steps.
        stick: Where it writes; None for steps that need none.
        progress: The last one told.
        stopping: StopJob was asked.
    """

    busy = True
    holds = "*"

    steps: tuple[str, ...]
    stick: Stick | None = None
    progress: Progress | None = None
    stopping: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PulledEarly(Screen):
    """The stick went while it was needed: put in again, the same job goes on.

    Args:
        steps: Of the job.
        stick: As it was; known again by its UUID and label.
    """

    steps: tuple[str, ...]
    stick: Stick


@dataclass(frozen=True, slots=True, kw_only=True)
class SafeToRemove(Screen):
    """All is on the stick, compared and journaled.

    Args:
        results: Of the steps.
        page: Three lines a page.
    """

    results: tuple[Result, ...]
    page: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished(Screen):
    """A job without a stick is over, or another act: one line says what.

    Args:
        title: What is over.
        lines: At most three, of 21 characters.
    """

    title: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PickLabel(Screen):
    """Which label the stick gets; only labels of the table in force.

    Args:
        stick: To be erased.
        page: Of the labels, three a page.
    """

    stick: Stick
    page: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmFormat(Screen):
    """Held `#` erases."""

    holds = "#"

    stick: Stick
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Formatting(Screen):
    """The stick is being erased."""

    busy = True

    stick: Stick
    label: str
