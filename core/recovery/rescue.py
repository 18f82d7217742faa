"""A rescue: a backup restored through the vault, onto a box that is empty.

    see_identity     is this file from the stick an identity? (looked at, forgotten)
    take_identity    the operator's private key; open_identity with its passphrase, if it has one
    open_backup      the archive, every check of core.recovery.backup; the operator confirms what it is
    restore          into the store (core.recovery.restore), under a new passphrase

1. It goes in that order; whoever asks otherwise has a bug. That the box is empty is the vault's to see to,
   before each step.
2. Identity and archive come as open files; the identity lives here alone, and no longer than until the
   backup is open. The kernel wipes it with the process.
3. The archive is unpacked into memory, never onto the disk; what does not fit is refused before.
4. Until `restore` has renamed the store into place, the box is as empty as it was.
"""

import os
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Final

from core.api.results import BackupOpened, BackupRestored, IdentitySeen
from core.api.wire import ProtocolError
from core.crypto.identities import MAX_IDENTITY_BYTES, is_locked, is_private_key, load_identities
from core.crypto.process import available_bytes
from core.errors import ArchiveIdentityError, RescueSpaceError
from core.policy.policy import was_replaced
from core.policy.proposal import read_file_policy
from core.progress import Progress, Report
from core.recovery.backup import OpenBackup, open_backup
from core.recovery.restore import restore_open
from core.store.keyslots import KdfCost

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

    def see_identity(self, file: BinaryIO) -> IdentitySeen:
        """Return what a file is, and forget it.

        A private key that cannot open archives, or not as it is, is an identity, too: take_identity says why.
        """
        data = _read_identity(file)
        try:
            return IdentitySeen(is_identity=True, locked=is_locked(data))
        except ArchiveIdentityError:
            return IdentitySeen(is_identity=is_private_key(data), locked=False)

    def take_identity(self, file: BinaryIO) -> IdentitySeen:
        """Take an identity; what was taken or opened before is forgotten.

        Raises:
            ArchiveIdentityError: It is none (E-ARCHIVE-IDENTITY).
        """
        data = _read_identity(file)
        self.close()
        if is_locked(data):
            self._locked = data
        else:
            self._identities = load_identities(data)
        return IdentitySeen(is_identity=True, locked=bool(self._locked))

    def open_identity(self, passphrase: bytes) -> None:
        """Open the identity that was taken.

        Raises:
            IdentityLockedError: Its passphrase is another one; it may be tried again (E-IDENTITY-LOCKED).
        """
        if not self._locked:
            raise ProtocolError("no identity waits for its passphrase")
        self._identities = load_identities(self._locked, lambda: passphrase, memory_bytes=available_bytes())
        self._locked = b""

    def open_backup(self, file: BinaryIO, now: datetime, report: Report) -> BackupOpened:
        """Check a backup, whole, and keep it open; the identity is forgotten then.

        Args:
            file: The archive.
            now: Aware UTC.
            report: Told (keys checked, keys in all, what); may raise StoppedError.

        Raises:
            ArchiveIdentityError: The identity does not open it (E-ARCHIVE-IDENTITY).
            RescueSpaceError: It does not fit into memory (E-RESCUE-SPACE).
            CaError: As core.recovery.backup.open_backup.
        """
        if not self._identities:
            raise ProtocolError("no identity is open")
        _require_memory(os.fstat(file.fileno()).st_size)
        self._backup = None
        self._held.close()
        report(Progress(done=0, total=0, what="unpacking"))
        opened = open_backup(
            file,
            self._identities,
            (),
            lambda _question: True,  # asked on the panel, before `restore`
            now,
            in_memory=True,
            report=report,
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
            box_words=backup.sealed_by.box_words,
            root_words=backup.sealed_by.root_words,
            root_sha256=backup.sealed_by.root_sha256,
            roots=kinds.count("root"),
            signers=kinds.count("signer"),
            keys=len(backup.key_ids),
        )

    def restore(self, passphrase: bytes, cost: KdfCost, now: datetime, report: Report) -> BackupRestored:
        """Restore the backup that is open, which is closed then.

        Args:
            passphrase: Canonical, new.
            cost: Of the key derivation.
            now: Aware UTC, whole seconds.
            report: Told (certificates done, certificates in all, what); may raise StoppedError.

        Raises:
            CaError: As core.recovery.restore.restore_open.
        """
        backup = self._backup
        if backup is None:
            raise ProtocolError("no backup is open")
        restored = restore_open(
            backup, state=self._state, passphrase=passphrase, cost=cost, now=now, report=report
        )
        file = read_file_policy(self._config, backup.policy)
        changes = () if was_replaced(backup.state.facts, file.mark) else file.changes
        self.close()
        return BackupRestored(
            incarnation=restored.incarnation,
            box_words=restored.box_words,
            next_visit_by=restored.next_visit_by,
            clock_believed=restored.clock_believed,
            policy_changes=changes,
        )

    def close(self) -> None:
        """Forget identity and backup; again is harmless."""
        self._forget_identity()
        self._backup = None
        self._held.close()

    def _forget_identity(self) -> None:
        self._locked = b""
        self._identities = ()


def _read_identity(file: BinaryIO) -> bytes:
    return os.pread(file.fileno(), MAX_IDENTITY_BYTES + 1, 0)


def _require_memory(size_bytes: int) -> None:
    free = available_bytes()
    if size_bytes + SPARE_BYTES > free:
        raise RescueSpaceError(f"the archive has {size_bytes} bytes; {free} bytes of memory are free")
