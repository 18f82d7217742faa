"""The promise: what is called written was seen on the stick that is in, after the last write."""

import contextlib
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from core.api import results as rs
from core.progress import Progress
from hw.errors import StickExistsError, StickFullError, StickGoneError, StickVerifyError
from hw.fat.volume import open_volume
from tests.kiosk.live import NOW
from tests.kiosk.place import EXPORT, Place, alter, are_whole, copy_sparse, empty, files_on, fill, mtools


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    with contextlib.closing(place):
        yield place


@pytest.mark.parametrize("left_bytes", [45_000, 60_000, 90_000])
def test_a_stick_that_ran_full_and_was_emptied_gets_every_archive_again(
    place: Place, left_bytes: int, tmp_path: Path
) -> None:
    image = place.sticks.make("PISM-ALL")
    fill(image, left_bytes, tmp_path)
    job = place.job()
    with pytest.raises(StickFullError):
        job.run(place.insert(image=image), place.tell)
    place.sticks.pull()
    empty(image)
    results = job.run(place.insert(image=image), place.tell)
    assert [result.sequence for result in results] == [0, 1, 1]
    assert are_whole(image, place.archives_made(job))


@pytest.mark.parametrize("yank_at_byte", [60_000, 160_000, 260_000, 300_000])
def test_another_stick_gets_every_archive_wherever_the_first_was_pulled(
    place: Place, yank_at_byte: int
) -> None:
    job = place.job()
    with contextlib.suppress(StickGoneError):
        job.run(place.insert(yank_at_byte=yank_at_byte), place.tell)
    place.sticks.pull()
    other = place.insert()
    job.run(other, place.tell)
    assert are_whole(other.node, place.archives_made(job))
    assert len(place.archives_made(job)) == 2


def test_a_stick_pulled_at_any_16_kib_is_good_after_one_more_insertion(place: Place) -> None:
    pulls = 0
    job = place.job()
    for yank_at_byte in range(16_384, 1 << 24, 16_384):
        image = place.sticks.make("PISM-ALL")
        try:
            job.run(place.insert(image=image, yank_at_byte=yank_at_byte), place.tell)
            break  # not pulled any more
        except StickGoneError:
            pulls += 1
        finally:
            place.sticks.pull()
        job.run(place.insert(image=image), place.tell)
        place.sticks.pull()
        assert are_whole(image, place.archives_made(job))
        assert not [path for path in files_on(image) if path.lower().endswith((".part", ".prt"))]
        image.unlink()
    assert pulls > 10


@pytest.mark.parametrize("yank_at_byte", [5_000, 7_000, 9_000])
def test_a_stick_pulled_while_its_root_grows_is_good_after_one_more_insertion(
    place: Place, tmp_path: Path, yank_at_byte: int
) -> None:
    """The next free cluster is far away: its entry and the link to it stand in two sectors of the FAT."""
    image = place.sticks.make("PISM-ALL")
    place.job().run(place.insert(image=image), place.tell)
    place.sticks.pull()
    fill(image, 400_000, tmp_path)
    job = place.job()
    with pytest.raises(StickGoneError):
        job.run(place.insert(image=image, yank_at_byte=yank_at_byte), place.tell)
    place.sticks.pull()
    job.run(place.insert(image=image), place.tell)
    assert are_whole(image, place.archives_made(job))


VISIT = timedelta(days=60)  # a quarter is more than the small authority's clock is believed
PLAIN = ("public/roots.pem", "public/README.txt", "next-visit.ics")


def plain_hashes(archive: rs.ArchiveWritten) -> dict[str, str]:
    """Return path and SHA-256 of what an archive brings without a number."""
    return {each.path: sha256(each.data).hexdigest() for each in archive.companions if not each.numbered}


def test_after_each_of_four_visits_the_plain_names_are_the_newest_files(place: Place) -> None:
    image = place.sticks.make("PISM-ALL")
    for visit in range(4):
        job = place.job(now=NOW + visit * VISIT)
        job.run(place.insert(image=image), place.tell)
        place.sticks.pull()
        newest = plain_hashes(place.archives_made(job)[0])
        there = files_on(image)
        assert {path: there[path] for path in newest} == newest
        assert {*PLAIN} < {*newest}
        assert not [path for path in there if path.startswith(("public-", "next-visit-", "pism-begun"))]
    # Two archives a visit, each with report and receipt; and one page on how to open a backup.
    assert len(there) == len(newest) + 4 * 2 * 3 + 1
    assert "recovery.md" in there


def test_a_file_of_the_operators_keeps_its_name_through_four_visits(place: Place) -> None:
    image = place.sticks.make("PISM-ALL")
    (place.folder / "file").write_bytes(b"of the operator")
    mtools(image, "mcopy", str(place.folder / "file"), "::next-visit.ics")
    for visit in range(4):
        job = place.job(now=NOW + visit * VISIT)
        job.run(place.insert(image=image), place.tell)
        place.sticks.pull()
        assert are_whole(image, place.archives_made(job))
        if visit == 1:  # an edited file is the operator's from then on
            mtools(image, "mcopy", "-o", str(place.folder / "file"), "::public/README.txt")
    for path in ("next-visit.ics", "public/README.txt"):
        assert mtools(image, "mtype", f"::{path}") == b"of the operator"
    assert {"next-visit-main-kudo-000004.ics", "public-main-kudo-000004/README.txt"} <= {*files_on(image)}


def test_a_visit_that_was_cut_anywhere_and_given_up_is_replaced_by_the_next(place: Place) -> None:
    first = place.sticks.make("PISM-ALL")
    place.job(EXPORT).run(place.insert(image=first), place.tell)
    place.sticks.pull()
    image, pulls = place.folder / "cut.img", 0
    given_up = place.job(EXPORT, now=NOW + VISIT)
    later = place.job(EXPORT, now=NOW + VISIT)
    for yank_at_byte in range(4_096, 1 << 24, 24_576):
        copy_sparse(first, image)
        try:
            given_up.run(place.insert(image=image, yank_at_byte=yank_at_byte), place.tell)
            break  # not pulled any more
        except StickGoneError:
            pulls += 1
        finally:
            place.sticks.pull()
        later.run(place.insert(image=image), place.tell)
        place.sticks.pull()
        there, newest = files_on(image), plain_hashes(place.archives_made(later)[0])
        assert {path: there[path] for path in newest} == newest
        assert are_whole(image, place.archives_made(later))
        assert not [path for path in there if path.lower().endswith((".part", ".prt"))]
        assert not [path for path in there if path.startswith(("public-", "next-visit-", "pism-begun"))]
    assert pulls > 10


def test_what_was_altered_while_another_archive_was_made_is_written_again(place: Place) -> None:
    image = place.sticks.make("PISM-ALL")
    altered: list[str] = []

    def alter_the_first(progress: Progress, step: int) -> None:
        if step == 3 and progress.what == "key" and not altered:
            altered.extend(path for path in files_on(image) if path.startswith("main-kudo-"))
            alter(image, altered[0])

    job = place.job()
    job.run(place.insert(image=image), alter_the_first)
    assert altered
    assert are_whole(image, place.archives_made(job))


def test_a_stick_that_alters_what_it_holds_again_and_again_is_not_trusted(place: Place) -> None:
    image = place.sticks.make("PISM-ALL")
    job = place.job()

    def alter_what_was_put(progress: Progress, _step: int) -> None:
        if not progress.what.startswith("reading back") or progress.done != progress.total:
            return
        for path in files_on(image):
            size_bytes = len(mtools(image, "mtype", f"::{path}"))
            if path.startswith("main-kudo-") and progress.total == size_bytes:
                alter(image, path)

    with pytest.raises(StickVerifyError):
        job.run(place.insert(image=image), alter_what_was_put)


def test_numbers_that_come_back_are_not_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "rehearsal").mkdir()
    (tmp_path / "real").mkdir()
    with contextlib.closing(Place(tmp_path / "rehearsal", NOW - timedelta(hours=1))) as rehearsal:
        image = rehearsal.sticks.make("PISM-ALL")
        job = rehearsal.job()
        job.run(rehearsal.insert(image=image), rehearsal.tell)
        theirs = rehearsal.archives_made(job)
    with contextlib.closing(Place(tmp_path / "real")) as real:
        job = real.job()
        job.run(real.insert(image=image), real.tell)
        ours = real.archives_made(job)
    assert [one.archive_name for one in ours] == [one.archive_name for one in theirs]
    assert {one.mark for one in ours}.isdisjoint(one.mark for one in theirs)
    assert are_whole(image, (*theirs, *ours))


def test_a_stick_on_which_no_name_is_left_says_what_to_move(place: Place) -> None:
    image = place.sticks.make("PISM-ALL")
    mark, stem = place.mark(), "pism-receipt-main-kudo-000001"
    taken = ("", f"-{mark}", *(f"-{mark}-{count}" for count in range(2, 100)))
    with open_volume(image) as volume:
        for suffix in taken:
            volume.put_small(f"{stem}{suffix}.json", b"of the operator")
    job = place.job(EXPORT)
    with pytest.raises(StickExistsError, match=f"{stem}.json and a hundred names like it are taken"):
        job.run(place.insert(image=image), place.tell)
    assert place.status().archives[0].written is None
    mtools(image, "mdel", f"::{stem}.json")
    place.sticks.pull()
    job.run(place.insert(image=image), place.tell)
    assert are_whole(image, place.archives_made(job))


def test_a_folder_that_is_called_as_a_file_of_ours_is_left_alone(place: Place) -> None:
    image = place.sticks.make("PISM-ALL")
    for name in ("pism-receipt-main-kudo-000001.json", "next-visit.ics"):
        mtools(image, "mmd", f"::{name}")
    (place.folder / "file").write_bytes(b"of the operator")
    mtools(image, "mcopy", str(place.folder / "file"), "::public")
    job = place.job(EXPORT)
    job.run(place.insert(image=image), place.tell)
    assert are_whole(image, place.archives_made(job))
    assert mtools(image, "mtype", "::public") == b"of the operator"
