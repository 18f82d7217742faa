"""The worker: performs, in one thread and in order, the effects that take time, and posts their answers.

Owns the session (the vault process) and what a job has prepared but not yet written. Rules:

1. A secret reaches it as the bytes of one request, copied when the effect was submitted.
2. Every effect is answered: by its own event, by JobFailed or UnlockRefused with a code, or by VaultLost.
3. What is in neither error tree becomes `Bug`, logged where it happened, without values.
4. A job that is kept (kiosk.work.job) is forgotten at an act that changes what its archives would hold.
5. The switch waits for nobody: a stick that hangs must not keep the box from going down.
"""

import logging
import queue
import threading
from collections.abc import Callable
from datetime import datetime
from functools import singledispatchmethod
from pathlib import Path

from core.api import requests as pr
from core.api import results as rs
from core.errors import CaError, StoppedError, SwapError, describe_bug
from hw.board import Board
from hw.errors import HardwareError
from kiosk import effects as fx
from kiosk import events as ev
from kiosk import rescue_effects as rx
from kiosk.entry.buffers import Entries
from kiosk.translate import to_late, to_signers, to_status
from kiosk.work.drill_words import read_drill_stick, record_brought, record_words
from kiosk.work.job import JobDesk
from kiosk.work.orders import Order, explain_refusal, make_order
from kiosk.work.pace import tell_progress
from kiosk.work.policy_stick import PolicyDesk
from kiosk.work.rescue import Rescue
from kiosk.work.self_test import run_self_test
from kiosk.work.session import Session, VaultLostError, VaultRefusalError

log = logging.getLogger(__name__)

CLOSE_S = 30.0
"""How long `close` waits for a worker that hangs on a stick; its thread then ends with the process."""

Post = Callable[[ev.Event], None]


class VaultWorker:
    """Does the work of one kiosk.

    Args:
        board: Sticks' volumes, clock and power.
        open_session: Starts or connects to a vault process.
        spool: Folder for encrypted archives that wait for their stick.
        own: Folder of the kiosk's own file (kiosk.daemon.kept_sticks).
        refuse_swap: Never unlock while the system has swap: keys could reach a disk (the real box).
        post: Where answers go.
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
        self._refuse_swap = refuse_swap
        self._post = post
        self._close_s = close_s
        self._session: Session | None = None
        self._job = JobDesk(board, spool, post)
        self._policy = PolicyDesk(own)
        self._rescue: Rescue | None = None
        self._secrets: tuple[bytes, ...] = ()
        self._unlocked = False
        self._orders: queue.SimpleQueue[Order | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="worker", daemon=True)
        self._thread.start()

    def submit(self, effect: fx.Effect, entries: Entries) -> None:
        """Take an effect; the secrets it needs are copied out of `entries` now."""
        if isinstance(effect, fx.RunJob | rx.ReadBackup | rx.Restore):
            self._job.stopping.clear()
        order = make_order(effect, entries)
        if isinstance(effect, fx.PowerOff | fx.Restart):
            threading.Thread(target=self._do, args=(order,), name="switch", daemon=True).start()
        else:
            self._orders.put(order)

    def stop(self) -> None:
        """End the running work at its next commit, or the file on its way to the stick."""
        self._job.stopping.set()
        if (session := self._session) is not None:
            session.stop()

    def close(self) -> None:
        """Stop, lock, and end for good."""
        self.stop()
        self._orders.put(Order(fx.CloseVault()))
        self._orders.put(None)
        self._thread.join(self._close_s)

    def _run(self) -> None:
        while (order := self._orders.get()) is not None:
            self._secrets = order.secrets
            self._do(order)
            self._secrets = ()

    def _do(self, order: Order) -> None:
        """Perform an order and post its answer."""
        try:
            answer = self._perform(order.effect)
        except VaultRefusalError as refusal:
            answer = explain_refusal(order.effect, refusal.failed)
        except VaultLostError as error:
            self._lock()
            answer = ev.VaultLost(str(error))
        except StoppedError:
            answer = ev.Stopped()
        except (CaError, HardwareError) as error:
            answer = ev.JobFailed(error.code, str(error))
        except Exception as error:  # noqa: BLE001  rule 3
            log.error("%s", describe_bug(error))  # noqa: TRY400  without values
            answer = ev.Bug()
        if answer is not None:
            self._post(answer)

    @singledispatchmethod
    def _perform(self, effect: fx.Effect) -> ev.Event | None:
        """Perform an effect and return its answer, None for those that have none."""
        raise TypeError(f"{type(effect).__name__} is not the worker's")

    @_perform.register
    def _(self, _effect: fx.OpenVault) -> ev.Event:
        if self._session is None:
            self._session = self._open_session()
        ready = self._session.ask(pr.Hello(), rs.Ready)
        if ready.swap and self._refuse_swap:
            self._lock()
            raise SwapError("the system swaps memory to a disk")
        return ev.VaultReady(ready.provisioned, ready.failed_attempts, ready.wait_s)

    @_perform.register
    def _(self, _effect: fx.CloseVault) -> None:
        self._lock()

    @_perform.register
    def _(self, _effect: fx.AskPolicy) -> ev.Event:
        return ev.PolicyProposal(self._policy.ask(self._vault))

    @_perform.register
    def _(self, effect: fx.AskStickPolicy) -> ev.Event:
        with self._board.open_volume(effect.stick) as volume:
            return ev.PolicyProposal(self._policy.bring(self._vault, volume))

    @_perform.register
    def _(self, _effect: fx.Create) -> ev.Event:
        (passphrase,) = self._secrets
        session = self._policy.found(self._vault, passphrase, self._now)
        self._unlocked = True
        return ev.Created(session.sticks)

    @_perform.register
    def _(self, _effect: fx.Unlock) -> ev.Event:
        (passphrase,) = self._secrets
        now = self._now
        unlocked = self._vault.ask(pr.Unlock(passphrase=passphrase, now=now), rs.Unlocked)
        self._unlocked = True
        session = self._policy.keep(unlocked)
        if unlocked.clock and unlocked.last_entry_at is not None:
            return ev.ClockWrong(unlocked.clock, now, unlocked.last_entry_at, session)
        return ev.Unlocked(session)

    @_perform.register
    def _(self, _effect: fx.ApprovePolicy) -> ev.Event:
        self._job.forget()
        return ev.Unlocked(self._policy.approve(self._vault, self._now))

    @_perform.register
    def _(self, _effect: fx.ChangePassphrase) -> ev.Event:
        self._job.forget()  # its date would stand before that of this act
        old, new = self._secrets
        self._vault.ask(pr.ChangePassphrase(old=old, new=new, now=self._now), rs.Acknowledged)
        return ev.PassphraseChanged()

    @_perform.register
    def _(self, effect: fx.RunJob) -> ev.Event:
        return self._job.run(self._vault, effect)

    @_perform.register
    def _(self, _effect: fx.AskStatus) -> ev.Event:
        return ev.StatusReady(to_status(self._status()))

    @_perform.register
    def _(self, effect: fx.AskSigners) -> ev.Event:
        return ev.SignersReady(to_signers(self._status(), effect.class_name, effect.target))

    @_perform.register
    def _(self, effect: fx.Revoke) -> ev.Event:
        self._job.forget()
        request = pr.Revoke(certificate=effect.certificate_id, reason=effect.reason, now=self._now)
        self._vault.ask(request, rs.Acknowledged)
        return ev.Revoked()

    @_perform.register
    def _(self, _effect: fx.RecordDrill) -> ev.Event:
        (words,) = self._secrets
        return ev.DrillsRecorded((record_words(self._vault, words.decode(), None, self._now),))

    @_perform.register
    def _(self, effect: fx.ReadDrill) -> ev.Event:
        with self._board.open_volume(effect.stick) as volume:
            brought = read_drill_stick(volume)
        return ev.DrillsRecorded(record_brought(self._vault, brought, self._now))

    @_perform.register
    def _(self, effect: fx.RevokeAll) -> ev.Event:
        self._job.forget()
        request = pr.RevokeAll(certificates=effect.certificate_ids, reason=effect.reason, now=self._now)
        self._vault.ask(request, rs.Acknowledged)
        return ev.Revoked()

    @_perform.register
    def _(self, _effect: fx.AskClock) -> ev.Event:
        return ev.ClockRead(self._now)

    @_perform.register
    def _(self, effect: fx.SetClock) -> ev.Event:
        self._job.forget()
        self._board.clock.set(effect.instant)
        if not self._unlocked:
            return ev.ClockSet(effect.instant)
        corrected = self._vault.ask(pr.CorrectClock(now=effect.instant), rs.ClockCorrected)
        return ev.ClockSet(effect.instant, to_late(corrected))

    @_perform.register
    def _(self, effect: fx.FormatStick) -> ev.Event:
        return ev.StickFormatted(self._board.format_stick(effect.stick, effect.label))

    @_perform.register
    def _(self, effect: rx.RescueEffect) -> ev.Event:
        if self._rescue is None:
            self._rescue = Rescue(
                self._vault,
                self._board.clock,
                open_volume=self._board.open_volume,
                spool=self._spool,
                stopping=self._job.stopping,
                progress=tell_progress(self._post, self._board.clock.monotonic),
            )
        return self._rescue.perform(effect, self._secrets)

    @_perform.register
    def _(self, _effect: fx.RunSelfTest) -> ev.Event:
        if self._unlocked:
            self._status()  # reads the whole store; a damaged page refuses
        store = "good" if self._unlocked else ""
        return ev.SelfTestReady(run_self_test(self._board.clock, self._spool, store))

    @_perform.register
    def _(self, _effect: fx.PowerOff) -> None:
        self._board.power.off()

    @_perform.register
    def _(self, _effect: fx.Restart) -> None:
        self._board.power.restart()

    def _lock(self) -> None:
        self._job.forget()
        self._policy.clear()
        self._rescue = None
        self._unlocked = False
        if self._session is not None:
            self._session.close()
            self._session = None

    def _status(self) -> rs.StatusReport:
        return self._vault.ask(pr.AskStatus(now=self._now), rs.StatusReport)

    @property
    def _now(self) -> datetime:
        return self._board.clock.now()

    @property
    def _vault(self) -> Session:
        if self._session is None:
            raise VaultLostError("the box is locked")
        return self._session
