"""Top-up of many signers: time against bare loops, and peak memory; each in a process of its own.

The bare loop makes key, certificate and PEM, parses and verifies once (bench_issue). On one core it takes
turns with the top-up, some hundred certificates each, so that whatever else the machine does falls on both;
so does the least that there can be, a key and a signature, and the same verified. On two cores, whole
top-ups and bare loops of one core take turns: those figures want a machine that does nothing else.

Run by `make bench`, or alone: `python tests/bench/bench_top_up.py`. Prints what it saw.
"""

import os
import time
from pathlib import Path

import pytest

from core.authority.authority import Authority
from core.crypto.keys import make_key, sign_bytes, verify_bytes
from core.progress import Progress, Report, report_nothing
from core.store.keyslots import KdfCost
from tests.authority_store import PASSPHRASE
from tests.bench.bench_issue import issue_barely
from tests.bench.children import Measured, peak_mb, run, serve, step
from tests.bench.loads import NOW, bench_policy
from tests.builders import make_gap, make_issuing_key, make_policy

SMALL, LARGE = 10_000, 20_000
MAX_TIME_RATIO = 1.1
MAX_TIME_RATIO_ON_TWO = 0.65
RSA = 200
MAX_RSA_RATIO_ON_TWO = 0.55
ROUNDS = 3
TBS = bytes(560)  # about what is signed
MAX_PEAK_MB = 200
MAX_GROWTH = 1.2
TURN = 200


class BareLoops:
    """Issue as many certificates as the top-up has, whenever it tells of progress; do the least, too."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.least_seconds = 0.0
        self.verified_seconds = 0.0
        self.count = 0
        self._root = make_issuing_key(make_policy())
        self._public_key = self._root.private_key.public_key()

    def catch_up(self, progress: Progress) -> None:
        """Make what is missing, in turns of TURN."""
        while progress.what == "signer" and self.count + TURN <= progress.done:
            began = time.perf_counter()
            for lane in range(1, TURN + 1):
                issue_barely(self._root, make_gap(lane=lane))
            issued = time.perf_counter()
            for _ in range(TURN):
                make_key("ed25519")
                sign_bytes(self._root.private_key, TBS)
            least = time.perf_counter()
            for _ in range(TURN):
                make_key("ed25519")
                verify_bytes(self._public_key, sign_bytes(self._root.private_key, TBS), TBS)
            self.seconds += issued - began
            self.least_seconds += least - issued
            self.verified_seconds += time.perf_counter() - least
            self.count += TURN


def top_up(state: Path, count: int, report: Report, algorithm: str = "ed25519") -> float:
    """Found an authority, top it up, and return the seconds of the top-up."""
    policy = bench_policy(count, algorithm=algorithm)
    authority = Authority.found(state, policy, PASSPHRASE, KdfCost(), NOW)
    start = time.perf_counter()
    made = authority.top_up(NOW, report)
    seconds = time.perf_counter() - start
    authority.close()
    assert made.signers == count
    return seconds


def use_cores(number: int) -> None:
    """Let this process have so many cores."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:number])


@step
def race(folder: Path, count: int) -> Measured:
    """Top up and loop barely, by turns, on one core."""
    use_cores(1)
    bare = BareLoops()
    seconds = top_up(folder / "race", count, bare.catch_up)
    seconds -= bare.seconds + bare.least_seconds + bare.verified_seconds
    each = {"bare": bare.seconds, "least": bare.least_seconds, "verified": bare.verified_seconds}
    return {"seconds": seconds} | {name: spent * count / bare.count for name, spent in each.items()}


@step
def race_on_two(folder: Path, count: int) -> Measured:
    """Top up on two cores and loop barely on one, by turns."""
    use_cores(2)
    seconds = bare_seconds = 0.0
    root = make_issuing_key(make_policy())
    for number in range(ROUNDS):
        seconds += top_up(folder / str(number), count, report_nothing)
        began = time.perf_counter()
        for lane in range(1, count + 1):
            issue_barely(root, make_gap(lane=lane))
        bare_seconds += time.perf_counter() - began
    return {"seconds": seconds / ROUNDS, "bare": bare_seconds / ROUNDS}


@step
def race_of_rsa(folder: Path, count: int) -> Measured:
    """Top up with RSA on two cores, and make as many keys on one."""
    use_cores(2)
    seconds = top_up(folder / "rsa", count, report_nothing, "rsa3072")
    began = time.perf_counter()
    for _ in range(count):
        make_key("rsa3072")
    return {"seconds": seconds, "bare": time.perf_counter() - began}


@step
def alone(folder: Path, count: int) -> Measured:
    """Top up and do nothing else: how much memory it takes."""
    seconds = top_up(folder / str(count), count, report_nothing)
    return {"seconds": seconds, "peak_mb": peak_mb()}


two_cores = pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="this machine has one core")


@pytest.mark.bench
def test_top_up_of_10000_signers_is_quick_on_one_core(tmp_path: Path) -> None:
    seen = run(race, tmp_path, SMALL)
    ratio = seen["seconds"] / seen["bare"]
    print(
        f"\ntop-up of {SMALL} signers, one core: {seen['seconds']:.2f} s, {ratio:.2f} of a bare loop", end=" "
    )
    print(f"(at most {MAX_TIME_RATIO}, goal 1.0)")
    print(f"  {seen['seconds'] / seen['least']:.2f} of key and signature alone,", end=" ")
    print(f"of which verifying makes {seen['verified'] / seen['least']:.2f}")
    assert ratio <= MAX_TIME_RATIO


@two_cores
@pytest.mark.bench
def test_top_up_of_10000_signers_takes_both_cores(tmp_path: Path) -> None:
    seen = run(race_on_two, tmp_path, SMALL)
    ratio = seen["seconds"] / seen["bare"]
    print(
        f"\ntop-up of {SMALL} signers, two cores: {seen['seconds']:.2f} s, {ratio:.2f} of a bare loop",
        end=" ",
    )
    print(f"on one (at most {MAX_TIME_RATIO_ON_TWO})")
    assert ratio <= MAX_TIME_RATIO_ON_TWO


@two_cores
@pytest.mark.bench
def test_top_up_of_200_rsa_signers_takes_both_cores(tmp_path: Path) -> None:
    seen = run(race_of_rsa, tmp_path, RSA)
    ratio = seen["seconds"] / seen["bare"]
    print(f"\ntop-up of {RSA} RSA-3072 signers, two cores: {seen['seconds']:.2f} s, {ratio:.2f} of", end=" ")
    print(f"making the keys on one (at most {MAX_RSA_RATIO_ON_TWO})")
    assert ratio <= MAX_RSA_RATIO_ON_TWO


@pytest.mark.bench
def test_memory_of_a_top_up_is_flat(tmp_path: Path) -> None:
    small, large = (run(alone, tmp_path, count)["peak_mb"] for count in (SMALL, LARGE))
    print(f"\ntop-up of {SMALL}: peak memory {small:.0f} MB (at most {MAX_PEAK_MB})")
    print(f"  of {LARGE}: {large:.0f} MB, {large / small:.2f} of that (at most {MAX_GROWTH})")
    assert small < MAX_PEAK_MB
    assert large < MAX_GROWTH * small


if __name__ == "__main__":
    serve(__file__)
