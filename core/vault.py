"""The vault process: the one place where keys live, for as long as one connection lasts.

`Vault.serve` answers requests of core.protocol until the client closes the connection, which is the lock:
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
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Final

from core import protocol, wire
from core.errors import CaError, PassphraseWaitError, StateMissingError, StoppedError
from core.process import harden_process, read_boot, swap_is_on

if TYPE_CHECKING:
    from core.authority import Authority

_PROGRESS_EVERY_S: Final = 0.1


class Vault:
    """Answers the requests of one connection.

    Args:
        peer: Stream socket to the client.
        state: State folder, absolute.
    """

    def __init__(self, peer: socket.socket, state: Path) -> None:
        self._peer = peer
        self._state = state
        self._authority: Authority | None = None
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

    def _answer(self, request: protocol.Request, descriptors: tuple[int, ...]) -> protocol.Reply:
        try:
            return protocol.Done(result=self._perform(request, descriptors))
        except CaError as error:
            wait_s = error.wait_s if isinstance(error, PassphraseWaitError) else 0
            return protocol.Failed(code=error.code, text=str(error), action=error.action, wait_s=wait_s)
        except wire.ConnectionLostError:
            raise
        except Exception as error:  # noqa: BLE001  whatever it is, the client must learn that the work ended
            _report_bug(error)
            return protocol.Failed(code="E-BUG", text="", action=("The log has more",))

    def _perform(self, request: protocol.Request, descriptors: tuple[int, ...]) -> protocol.Result:
        from core.authority import Authority  # heavy: after `Hello` was heard, before it is answered

        match request:
            case protocol.Hello():
                return Authority.look(self._state, read_boot(), swap=swap_is_on())
            case protocol.Init():
                self._require_locked()
                self._authority = Authority.found(
                    self._state, request.policy, bytes(request.passphrase), request.now
                )
                return self._authority.unlocked()
            case protocol.Unlock():
                self._require_locked()
                self._authority = Authority.unlock(
                    self._state, request.passphrase, request.now, read_boot(), proposed=request.policy
                )
                return self._authority.unlocked()
            case _:
                if self._authority is None:
                    raise StateMissingError("the box is locked")
                return self._work(self._authority, request, descriptors)

    def _work(
        self, authority: "Authority", request: protocol.Request, descriptors: tuple[int, ...]
    ) -> protocol.Result:
        match request:
            case protocol.TopUp():
                return authority.top_up(request.now, self._progress)
            case protocol.WriteArchive():
                if len(descriptors) != 1:
                    raise wire.ProtocolError("an archive needs one descriptor to be written into")
                with os.fdopen(os.dup(descriptors[0]), "wb") as out:
                    return authority.write_archive(
                        request.kind, request.name, out, request.now, self._progress
                    )
            case protocol.ConfirmWritten():
                authority.confirm_written(
                    request.kind, request.name, request.sequence, request.where, request.now
                )
            case protocol.AskStatus():
                return authority.status(request.now)
            case protocol.ApprovePolicy():
                authority.approve_policy(request.policy, request.now)
            case protocol.ChangePassphrase():
                authority.change_passphrase(request.old, request.new, request.now)
            case protocol.CorrectClock():
                return authority.correct_clock(request.now)
            case protocol.Revoke():
                authority.revoke(request.certificate, request.reason, request.now)
            case _:
                raise wire.ProtocolError(f"{type(request).__name__} has no place here")
        return protocol.Acknowledged()

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


def _report_bug(error: BaseException) -> None:
    """Write where it happened to standard error; an exception's text could quote a secret, so not that."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    sys.stderr.write(f"E-BUG {type(error).__name__}\n{frames}")


def run_vault(descriptor: int, state: Path) -> None:
    """Harden this process and serve the connection on `descriptor` (an inherited stream socket)."""
    harden_process()
    with socket.socket(fileno=descriptor) as peer:
        Vault(peer, state).serve()


if __name__ == "__main__":
    run_vault(int(sys.argv[1]), Path(sys.argv[2]))
