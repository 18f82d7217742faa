"""What holds for all tests: a slow machine is no failure, nothing is timed; what is left out is counted."""

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import pytest
from hypothesis import HealthCheck, settings

from tests import fuzzing

settings.register_profile("pism", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("pism")

# mkfs.vfat, fsck.vfat and sfdisk live in sbin, which is not on every user's PATH.
os.environ["PATH"] = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"

TESTS = Path(__file__).parent
MACHINES = {TESTS / "vm": "PISM_VM", TESTS / "card": "PISM_CARD"}
BENCHES = TESTS / "bench"
LEFT_OUT = pytest.StashKey[int]()
JUDGED = pytest.StashKey[int]()


class Worker(Protocol):
    """A process of pytest-xdist that ended."""

    config: pytest.Config
    workeroutput: dict[str, int]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the tests of machines out, and of the whole suite those of `make judges`, unless asked for."""
    machines = [folder for folder, variable in MACHINES.items() if not os.environ.get(variable)]
    in_machines = {item for item in items if any(folder in item.path.parents for folder in machines)}
    config.stash[LEFT_OUT] = _leave_out(config, items, in_machines)
    if not os.environ.get("PISM_JUDGES") and _is_whole(config):
        judged = {item for item in items if item.get_closest_marker("judge")}
        config.stash[JUDGED] = _leave_out(config, items, judged)


def _leave_out(config: pytest.Config, items: list[pytest.Item], out: set[pytest.Item]) -> int:
    """Take some tests out; return how many."""
    config.hook.pytest_deselected(items=[item for item in items if item in out])
    items[:] = [item for item in items if item not in out]
    return len(out)


def _is_whole(config: pytest.Config) -> bool:
    """Tell whether the whole suite was asked for."""
    return TESTS in [config.invocation_params.dir / arg for arg in config.args]


@pytest.fixture
def fuzzer(request: pytest.FixtureRequest, record_property: Callable[[str, Any], None]) -> fuzzing.Fuzzer:
    """What runs seeded inputs, called as its test's mark says; those that are timed share the time."""
    marks = [mark for item in request.session.items if (mark := item.get_closest_marker("fuzz"))]
    timed = [mark for mark in marks if mark.kwargs.get("timed", True)]
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    (name,) = request.node.get_closest_marker("fuzz").args
    return fuzzing.Fuzzer(
        name, fuzzing.SECONDS * workers / max(1, len(timed)), partial(record_property, fuzzing.FIGURES)
    )


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker of pytest-xdist tells the process that reports."""
    told = getattr(session.config, "workeroutput", None)
    if told is not None:
        told["left_out"] = session.config.stash.get(LEFT_OUT, 0)
        told["judged"] = session.config.stash.get(JUDGED, 0)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Worker, error: object) -> None:
    """Take what a worker told; all of them collect the same."""
    stash, told = node.config.stash, getattr(node, "workeroutput", {})
    for key, name in ((LEFT_OUT, "left_out"), (JUDGED, "judged")):
        stash[key] = max(stash.get(key, 0), told.get(name, 0))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say what was left out and why; pytest itself lists what was skipped, with each reason."""
    write = terminalreporter.write_line
    if figures := list(_figures_of(terminalreporter)):
        for line in fuzzing.table(figures):
            write(line)
    if count := config.stash.get(LEFT_OUT, 0):
        write(f"left out: {count} tests of machines in QEMU (minutes each; make vm-test, make image-boot)")
    if count := config.stash.get(JUDGED, 0):
        write(
            f"left out: {count} tests with foreign judges, years and storms (minutes; make judges runs them)"
        )
    if _is_whole(config):
        count = len(list(BENCHES.glob("bench_*.py")))
        write(f"left out: {count} benches of tests/bench (they measure; make bench runs them)")


def _figures_of(reporter: pytest.TerminalReporter) -> Iterator[dict[str, Any]]:
    """Yield what the fuzzers' reports carry, from whatever process they come."""
    for report in (*reporter.stats.get("passed", ()), *reporter.stats.get("failed", ())):
        yield from (value for name, value in report.user_properties if name == fuzzing.FIGURES)
