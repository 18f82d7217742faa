"""Seeded inputs against a rule: few in `make test`, for hours in `make fuzz`, with figures to be quoted.

1. An input comes of the seed, the fuzzer's name and its own number, and of nothing else; a fault is told with
   them. `PISM_FUZZ_SEED=... PISM_FUZZ_FROM=number` and the test's name make it again.
2. A fault does not end the run, the tenth does; then all are told.
3. An answer that takes ten seconds, or memory past a bound, is a fault, too.
"""

import os
import resource
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any, Final

SEED: Final = os.environ.get("PISM_FUZZ_SEED", "1")
FIRST: Final = int(os.environ.get("PISM_FUZZ_FROM", "0"))
SECONDS: Final = float(os.environ.get("PISM_FUZZ_S", "0"))
"""How long all fuzzers together may run, on all workers; 0: each runs its few inputs."""

LONGEST_S: Final = 10.0
MOST_KIB: Final = 1 << 20
_MOST_FAULTS: Final = 10
FIGURES: Final = "fuzzed"
"""Under which name a test's report carries its figures (see `Fuzzer.figures`)."""


class Fuzzer:
    """Runs one rule's inputs, and keeps its figures.

    Args:
        name: Of the rule, in one or two words.
        seconds: How long it goes on; 0: as many inputs as `run` is told.
        record: Is told the figures when a run ends.

    Attributes:
        counted: What else was counted, for the table.
    """

    def __init__(self, name: str, seconds: float, record: Callable[[dict[str, Any]], None]) -> None:
        self.name = name
        self.counted: Counter[str] = Counter()
        self._seconds = seconds
        self._record = record
        self._inputs = 0
        self._longest_s = 0.0
        self._held_kib = self._ended_kib = 0  # what other tests of this process had and left
        self._faults: list[str] = []

    def run(
        self,
        check: Callable[[Random], None],
        *,
        inputs: int = 0,
        until: Callable[[], bool] | None = None,
        first: int = 0,
    ) -> None:
        """Check the rule with one input after the other.

        Args:
            check: Draws an input, and fails where the rule does not hold.
            inputs: How many, where no time was given.
            until: Asked before each; instead of a number and a time.
            first: Number of the first input, where none was asked for.

        Raises:
            AssertionError: With all faults.
        """
        _forget_peak()
        self._held_kib, self._ended_kib = _peak_of(os.getpid()), _ended_kib()
        deadline = time.monotonic() + self._seconds

        def is_enough() -> bool:
            return time.monotonic() >= deadline if self._seconds else self._inputs >= inputs

        while len(self._faults) < _MOST_FAULTS and not (until or is_enough)():
            self._check_one(check, (FIRST or first) + self._inputs)
        if self.peak_kib > MOST_KIB:
            self._faults.append(f"{self.peak_kib} KiB were taken")
        self._record(self.figures)
        assert not self._faults, "\n".join(self._faults)

    def _check_one(self, check: Callable[[Random], None], number: int) -> None:
        self._inputs += 1
        try:
            check(Random(f"{SEED}/{self.name}/{number}"))
        except Exception:  # noqa: BLE001  a fuzzer takes whatever comes, and tells it
            self._faults.append(f"{self.name}, seed {SEED}, input {number}:\n{traceback.format_exc()}")

    @contextmanager
    def answer(self, longest_s: float = LONGEST_S) -> Iterator[None]:
        """Measure one answer of what is fuzzed, which may take so long."""
        start_s = time.monotonic()
        yield
        took_s = time.monotonic() - start_s
        self._longest_s = max(self._longest_s, took_s)
        assert took_s < longest_s, f"an answer took {took_s:.1f} s"

    @property
    def peak_kib(self) -> int:
        """Return the most memory that a child held meanwhile, or this process beyond what it held before.

        Of children that ended the kernel tells the largest of all: it counts where it was one of ours.
        """
        ended = _ended_kib()
        children = max((ended if ended > self._ended_kib else 0, *map(_peak_of, _children())))
        return max(children, _peak_of(os.getpid()) - self._held_kib)

    @property
    def figures(self) -> dict[str, Any]:
        """Return what can be quoted."""
        return {
            "fuzzer": self.name,
            "inputs": self._inputs,
            "faults": len(self._faults),
            "longest_ms": round(self._longest_s * 1000),
            "peak_kib": self.peak_kib,
            "counted": dict(self.counted),
        }


def table(figures: list[dict[str, Any]]) -> list[str]:
    """Return the lines of a table of all fuzzers' figures; the parts of one are put together."""
    lines = [f"{'fuzzer':24} {'inputs':>8} {'faults':>6} {'longest ms':>10} {'most MiB':>8}"]
    for name in sorted({each["fuzzer"] for each in figures}):
        parts = [each for each in figures if each["fuzzer"] == name]
        counted: Counter[str] = Counter()
        for each in parts:
            counted.update(each["counted"])
        lines.append(
            f"{name:24} {sum(each['inputs'] for each in parts):8} {sum(each['faults'] for each in parts):6}"
            f" {max(each['longest_ms'] for each in parts):10}"
            f" {max(each['peak_kib'] for each in parts) // 1024:8}"
            + "".join(f"  {what} {count}" for what, count in sorted(counted.items()))
        )
    return [*lines, f"seed {SEED}"]


def _ended_kib() -> int:
    """Return the most memory that any child held which has ended, in KiB."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss


def _forget_peak() -> None:
    """Have the kernel count this process's peak anew (proc(5), clear_refs)."""
    Path("/proc/self/clear_refs").write_text("5")


def _peak_of(process: int) -> int:
    """Return the most memory that a process held, in KiB; 0 for one that is gone."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)


def _children() -> list[int]:
    """Return this process's children."""
    tasks = Path("/proc/self/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]
