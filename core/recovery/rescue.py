"""A rescue: a backup restored through the vault, onto a box that is empty.

    SeeIdentity     is this file from the stick an identity? (looked at, forgotten)
    TakeIdentity    the operator's private key; OpenIdentity with its passphrase, if it has one
    OpenBackup      the archive, every check of core.recovery.backup; what it is goes to the operator, who confirms it
    Restore         into the store (core.recovery.restore), under a new passphrase

Rules:

1. Nothing begins where there is a state: E-STATE-EXISTS.
2. Identity and archive come as descriptors; the identity lives here alone, and no longer than until the
   backup is open. The kernel wipes it with the process.
3. The archive is unpacked into memory, never onto the disk; what does not fit is refused before.
4. Until `Restore` has renamed the store into place, the box is as empty as it was.
"""

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final

from core.api import requests as protocol
from core.api import results
from core.api.results import BackupOpened, BackupRestored, IdentitySeen
from core.api.wire import ProtocolError
from core.crypto.identities import MAX_IDENTITY_BYTES, is_locked, load_identities
from core.crypto.process import available_bytes
from core.errors import (
    ArchiveIdentityError,
    RescueSpaceError,
    StateExistsError,
)
from core.policy.policy import was_replaced
from core.policy.proposal import read_file_policy
from core.receive.keys import Progress
from core.recovery.backup import OpenBackup, open_backup
from core.recovery.restore import restore_open
from core.store.keyslots import choose_cost
from core.store.store import is_provisioned

SPARE_BYTES: Final = 64 * 1024 * 1024
"""Memory that stays free of the archive: for the key derivation, the store and the checks."""


class Rescue:
    """The rescue of one connection.

    Args:
        state: The state folder, absolute; missing or empty.
        config: config.yaml, absolute; compared with what is restored.
    """

    def __init__(self, state: Path, config: Path) -> None:
        self._state = state
        self._config = config
        self._locked = b""
        self._identities: tuple[Any, ...] = ()
        self._backup: OpenBackup | None = None
        self._held = ExitStack()

    def close(self) -> None:
        """Forget identity and backup; again is harmless."""
        self._forget_identity()
        self._backup = None
        self._held.close()

    def perform(
        self, request: protocol.RescueRequest, descriptors: tuple[int, ...], progress: Progress
    ) -> IdentitySeen | BackupOpened | BackupRestored | results.Acknowledged:
        """Answer one request.

        Args:
            request: Of the rescue.
            descriptors: That came with it; the caller closes them.
            progress: Told how far long work is; may raise StoppedError.

        Raises:
            StateExistsError: There is a state (E-STATE-EXISTS).
            IdentityLockedError: The passphrase of the identity is another one (E-IDENTITY-LOCKED).
            ArchiveIdentityError: It is no identity, or it does not open the archive (E-ARCHIVE-IDENTITY).
            RescueSpaceError: The archive does not fit into memory (E-RESCUE-SPACE).
            CaError: As core.recovery.backup.open_backup and core.recovery.restore.restore_open.
        """
        if is_provisioned(self._state):
            raise StateExistsError("there is an authority on this box already")
        match request:
            case protocol.SeeIdentity():
                return _see(_read_identity(descriptors))
            case protocol.TakeIdentity():
                return self._take(_read_identity(descriptors))
            case protocol.OpenIdentity():
                self._open_identity(request.passphrase)
                return results.Acknowledged()
            case protocol.OpenBackup():
                with _one_file(descriptors) as file:
                    return self._open_backup(file, request, progress)
            case protocol.Restore():
                return self._restore(request, progress)

    def _take(self, data: bytes) -> IdentitySeen:
        self.close()
        if is_locked(data):
            self._locked = data
        else:
            self._identities = load_identities(data)
        return IdentitySeen(is_identity=True, locked=bool(self._locked))

    def _open_identity(self, passphrase: bytes) -> None:
        if not self._locked:
            raise ProtocolError("no identity waits for its passphrase")
        self._identities = load_identities(self._locked, lambda: passphrase, memory_bytes=available_bytes())
        self._locked = b""

    def _open_backup(self, file: BinaryIO, request: protocol.OpenBackup, progress: Progress) -> BackupOpened:
        if not self._identities:
            raise ProtocolError("no identity is open")
        _require_memory(os.fstat(file.fileno()).st_size)
        self._backup = None
        self._held.close()
        progress(0, 0, "unpacking")
        opened = open_backup(
            file,
            self._identities,
            (),
            lambda _question: True,  # asked on the panel, before `Restore`
            request.now,
            in_memory=True,
            progress=progress,
        )
        backup = self._held.enter_context(opened)
        self._backup = backup
        self._forget_identity()
        kinds = [item.kind for item in backup.certificates]
        return BackupOpened(
            authority=backup.manifest.authority.name,
            name=backup.manifest.name,
            sequence=backup.manifest.sequence,
            created=backup.manifest.created,
            root_words=backup.sealed_by.root_words,
            root_sha256=backup.sealed_by.root_sha256,
            roots=kinds.count("root"),
            signers=kinds.count("signer"),
            keys=len(backup.key_ids),
        )

    def _restore(self, request: protocol.Restore, progress: Progress) -> BackupRestored:
        backup = self._backup
        if backup is None:
            raise ProtocolError("no backup is open")
        restored = restore_open(
            backup,
            state=self._state,
            passphrase=request.passphrase,
            cost=choose_cost(time.perf_counter),
            now=request.now,
            progress=progress,
        )
        file = read_file_policy(self._config, backup.policy)
        changes = () if was_replaced(backup.state.facts, file.mark) else file.changes
        self.close()
        return BackupRestored(
            incarnation=restored.incarnation,
            next_visit_by=restored.next_visit_by,
            clock_believed=restored.clock_believed,
            policy_changes=changes,
        )

    def _forget_identity(self) -> None:
        self._locked = b""
        self._identities = ()


def _see(data: bytes) -> IdentitySeen:
    """Return what a file is; one that cannot open archives is none."""
    try:
        return IdentitySeen(is_identity=True, locked=is_locked(data))
    except ArchiveIdentityError:
        return IdentitySeen(is_identity=False, locked=False)


def _read_identity(descriptors: tuple[int, ...]) -> bytes:
    with _one_file(descriptors) as file:
        return os.pread(file.fileno(), MAX_IDENTITY_BYTES + 1, 0)


@contextmanager
def _one_file(descriptors: tuple[int, ...]) -> Iterator[BinaryIO]:
    if len(descriptors) != 1:
        raise ProtocolError("this needs one descriptor to be read from")
    with os.fdopen(os.dup(descriptors[0]), "rb") as file:
        yield file


def _require_memory(size_bytes: int) -> None:
    free = available_bytes()
    if size_bytes + SPARE_BYTES > free:
        raise RescueSpaceError(f"the archive has {size_bytes} bytes; {free} bytes of memory are free")
