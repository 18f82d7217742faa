"""The kiosk's side of a session: one vault process, from its start to the lock.

Owns the connection and how requests are asked over it. It holds no key: archives arrive in files that the
kiosk opened. Closing the session is the lock. On the box `connect_vault` reaches the socket unit; in the
emulator and the tests `start_vault` execs a child with a socket pair, the same code either way.
"""

import contextlib
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from core.api import requests as protocol
from core.api import wire
from core.progress import Progress, Report, report_nothing

R = TypeVar("R")

VAULT_SOCKET = Path("/run/pism/vault.sock")
CLOSE_S = 10.0
"""How long a vault process may take to end; it is killed then, which no store minds."""


class VaultRefusalError(Exception):
    """The vault refused a request; carries what `wire.Failed` said."""

    def __init__(self, failed: wire.Failed) -> None:
        super().__init__(f"{failed.code}: {failed.text}")
        self.failed = failed


class VaultLostError(Exception):
    """The vault process ended without being asked to."""


class Session:
    """A connection to one vault process.

    Args:
        peer: Stream socket to it.
        child: The process, where we started it; it is reaped at the end.
        close_s: How long it may take to end.

    Attributes:
        child: The process, where we started it.
    """

    def __init__(
        self,
        peer: socket.socket,
        child: "subprocess.Popen[bytes] | None" = None,
        *,
        close_s: float = CLOSE_S,
    ) -> None:
        self._peer = peer
        self.child = child
        self._close_s = close_s
        self._sending = threading.Lock()

    def ask(
        self,
        request: protocol.Request[Any],
        expected: type[R],
        *,
        into: BinaryIO | None = None,
        report: Report = report_nothing,
    ) -> R:
        """Send a request and wait for its result.

        Args:
            request: What is asked.
            expected: The type its result must have.
            into: An open file whose descriptor goes along.
            report: Told how far the vault is.

        Raises:
            VaultRefusalError: The vault answered `Failed`.
            VaultLostError: The vault process is gone.
            core.api.wire.ProtocolError: It answered what was not asked: a bug.
        """
        descriptors = () if into is None else (into.fileno(),)
        try:
            with self._sending:
                wire.send(self._peer, request, descriptors)
            while isinstance(reply := wire.receive_reply(self._peer), Progress):
                report(reply)
        except (wire.ConnectionLostError, OSError) as error:
            raise VaultLostError("the vault process ended") from error
        if isinstance(reply, wire.Failed):
            raise VaultRefusalError(reply)
        if not isinstance(reply.result, expected):
            raise wire.ProtocolError(f"{type(request).__name__} got {type(reply.result).__name__}")
        return reply.result

    def stop(self) -> None:
        """Ask the running request, from another thread, to end at its next commit."""
        try:
            with self._sending:
                wire.send(self._peer, wire.Stop())
        except (wire.ConnectionLostError, OSError):
            return  # it ended by itself, which whoever asked will be told

    def close(self) -> None:
        """Lock: end the connection, and see to it that a vault process of our own is gone."""
        with contextlib.suppress(OSError):  # the other side may have been faster
            self._peer.shutdown(socket.SHUT_RDWR)
        self._peer.close()
        if self.child is not None:
            try:
                self.child.wait(self._close_s)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()


def start_vault(state: Path, config: Path) -> Session:
    """Exec a vault process of our own and return the session with it.

    Args:
        state: State folder, absolute.
        config: config.yaml, absolute.
    """
    ours, theirs = socket.socketpair()
    with theirs:
        child = subprocess.Popen(
            [sys.executable, "-I", "-m", "core.vault.process", str(theirs.fileno()), str(state), str(config)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=(theirs.fileno(),),
            env={"LC_ALL": "C.UTF-8"},
        )
    return Session(ours, child)


def connect_vault(path: Path = VAULT_SOCKET) -> Session:
    """Connect to the vault's socket unit, which starts one process for this connection."""
    peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        peer.connect(str(path))
    except OSError as error:
        peer.close()
        raise VaultLostError(f"no vault answers at {path}") from error
    return Session(peer)
