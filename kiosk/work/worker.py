"""The worker: does, in one thread and in order, what takes time, and posts what came of it.

Owns the session (the vault process) and what a job has prepared but not yet written. Rules:

1. A request to the vault goes there as it is, and its result comes back as it is. The kiosk's own tasks
   (jobs, sticks, the clock) are run here: kiosk.work.task.
2. Every request is answered: by its result, by `Failed` with a code, by VaultLost, or by Bug.
3. What is in neither error tree becomes `Bug`, logged where it happened, without values.
4. A job that is kept (kiosk.work.job) is forgotten at an act that changes what its archives would hold.
5. The switch waits for nobody: a stick that hangs must not keep the box from going down.
6. A secret is in one request, and in no repr.
7. The box is looked at while the vault process starts, and that is posted before it is ready; an unlock
   brings along what runs.
8. A vault is not used on a box that lacks a guard (kiosk.work.guards).
9. While a box is unlocked, each answer comes with what the vault says of the session after it, done or
   refused: no panel shows a date that an act has moved.
"""

import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec

from core.api import requests as rq
from core.api import results as rs
from core.api import wire
from core.errors import CaError, SwapError, describe_bug
from core.progress import Progress
from hw.board import Board
from hw.errors import HardwareError
from kiosk.work.devices import PowerOff, Restart
from kiosk.work.guards import add_vault, require
from kiosk.work.inspection import Inspected, inspect
from kiosk.work.job import Job
from kiosk.work.kept_box import KeptBox, keep_box
from kiosk.work.kept_sticks import keep_sticks
from kiosk.work.session import Session, VaultLostError, VaultRefusalError
from kiosk.work.task import Task, Tools
from kiosk.work.time_left import TimeLeft

log = logging.getLogger(__name__)

CLOSE_S: Final = 30.0
"""How long `close` waits for a worker that hangs on a stick; its thread then ends with the process."""

CHANGING: Final = (rq.ApprovePolicy, rq.ChangePassphrase, rq.Revoke, rq.RevokeAll)
"""Acts of the vault after which a kept job's archives would be old, or dated before the act."""


@dataclass(frozen=True, slots=True)
class VaultReady:
    """The vault process is up.

    Args:
        provisioned: There is an authority.
        failed_attempts: Wrong passphrases since the last right one.
        wait_s: Whole seconds until the next try is taken.
    """

    provisioned: bool
    failed_attempts: int = 0
    wait_s: int = 0


@dataclass(frozen=True, slots=True)
class VaultLost:
    """The vault process ended without being told to, or could not start."""

    text: str = ""
    code: str = "E-VAULT"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a request: its result, or core.api.requests.Failed.

    Args:
        ticket: Of the request.
        result: See the request.
        session: What the vault says of the session after it; None where none is open, or the result says it.
    """

    ticket: int
    result: Any
    session: rs.Unlocked | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progressed:
    """How far the work of a request is.

    Args:
        ticket: Of the request.
        progress: Of this step.
        step: Of several; 1 is the first.
        seconds_left: Estimate for this step; None while there is none.
    """

    ticket: int
    progress: Progress
    step: int = 1
    seconds_left: int | None = None


@dataclass(frozen=True, slots=True)
class Bug:
    """Something outside the two error trees was raised; the log has where."""


News = VaultReady | VaultLost | Answer | Progressed | Bug | Inspected
Post = Callable[[News], None]


@dataclass(frozen=True, slots=True)
class _Order:
    ticket: int
    do: Callable[[], None] | None = None
    request: Any = field(default=None, repr=False)


class Worker:
    """Does the work of one kiosk.

    Args:
        board: Sticks' volumes, clock and power.
        open_session: Starts or connects to a vault process.
        spool: Folder for encrypted archives that wait for their stick.
        own: Folder of the kiosk's own files (kiosk.work.kept_sticks, kept_box, kept_sizes).
        refuse_swap: Never unlock while the system has swap: keys could reach a disk (the real box).
        post: Where news goes.
        close_s: See CLOSE_S.
    """

    def __init__(
        self,
        board: Board,
        open_session: Callable[[], Session],
        *,
        spool: Path,
        own: Path,
        refuse_swap: bool,
        post: Post,
        close_s: float = CLOSE_S,
    ) -> None:
        self._open_session = open_session
        self._refuse_swap = refuse_swap
        self._post = post
        self._close_s = close_s
        self._tools = Tools(board, spool, own, self._report)
        self._inspected: Inspected | None = None
        self._ticket = 0
        self._time_left = TimeLeft(board.clock.monotonic)
        self._orders: queue.SimpleQueue[_Order | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="worker", daemon=True)
        self._thread.start()

    def open_vault(self) -> None:
        """Start the vault process; posts VaultReady, or VaultLost."""
        self._orders.put(_Order(0, do=self._open))

    def close_vault(self) -> None:
        """Close the connection, which is the lock."""
        self._orders.put(_Order(0, do=self._lock))

    def submit(self, ticket: int, request: Any) -> None:
        """Take a request of the vault's, or a task; posts an Answer with its ticket."""
        order = _Order(ticket, request=request)
        if isinstance(request, PowerOff | Restart):
            threading.Thread(target=self._do, args=(order,), name="switch", daemon=True).start()
        else:
            self._tools.stopping.clear()
            self._orders.put(order)

    def stop(self) -> None:
        """End the running work at its next commit, or the file on its way to the stick."""
        self._tools.stopping.set()
        if (session := self._tools.session) is not None:
            session.stop()

    def close(self) -> None:
        """Stop, lock, and end for good."""
        self.stop()
        self.close_vault()
        self._orders.put(None)
        self._thread.join(self._close_s)

    def _run(self) -> None:
        while self._do_next():
            pass

    def _do_next(self) -> bool:
        """Do the next order; nothing of it, such as a passphrase, is held while another is waited for."""
        order = self._orders.get()
        if order is not None:
            self._do(order)
        return order is not None

    def _do(self, order: _Order) -> None:
        """Do what was ordered, and post what came of it."""
        try:
            self._answer(order, self._try(order))
        except VaultLostError as error:
            self._lock()
            self._post(VaultLost(str(error)))
        except Exception as error:  # noqa: BLE001  rule 3
            log.error("%s", describe_bug(error))  # noqa: TRY400  without values
            self._post(Bug())

    def _try(self, order: _Order) -> Any:
        """Return the result of what was ordered, or the refusal."""
        try:
            return self._perform(order) if order.do is None else order.do()
        except VaultRefusalError as refusal:
            return refusal.failed
        except (CaError, HardwareError) as error:
            return wire.Failed(code=error.code, text=str(error), action=error.action)

    def _answer(self, order: _Order, result: Any) -> None:
        """Post a result or a refusal; what the vault could not even be opened for loses it."""
        refused = isinstance(result, wire.Failed)
        if refused and result.code == "E-BUG":
            self._post(Bug())
        elif order.do is None:
            self._post(Answer(order.ticket, result, self._session_after(order.request, result)))
        elif refused:
            self._post(VaultLost(result.text, result.code))

    def _session_after(self, request: Any, result: Any) -> rs.Unlocked | None:
        """Return what the vault says of the session after a request (rule 9)."""
        known = isinstance(result, rs.Unlocked) or isinstance(request, PowerOff | Restart)
        if known or not self._tools.unlocked:
            return None
        return self._tools.vault.ask(rq.AskSession(), rs.Unlocked)

    def _perform(self, order: _Order) -> Any:
        """Run a task, or have the vault do the request."""
        self._ticket = order.ticket
        self._time_left.begin()
        if isinstance(order.request, Task):
            return order.request.run(self._tools)
        return self._ask_vault(order.request)

    def _ask_vault(self, request: rq.Request[Any]) -> Any:
        """Ask the vault; what it says of an unlocked session is kept as far as a locked box shows it."""
        if isinstance(request, CHANGING):
            self._tools.forget(Job)
        runs = self._inspected.runs if self._inspected else None
        if isinstance(request, rq.Unlock):
            request = msgspec.structs.replace(request, runs=runs)
        result = self._tools.vault.ask(request, object, report=self._report)
        if isinstance(result, rs.Unlocked):
            self._tools.unlocked = True
            keep_sticks(self._tools.own, tuple(result.sticks.items()))
            keep_box(self._tools.own, KeptBox(runs=runs, seal=result.seal))
        elif isinstance(request, rq.NoteSeal):
            keep_box(self._tools.own, KeptBox(runs=runs, seal=request.number))
        return result

    def _open(self) -> None:
        tools = self._tools
        if tools.session is None:
            tools.session = self._open_session()
        protection = tools.board.guards.read()
        self._inspected = inspect(tools.board.sensors, protection, self._tools.own)
        self._post(self._inspected)
        ready = tools.session.ask(rq.Hello(), rs.Ready)
        try:
            require(add_vault(protection, ready.confined))
            self._refuse_if_swapped(ready)
        except (HardwareError, SwapError):
            self._lock()
            raise
        tools.confined = ready.confined
        self._post(VaultReady(ready.provisioned, ready.failed_attempts, ready.wait_s))

    def _refuse_if_swapped(self, ready: rs.Ready) -> None:
        if ready.swap and self._refuse_swap:
            raise SwapError("the system swaps memory to a disk")

    def _lock(self) -> None:
        tools = self._tools
        tools.forget()
        tools.unlocked = False
        if tools.session is not None:
            tools.session.close()
            tools.session = None

    def _report(self, progress: Progress, step: int = 1) -> None:
        left = self._time_left.seconds_left(step, *progress.scale, of_phases=bool(progress.work_total))
        self._post(Progressed(ticket=self._ticket, progress=progress, step=step, seconds_left=left))
