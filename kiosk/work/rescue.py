"""The rescue of an empty box: one backup and the identity that opens it, from a stick to the vault.

Rules:

1. The stick carries one archive, `*.tar.age`, at its top, and at least one file that the vault calls an
   identity; which, its bytes say, not its name. What is not what a rescue needs is refused with a code.
2. An identity goes from mtools into a file in memory and on to the vault as a descriptor: no byte of it is
   in this process, on a disk, or anywhere when the vault has taken it.
3. The archive, which is encrypted, is copied into an unlinked file here and goes to the vault as a
   descriptor; it is given up as soon as the vault has unpacked it, and needs room before it is read.
4. Told to stop, the copy ends at once and the vault at its next word; the box is then as empty as before.
"""

import os
import tempfile
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final

from core.api import requests as rq
from core.api import results as rs
from core.api.results import BackupOpened, BackupRestored, IdentitySeen
from core.errors import (
    RescueKeyError,
    RescueManyError,
    RescueMissingError,
    RescueSpaceError,
    StoppedError,
)
from core.progress import Progress, Report
from hw.errors import StickNameError
from hw.fat.listing import StickFile
from hw.fat.volume import FatVolume
from hw.ports import Clock, Stick
from hw.sizes import size_text
from kiosk.work.session import Session
from kiosk.work.task import Task, Tools

ARCHIVE: Final = ".tar.age"
MAX_IDENTITY_BYTES: Final = 64 * 1024
MAX_SMALL_FILES: Final = 32
SPARE_BYTES: Final = 64 * 1024 * 1024
"""What the disk keeps free beside the archive and the store that is made of it."""

_OTHERS: Final = ("pism-receipt-", "next-visit", ".")
"""What names begin with that are never an identity: PiSM's sidecars, and what PCs leave on sticks."""


class _Step(Task):
    """One step of a rescue, which the vault and the name of the archive outlive."""

    __slots__ = ()

    def run(self, tools: Tools) -> Any:
        """Take this step."""
        rescue = tools.kept(Rescue) or tools.keep(
            Rescue(
                tools.vault,
                tools.board.clock,
                open_volume=tools.board.open_volume,
                spool=tools.spool,
                stopping=tools.stopping,
                report=tools.report,
            )
        )
        return rescue.perform(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class LookForBackup(_Step):
    """Look for one backup and for identities on a stick. Result: BackupFound."""

    stick: Stick


@dataclass(frozen=True, slots=True)
class BackupFound:
    """There is one archive, and these files may open it."""

    identities: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeIdentity(_Step):
    """Hand a file of the stick to the vault as the identity. Result: core.api.results.IdentitySeen."""

    stick: Stick
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenIdentity(_Step):
    """Try the passphrase of the identity. Result: core.api.results.Acknowledged."""

    passphrase: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadBackup(_Step):
    """Copy the archive off the stick (step 1) and check it (2). Result: core.api.results.BackupOpened."""

    stick: Stick


@dataclass(frozen=True, slots=True, kw_only=True)
class Restore(_Step):
    """Restore it under a new passphrase (step 3). Result: core.api.results.BackupRestored."""

    passphrase: bytes = field(repr=False)


def free_bytes(folder: Path) -> int:
    """Return the room on a folder's disk."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


class Rescue:
    """One rescue; it holds nothing but the name of the archive, the vault all else.

    Args:
        session: A vault of an empty box.
        clock: For the time of the restore.
        open_volume: Opens a stick's volume.
        spool: Folder for the archive.
        stopping: Set, from any thread, when the work shall end.
        report: Told how far reading (step 1), checking (2) and restoring (3) are.
        room: Says how much room a folder's disk has.
    """

    def __init__(
        self,
        session: Session,
        clock: Clock,
        *,
        open_volume: Callable[[Stick], AbstractContextManager[FatVolume]],
        spool: Path,
        stopping: threading.Event,
        report: Callable[[Progress, int], None],
        room: Callable[[Path], int] = free_bytes,
    ) -> None:
        self._session = session
        self._clock = clock
        self._open_volume = open_volume
        self._spool = spool
        self._stopping = stopping
        self._report = report
        self._room = room
        self._archive = ""

    def perform(
        self, asked: Task
    ) -> BackupFound | IdentitySeen | rs.Acknowledged | BackupOpened | BackupRestored:
        """Perform one request and return its result.

        Raises:
            RescueError: The stick or the box does not have what is needed (E-RESCUE-...).
            VaultRefusalError, VaultLostError: From the session.
            StickError: From the stick (E-STICK-...).
            StoppedError: Told to stop while no vault was at work (E-STOPPED).
        """
        match asked:
            case LookForBackup(stick=stick):
                return BackupFound(self._look(stick))
            case TakeIdentity(stick=stick, name=name):
                with self._open_volume(stick) as volume, volume.get_secret(name, MAX_IDENTITY_BYTES) as file:
                    return self._session.ask(rq.TakeIdentity(), IdentitySeen, into=file)
            case OpenIdentity(passphrase=passphrase):
                return self._session.ask(rq.OpenIdentity(passphrase=passphrase), rs.Acknowledged)
            case ReadBackup(stick=stick):
                return self._read(stick)
            case Restore(passphrase=passphrase):
                request = rq.Restore(passphrase=passphrase, now=self._clock.now())
                return self._session.ask(request, BackupRestored, report=self._asking(3))
        raise TypeError(type(asked).__name__)

    def close(self) -> None:
        """Forget the name of the archive; the vault is closed by whoever opened it."""
        self._archive = ""

    def _look(self, stick: Stick) -> tuple[str, ...]:
        """Find the one archive, and return the names of the files that may open it."""
        with self._open_volume(stick) as volume:
            files = [item for item in volume.list() if not item.folder and not item.name.startswith("._")]
            archives = [item for item in files if item.name.lower().endswith(ARCHIVE)]
            if not archives:
                raise RescueMissingError(f"there is no file *{ARCHIVE} at the top of the stick")
            if len(archives) > 1:
                raise RescueManyError(f"there are {len(archives)} files *{ARCHIVE} on the stick")
            small = [item for item in files if item not in archives and _may_be_identity(item)]
            if len(small) > MAX_SMALL_FILES:
                raise RescueManyError(f"there are {len(small)} small files on the stick")
            identities = tuple(item.name for item in small if self._is_identity(volume, item.name))
        if not identities:
            raise RescueKeyError("no file at the top of the stick is a private key that opens archives")
        self._archive = archives[0].name
        return identities

    def _is_identity(self, volume: FatVolume, name: str) -> bool:
        """Have the vault look at a file."""
        with suppress(StickNameError), volume.get_secret(name, MAX_IDENTITY_BYTES) as file:
            return self._session.ask(rq.SeeIdentity(), IdentitySeen, into=file).is_identity
        return False

    def _read(self, stick: Stick) -> BackupOpened:
        """Copy the archive here, and have the vault check it."""
        with tempfile.TemporaryFile(dir=self._spool) as file:
            with self._open_volume(stick) as volume:
                self._copy(volume, file)
            request = rq.OpenBackup(now=self._clock.now())
            return self._session.ask(request, BackupOpened, into=file, report=self._asking(2))

    def _copy(self, volume: FatVolume, file: BinaryIO) -> None:
        size = next((item.size_bytes for item in volume.list() if item.name == self._archive), 0)
        room = self._room(self._spool)
        if 2 * size + SPARE_BYTES > room:
            has, free = size_text(size), size_text(room)
            raise RescueSpaceError(f"the archive has {has}; {free} are free on this box's disk")

        def tell(done: int, total: int, _what: str) -> None:
            if self._stopping.is_set():
                raise StoppedError("stopped by the operator")
            reading = f"reading {size_text(total)}"
            self._report(Progress(done=done, total=total, what=reading, counted=False), 1)

        try:
            volume.get_into(self._archive, file.write, size, tell)
            file.flush()
        except OSError as error:
            raise RescueSpaceError(f"the archive cannot be kept on this box: {error.strerror}") from error

    def _asking(self, step: int) -> Report:
        """Return the report of a request; a stop that came before the vault had begun is said again."""

        def report(progress: Progress) -> None:
            self._report(progress, step)
            if self._stopping.is_set():
                self._session.stop()

        return report


def _may_be_identity(item: StickFile) -> bool:
    return 0 < item.size_bytes <= MAX_IDENTITY_BYTES and not item.name.lower().startswith(_OTHERS)
