"""What a process asks of the kernel before it sees a secret; the hardened one is a process of its own."""

import ctypes
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from core.crypto.process import (
    available_bytes,
    harden_process,
    lock_memory,
    read_boot,
    read_confined,
    set_dumpable,
    swap_is_on,
)

HARDENED = """
import ctypes, os, resource
from core.crypto.process import harden_process
harden_process()
print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), resource.getrlimit(resource.RLIMIT_CORE))
os.abort()
"""


def test_a_hardened_process_is_not_dumpable_and_leaves_no_core(tmp_path: Path) -> None:
    root = str(Path(__file__).parents[3])
    done = subprocess.run(
        [sys.executable, "-u", "-c", HARDENED],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"PYTHONPATH": root},
    )
    assert done.stdout == "0 (0, 0)\n", done.stderr
    assert done.returncode == -6
    assert list(tmp_path.iterdir()) == []


def test_hardening_forbids_dumps_and_tracing() -> None:
    try:
        harden_process()
        assert ctypes.CDLL(None).prctl(3, 0, 0, 0, 0) == 0
        assert resource.getrlimit(resource.RLIMIT_CORE) == (0, 0)
    finally:
        set_dumpable(1)
        ctypes.CDLL(None).munlockall()
    assert ctypes.CDLL(None).prctl(3, 0, 0, 0, 0) == 1


def test_what_the_kernel_refuses_is_not_passed_over() -> None:
    with pytest.raises(OSError, match="PR_SET_DUMPABLE"):
        set_dumpable(7)


def _locked_kib() -> int:
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if "VmLck" in line]
    return int(line.split()[1])


def test_memory_is_left_alone_under_a_finite_limit() -> None:
    before = _locked_kib()
    lock_memory(8 << 20)
    assert _locked_kib() == before


def test_memory_is_locked_where_the_limit_is_infinite() -> None:
    limit, _ = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    try:
        lock_memory(resource.RLIM_INFINITY)
        # Without the right to it the kernel refuses, and the units are what grants it.
        assert (_locked_kib() > 0) or limit != resource.RLIM_INFINITY
    finally:
        ctypes.CDLL(None).munlockall()


def test_locked_memory_is_taken_as_it_is_used() -> None:
    """Else every thread would take its whole stack, 8 MiB, at once."""
    code = (
        "import resource, threading\n"
        "from pathlib import Path\n"
        "from core.crypto.process import lock_memory\n"
        "lock_memory(resource.RLIM_INFINITY)\n"
        "pages = lambda: int(Path('/proc/self/statm').read_text().split()[1])\n"
        "before, over = pages(), threading.Event()\n"
        "[threading.Thread(target=over.wait).start() for _ in range(8)]\n"
        "print((pages() - before) * resource.getpagesize() >> 20)\n"
        "over.set()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert int(done.stdout) < 8


@pytest.mark.parametrize(
    ("text", "swap"),
    [
        ("Filename\tType\tSize\tUsed\tPriority\n", False),
        ("Filename\tType\tSize\tUsed\tPriority\n/dev/zram0 partition 100 0 100\n", True),
        ("Filename\n\n", False),
    ],
)
def test_swap_is_on_where_the_kernel_lists_any(tmp_path: Path, text: str, *, swap: bool) -> None:
    (tmp_path / "swaps").write_text(text)
    assert swap_is_on(tmp_path / "swaps") is swap


def test_swap_counts_as_on_where_nobody_knows(tmp_path: Path) -> None:
    assert swap_is_on(tmp_path / "swaps") is True


def test_a_boot_has_one_id_and_an_uptime_that_grows() -> None:
    first, second = read_boot(), read_boot()
    assert first.id == second.id
    assert len(first.id) == 36
    assert 0 < first.uptime_s <= second.uptime_s


def test_free_memory_is_what_the_kernel_says_and_unknown_is_none(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text("MemTotal:        948060 kB\nMemAvailable:     612004 kB\n")
    assert available_bytes(tmp_path / "meminfo") == 612004 * 1024
    (tmp_path / "other").write_text("MemTotal:        948060 kB\n")
    assert available_bytes(tmp_path / "other") == 0
    assert available_bytes(tmp_path / "none") == 0
    assert available_bytes() > 0


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Uid:\t991\t0\t0\t0\nNoNewPrivs:\t1\nSeccomp:\t2\n", (991, True, True)),
        ("Uid:\t991\t0\t0\t0\nNoNewPrivs:\t0\nSeccomp:\t1\n", (991, False, False)),
        ("", (0, False, False)),
        (None, (0, False, False)),
    ],
)
def test_what_the_kernel_does_not_tell_of_a_process_is_taken_for_the_worst(
    tmp_path: Path, text: str | None, told: tuple[int, bool, bool]
) -> None:
    if text is not None:
        (tmp_path / "status").write_text(text)
    found = read_confined(tmp_path / "status")
    assert (found.user_id, found.has_seccomp, found.gains_nothing) == told


def test_a_process_tells_of_itself() -> None:
    assert read_confined().user_id == os.getuid()
