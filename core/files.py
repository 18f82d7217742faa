"""Plain files: written whole or not at all, and read within a bound.

Rules:
1. A file appears under its name only when all its bytes are on the medium: `NAME.<random>.part`
   beside it is written, synced, read back, then moved into place; then the folder is synced.
2. `write_new` never overwrites; `replace` does so in one step, for the few files that change.
3. The mode is explicit and set before the first byte.
4. Nothing is read into memory beyond the bound that the caller states, and only regular files are read.

Sticks are not written here (hw.fat.volume), nor the database (core.store.database).
"""

import errno
import hashlib
import os
import secrets
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from core.errors import FileError

# What a filesystem without hard links answers (FAT, some FUSE ones).
_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK})


def write_new(path: Path, data: bytes | Iterable[bytes], mode: int = 0o600) -> str:
    """Write a file that must not exist yet, durably.

    Args:
        path: Where; its folder exists.
        data: The content, or an iterable of its pieces.
        mode: Permission bits of the file, the umask notwithstanding.

    Returns:
        SHA-256 of the content, 64 hex digits.

    Raises:
        FileError: It exists, or the system refused a step (E-FILE). Nothing is left behind.
    """
    part, digest = _write_part(path, data, mode)
    try:
        _move_new(part, path)
        fsync_folder(path.parent)
    except OSError as error:
        raise _refused("write", path, error) from error
    finally:
        part.unlink(missing_ok=True)
    return digest


def replace(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Write a file durably in place of the one of that name, if any, in one step.

    Args:
        path: Where; its folder exists.
        data: The whole content.
        mode: Permission bits.

    Raises:
        FileError: The system refused a step (E-FILE); the former file stands.
    """
    part, _ = _write_part(path, data, mode)
    try:
        part.replace(path)
        fsync_folder(path.parent)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise _refused("write", path, error) from error


def read_bounded(path: Path, max_bytes: int, *, follow: bool = True) -> bytes:
    """Read a whole regular file of at most `max_bytes`.

    Args:
        path: Which file.
        max_bytes: Refused above this, before more than that is read.
        follow: Whether `path` may be a symbolic link.

    Returns:
        Its content.

    Raises:
        FileError: Missing, not a regular file, too large, unreadable (E-FILE).
    """
    # O_NONBLOCK: opening a pipe must not wait for a writer; it is refused just below.
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW)
    try:
        with os.fdopen(os.open(path, flags), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise FileError(f"{path} is not a regular file")
            data = file.read(max_bytes + 1)
    except (OSError, ValueError) as error:
        raise _refused("read", path, error) from error
    if len(data) > max_bytes:
        raise FileError(f"{path} is larger than {max_bytes} bytes")
    return data


def make_folder(path: Path) -> None:
    """Make a folder that must not exist yet, durably; closed to others.

    Args:
        path: Where; its parent exists.

    Raises:
        FileError: It exists, or the system refused (E-FILE).
    """
    try:
        path.mkdir(mode=0o700)
        fsync_folder(path.parent)
    except OSError as error:
        raise _refused("make", path, error) from error


def reserve(path: Path) -> None:
    """Make an empty file that must not exist yet, for another library to fill; closed to others.

    Args:
        path: Where; its folder exists.

    Raises:
        FileError: It exists, or the system refused (E-FILE).
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise _refused("make", path, error) from error


def cut_file(path: Path, size_bytes: int) -> None:
    """Cut a file off after its first bytes, durably.

    Args:
        path: Which file.
        size_bytes: What stays.

    Raises:
        FileError: The system refused (E-FILE).
    """
    try:
        with path.open("r+b") as file:
            file.truncate(size_bytes)
            os.fsync(file.fileno())
    except OSError as error:
        raise _refused("cut", path, error) from error


def move(source: Path, target: Path) -> None:
    """Give a finished file or folder its name, durably.

    Args:
        source: In the same folder as the target, or in one of the same filesystem.
        target: Its name; a file there is replaced.

    Raises:
        FileError: The system refused (E-FILE).
    """
    try:
        fsync_folder(source if source.is_dir() else source.parent)
        source.rename(target)
        fsync_folder(target.parent)
    except OSError as error:
        raise FileError(f"cannot move {source} into place: {error.strerror}") from error


def fsync_folder(path: Path) -> None:
    """Make the names in a folder durable.

    Args:
        path: The folder.

    Raises:
        OSError: The system refused; callers name the file concerned.
    """
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _write_part(path: Path, data: bytes | Iterable[bytes], mode: int) -> tuple[Path, str]:
    """Write, sync and read back the part file of `path`; return it with the SHA-256 of its content."""
    if path.name in {"", ".."}:  # `.`, `/`, `folder/..`: beside it would be anywhere
        raise FileError(f"cannot write {path}: it names no file")
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    chunks = (data,) if isinstance(data, bytes) else data
    digest = hashlib.sha256()
    try:
        with os.fdopen(os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode), "w+b") as file:
            os.fchmod(file.fileno(), mode)
            for chunk in chunks:
                digest.update(chunk)
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
            file.seek(0)
            _check_same(hashlib.file_digest(file, "sha256").digest(), digest.digest(), path)
    except BaseException as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise _refused("write", path, error) from error
        raise
    return part, digest.hexdigest()


def _check_same(seen: bytes, written: bytes, path: Path) -> None:
    if seen != written:
        raise FileError(f"{path} reads back differently from what was written")


def _move_new(part: Path, path: Path) -> None:
    """Give the part file its name; a name that is taken raises FileExistsError."""
    try:
        # link() is the one call that takes a name only if it is free.
        os.link(part, path, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # Linux looks for the name first (EEXIST), so it was free an instant ago.
        part.replace(path)


def _refused(verb: str, path: Path, error: Exception) -> FileError:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return FileError(f"cannot {verb} {path}: {reason}")
