"""Kills a child program before each of its system calls that write, and looks at what it left.

`strace` counts the writing calls of one whole run, then delivers SIGKILL on entering the chosen one in
each further run. A point is (name of the call, how many of that name came before), which is how strace
counts. Only calls on paths below the state folder are points; they are numbered among all of their name.

Use: `points = find_points(child, setup)`, then `kill_at(points, setup, child, check)`, or both by `sweep`.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
CALLS = (
    "write,writev,pwrite64,pwritev,pwritev2,fsync,fdatasync,sync_file_range,copy_file_range,sendfile,"
    "rename,renameat,renameat2,unlink,unlinkat,link,linkat,symlink,symlinkat,truncate,ftruncate,fallocate,"
    "mkdir,mkdirat,rmdir,chmod,fchmod,fchmodat,open,openat,creat"
)
_LINE = re.compile(r"(?P<pid>\d+) +(?P<call>\w+)\((?P<rest>.*)")
_OPENING = frozenset({"open", "openat"})
TIMEOUT_S = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """Where to kill: on entering the `nth` call (from 1) of this name."""

    call: str
    nth: int


Child = Callable[[Path], Sequence[str]]
"""Returns the arguments of `python` for a state folder."""


def find_points(child: Child, setup: Callable[[], Path]) -> tuple[Point, ...]:
    """Run the child to its end, twice, and return its writing calls below the state folder, in order."""
    # The first run compiles the modules into a cache of ours, so that every later one makes the same calls.
    first = [sys.executable, *child(setup())]
    subprocess.run(first, check=True, capture_output=True, cwd=ROOT, env=_environment(write_bytecode=True))
    state = setup()
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        done = _trace(["-y", "-s", "4096", f"-o{log}", f"-etrace={CALLS}"], child(state))
        assert done.returncode == 0, done.stderr
        lines = log.read_text(errors="replace").splitlines()
    counts: dict[str, int] = {}
    points = []
    main = _LINE.match(lines[0])
    assert main, lines[0]
    for line in lines:
        found = _LINE.match(line)
        if not found or found["pid"] != main["pid"]:
            continue  # a call going on, or one of a thread that derives a key: it writes nothing
        call = found["call"]
        counts[call] = counts.get(call, 0) + 1
        if str(state) in found["rest"] and (call not in _OPENING or "O_CREAT" in found["rest"]):
            points.append(Point(call=call, nth=counts[call]))
    return tuple(points)


def spread(points: Sequence[Point], count: int) -> tuple[Point, ...]:
    """Return at most `count` points, evenly over the whole run, the first and the last among them."""
    if len(points) <= count:
        return tuple(points)
    return tuple(points[round(each * (len(points) - 1) / (count - 1))] for each in range(count))


def kill_at(
    points: Sequence[Point], setup: Callable[[], Path], child: Child, check: Callable[[Path], str]
) -> tuple[str, ...]:
    """Kill the child at each point, two at a time, and return what `check` says of each state left.

    Args:
        points: Where.
        setup: Makes a fresh state folder for one run, or names one that the child makes.
        child: The same child as in `find_points`.
        check: Looks at the state; raises or asserts when it is not whole. Called in one thread.

    Returns:
        What `check` returned, in the order of the points.
    """
    states = [setup() for _ in points]
    with ThreadPoolExecutor(2) as pool:
        codes = pool.map(lambda point, state: _kill(point, child(state)), points, states)
        found = []
        for point, state, code in zip(points, states, codes, strict=True):
            assert code == -9, f"{point} was not reached: {code}"
            try:
                found.append(check(state))
            except Exception as error:
                error.add_note(f"killed at {point}")
                raise
    return tuple(found)


def sweep(
    setup: Callable[[], Path], child: Child, check: Callable[[Path], str], count: int
) -> tuple[str, ...]:
    """Find the points of a child and kill it at `count` of them; return what `check` said, in order."""
    points = spread(find_points(child, setup), count)
    return kill_at(points, setup, child, check)


def _kill(point: Point, arguments: Sequence[str]) -> int:
    options = ["-o/dev/null", f"-etrace={point.call}", f"-einject={point.call}:signal=KILL:when={point.nth}"]
    return _trace(options, arguments).returncode


def _trace(options: Sequence[str], arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["strace", "-f", "-qq", *options, sys.executable, *arguments],
        check=False,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=TIMEOUT_S,
        cwd=ROOT,
        env=_environment(write_bytecode=False),
    )


def _environment(*, write_bytecode: bool) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "PYTHONPYCACHEPREFIX": _cache().name,
        "PYTHONDONTWRITEBYTECODE": "" if write_bytecode else "1",
        "PYTHONHASHSEED": "0",
    }


@cache
def _cache() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory()
