"""The vault process: the one place where keys live, for as long as one connection lasts.

`Vault.serve` answers requests of core.api.requests until the client closes the connection, which is the lock:
the process ends and the kernel, not Python, wipes the keys. On the box systemd starts one such process per
connection; in the emulator and the tests it is an exec'd child with a socket pair.

Rules: a CaError becomes `Failed` with its code. Anything else is a bug: E-BUG without its text, a traceback
without values on standard error, and the process ends. While a request runs only `Stop` is read.
Descriptors that came with a request are closed before it is answered.
"""

import os
import select
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from core.api import requests as protocol
from core.api import results, wire
from core.crypto.process import harden_process, read_boot, swap_is_on
from core.errors import (
    CaError,
    PassphraseError,
    PassphraseWrongError,
    StateMissingError,
    StoppedError,
    describe_bug,
)

if TYPE_CHECKING:
    from core.authority.authority import Authority
    from core.policy.policy import Policy
    from core.recovery.rescue import Rescue

_PROGRESS_EVERY_S: Final = 0.1


class Vault:
    """Answers the requests of one connection.

    Args:
        peer: Stream socket to the client.
        state: State folder, absolute.
        config: config.yaml, absolute; read when a policy is asked for.
    """

    def __init__(self, peer: socket.socket, state: Path, config: Path) -> None:
        self._peer = peer
        self._state = state
        self._config = config
        self._authority: Authority | None = None
        self._brought: Policy | None = None  # by a stick, and shown
        self._rescue: Rescue | None = None
        self._next_progress_s = 0.0

    def serve(self) -> None:
        """Answer until the client closes the connection or one of our own bugs shows."""
        try:
            while True:
                request, descriptors = wire.receive_request(self._peer)
                if isinstance(request, protocol.Stop):
                    continue  # it crossed the answer on the way
                try:
                    reply = self._answer(request, descriptors)
                finally:
                    for descriptor in descriptors:
                        os.close(descriptor)
                wire.send(self._peer, reply)
                if isinstance(reply, protocol.Failed) and reply.code == "E-BUG":
                    return
        except wire.ConnectionLostError:
            return
        finally:
            if self._authority is not None:
                self._authority.close()
            if self._rescue is not None:
                self._rescue.close()

    def _answer(self, request: protocol.Request, descriptors: tuple[int, ...]) -> protocol.Reply:
        try:
            return protocol.Done(result=self._perform(request, descriptors))
        except PassphraseError as error:
            return self._refuse_passphrase(error)
        except CaError as error:
            return protocol.Failed(code=error.code, text=str(error), action=error.action)
        except wire.ConnectionLostError:
            raise
        except Exception as error:  # noqa: BLE001  whatever it is, the client must learn that the work ended
            sys.stderr.write(describe_bug(error))
            return protocol.Failed(code="E-BUG", text="", action=("The log has more",))

    def _perform(self, request: protocol.Request, descriptors: tuple[int, ...]) -> protocol.Result:
        # Heavy: loaded once `Hello` was heard, and before it is answered.
        from core.authority.authority import Authority
        from core.policy.proposal import propose_brought, propose_policy
        from core.store.keyslots import choose_cost

        pinned = self._authority.policy if self._authority else None
        match request:
            case protocol.Hello():
                return Authority.look(self._state, read_boot(), swap=swap_is_on())
            case protocol.AskPolicy():
                return propose_policy(self._config, pinned)[1]
            case protocol.BringPolicy():
                brought = propose_brought(request.config, request.keys, self._config, pinned)
                self._brought = brought[0]
                return brought[1]
            case protocol.Init():
                self._require_locked()
                policy, instead_of = self._shown_policy(request.policy_sha256)
                self._authority = Authority.found(
                    self._state,
                    policy,
                    request.passphrase,
                    choose_cost(time.perf_counter),
                    request.now,
                    instead_of=instead_of,
                )
                return self._authority.unlocked(self._config)
            case protocol.Unlock():
                self._require_locked()
                self._authority = Authority.unlock(self._state, request.passphrase, request.now, read_boot())
                return self._authority.unlocked(self._config)
            case _:
                return self._perform_inside(request, descriptors)

    def _perform_inside(self, request: protocol.Request, descriptors: tuple[int, ...]) -> protocol.Result:
        """Perform what needs an unlocked box, or an empty one."""
        if isinstance(request, protocol.RescueRequest):
            self._require_locked()
            return self._begin_rescue().perform(request, descriptors, self._progress)
        if self._authority is None:
            raise StateMissingError("the box is locked")
        return self._work(self._authority, request, descriptors)

    def _work(
        self, authority: "Authority", request: protocol.Request, descriptors: tuple[int, ...]
    ) -> protocol.Result:
        """Perform a request that has a result of its own; all others are acknowledged."""
        match request:
            case protocol.TopUp() | protocol.ProposeRequests() | protocol.SignRequests():
                return self._issue(authority, request)
            case protocol.WriteArchive():
                if len(descriptors) != 1:
                    raise wire.ProtocolError("an archive needs one descriptor to be written into")
                with os.fdopen(os.dup(descriptors[0]), "wb") as out:
                    return authority.write_archive(
                        request.kind,
                        request.name,
                        out,
                        request.now,
                        self._progress,
                        papers=request.papers,
                    )
            case protocol.AskStatus():
                return authority.status(request.now)
            case protocol.ApprovePolicy():
                policy, instead_of = self._shown_policy(request.policy_sha256)
                authority.approve_policy(policy, request.now, instead_of=instead_of)
                return authority.unlocked(self._config)
            case protocol.CorrectClock() | protocol.RecordDrill():
                return self._vouched(authority, request)
            case _:
                self._act(authority, request)
                return results.Acknowledged()

    @staticmethod
    def _vouched(
        authority: "Authority", request: protocol.CorrectClock | protocol.RecordDrill
    ) -> protocol.Result:
        """Take the operator's word for something."""
        if isinstance(request, protocol.CorrectClock):
            return authority.correct_clock(request.now)
        return authority.record_drill(request.name, request.words, request.now)

    def _shown_policy(self, policy_sha256: str) -> "tuple[Policy, str]":
        """Return the policy that was shown, a stick's or the file's, and what it is approved instead of."""
        from core.policy.proposal import approved_policy, mark_replaced

        brought = self._brought
        if brought is not None and brought.sha256 == policy_sha256:
            return brought, mark_replaced(self._config, brought)
        return approved_policy(self._config, policy_sha256), ""

    def _issue(
        self,
        authority: "Authority",
        request: protocol.TopUp | protocol.ProposeRequests | protocol.SignRequests,
    ) -> protocol.Result:
        """Perform a request that fills gaps of the plan, or shows what would."""
        match request:
            case protocol.TopUp():
                return authority.top_up(request.now, self._progress)
            case protocol.ProposeRequests():
                return authority.propose_requests(request.files, request.now)
            case protocol.SignRequests():
                return authority.sign_requests(request.files, request.approved, request.now, self._progress)

    @staticmethod
    def _act(authority: "Authority", request: protocol.Request) -> None:
        """Perform a request that only needs to be done."""
        match request:
            case protocol.CheckReceipt():
                authority.check_receipt(request.data)
            case protocol.ConfirmWritten():
                authority.confirm_written(
                    request.kind, request.name, request.sequence, request.where, request.now
                )
            case protocol.ChangePassphrase():
                from core.store.keyslots import choose_cost

                cost = choose_cost(time.perf_counter)
                authority.change_passphrase(request.old, request.new, cost, request.now, read_boot())
            case protocol.Revoke():
                authority.revoke(request.certificate, request.reason, request.now)
            case protocol.RevokeAll():
                authority.revoke_all(request.certificates, request.reason, request.now)
            case _:
                raise wire.ProtocolError(f"{type(request).__name__} has no place here")

    def _refuse_passphrase(self, error: PassphraseError) -> protocol.Failed:
        """Return the refusal with how long the next try has to wait; wipe if that was one too many."""
        from core.authority.authority import Authority
        from core.store.attempts import wipe_if_due

        ready = Authority.look(self._state, read_boot(), swap=False)
        if isinstance(error, PassphraseWrongError) and self._authority is None:
            try:
                wipe_if_due(self._state, ready.failed_attempts, self._wipe_after())
            except CaError as wiped:
                return protocol.Failed(code=wiped.code, text=str(wiped), action=wiped.action)
        return protocol.Failed(
            code=error.code,
            text=str(error),
            action=error.action,
            wait_s=ready.wait_s,
            failed_attempts=ready.failed_attempts,
        )

    def _wipe_after(self) -> int | None:
        """Return how many wrong passphrases wipe the store; never any, when config.yaml cannot say."""
        from core.policy.config import load_config

        try:
            return load_config(self._config).kiosk.wipe_after
        except CaError:
            return None

    def _begin_rescue(self) -> "Rescue":
        from core.recovery.rescue import Rescue

        if self._rescue is None:
            self._rescue = Rescue(self._state, self._config)
        return self._rescue

    def _require_locked(self) -> None:
        if self._authority is not None:
            raise wire.ProtocolError("this connection is unlocked already")

    def _progress(self, done: int, total: int, what: str) -> None:
        """Tell the client how far the work is, ten times a second at most, and hear whether to stop."""
        if select.select([self._peer], [], [], 0)[0]:
            message, _ = wire.receive_request(self._peer)
            if isinstance(message, protocol.Stop):
                raise StoppedError("stopped by the operator")
            raise wire.ProtocolError("a request came while another ran")
        now_s = time.monotonic()
        if done >= total or now_s >= self._next_progress_s:
            self._next_progress_s = now_s + _PROGRESS_EVERY_S
            wire.send(self._peer, protocol.Progress(done=done, total=total, what=what))


def run_vault(peer: socket.socket, state: Path, config: Path) -> None:
    """Harden this process and serve one connection.

    Args:
        peer: Stream socket to the client.
        state: State folder, absolute.
        config: config.yaml, absolute.
    """
    harden_process()
    with peer:
        Vault(peer, state, config).serve()


if __name__ == "__main__":
    run_vault(socket.socket(fileno=int(sys.argv[1])), Path(sys.argv[2]), Path(sys.argv[3]))
