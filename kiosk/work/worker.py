"""The worker: does, in one thread and in order, what takes time, and posts what came of it.

Owns the session (the vault process) and what a job has prepared but not yet written. Rules:

1. A request to the vault goes there as it is, and its result comes back as it is. The kiosk's own requests
   (jobs, sticks, the clock) are in the table of this module.
2. Every request is answered: by its result, by `Failed` with a code, by VaultLost, or by Bug.
3. What is in neither error tree becomes `Bug`, logged where it happened, without values.
4. A job that is kept (kiosk.work.job) is forgotten at an act that changes what its archives would hold.
5. The switch waits for nobody: a stick that hangs must not keep the box from going down.
6. A secret is in one request, and in no repr.
"""

import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from core.api import requests as rq
from core.api import results as rs
from core.api import wire
from core.errors import CaError, StoppedError, SwapError, describe_bug
from core.progress import Progress
from hw.board import Board
from hw.errors import HardwareError
from hw.ports import Stick
from kiosk.work.devices import FormatStick, ReadClock, SetClock
from kiosk.work.drill import ReadDrill, read_drill_stick, record_brought
from kiosk.work.job import Job, RequestsFound, RunJob, StepDone
from kiosk.work.kept_sticks import keep_sticks
from kiosk.work.policy_stick import ReadPolicy, read_policy_stick
from kiosk.work.rescue import LookForBackup, OpenIdentity, ReadBackup, Rescue, Restore, TakeIdentity
from kiosk.work.self_test import Finding, RunSelfTest, run_self_test
from kiosk.work.session import Session, VaultLostError, VaultRefusalError
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
    """

    ticket: int
    result: Any


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


News = VaultReady | VaultLost | Answer | Progressed | Bug
Post = Callable[[News], None]


@dataclass(frozen=True, slots=True)
class PowerOff:
    """Shut the box down. Result: None."""


@dataclass(frozen=True, slots=True)
class Restart:
    """Restart the box. Result: None."""


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
        own: Folder of the kiosk's own file (kiosk.work.kept_sticks).
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
        self._board = board
        self._open_session = open_session
        self._spool = spool
        self._own = own
        self._refuse_swap = refuse_swap
        self._post = post
        self._close_s = close_s
        self._session: Session | None = None
        self._unlocked = False
        self._job: Job | None = None
        self._rescue: Rescue | None = None
        self._stopping = threading.Event()
        self._ticket = 0
        self._time_left = TimeLeft(board.clock.monotonic)
        self._table: dict[type[Any], Callable[[Any], Any]] = {
            RunJob: self.run_job,
            ReadDrill: self.read_drill,
            ReadPolicy: self.read_policy,
            FormatStick: self.format_stick,
            ReadClock: self.read_clock,
            SetClock: self.set_clock,
            RunSelfTest: self.run_self_test,
            LookForBackup: self.rescue,
            TakeIdentity: self.rescue,
            OpenIdentity: self.rescue,
            ReadBackup: self.rescue,
            Restore: self.rescue,
            PowerOff: self.switch,
            Restart: self.switch,
        }
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
        """Take a request of the vault's, or of this module's table; posts an Answer with its ticket."""
        order = _Order(ticket, request=request)
        if isinstance(request, PowerOff | Restart):
            threading.Thread(target=self._do, args=(order,), name="switch", daemon=True).start()
        else:
            self._stopping.clear()
            self._orders.put(order)

    def stop(self) -> None:
        """End the running work at its next commit, or the file on its way to the stick."""
        self._stopping.set()
        if (session := self._session) is not None:
            session.stop()

    def close(self) -> None:
        """Stop, lock, and end for good."""
        self.stop()
        self.close_vault()
        self._orders.put(None)
        self._thread.join(self._close_s)

    def _run(self) -> None:
        while (order := self._orders.get()) is not None:
            self._do(order)

    def _do(self, order: _Order) -> None:
        """Do what was ordered, and post what came of it."""
        try:
            if order.do is not None:
                order.do()
                return
            self._post(Answer(order.ticket, self._perform(order)))
        except VaultRefusalError as refusal:
            self._refuse(order, refusal.failed)
        except VaultLostError as error:
            self._lock()
            self._post(VaultLost(str(error)))
        except (CaError, HardwareError) as error:
            self._refuse(order, wire.Failed(code=error.code, text=str(error), action=error.action))
        except Exception as error:  # noqa: BLE001  rule 3
            log.error("%s", describe_bug(error))  # noqa: TRY400  without values
            self._post(Bug())

    def _refuse(self, order: _Order, failed: wire.Failed) -> None:
        """Post a refusal; what the vault could not even be opened for loses it."""
        if failed.code == "E-BUG":
            self._post(Bug())
        elif order.do is not None:
            self._post(VaultLost(failed.text, failed.code))
        else:
            self._post(Answer(order.ticket, failed))

    def _perform(self, order: _Order) -> Any:
        """Perform a request: the kiosk's own by the table, all others in the vault."""
        request = order.request
        self._ticket = order.ticket
        own = self._table.get(type(request))
        return self.ask_vault(request) if own is None else own(request)

    # The vault

    def _open(self) -> None:
        if self._session is None:
            self._session = self._open_session()
        ready = self._session.ask(rq.Hello(), rs.Ready)
        if ready.swap and self._refuse_swap:
            self._lock()
            raise SwapError("the system swaps memory to a disk")
        self._post(VaultReady(ready.provisioned, ready.failed_attempts, ready.wait_s))

    def _lock(self) -> None:
        self._forget_job()
        self._rescue = None
        self._unlocked = False
        if self._session is not None:
            self._session.close()
            self._session = None

    def ask_vault(self, request: Any) -> Any:
        """Ask the vault; what it says of an unlocked session is kept as far as a locked box shows it."""
        if isinstance(request, CHANGING):
            self._forget_job()
        result = self._vault.ask(request, object, report=self._report)
        if isinstance(result, rs.Unlocked):
            self._unlocked = True
            keep_sticks(self._own, tuple(result.sticks.items()))
        return result

    # The kiosk's own requests

    def run_job(self, asked: RunJob) -> tuple[StepDone, ...] | RequestsFound:
        """Do what is left of the steps; requests on the stick come first."""
        if self._job is None or self._job.steps != asked.steps:
            self._forget_job()
            self._job = Job(
                self._vault,
                asked.steps,
                now=self._board.clock.now(),
                open_volume=self._board.open_volume,
                spool=self._spool,
                stopping=self._stopping,
            )
        if asked.approved is not None:
            self._job.answer_requests(asked.approved)
        if requests := self._job.find_requests(asked.stick):
            if self._stopping.is_set():
                raise StoppedError("stopped by the operator")
            return RequestsFound(requests)
        done = self._job.run(asked.stick, self._report)
        self._forget_job()
        return done

    def _forget_job(self) -> None:
        if self._job is not None:
            self._job.close()
            self._job = None

    def read_drill(self, asked: ReadDrill) -> tuple[rs.DrillRecorded, ...]:
        """Record the words that a stick brings."""
        with self._board.open_volume(asked.stick) as volume:
            brought = read_drill_stick(volume)
        return record_brought(self._vault, brought, self._board.clock.now())

    def read_policy(self, asked: ReadPolicy) -> rs.PolicyProposal:
        """Have the vault resolve the config.yaml that a stick brings."""
        with self._board.open_volume(asked.stick) as volume:
            config, keys = read_policy_stick(volume)
        return self._vault.ask(rq.BringPolicy(config=config, keys=keys), rs.PolicyProposal)

    def format_stick(self, asked: FormatStick) -> Stick:
        """Erase a stick."""
        return self._board.format_stick(asked.stick, asked.label)

    def read_clock(self, _asked: ReadClock) -> Any:
        """Return what the clock says."""
        return self._board.clock.now()

    def set_clock(self, asked: SetClock) -> rs.ClockCorrected:
        """Set the clock, and have the vault journal it."""
        self._forget_job()
        self._board.clock.set(asked.instant)
        if not self._unlocked:
            return rs.ClockCorrected(issued_after=())
        return self._vault.ask(rq.CorrectClock(now=asked.instant), rs.ClockCorrected)

    def run_self_test(self, _asked: RunSelfTest) -> tuple[Finding, ...]:
        """Test what a program can."""
        if self._unlocked:  # reads the whole store; a damaged page refuses
            self._vault.ask(rq.AskStatus(now=self._board.clock.now()), rs.StatusReport)
        return run_self_test(self._board.clock, self._spool, "good" if self._unlocked else "")

    def rescue(self, asked: Any) -> Any:
        """Take the next step of a rescue."""
        if self._rescue is None:
            self._rescue = Rescue(
                self._vault,
                self._board.clock,
                open_volume=self._board.open_volume,
                spool=self._spool,
                stopping=self._stopping,
                report=self._report,
            )
        return self._rescue.perform(asked)

    def switch(self, asked: PowerOff | Restart) -> None:
        """Let the system go down."""
        if isinstance(asked, PowerOff):
            self._board.power.off()
        else:
            self._board.power.restart()

    def _report(self, progress: Progress, step: int = 1) -> None:
        left = self._time_left.seconds_left(step, progress.done, progress.total)
        self._post(Progressed(ticket=self._ticket, progress=progress, step=step, seconds_left=left))

    @property
    def _vault(self) -> Session:
        if self._session is None:
            raise VaultLostError("the box is locked")
        return self._session
