"""The time left: how far it is off, while a top-up and the archives after it are done.

Each runs on one core, and its clock is the processor time that it takes, so that nothing else on the machine
counts; ten times as long as here, as on the box, since estimates begin after two seconds. Looked at is what
the panel would say from a tenth of the way to nine tenths, against what it then took.

Run by `make bench`, or alone: `python tests/bench/bench_time_left.py`. Prints what it saw.
"""

import os
import statistics
import time
from pathlib import Path

import pytest

from core.authority.authority import Authority
from core.progress import Progress
from core.store.keyslots import KdfCost
from kiosk.work.time_left import TimeLeft
from tests.authority_store import PASSPHRASE
from tests.bench.children import Measured, run, serve, step
from tests.bench.loads import NOW, bench_policy

SLOWER = 10
MAX_ERROR = 0.25
LOADS = {"ed25519": 3000, "p384": 1500, "mldsa65": 1500, "rsa3072": 200}


def clock() -> float:
    return time.process_time() * SLOWER


class Panel:
    """Hears of progress as the kiosk does, and notes what it would say is left, and when."""

    def __init__(self) -> None:
        self._left = TimeLeft(clock)
        self._began = clock()
        self._said: list[tuple[float, int]] = []

    def hear(self, progress: Progress) -> None:
        """Take a word of progress."""
        left = self._left.seconds_left(0, *progress.scale, of_phases=bool(progress.work_total))
        if left is not None:
            self._said.append((clock(), left))

    def errors(self) -> list[float]:
        """Return by which part of the truth each word was off, rounding to seconds taken off."""
        ended = clock()
        whole = ended - self._began
        return [
            max(0.0, abs(left - (ended - at)) - 0.5) / (ended - at)
            for at, left in self._said
            if 0.1 < (at - self._began) / whole < 0.9
        ]


@step
def foretell(folder: Path, count: int) -> Measured:
    """Top up, export and back up, with the algorithm that the folder names; return how far words were off."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    authority = Authority.found(
        folder, bench_policy(count, algorithm=folder.name), PASSPHRASE, KdfCost(), NOW
    )
    measured: Measured = {}
    panel = Panel()
    authority.top_up(NOW, panel.hear)
    measured |= summary("top-up", panel)
    for kind, name in (("egress", "main-kudo"), ("backup", "main-backup")):
        panel = Panel()
        with (folder / kind).open("wb") as out:
            authority.write_archive(kind, name, out, NOW, panel.hear, public=False)
        measured |= summary(kind, panel)
    authority.close()
    return measured


def summary(what: str, panel: Panel) -> Measured:
    """Return the error that nine in ten words keep, where there were any."""
    errors = panel.errors()
    return {what: statistics.quantiles(errors, n=10)[-1]} if len(errors) > 1 else {}


@pytest.mark.bench
@pytest.mark.parametrize("algorithm", LOADS)
def test_the_time_left_is_right_within_a_quarter(algorithm: str, tmp_path: Path) -> None:
    seen = run(foretell, tmp_path / algorithm, LOADS[algorithm])
    for what, error in seen.items():
        print(
            f"\n{algorithm}, {LOADS[algorithm]} signers, {what}: off by {error:.0%} (at most {MAX_ERROR:.0%})"
        )
    assert max(seen.values()) <= MAX_ERROR


if __name__ == "__main__":
    serve(__file__)
