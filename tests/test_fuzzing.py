"""The fuzzers' own figures: memory is that of the inputs, not of what ran before in the same process."""

import subprocess
import sys
from typing import Any

from tests.fuzzing import Fuzzer
from tests.kiosk.command import ROOT

_MIB = 1024
_TAKE = "data = bytearray({}); data[::4096] = bytes(len(data[::4096]))"


def take_in_a_child(mebibytes: int) -> None:
    subprocess.run([sys.executable, "-c", _TAKE.format(mebibytes << 20)], check=True)


def peak_of(check: Any) -> int:
    figures: list[dict[str, Any]] = []
    Fuzzer("memory", 0, figures.append).run(check, inputs=1)
    peak: int = figures[0]["peak_kib"]
    return peak


def test_what_ran_before_is_not_counted() -> None:
    take_in_a_child(300)
    before = bytearray(b"x" * (200 << 20))
    assert peak_of(lambda _: None) < 100 * _MIB
    assert before


def test_what_an_input_takes_is_counted_though_it_is_gone() -> None:
    assert 190 * _MIB < peak_of(lambda _: len(b"x" * (200 << 20))) < 300 * _MIB


def test_what_a_child_of_an_input_took_is_counted() -> None:
    """In a process of its own: of all children that ended the kernel keeps the largest only."""
    program = "from tests import test_fuzzing as it; print(it.peak_of(lambda _: it.take_in_a_child(200)))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert 190 * _MIB < int(done.stdout) < 300 * _MIB
