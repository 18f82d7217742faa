"""A box with a past, and vaults that serve in a thread of this process."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.vault.process import Vault
from kiosk.work.session import Session
from tests.backups import (
    PastBox,
    make_past,
)
from tests.core.recovery.rescuing import Vaults


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> tuple[PastBox, Path]:
    return make_past(tmp_path_factory.mktemp("past"))


@pytest.fixture
def vaults(tmp_path: Path) -> Iterator[Vaults]:
    """Return a function that starts a vault in a thread; every session is locked after the test."""
    sessions: list[Session] = []
    threads: list[threading.Thread] = []

    def start(state: Path) -> Session:
        ours, theirs = socket.socketpair()

        def serve() -> None:
            with theirs:
                Vault(theirs, state, tmp_path / "config.yaml").serve()

        threads.append(threading.Thread(target=serve))
        threads[-1].start()
        sessions.append(Session(ours))
        return sessions[-1]

    yield start
    for session in sessions:
        session.close()
    for thread in threads:
        thread.join()
