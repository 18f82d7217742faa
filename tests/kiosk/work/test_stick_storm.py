"""Sticks that are pulled, exchanged, emptied, filled and altered, between and inside all steps of a job.

Whatever happens: what the job, the receipts and the journal call written is on the stick that is in, as
mtools alone reads it; and a good stick always finishes the job. `make fuzz` makes many more than CI.
"""

import contextlib
import json
import os
import subprocess
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory, mkdtemp
from typing import Final, Self

import pytest

from core.api import results as rs
from core.progress import Progress
from hw.errors import StickError, StickFullError, StickGoneError
from hw.fat.mkfs import MIN_BYTES, make_image
from tests.fuzzing import Fuzzer
from tests.kiosk.place import Place, alter, copy_sparse, empty, files_on, fill, hashes_of, mtools

pytestmark = [pytest.mark.judge, pytest.mark.fuzz("sticks", timed=False)]

SHARDS: Final = 6
INSERTIONS: Final = int(os.environ.get("PISM_FUZZ_INSERTIONS", "300"))
_ROUNDS_A_JOB: Final = 10
_JOBS_A_PLACE: Final = 25
_STICKS: Final = 3
_LONGEST_S: Final = 60.0  # an insertion writes and reads back two archives with all that goes beside them
_JOB_BYTES: Final = 500_000
_CLUSTER_BYTES: Final = 512
ACTS: Final = ("nothing", "empty", "fill", "alter", "delete", "litter", "take a name")


@dataclass(frozen=True)
class Round:
    """One insertion, and what a PC does to the stick before."""

    stick: int
    acts: tuple[tuple[str, int], ...] = ()
    yank_at_byte: int | None = None
    alters_inside: bool = False


def draw_round(random: Random) -> Round:
    """Draw an insertion: half of them end in a pull, some of these at a cluster's edge or at once."""
    yank_at_byte = random.choice((random.randrange(_JOB_BYTES), random.randrange(_JOB_BYTES // 16)))
    if random.randrange(4) == 0:
        yank_at_byte -= yank_at_byte % _CLUSTER_BYTES
    return Round(
        stick=random.randrange(_STICKS),
        acts=tuple((random.choice(ACTS), random.randrange(1 << 20)) for _ in range(random.randrange(3))),
        yank_at_byte=random.choice((None, yank_at_byte)),
        alters_inside=random.randrange(2) == 0,
    )


class Storm:
    """One job and three sticks.

    Attributes:
        is_judged: What the job said is being compared with what is there.
    """

    def __init__(self, place: Place, folder: Path, blank: Path) -> None:
        self.place = place
        self.folder = folder
        self.images = [folder / f"{number}.img" for number in range(_STICKS)]
        self.blank = blank
        for image in self.images:
            copy_sparse(blank, image)
        self.job = place.job()
        self.full: set[Path] = set()
        self.is_judged = False
        self.written = self.journaled()

    def journaled(self) -> dict[str, int]:
        """Return the last archive of each name that the journal calls written."""
        return {
            state.name: state.written_sequence
            for state in self.place.status().archives
            if state.written_sequence is not None
        }

    def on_a_pc(self, image: Path, act: str, number: int) -> None:
        """Do to a stick what a PC, its owner or its age do."""
        paths = sorted(files_on(image, pulled=True)) if act in {"alter", "delete"} else []
        match act:
            case "empty":
                empty(image)
                self.full.discard(image)
            case "fill":
                self.full.add(image)
                # a PC believes what an unclean pull left in the FS information sector
                with contextlib.suppress(StickError, subprocess.CalledProcessError):
                    fill(image, number % _JOB_BYTES, self.folder)
            case "alter" if paths:
                # it cannot be told where it lies, or the PC refuses a stick that was pulled
                with contextlib.suppress(ValueError, subprocess.CalledProcessError):
                    alter(image, paths[number % len(paths)])
            case "delete" if paths:
                with contextlib.suppress(subprocess.CalledProcessError):
                    mtools(image, "mdel", f"::{paths[number % len(paths)]}")
            case "litter":
                (self.folder / "litter").write_bytes(b"x")
                with contextlib.suppress(Exception):  # no room, or no folder
                    mtools(image, "mcopy", "-o", str(self.folder / "litter"), "::public/.DS_Store")
            case "take a name":
                archives = self.place.archives_made(self.job)
                names = ["next-visit.ics", "public", *(each.archive_name for each in archives)]
                (self.folder / "taken").write_bytes(b"of the operator")
                with contextlib.suppress(Exception):  # it is taken
                    mtools(
                        image, "mcopy", "-n", str(self.folder / "taken"), f"::{names[number % len(names)]}"
                    )

    def insert(self, each: Round) -> None:
        """Put a stick in, let the job run, pull it, and compare what was said with what is there."""
        image = self.images[each.stick]
        for act, number in each.acts:
            self.on_a_pc(image, act, number)
        before = {*files_on(image, pulled=True).values()}
        altered = False

        def alter_inside(progress: Progress, step: int) -> None:
            nonlocal altered
            if each.alters_inside and not altered and step == 3 and progress.what == "key":
                found = [path for path in files_on(image) if path.endswith((".age", ".json"))]
                with contextlib.suppress(ValueError, IndexError):
                    alter(image, found[0])
                    altered = True

        stick = self.place.insert(image=image, yank_at_byte=each.yank_at_byte)
        is_ok = False
        try:
            results = self.job.run(stick, alter_inside)
            is_ok = True
            assert [bool(result.sequence) for result in results] == [False, True, True]
        except StickGoneError:
            assert each.yank_at_byte is not None
        except StickFullError:
            assert image in self.full
        finally:
            self.place.sticks.pull()
        self.is_judged = True
        self.compare(image, before, is_ok=is_ok, altered=altered)
        self.is_judged = False

    def compare(self, image: Path, before: set[str], *, is_ok: bool, altered: bool) -> None:
        """Fail where something was called written and is not there."""
        archives = self.place.archives_made(self.job)
        files = files_on(image, pulled=not is_ok)
        there = {*files.values()}
        # what was begun has the receipt's bytes, and says nothing yet
        receipts = {digest for path, digest in files.items() if path.startswith("pism-receipt-")}
        if is_ok:
            assert len(archives) == 2
            assert all(hashes_of(archive) <= there for archive in archives)
        journaled = self.journaled()
        if not altered:
            for archive in archives:
                is_new = journaled.get(archive.name) == archive.sequence != self.written.get(archive.name)
                receipt = _receipt_hash(archive)
                if is_new or receipt in receipts - before:
                    assert hashes_of(archive) <= there
        if is_ok:
            assert journaled == {archive.name: archive.sequence for archive in archives}
        self.written = journaled

    def close(self) -> None:
        """A good stick finishes the job."""
        good = self.folder / "good.img"
        copy_sparse(self.blank, good)
        self.images.append(good)
        self.insert(Round(stick=_STICKS))
        archives = self.place.archives_made(self.job)
        assert self.written == {archive.name: archive.sequence for archive in archives}
        self.job.close()
        self.place.jobs.remove(self.job)


def _receipt_hash(archive: rs.ArchiveWritten) -> str:
    (receipt,) = (each.data for each in archive.companions if each.path.endswith(".json"))
    assert json.loads(receipt)["receipt"]["sequence"] == archive.sequence
    return sha256(receipt).hexdigest()


class Weather:
    """Storm after storm in one place, which is made anew before its journal grows long."""

    def __init__(self, folder: Path, fuzzer: Fuzzer) -> None:
        self.folder = folder
        self.fuzzer = fuzzer
        self.blank = folder / "blank.img"
        make_image(self.blank, "PISM-ALL", MIN_BYTES)
        self.place: Place | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.place is not None:
            self.place.close()

    def storm(self, random: Random) -> None:
        """Run one job through some insertions, and a good one at last."""
        counted = self.fuzzer.counted
        if self.place is None or counted["jobs"] % _JOBS_A_PLACE == 0:
            if self.place is not None:
                self.place.close()
            self.place = Place(Path(mkdtemp(dir=self.folder)))
        counted.update({"jobs": 1, "false ok": 0, "unfinished": 0})
        with TemporaryDirectory(dir=self.folder) as folder:
            storm = Storm(self.place, Path(folder), self.blank)
            try:
                for _ in range(random.randint(1, _ROUNDS_A_JOB)):
                    counted["insertions"] += 1
                    with self.fuzzer.answer(_LONGEST_S):
                        storm.insert(draw_round(random))
                counted["insertions"] += 1
                storm.close()
            except BaseException:
                counted["false ok" if storm.is_judged else "unfinished"] += 1
                raise


@pytest.mark.parametrize("shard", range(SHARDS))
def test_what_is_called_written_is_there_and_a_good_stick_finishes_the_job(
    tmp_path: Path, fuzzer: Fuzzer, shard: int
) -> None:
    with Weather(tmp_path, fuzzer) as weather:
        fuzzer.run(
            weather.storm,
            until=lambda: fuzzer.counted["insertions"] * SHARDS >= INSERTIONS,
            first=shard * 1_000_000,
        )
