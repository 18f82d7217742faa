"""A folder with an unlocked vault, a board and jobs; and what an independent reader finds on a stick."""

import contextlib
import json
import os
import re
import subprocess
import threading
from collections.abc import Iterable, Iterator
from datetime import datetime
from fnmatch import fnmatch
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from core.api import requests as rq
from core.api import results as rs
from core.progress import Progress
from hw.fat.volume import open_volume
from hw.ports import Stick
from hw.sticks.emulated import Faults
from kiosk.work.delivery import Delivery
from kiosk.work.job import Job
from kiosk.work.session import Session, start_vault
from tests.kiosk.live import NOW, PASSPHRASE, STEPS, lay_authority, open_twins

EXPORT = ("export main-kudo",)
_TELLING_BYTES = 8
_PART = re.compile(r"(public[^/]*/)?pism[-_]*(~\d+)?\.(part?|prt)", re.IGNORECASE)


class Place:
    """A folder with an unlocked vault, a board, and a job."""

    def __init__(self, folder: Path, founded: datetime = NOW) -> None:
        self.folder = lay_authority(folder, topped_up=True, now=founded)
        self.board = open_twins(folder)
        assert self.board.twins is not None
        self.sticks = self.board.twins.sticks
        self.session: Session = start_vault(folder / "state", folder / "config.yaml")
        self.session.ask(rq.Unlock(passphrase=PASSPHRASE, now=NOW), rs.Unlocked)
        self.stopping = threading.Event()
        self.jobs: list[Job] = []
        self.told: list[tuple[Progress, int]] = []

    def job(self, steps: tuple[str, ...] = STEPS, **options: Any) -> Job:
        given: dict[str, Any] = {
            "now": NOW,
            "open_volume": self.board.open_volume,
            "spool": self.folder / "spool",
            "stopping": self.stopping,
        }
        self.jobs.append(Job(self.session, steps, **(given | options)))
        return self.jobs[-1]

    def close(self) -> None:
        for job in self.jobs:
            job.close()
        self.session.close()

    def tell(self, progress: Progress, step: int) -> None:
        self.told.append((progress, step))

    def insert(self, label: str = "PISM-ALL", image: Path | None = None, **faults: Any) -> Stick:
        return self.sticks.insert(image or self.sticks.make(label), Faults(**faults))

    def mark(self) -> str:
        return self.status().incarnation[:8]

    @staticmethod
    def archives_made(job: Job) -> list[rs.ArchiveWritten]:
        return [made.written for made in job._made.values() if isinstance(made, Delivery)]

    def status(self) -> rs.StatusReport:
        return self.session.ask(rq.AskStatus(now=NOW), rs.StatusReport)


def names_on(image: Path, folder: str = "") -> list[str]:
    """Return the names in a folder of a stick."""
    with open_volume(image) as volume:
        return [item.name for item in volume.list(folder)]


def mtools(image: Path, *command: str) -> bytes:
    """Do what a PC does with a stick, and return what was printed."""
    environment = {**os.environ, "MTOOLS_SKIP_CHECK": "1"}
    whole = [command[0], "-i", str(image), *command[1:]]
    return subprocess.run(whole, env=environment, check=True, capture_output=True).stdout


def files_on(image: Path, *, pulled: bool = False) -> dict[str, str]:
    """Return path and SHA-256 of every file, as mtools alone reads them.

    A part that a pull left may have no bytes that can be read; any other file has.

    Args:
        image: The stick.
        pulled: It was pulled inside a job, and not put in since: the root may have no end.
    """
    try:
        listed = mtools(image, "mdir", "-/", "-b", "-a", "::").decode()
        paths = [line.removeprefix("::/") for line in listed.splitlines() if line and not line.endswith("/")]
    except subprocess.CalledProcessError as error:  # what lists names only calls an empty stick an error
        if not (pulled and error.stdout):
            assert b"No files" in mtools(image, "mdir", "-a", "::")
            return {}
        paths = [*_paths_in(image, "::")]
    with TemporaryDirectory() as folder:
        try:
            mtools(image, "mcopy", "-s", "-n", "::*", folder)
        except subprocess.CalledProcessError:  # something on it cannot be read: file by file
            return {path: digest for path in paths if (digest := _hash_of(image, path, pulled=pulled))}
        assert sum(each.is_file() for each in Path(folder).rglob("*")) == len(paths)
        return {path: sha256((Path(folder) / path).read_bytes()).hexdigest() for path in paths}


def _paths_in(image: Path, folder: str) -> Iterator[str]:
    """Yield the paths of all files below a folder whose listing may end in an error."""
    whole = ["mdir", "-i", str(image), "-b", "-a", folder]
    listed = subprocess.run(
        whole, env={**os.environ, "MTOOLS_SKIP_CHECK": "1"}, check=False, capture_output=True
    )
    for line in filter(None, listed.stdout.decode().splitlines()):
        if line.endswith("/"):
            yield from _paths_in(image, line.rstrip("/"))
        else:
            yield line.removeprefix("::/")


def _hash_of(image: Path, path: str, *, pulled: bool) -> str:
    """Return the SHA-256 of one file, "" where it is a part that cannot be read."""
    try:
        return sha256(mtools(image, "mtype", f"::/{path}")).hexdigest()
    except subprocess.CalledProcessError as error:
        if pulled and error.stdout:  # it looks for more files of that name, up to where the root ends
            return sha256(error.stdout).hexdigest()
        if _PART.fullmatch(path):
            return ""
        raise


def read_receipts(image: Path) -> list[dict[str, Any]]:
    """Return what the receipts on a stick say, as mtools alone reads them."""
    paths = [path for path in files_on(image) if fnmatch(path, "pism-receipt-*.json")]
    return [json.loads(mtools(image, "mtype", f"::{path}"))["receipt"] for path in paths]


def holds(image: Path, receipt: dict[str, Any]) -> bool:
    """Tell whether the archive and the papers that a receipt names are on a stick, byte for byte."""
    return {each["sha256"] for each in (receipt["archive"], *receipt["papers"])} <= {
        *files_on(image).values()
    }


def hashes_of(archive: rs.ArchiveWritten) -> set[str]:
    """Return the SHA-256 of an archive and of every file beside it."""
    return {archive.sha256, *(sha256(each.data).hexdigest() for each in archive.companions)}


def are_whole(image: Path, archives: Iterable[rs.ArchiveWritten]) -> bool:
    """Tell whether every file of some archives is on a stick."""
    there = {*files_on(image).values()}
    return all(hashes_of(archive) <= there for archive in archives)


def copy_sparse(source: Path, target: Path) -> None:
    """Copy an image of which most is nothing."""
    with target.open("wb") as copy:
        copy.truncate(source.stat().st_size)
        for offset, data in _runs_of(source):
            os.pwrite(copy.fileno(), data, offset)


def _runs_of(image: Path) -> Iterator[tuple[int, bytes]]:
    """Yield offset and bytes of each run that was ever written."""
    with image.open("rb") as file:
        end = 0
        with contextlib.suppress(OSError):  # nothing from here on
            while True:
                start = os.lseek(file.fileno(), end, os.SEEK_DATA)
                end = os.lseek(file.fileno(), start, os.SEEK_HOLE)
                yield start, os.pread(file.fileno(), end - start, start)


def empty(image: Path) -> None:
    """Delete everything on a stick."""
    with contextlib.suppress(subprocess.CalledProcessError):  # it is empty
        mtools(image, "mdeltree", "::*")


def fill(image: Path, left_bytes: int, folder: Path) -> None:
    """Leave so many bytes free."""
    with open_volume(image) as volume:
        free_bytes = volume.free_bytes
    filler = folder / "filler"
    with filler.open("wb") as file:
        file.truncate(max(free_bytes - left_bytes, 0))
    mtools(image, "mcopy", "-o", str(filler), "::holiday.mov")
    filler.unlink()


def alter(image: Path, path: str) -> None:
    """Flip a bit in a file where it lies, as failing flash does.

    Raises:
        ValueError: It lies in pieces, or its end could be anything's: zeros are everywhere, in the FAT too.
    """
    end = mtools(image, "mtype", f"::{path}")[-64:]
    if len(end.strip(b"\0")) < _TELLING_BYTES:
        raise ValueError(f"{path} has no end that tells where it lies")
    found = [offset + data.index(end) for offset, data in _runs_of(image) if end in data]
    if not found:
        raise ValueError(f"{path} lies in pieces")
    at = found[0] + len(end) - 1
    with image.open("r+b") as file:
        file.seek(at)
        file.write(bytes([end[-1] ^ 1]))
