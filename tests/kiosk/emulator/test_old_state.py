"""A stick tells the box that an older state folder was put back."""

import shutil
from pathlib import Path

from core.api.wire import Failed
from kiosk.work.job import JobDone, RunJob
from tests.kiosk.live import STEPS, Bench, lay_authority


def test_a_stick_with_a_later_receipt_stops_the_work_before_anything_is_signed(tmp_path: Path) -> None:
    folder = lay_authority(tmp_path / "box", topped_up=True)
    shutil.copytree(folder / "state", tmp_path / "old")
    with Bench(folder) as bench:
        bench.unlock()
        stick = bench.insert()
        assert isinstance(bench.do(RunJob(stick=stick, steps=STEPS)), JobDone)
        bench.worker.close_vault()
    shutil.rmtree(folder / "state")
    shutil.copytree(tmp_path / "old", folder / "state")
    with Bench(folder) as bench:
        bench.unlock()
        stick = bench.twins.sticks.insert(bench.twins.sticks.images()[0])
        answer = bench.do(RunJob(stick=stick, steps=STEPS))
        assert isinstance(answer, Failed)
        assert answer.code == "E-STATE-OLD"


def test_a_stick_from_the_last_visit_is_welcome(tmp_path: Path) -> None:
    folder = lay_authority(tmp_path / "box", topped_up=True)
    with Bench(folder) as bench:
        bench.unlock()
        stick = bench.insert()
        assert isinstance(bench.do(RunJob(stick=stick, steps=STEPS)), JobDone)
        assert isinstance(bench.do(RunJob(stick=stick, steps=STEPS)), JobDone)
