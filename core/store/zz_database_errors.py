"""The errors of the SQLCipher library in our words.

A full disk or an I/O error is E-FILE, a lock E-STATE-LOCKED, anything else E-STATE-DAMAGED: our statements
are constants, so what else they meet is a database that is not what it was.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlcipher3

from core.errors import FileError, StateDamagedError, StateLockedError

# Primary result codes, sqlite.org/rescode.html: the low byte of an extended code.
_BUSY, _LOCKED, _READONLY, _IOERR, _FULL, _CANTOPEN = 5, 6, 8, 10, 13, 14


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn an error of the library inside the block into one of ours.

    Args:
        path: The database, for the text.

    Raises:
        FileError: No space, or the system refused (E-FILE).
        StateLockedError: Another process has it open (E-STATE-LOCKED).
        StateDamagedError: Anything else (E-STATE-DAMAGED).
    """
    try:
        yield
    except sqlcipher3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        name = getattr(error, "sqlite_errorname", type(error).__name__)
        if code == _FULL:
            raise FileError(f"no space is left for {path}") from error
        if code in (_IOERR, _CANTOPEN, _READONLY):
            raise FileError(f"the system cannot read or write {path} ({name})") from error
        if code in (_BUSY, _LOCKED):
            raise StateLockedError(f"another process has {path} open") from error
        raise StateDamagedError(f"{path} cannot be used as a database ({name})") from error
