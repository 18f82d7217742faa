"""The state folder: whose it is, who may enter, and what lies in it.

    STATE/                 0700, ours, no symbolic link
      lock                 held (flock) by the one process that has the state open
      attempts.json        wrong passphrases (core.store.attempts)
      store/               0700: store.db, keyslots.json
      store.new-XXXXXXXX/  a store that is being made; swept when its maker died

Rules:
1. Owner and mode of the folder, of store/ and of its files are checked before anything is read.
2. One process at a time; the kernel drops the lock with the process.
3. Files of a maker that died are swept by the next one who holds the lock.
"""

import fcntl
import os
import shutil
import stat
from contextlib import suppress
from pathlib import Path
from typing import Self

from core.errors import (
    FileError,
    StateDamagedError,
    StateExistsError,
    StateLockedError,
    StateMissingError,
    StateModeError,
)
from core.files import make_folder, read_bounded

STORE = "store"
DATABASE = "store.db"
KEYSLOTS = "keyslots.json"
MAX_KEYSLOTS_BYTES = 8192
ATTEMPTS = "attempts.json"
NEW_DATABASE = "store.db.new"
NEW_PREFIX = "store.new-"
_LOCK = "lock"
_OWNER_ONLY = stat.S_IRWXU


class Folder:
    """The state folder while this process holds its lock.

    Use `enter` or `make` to get one, and `close` to give it back.

    Args:
        path: The state folder, already checked.
        fresh: Whether this process made it.
    """

    __slots__ = ("_fresh", "_lock", "path")

    def __init__(self, path: Path, *, fresh: bool) -> None:
        self.path = path
        self._fresh = fresh
        lock = path / _LOCK
        if os.path.lexists(lock):
            _check_ours(lock, directory=False)
        try:
            self._lock = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise FileError(f"cannot open {lock}: {error.strerror}") from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self.close()
            raise StateLockedError(f"another process has {path} open") from error
        try:
            self._sweep()
        except OSError as error:
            self.close()
            raise FileError(f"cannot clean {path}: {error.strerror}") from error

    @classmethod
    def enter(cls, path: Path) -> Self:
        """Check and lock a state folder that holds a store.

        Args:
            path: The state folder.

        Returns:
            The locked folder.

        Raises:
            StateMissingError: There is no state (E-STATE-MISSING).
            StateModeError: Another owner, open modes, a link (E-STATE-MODE).
            StateLockedError: Another process has it open (E-STATE-LOCKED).
        """
        _check_ours(path, directory=True)
        folder = cls(path, fresh=False)
        try:
            _check_ours(folder.store, directory=True)
            for name in (DATABASE, KEYSLOTS):
                if os.path.lexists(folder.store / name):  # a missing file is damage, not "no state"
                    _check_ours(folder.store / name, directory=False)
        except BaseException:
            folder.close()
            raise
        return folder

    @classmethod
    def make(cls, path: Path) -> Self:
        """Make, check and lock a state folder without a store.

        Args:
            path: The state folder, missing or empty; its parent exists.

        Returns:
            The locked folder.

        Raises:
            StateExistsError: There is a state, or something that is not ours (E-STATE-EXISTS).
            StateModeError: Another owner, open modes, a link (E-STATE-MODE).
            StateLockedError: Another process is at it (E-STATE-LOCKED).
            FileError: The system refused (E-FILE).
        """
        fresh = False
        if not os.path.lexists(path):
            make_folder(path)
            fresh = True
        _check_ours(path, directory=True)
        for name in sorted(each.name for each in path.iterdir()):
            if name == STORE:
                raise StateExistsError(f"there is a state in {path} already")
            if name not in (_LOCK, ATTEMPTS) and not name.startswith((NEW_PREFIX, f"{ATTEMPTS}.")):
                raise StateExistsError(f"{path} is not empty: it holds {name}")
        return cls(path, fresh=fresh)

    @property
    def store(self) -> Path:
        """The folder of the store."""
        return self.path / STORE

    def read_keyslots(self) -> bytes:
        """Return the bytes of keyslots.json.

        Raises:
            StateDamagedError: It is gone or too large (E-STATE-DAMAGED).
            FileError: It cannot be read (E-FILE).
        """
        path = self.store / KEYSLOTS
        if not os.path.lexists(path) or path.lstat().st_size > MAX_KEYSLOTS_BYTES:
            raise StateDamagedError(f"{path} is gone or too large")
        return read_bounded(path, MAX_KEYSLOTS_BYTES, follow=False)

    def close(self) -> None:
        """Give the lock back; again is harmless."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def abandon(self) -> None:
        """Give the lock back after a failed making; leave nothing behind that this process made."""
        with suppress(OSError):  # the next maker sweeps what could not be removed
            self._sweep()
            if self._fresh and not os.path.lexists(self.store):
                (self.path / _LOCK).unlink()
                self.path.rmdir()
        self.close()

    def _sweep(self) -> None:
        for each in self.path.glob(f"{NEW_PREFIX}*"):
            if each.is_dir() and not each.is_symlink():
                shutil.rmtree(each)
            else:
                each.unlink()
        for each in (
            *self.path.glob("*.part"),
            *self.store.glob("*.part"),
            *self.store.glob(f"{NEW_DATABASE}*"),
        ):
            each.unlink()


def _check_ours(path: Path, *, directory: bool) -> None:
    """Check that a file or folder is a real one, ours, and closed to others."""
    try:
        found = path.lstat()
    except FileNotFoundError as error:
        raise StateMissingError(f"there is no state in {path}") from error
    except OSError as error:
        raise StateModeError(f"cannot look at {path}: {error.strerror}") from error
    if (not stat.S_ISDIR(found.st_mode)) if directory else (not stat.S_ISREG(found.st_mode)):
        raise StateModeError(f"{path} is not a {'folder' if directory else 'regular file'}")
    if found.st_uid != os.geteuid():
        raise StateModeError(f"{path} belongs to user {found.st_uid}, not to {os.geteuid()}")
    if stat.S_IMODE(found.st_mode) & ~_OWNER_ONLY or (
        directory and found.st_mode & _OWNER_ONLY != _OWNER_ONLY
    ):
        raise StateModeError(
            f"{path} has mode {stat.S_IMODE(found.st_mode):04o}, open to others or not ours to use"
        )
