"""The folders of a receiver: one for each opened archive, and links to the newest of each name.

    OUT/receiver.json                       what the receiver remembers (core.receive.trust)
    OUT/main-kudo-000001-20270101T000000Z/  the members of an archive, as they are
    OUT/current/main-kudo                   link to the newest folder of that name: what a server reads

Rules:
1. One process at a time works in OUT: it holds a lock on the folder.
2. An archive's folder is written under another name, synced, and renamed when it is whole. What a killed
   process left under such a name is removed by the next one.
3. A folder that a killed process had renamed already is taken over if its bytes are the archive's.
4. Folders have mode 0700, files 0600; OUT is ours and nobody else can write into it.
5. receiver.json is replaced after the folder stands, links last; links are put right at the next start.
"""

import fcntl
import os
import re
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from core.archive.container import Archive
from core.errors import FileError
from core.files import fsync_folder
from core.receive.trust import Trust

CURRENT: Final = "current"
_TREE: Final = re.compile(r"[a-z][a-z0-9-]{0,23}-[0-9]{6,10}-[0-9]{8}T[0-9]{6}Z")
_PART: Final = re.compile(r"\.[a-z][a-z0-9-]{0,23}-[0-9]{6,10}-[0-9]{8}T[0-9]{6}Z\.[0-9a-f]{8}\.part")
_MEMORY_PART: Final = re.compile(r"receiver\.json\.[0-9a-f]{8}\.part")
_LINK_PART: Final = re.compile(r"\.[a-z][a-z0-9-]{0,23}\.[0-9a-f]{8}\.part")


@contextmanager
def filing(what: str) -> Iterator[None]:
    """Turn what the system refuses into a FileError that says `what` failed."""
    try:
        yield
    except OSError as error:
        raise FileError(f"{what} failed: {error.strerror}.") from error


@contextmanager
def lock_folder(out: Path) -> Iterator[None]:
    """Hold OUT, which exists, against other processes, and sweep what killed ones left.

    Raises:
        FileError: No folder, not ours, open to other writers, or in use (E-FILE).
    """
    with filing(f"Opening the folder {out}"):
        handle = os.open(out, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        status = os.fstat(handle)
        if status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) & 0o022:
            raise FileError(f"{out} must belong to you, and nobody else may write into it.")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FileError(f"Another process is opening an archive into {out}.") from None
        _sweep(out)
        yield
    finally:
        fcntl.flock(handle, fcntl.LOCK_UN)  # at once, also where a child is just being started
        os.close(handle)


def make_folder(out: Path) -> None:
    """Make OUT, if it is not there; the folder above it must be.

    Raises:
        FileError: The system refuses (E-FILE).
    """
    if not out.exists():
        with filing(f"Making the folder {out}"):
            out.mkdir(mode=0o700)
            fsync_folder(out.parent)


def is_tree(path: Path) -> bool:
    """Return whether a path in OUT is the folder of an archive."""
    return _TREE.fullmatch(path.name) is not None and path.is_dir() and not path.is_symlink()


def write_tree(archive: Archive, out: Path, name: str) -> Path:
    """Write the members of an archive to OUT/name, whole or not at all.

    Args:
        archive: Every check has passed.
        out: Locked.
        name: Of the folder.

    Raises:
        FileError: The disk fails, or something else stands there (E-FILE).
    """
    target = out / name
    if os.path.lexists(target):
        if not _holds(target, archive):
            raise FileError(f"{target} exists and is not this archive; move it away.")
        return target
    part = out / f".{name}.{secrets.token_hex(4)}.part"
    try:
        with filing(f"Writing {target}"):
            _write(archive, part)
            part.rename(target)
            fsync_folder(out)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    return target


def point_links(out: Path, trust: Trust) -> None:
    """Make OUT/current/<name> lead to the newest folder of each name.

    Raises:
        FileError: The system refuses (E-FILE).
    """
    links = out / CURRENT
    with filing(f"Pointing the links in {links}"):
        links.mkdir(mode=0o700, exist_ok=True)
        for seen in trust.seen:
            link, goal = links / seen.name, f"../{seen.folder}"
            if link.is_symlink() and str(link.readlink()) == goal:
                continue
            part = links / f".{seen.name}.{secrets.token_hex(4)}.part"
            part.symlink_to(goal)
            part.replace(link)
        fsync_folder(links)
        fsync_folder(out)


def _write(archive: Archive, part: Path) -> None:
    folders: dict[Path, None] = {}
    for path in archive.paths:
        target = part / path
        if target.parent not in folders:
            for folder in (*reversed(target.parent.parents), target.parent):
                if folder.is_relative_to(part) and folder not in folders:
                    folder.mkdir(mode=0o700)
                    folders[folder] = None
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            for chunk in archive.chunks(path):
                file.write(chunk)
    # One flush of everything, then a question to each file whether it got there: much faster than one by one.
    os.sync()
    for path in archive.paths:
        _fsync(part / path)
    for folder in reversed(folders):
        fsync_folder(folder)


def _fsync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _holds(folder: Path, archive: Archive) -> bool:
    """Return whether `folder` holds exactly the archive's members."""
    if folder.is_symlink() or not folder.is_dir():
        return False
    found = {
        str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()
    }
    if found != set(archive.paths):
        return False
    with filing(f"Reading {folder}"):
        return all(_same(folder / path, archive, path) for path in archive.paths)


def _same(file: Path, archive: Archive, path: str) -> bool:
    if file.is_symlink() or file.stat().st_size != archive.size(path):
        return False
    with file.open("rb") as opened:
        return all(opened.read(len(chunk)) == chunk for chunk in archive.chunks(path))


def _sweep(out: Path) -> None:
    with filing(f"Cleaning {out}"):
        for path in out.iterdir():
            if _PART.fullmatch(path.name) and path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            elif _MEMORY_PART.fullmatch(path.name) and path.is_file() and not path.is_symlink():
                path.unlink()
        if (out / CURRENT).is_dir():
            for path in (out / CURRENT).iterdir():
                if _LINK_PART.fullmatch(path.name) and path.is_symlink():
                    path.unlink()
