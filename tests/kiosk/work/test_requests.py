"""A job whose stick brings signing requests: on a real vault and real FAT images."""

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.api import requests as rq
from core.api import results as rs
from core.api.csr_files import MAX_REQUEST_BYTES
from core.crypto.keys import make_key
from hw.errors import StickGoneError
from hw.fat.volume import open_volume
from hw.ports import Stick
from kiosk.work.job import Job, RequestsFound, RunJob
from kiosk.work.requests import read_requests
from kiosk.work.session import VaultRefusalError, start_vault
from kiosk.work.worker import Progressed
from tests.hw.images import mtools
from tests.kiosk.live import NOW, PASSPHRASE, STEPS, Bench, lay_authority, open_twins
from tests.signing_requests import make_request

ONE, TWO, THREE = (f"services.gate.{number}.csr" for number in (1, 2, 3))


class Desk:
    """An unlocked vault with a target that takes requests, and sticks."""

    def __init__(self, folder: Path) -> None:
        self.folder = lay_authority(folder, topped_up=True, own_key=True)
        self.board = open_twins(folder)
        assert self.board.twins is not None
        self.sticks = self.board.twins.sticks
        self.session = start_vault(folder / "state", folder / "config.yaml")
        self.session.ask(rq.Unlock(passphrase=PASSPHRASE, now=NOW), rs.Unlocked)

    def job(self, steps: tuple[str, ...] = STEPS) -> Job:
        return Job(
            self.session,
            steps,
            now=NOW,
            open_volume=self.board.open_volume,
            spool=self.folder / "spool",
            stopping=threading.Event(),
        )

    def image(self, files: dict[str, bytes], label: str = "PISM-ALL", folder: str = "requests") -> Path:
        image = self.sticks.make(label)
        with open_volume(image) as volume:
            for name, data in files.items():
                volume.put_small(f"{folder}/{name}", data)
        return image

    def insert(self, files: dict[str, bytes], label: str = "PISM-ALL", folder: str = "requests") -> Stick:
        return self.sticks.insert(self.image(files, label, folder))

    @staticmethod
    def read(stick: Stick, name: str) -> bytes:
        with open_volume(stick.node) as volume:
            return volume.get(f"requests/{name}", MAX_REQUEST_BYTES)

    def open_gaps(self) -> int:
        report = self.session.ask(rq.AskStatus(now=NOW), rs.StatusReport)
        return sum(due.gaps for due in report.requests)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    with contextlib.closing(desk.session):
        yield desk


def quiet(*_progress: object) -> None:
    """Take progress and go on."""


def approvals(rows: tuple[rs.RequestSummary, ...]) -> tuple[str, ...]:
    return tuple(row.approval for row in rows if row.approval)


def test_approved_requests_are_signed_before_the_top_up_and_exported(desk: Desk) -> None:
    job, stick = desk.job(), desk.insert({ONE: make_request(), TWO: make_request()})
    rows = job.find_requests(stick)
    assert [(row.file, row.class_name, row.target, row.code) for row in rows] == [
        (ONE, "services", "gate", ""),
        (TWO, "services", "gate", ""),
    ]
    assert rows[0].subject == "CN=gate 7"
    job.answer_requests(approvals(rows))
    assert job.find_requests(stick) == ()
    results = job.run(stick, quiet)
    assert (results[0].issued, results[0].requested) == (2, 2)
    assert [result.sequence for result in results] == [0, 1, 1]
    assert desk.open_gaps() == 0
    job.close()


def test_what_was_left_or_refused_is_not_signed_and_the_rest_goes_on(desk: Desk) -> None:
    files = {ONE: make_request(), TWO: make_request(), THREE: b"?", "x.csr": b"", "Thumbs.db": b"litter"}
    job, stick = desk.job(), desk.insert(files)
    rows = job.find_requests(stick)
    assert [(row.file, row.code) for row in rows] == [
        (ONE, ""),
        (TWO, ""),
        (THREE, "E-REQUEST"),
        ("x.csr", "E-REQUEST-NAME"),
    ]
    job.answer_requests((rows[1].approval,))
    assert job.run(stick, quiet)[0].requested == 1
    assert desk.open_gaps() == 1
    job.close()


def test_a_stick_without_requests_asks_nothing(desk: Desk) -> None:
    for files, folder in (({}, "requests"), ({ONE: make_request()}, "elsewhere")):
        job = desk.job()
        stick = desk.insert(files, folder=folder)
        assert job.find_requests(stick) == ()
        assert job.run(stick, quiet)[0].requested == 0
        job.close()
        desk.sticks.pull(stick)


def test_a_stick_that_asks_for_no_top_up_says_that_its_requests_are_not_signed(desk: Desk) -> None:
    stick = desk.insert({ONE: make_request()})
    job = desk.job(("export main-kudo",))
    (row,) = job.find_requests(stick)
    assert (row.file, row.code, row.approval) == (ONE, "E-REQUEST-PLACE", "")
    job.answer_requests(())
    assert job.find_requests(stick) == ()
    assert desk.job(("top-up",)).find_requests(None) == ()


def test_nothing_in_the_folder_is_passed_over_but_litter(desk: Desk) -> None:
    named = ("services.gate.csr.txt", "services.gate.req", "gate.csr", "photo.jpg")
    files = {name: make_request() for name in named}
    files |= dict.fromkeys((".DS_Store", "._services.gate.csr", "Thumbs.db", "desktop.ini"), b"litter")
    files["photo.jpg"] = bytes(2 * MAX_REQUEST_BYTES)  # not read: its name refuses it
    image = desk.image(files)
    mtools(image, "mmd", "::requests/more")
    rows = desk.job().find_requests(desk.sticks.insert(image))
    assert {row.file: row.code for row in rows} == {
        **dict.fromkeys(named, "E-REQUEST-NAME"),
        "more": "E-REQUEST-PLACE",
    }
    assert next(row.text for row in rows if row.file == named[0]).endswith("it ends in .txt")


def test_what_looks_like_a_request_outside_the_folder_is_told(desk: Desk) -> None:
    files = {
        "services.gate.csr": make_request(),
        "gate.csr.txt": b"?",
        "csr/a.csr": b"?",
        "notes.txt": b"mine",
    }
    image = desk.sticks.make("PISM-ALL")
    with open_volume(image) as volume:
        for name, data in files.items():
            volume.put_small(name, data)
    rows = desk.job().find_requests(desk.sticks.insert(image))
    assert [(row.file, row.code) for row in rows] == [
        (name, "E-REQUEST-PLACE") for name in ("csr", "gate.csr.txt", "services.gate.csr")
    ]


def test_the_folder_may_be_written_in_capitals(desk: Desk) -> None:
    stick = desk.insert({ONE.upper(): make_request()}, folder="REQUESTS")
    assert [row.code for row in desk.job().find_requests(stick)] == [""]


def test_requests_that_have_their_certificate_are_not_shown_again(desk: Desk) -> None:
    stick = desk.insert({ONE: make_request()})
    job = desk.job()
    job.answer_requests(approvals(job.find_requests(stick)))
    job.run(stick, quiet)
    job.close()
    assert desk.job().find_requests(stick) == ()


def test_what_is_answered_holds_though_another_stick_comes(desk: Desk) -> None:
    """Signed once, and exported onto the stick that came instead."""
    image = desk.image({ONE: make_request()})
    stick = desk.sticks.insert(image)
    job = desk.job(("top-up", "export main-kudo"))
    job.answer_requests(approvals(job.find_requests(stick)))
    desk.sticks.pull(stick)
    with pytest.raises(StickGoneError):
        job.run(stick, quiet)
    other = desk.insert({TWO: make_request()}, "PISM-EXPORT")
    assert [(row.file, row.code, row.approval) for row in job.find_requests(other)] == LATE
    job.answer_requests(())
    results = job.run(other, quiet)
    assert (results[0].requested, results[1].sequence) == (1, 1)
    job.close()


LATE = [(TWO, "E-REQUEST-LATE", "")]


def test_requests_of_a_stick_that_comes_after_the_top_up_are_told_once_and_wait_for_the_next_job(
    desk: Desk,
) -> None:
    first = desk.insert({ONE: make_request()})
    job = desk.job(("top-up", "export main-kudo"))
    job.answer_requests(approvals(job.find_requests(first)))
    desk.sticks.pull(first)
    with pytest.raises(StickGoneError):
        job.run(first, quiet)  # it gets as far as the top-up
    files = {ONE: desk.read(first, ONE), TWO: make_request(), "services.gate.req": b"?"}
    other = desk.insert(files)
    rows = job.find_requests(other)
    assert [(row.file, row.code, row.approval) for row in rows] == [
        *LATE,
        ("services.gate.req", "E-REQUEST-NAME", ""),
    ], "the one that was signed has come back, and nothing is said of it"
    job.answer_requests(())
    assert job.find_requests(other) == ()
    assert [result.requested for result in job.run(other, quiet)] == [1, 0]
    job.close()
    again = desk.job()
    assert [(row.file, row.code) for row in again.find_requests(other)][:1] == [(TWO, "")]


def test_a_stick_that_brings_the_first_request_after_the_top_up_says_so(desk: Desk) -> None:
    job, empty = desk.job(("top-up", "export main-kudo")), desk.insert({})
    assert job.find_requests(empty) == ()
    desk.sticks.pull(empty)
    with pytest.raises(StickGoneError):
        job.run(empty, quiet)
    other = desk.insert({TWO: make_request()})
    assert [(row.file, row.code, row.approval) for row in job.find_requests(other)] == LATE
    desk.sticks.pull(other)
    other = desk.sticks.insert(other.node)
    assert [row.code for row in job.find_requests(other)] == ["E-REQUEST-LATE"], "it was pulled before #"
    job.answer_requests(())
    assert job.find_requests(other) == ()
    assert desk.open_gaps() == 2
    job.close()


def test_a_stick_pulled_before_the_answer_is_read_again(desk: Desk) -> None:
    stick = desk.insert({ONE: make_request()})
    job = desk.job()
    first = job.find_requests(stick)
    desk.sticks.pull(stick)
    again = desk.sticks.insert(stick.node)
    assert job.find_requests(again) == first


def test_a_refusal_by_the_vault_shows_the_requests_anew(desk: Desk) -> None:
    """Somebody else filled the gaps between question and answer."""
    stick = desk.insert({ONE: make_request(), TWO: make_request()})
    slow, quick = desk.job(), desk.job()
    slow.answer_requests(approvals(slow.find_requests(stick))[:1])
    desk.sticks.pull(stick)
    other = desk.insert(
        {"services.gate.a.csr": make_request(), "services.gate.b.csr": make_request()}, "PISM-EXPORT"
    )
    quick.answer_requests(approvals(quick.find_requests(other)))
    quick.run(other, quiet)
    quick.close()
    desk.sticks.pull(other)
    stick = desk.sticks.insert(stick.node)
    with pytest.raises(VaultRefusalError) as raised:
        slow.run(stick, quiet)
    assert raised.value.failed.code == "E-REQUEST-GAP"
    assert {row.code for row in slow.find_requests(stick)} == {"E-REQUEST-GAP"}
    slow.answer_requests(())
    assert slow.run(stick, quiet)[0].requested == 0
    slow.close()


def test_files_are_bounded_in_size_and_number(desk: Desk) -> None:
    files = {ONE: bytes(MAX_REQUEST_BYTES + 1), TWO: make_request(make_key("p256"))}
    rows = desk.job().find_requests(desk.insert(files))
    assert [(row.file, row.code) for row in rows] == [(TWO, "E-REQUEST-KEY"), (ONE, "E-REQUEST")]


def test_of_very_many_files_the_first_by_name_are_read(tmp_path: Path) -> None:
    lay_authority(tmp_path, topped_up=True, own_key=True)
    board = open_twins(tmp_path)
    assert board.twins is not None
    image = board.twins.sticks.make("PISM-ALL")
    with open_volume(image) as volume:
        for number in (4, 1, 3, 0, 2):
            volume.put_small(f"requests/services.gate.{number}.csr", b"?")
        files, refused = read_requests(volume, volume.list(), most=3)
    assert [file.name for file in files] == [f"services.gate.{n}.csr" for n in range(3)]
    assert [(row.file, row.code) for row in refused] == [("2 more", "E-REQUEST-MANY")]


def test_a_worker_asks_before_it_works_and_goes_on_with_the_answer(tmp_path: Path) -> None:
    lay_authority(tmp_path, topped_up=True, own_key=True)
    with Bench(tmp_path) as bench:
        bench.unlock()
        image = bench.twins.sticks.make("PISM-ALL")
        with open_volume(image) as volume:
            volume.put_small(f"requests/{ONE}", make_request())
        stick = bench.twins.sticks.insert(image)
        found = bench.do(RunJob(stick=stick, steps=STEPS))
        assert isinstance(found, RequestsFound)
        assert not any(isinstance(news, Progressed) for news in bench.seen)
        done = bench.do(RunJob(stick=stick, steps=STEPS, approved=approvals(found.requests)))
        assert done.steps[0].requested == 1
