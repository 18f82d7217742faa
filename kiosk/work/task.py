"""A task: something of the kiosk's own that takes time, and what it is done with.

A flow asks for a task by its type, as for a request to the vault; the worker runs it in its thread, one after
the other. A task stands beside the code that does it (kiosk.work.job, kiosk.work.drill, ...), so that nothing
else has to know of it. Its docstring says what it results in.
"""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from core.progress import Progress
from hw.board import Board
from kiosk.work.session import Session, VaultLostError

if TYPE_CHECKING:
    from core.api.results import Confined


class Kept(Protocol):
    """What one task leaves for the next: a job whose stick is out, a rescue on its way."""

    def close(self) -> None:
        """Forget it."""


K = TypeVar("K", bound=Kept)


class Tools:
    """What tasks are done with.

    Args:
        board: Sticks' volumes, clock and power.
        spool: Folder for encrypted archives that wait for their stick.
        own: Folder of the kiosk's own files.
        report: Told how far the task is, and which of its steps that is about; 1 is the first.

    Attributes:
        session: The vault, where one is connected.
        confined: What guards the vault's process, as it told when it was connected.
        unlocked: It is unlocked.
    """

    def __init__(self, board: Board, spool: Path, own: Path, report: Callable[[Progress, int], None]) -> None:
        self.board = board
        self.spool = spool
        self.own = own
        self.report = report
        self.stopping = threading.Event()
        self.session: Session | None = None
        self.confined: Confined | None = None
        self.unlocked = False
        self._kept: dict[type[Any], Kept] = {}

    @property
    def now(self) -> datetime:
        """What the box's clock says, aware UTC."""
        return self.board.clock.now()

    @property
    def vault(self) -> Session:
        """The vault.

        Raises:
            VaultLostError: There is none: the box is locked.
        """
        if self.session is None:
            raise VaultLostError("the box is locked")
        return self.session

    def keep(self, kept: K) -> K:
        """Keep something for the next task, in place of another of its kind."""
        self.forget(type(kept))
        self._kept[type(kept)] = kept
        return kept

    def kept(self, kind: type[K]) -> K | None:
        """Return what was kept of a kind."""
        found = self._kept.get(kind)
        return found if isinstance(found, kind) else None

    def forget(self, *kinds: type[Any]) -> None:
        """Forget what was kept: of these kinds, or all of it."""
        for kind in kinds or tuple(self._kept):
            if (kept := self._kept.pop(kind, None)) is not None:
                kept.close()


class Task(ABC):
    """Base of all tasks; each is a frozen record whose secrets show in no repr."""

    __slots__ = ()

    @abstractmethod
    def run(self, tools: Tools) -> Any:
        """Do it, and return its result."""
