"""The vault process: the one place where keys live, for as long as one connection lasts.

`Vault.serve` answers requests until the client closes the connection, which is the lock: the process ends
and the kernel, not Python, wipes the keys. On the box systemd starts one such process per connection; in the
emulator and the tests it is an exec'd child with a socket pair.

1. A refusal becomes `Failed` with its code. Anything else is a bug: E-BUG without its text, a traceback
   without values on standard error, and the process ends.
2. While a request runs only `Stop` is read, between two units of work.
3. Descriptors that came with a request are closed before it is answered; those of a `Stop` at once.

What is done for a request is core.vault.handlers'; how it travels is core.api.wire's.
"""

import contextlib
import select
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from core.api import wire
from core.api.requests import Request
from core.crypto.process import harden_process
from core.errors import StoppedError, describe_bug
from core.progress import Progress

if TYPE_CHECKING:
    from core.vault.handlers import Connection

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
        self._connection: Connection | None = None
        self._next_progress_s = 0.0

    def serve(self) -> None:
        """Answer until the client closes the connection or one of our own bugs shows."""
        try:
            while True:
                request, descriptors = wire.receive_request(self._peer)
                try:
                    if isinstance(request, wire.Stop):
                        continue  # it crossed the answer on the way
                    reply = self._answer(request, descriptors)
                finally:
                    wire.close_descriptors(descriptors)
                wire.send(self._peer, reply)
                if isinstance(reply, wire.Failed) and reply.code == "E-BUG":
                    return
        except wire.ConnectionLostError:
            return
        except wire.ProtocolError as error:
            with contextlib.suppress(wire.ConnectionLostError):
                wire.send(self._peer, _tell_bug(error))
        finally:
            if self._connection is not None:
                self._connection.close()

    def _answer(self, request: Request[Any], descriptors: tuple[int, ...]) -> wire.Reply:
        try:
            # Heavy: loaded once the first request was heard, and before it is answered.
            from core.vault.handlers import Connection, perform

            if self._connection is None:
                self._connection = Connection(self._state, self._config, self._report)
            return perform(self._connection, request, descriptors)
        except wire.ConnectionLostError:
            raise
        except Exception as error:  # noqa: BLE001  whatever it is, the client must learn that the work ended
            return _tell_bug(error)

    def _report(self, progress: Progress) -> None:
        """Tell the client how far the work is, ten times a second at most, and hear whether to stop."""
        if select.select([self._peer], [], [], 0)[0]:
            message, descriptors = wire.receive_request(self._peer)
            wire.close_descriptors(descriptors)
            if isinstance(message, wire.Stop):
                raise StoppedError("stopped by the operator")
            raise wire.ProtocolError("a request came while another ran")
        now_s = time.monotonic()
        if progress.done >= progress.total or now_s >= self._next_progress_s:
            self._next_progress_s = now_s + _PROGRESS_EVERY_S
            wire.send(self._peer, progress)


def _tell_bug(error: Exception) -> wire.Failed:
    """Log where a bug showed, and return what the client is told of it."""
    sys.stderr.write(describe_bug(error))
    return wire.Failed(code="E-BUG", text="", action=("The log has more",))


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
