"""Top-up of many Ed25519 signers: time against a bare loop, and peak memory; each in a process of its own.

The bare loop makes key, certificate and PEM, parses and verifies once (bench_issue). It takes turns with the
top-up, some hundred certificates each, so that whatever else the machine does falls on both.

Run by `make bench`, or alone: `python tests/bench/bench_top_up.py`. Prints what it saw.
"""

import time
from pathlib import Path

import pytest

from core.authority.authority import Authority
from core.progress import Progress, Report, report_nothing
from core.store.keyslots import KdfCost
from tests.authority_store import PASSPHRASE
from tests.bench.bench_issue import issue_barely
from tests.bench.children import Measured, peak_mb, run, serve, step
from tests.bench.loads import NOW, bench_policy
from tests.builders import make_gap, make_issuing_key, make_policy

SMALL, LARGE = 10_000, 20_000
MAX_TIME_RATIO = 1.5
MAX_PEAK_MB = 200
MAX_GROWTH = 1.2
TURN = 200


class BareLoop:
    """Issues as many certificates as the top-up has, whenever it is told of progress."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.count = 0
        self._root = make_issuing_key(make_policy())

    def catch_up(self, progress: Progress) -> None:
        """Make what is missing, in turns of TURN."""
        while progress.what == "signer" and self.count + TURN <= progress.done:
            began = time.perf_counter()
            for lane in range(1, TURN + 1):
                issue_barely(self._root, make_gap(lane=lane))
            self.seconds += time.perf_counter() - began
            self.count += TURN


def top_up(state: Path, count: int, report: Report) -> float:
    """Found an authority, top it up, and return the seconds of the top-up."""
    authority = Authority.found(state, bench_policy(count), PASSPHRASE, KdfCost(), NOW)
    start = time.perf_counter()
    made = authority.top_up(NOW, report)
    seconds = time.perf_counter() - start
    authority.close()
    assert made.signers == count
    return seconds


@step
def race(folder: Path, count: int) -> Measured:
    """Top up and loop barely, by turns."""
    bare = BareLoop()
    seconds = top_up(folder / "race", count, bare.catch_up) - bare.seconds
    return {"seconds": seconds, "bare_seconds": bare.seconds * count / bare.count}


@step
def alone(folder: Path, count: int) -> Measured:
    """Top up and do nothing else: how much memory it takes."""
    seconds = top_up(folder / str(count), count, report_nothing)
    return {"seconds": seconds, "peak_mb": peak_mb()}


@pytest.mark.bench
def test_top_up_of_10000_signers_is_quick_and_its_memory_flat(tmp_path: Path) -> None:
    seen = run(race, tmp_path, SMALL)
    ratio = seen["seconds"] / seen["bare_seconds"]
    print(f"\ntop-up of {SMALL} signers: {seen['seconds']:.2f} s, {ratio:.2f} of a bare loop", end=" ")
    print(f"(at most {MAX_TIME_RATIO})")
    small, large = (run(alone, tmp_path, count)["peak_mb"] for count in (SMALL, LARGE))
    print(f"  peak memory at {SMALL}: {small:.0f} MB (at most {MAX_PEAK_MB})")
    print(f"  at {LARGE}: {large:.0f} MB, {large / small:.2f} of that (at most {MAX_GROWTH})")
    assert ratio <= MAX_TIME_RATIO
    assert small < MAX_PEAK_MB
    assert large < MAX_GROWTH * small


if __name__ == "__main__":
    serve(__file__)
