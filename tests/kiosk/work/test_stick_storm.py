"""Sticks that are pulled, exchanged, emptied, filled and altered, between and inside all steps of a job.

Whatever happens: what the job, the receipts and the journal call written is on the stick that is in, as
mtools alone reads it; and a good stick always finishes the job. `make fuzz` makes many more than CI.
"""

import contextlib
import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from core.api import results as rs
from core.progress import Progress
from hw.errors import StickError, StickFullError, StickGoneError
from hw.fat.mkfs import MIN_BYTES, make_image
from tests.kiosk.place import Place, alter, copy_sparse, empty, files_on, fill, hashes_of, mtools

pytestmark = pytest.mark.judge

SHARDS: Final = 6
INSERTIONS: Final = int(os.environ.get("PISM_FUZZ_INSERTIONS", "300"))
_INSERTIONS_A_JOB: Final = 4
_STICKS: Final = 3
_JOB_BYTES: Final = 500_000
ACTS: Final = ("nothing", "empty", "fill", "alter", "delete", "litter", "take a name")


@dataclass(frozen=True)
class Round:
    """One insertion, and what a PC does to the stick before."""

    stick: int
    acts: tuple[tuple[str, int], ...]
    yank_at_byte: int | None
    alters_inside: bool


_ACT = some.tuples(some.sampled_from(ACTS), some.integers(0, 1 << 20))
ROUNDS = some.lists(
    some.builds(
        Round,
        stick=some.integers(0, _STICKS - 1),
        acts=some.lists(some.tuples(some.sampled_from(ACTS), some.integers(0, 1 << 20)), max_size=2).map(
            tuple
        ),
        yank_at_byte=some.one_of(some.none(), some.integers(0, _JOB_BYTES)),
        alters_inside=some.booleans(),
    ),
    min_size=_INSERTIONS_A_JOB - 2,
    max_size=_INSERTIONS_A_JOB,
)


class Storm:
    """One job and three sticks."""

    def __init__(self, place: Place, folder: Path, blank: Path) -> None:
        self.place = place
        self.folder = folder
        self.images = [folder / f"{number}.img" for number in range(_STICKS)]
        self.blank = blank
        for image in self.images:
            copy_sparse(blank, image)
        self.job = place.job()
        self.full: set[Path] = set()
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
        paths = sorted(files_on(image))
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
                with contextlib.suppress(ValueError):  # it cannot be told where it lies
                    alter(image, paths[number % len(paths)])
            case "delete" if paths:
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
        before = {*files_on(image).values()}
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
        self.compare(image, before, is_ok=is_ok, altered=altered)

    def compare(self, image: Path, before: set[str], *, is_ok: bool, altered: bool) -> None:
        """Fail where something was called written and is not there."""
        archives = self.place.archives_made(self.job)
        files = files_on(image)
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
        self.insert(Round(stick=_STICKS, acts=(), yank_at_byte=None, alters_inside=False))
        archives = self.place.archives_made(self.job)
        assert self.written == {archive.name: archive.sequence for archive in archives}
        self.job.close()
        self.place.jobs.remove(self.job)


def _receipt_hash(archive: rs.ArchiveWritten) -> str:
    (receipt,) = (each.data for each in archive.companions if each.path.endswith(".json"))
    assert json.loads(receipt)["receipt"]["sequence"] == archive.sequence
    return sha256(receipt).hexdigest()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    place = Place(tmp_path_factory.mktemp("storm"))
    with contextlib.closing(place):
        yield place


@pytest.fixture(scope="module")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    image = tmp_path_factory.mktemp("blank") / "blank.img"
    make_image(image, "PISM-ALL", MIN_BYTES)
    return image


@pytest.mark.parametrize("shard", range(SHARDS))
def test_what_is_called_written_is_there_and_a_good_stick_finishes_the_job(
    place: Place, blank: Path, shard: int
) -> None:
    inserted = 0

    @settings(
        max_examples=INSERTIONS // SHARDS // _INSERTIONS_A_JOB + 1,
        database=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(ROUNDS)
    def weather(rounds: list[Round]) -> None:
        nonlocal inserted
        with TemporaryDirectory() as folder:
            storm = Storm(place, Path(folder), blank)
            for each in rounds:
                storm.insert(each)
                inserted += 1
            storm.close()
            inserted += 1

    weather()
    print(f"shard {shard}: {inserted} insertions")  # shown by make fuzz
