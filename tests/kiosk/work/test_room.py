"""A stick that cannot take a job is refused before it costs anything, and one that can never is."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.api import requests as rq
from core.api import results as rs
from hw.errors import StickFullError, StickGoneError, StickReadOnlyError
from hw.fat.volume import open_volume
from hw.ports import Stick
from kiosk.work.job import Job
from tests.kiosk.live import NOW, STEPS
from tests.kiosk.place import EXPORT, Place, files_on, fill


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    with contextlib.closing(place):
        yield place


def entries(place: Place) -> int:
    """Return how many entries the journal has."""
    return place.session.ask(rq.AskStatus(now=NOW), rs.StatusReport).journal_sequence


@pytest.mark.parametrize(("fault", "refusal"), [("full", StickFullError), ("read_only", StickReadOnlyError)])
@pytest.mark.parametrize("begin", ["find_requests", "run"])
def test_a_stick_that_cannot_take_the_job_costs_no_top_up_and_no_number(
    place: Place, fault: str, refusal: type[Exception], begin: str
) -> None:
    job, before = place.job(), entries(place)
    stick = place.insert(**{fault: True})
    begins: dict[str, Callable[[], object]] = {
        "find_requests": lambda: job.find_requests(stick),
        "run": lambda: job.run(stick, place.tell),
    }
    with pytest.raises(refusal):
        begins[begin]()
    assert entries(place) == before
    assert place.told == []
    place.sticks.pull()
    assert [step.sequence for step in job.run(place.insert(), place.tell)] == [0, 1, 1]


def test_what_a_stick_lacks_is_said_in_sizes_that_a_person_reads(place: Place) -> None:
    with pytest.raises(StickFullError, match=r"^this job needs about \d+ KB; the stick has 0 KB free$"):
        place.job().run(place.insert(full=True), place.tell)


def short_of_room(place: Place, left_bytes: int) -> Stick:
    """Put in a stick that has not much more room than that."""
    image = place.sticks.make("PISM-ALL")
    fill(image, left_bytes, place.folder)
    return place.insert(image=image)


def test_a_stick_with_room_for_the_first_archive_only_is_refused_for_both(place: Place) -> None:
    room = 110_000
    with pytest.raises(StickFullError):
        place.job(STEPS[1:]).run(short_of_room(place, room), place.tell)
    place.sticks.pull()
    assert place.job(EXPORT).run(short_of_room(place, room), place.tell)[0].sequence == 1


def pulled_job(place: Place, image: Path, yank_at_byte: int) -> Job:
    """Return a job whose stick was pulled after so many bytes."""
    job = place.job(EXPORT)
    with pytest.raises(StickGoneError):
        job.run(place.insert(image=image, yank_at_byte=yank_at_byte), place.tell)
    return job


@pytest.mark.parametrize("yank_at_byte", [40_000, 200_000])
def test_what_a_pulled_stick_of_the_job_holds_already_counts_as_there(
    place: Place, yank_at_byte: int
) -> None:
    image = place.sticks.make("PISM-ALL")
    fill(image, 110_000, place.folder)
    job = pulled_job(place, image, yank_at_byte)
    (done,) = job.run(place.insert(image=image), place.tell)
    assert done.sequence == 1


def test_a_stick_that_holds_all_of_it_is_refused_for_nothing(place: Place) -> None:
    stick = place.insert()
    job = place.job()
    first = job.run(stick, place.tell)
    place.sticks.pull()
    before = files_on(stick.node)
    with open_volume(stick.node) as volume:
        free_bytes = volume.free_bytes
    assert free_bytes > 0
    for faults in ({"full": True}, {"read_only": True}):
        assert job.run(place.insert(image=stick.node, **faults), place.tell) == first
        place.sticks.pull()
    assert files_on(stick.node) == before
