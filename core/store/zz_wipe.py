"""Wiping: the store is destroyed after too many wrong passphrases, if config.yaml asks for it.

Rules:

1. Nothing is wiped unless `kiosk.wipe_after` is set; the authority then lives on in its backups only.
2. The store leaves its name in one step, so a kill leaves either a store or none; what is left of it under
   another name is swept when the folder is next entered (core.store.folder). The keyslots go first: without them
   nobody opens the rest.

Flash keeps what was erased for a while. That is why the passphrase, and not this, protects a stolen card.
"""

import shutil
from pathlib import Path

from core.store.attempts import clear
from core.errors import FileError, StateWipedError
from core.files import fsync_folder
from core.store.folder import KEYSLOTS, NEW_PREFIX, Folder


def wipe_state(state: Path) -> None:
    """Destroy the store of a state folder and the count of wrong passphrases.

    Args:
        state: The state folder.

    Raises:
        StateError: There is none, or it is not ours alone (E-STATE-...).
        FileError: The system refused (E-FILE).
    """
    folder = Folder.enter(state)
    try:
        doomed = state / f"{NEW_PREFIX}wiped"
        folder.store.rename(doomed)
        fsync_folder(state)
        (doomed / KEYSLOTS).unlink(missing_ok=True)
        fsync_folder(doomed)
        shutil.rmtree(doomed)
        clear(state)
    except OSError as error:
        raise FileError(f"cannot wipe {state}: {error.strerror}") from error
    finally:
        folder.close()


def wipe_if_due(state: Path, failed_attempts: int, wipe_after: int | None) -> None:
    """Wipe after that many wrong passphrases in a row, and say so.

    Args:
        state: The state folder.
        failed_attempts: As counted, the last one included.
        wipe_after: From config.yaml; None never wipes.

    Raises:
        StateWipedError: It was due, and is done (E-STATE-WIPED).
        CaError: It was due, and failed; as wipe_state.
    """
    if wipe_after is not None and failed_attempts >= wipe_after:
        wipe_state(state)
        raise StateWipedError(f"{failed_attempts} wrong passphrases: the store was wiped")
