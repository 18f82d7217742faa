"""The child that tests/core/recovery/test_kill_restore.py kills: a rescue through the vault.

The vault serves in the main thread, whose writing calls are counted; its client asks from another one.
Arguments: the archive, a file with an age identity, the state folder.
"""

import socket
import sys
import threading
from pathlib import Path

from core.api import requests as protocol
from core.api.results import BackupOpened, BackupRestored, IdentitySeen
from core.vault.process import Vault
from kiosk.work.session import Session
from tests.backups import FOUNDED, NEW_PASSPHRASE


def ask(session: Session, archive: Path, identity: Path) -> None:
    """Ask for everything that a rescue is, in order, and lock."""
    with identity.open("rb") as file:
        session.ask(protocol.TakeIdentity(), IdentitySeen, into=file)  # type: ignore[arg-type]
    with archive.open("rb") as file:
        session.ask(protocol.OpenBackup(now=FOUNDED), BackupOpened, into=file)  # type: ignore[arg-type]
    session.ask(protocol.Restore(passphrase=NEW_PASSPHRASE, now=FOUNDED), BackupRestored)
    session.close()


def main(archive: Path, identity: Path, state: Path) -> None:
    """Restore the archive; the state folder comes last, as in other such children."""
    ours, theirs = socket.socketpair()
    client = threading.Thread(target=ask, args=(Session(ours), archive, identity))
    client.start()
    with theirs:
        Vault(theirs, state, state.with_name("config.yaml")).serve()
    client.join()


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
