"""A look at a stick while the box is locked, on twins and without a vault."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hw.fat.volume import open_volume
from hw.ports import Stick
from kiosk.work.job import RunJob
from kiosk.work.kept_sizes import keep_sizes, read_sizes
from kiosk.work.look import LEAST_BYTES, LookAtStick, StickLooked
from tests.kiosk.live import STEPS, Bench, lay_authority
from tests.kiosk.place import fill


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Bench(lay_authority(tmp_path, topped_up=True)) as bench:
        yield bench


def look(bench: Bench, stick: Stick, steps: tuple[str, ...] = STEPS) -> StickLooked:
    """Return what a locked box sees of a stick."""
    looked: StickLooked = bench.do(LookAtStick(stick=stick, steps=steps))
    return looked


def nearly_full(bench: Bench, left_bytes: int) -> Path:
    """Return a stick with so much room, or a little more."""
    image = bench.twins.sticks.make("PISM-ALL")
    fill(image, left_bytes, bench.folder)
    return image


def test_write_protection_and_want_of_room_are_seen(bench: Bench) -> None:
    assert look(bench, bench.insert()) == StickLooked()
    assert look(bench, bench.insert(read_only=True)) == StickLooked(read_only=True)
    assert look(bench, bench.insert(full=True)) == StickLooked(needs_bytes=2 * LEAST_BYTES, is_least=True)


def test_what_the_steps_needed_last_is_what_they_need(bench: Bench) -> None:
    stick = bench.twins.sticks.insert(nearly_full(bench, 500_000))
    assert look(bench, stick) == StickLooked()
    keep_sizes(bench.folder / "own", {"export main-kudo": 300_000, "backup main-backup": 400_000})
    assert look(bench, stick, STEPS[:2]) == StickLooked()
    looked = look(bench, stick)
    assert (looked.needs_bytes, looked.is_least) == (700_000, False)
    assert 490_000 < looked.free_bytes < 510_000


def test_a_job_leaves_the_sizes_of_its_archives_and_so_does_one_that_found_no_room(bench: Bench) -> None:
    own = bench.folder / "own"
    bench.unlock()
    bench.do(RunJob(stick=bench.insert(full=True), steps=STEPS))
    foreseen = read_sizes(own)
    assert {*foreseen} == {*STEPS[1:]}
    bench.twins.sticks.pull()
    stick = bench.insert()
    bench.do(RunJob(stick=stick, steps=STEPS))
    made = read_sizes(own)
    assert {*made} == {*STEPS[1:]}
    with open_volume(stick.node) as volume:
        used = sum(item.size_bytes for item in volume.list() if "main-backup-0" in item.name)
    assert used <= made["backup main-backup"] < used + 20_000
    assert all(abs(foreseen[step] - made[step]) < 40_000 for step in made)


def test_a_stick_that_is_out_or_is_no_fat32_is_no_error(bench: Bench) -> None:
    stick = bench.insert()
    bench.twins.sticks.pull()
    assert look(bench, stick) == StickLooked()
    assert look(bench, bench.twins.sticks.insert(bench.twins.sticks.make("", blank=True))) == StickLooked()


def test_a_stick_is_looked_at_once_an_insertion_and_anew_when_it_is_in_again(bench: Bench) -> None:
    image = nearly_full(bench, 10_000)
    stick = bench.twins.sticks.insert(image)
    assert look(bench, stick).needs_bytes
    keep_sizes(bench.folder / "own", {"export main-kudo": 1, "backup main-backup": 1})
    assert look(bench, stick).needs_bytes
    bench.twins.sticks.pull()
    assert look(bench, bench.twins.sticks.insert(image)) == StickLooked()


def test_nothing_is_written_though_a_pull_left_its_root_open_at_its_end(bench: Bench) -> None:
    image = bench.twins.sticks.make("PISM-ALL")
    with image.open("r+b") as file:  # a pull left the root leading to a free cluster
        sector = file.read(512)
        reserved = int.from_bytes(sector[14:16], "little")
        root = int.from_bytes(sector[44:48], "little")
        file.seek(reserved * 512 + root * 4)
        file.write((5000).to_bytes(4, "little"))
    before = image.read_bytes()
    look(bench, bench.twins.sticks.insert(image))
    assert image.read_bytes() == before
    with open_volume(image):
        assert image.read_bytes() != before, "a job closes it"
