"""What holds for all tests: a slow machine is no failure, nothing is timed; what is left out is counted."""

import os
from pathlib import Path
from typing import Protocol

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("pism", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("pism")

TESTS = Path(__file__).parent
MACHINE = TESTS / "vm"
BENCHES = TESTS / "bench"
LEFT_OUT = pytest.StashKey[int]()


class Worker(Protocol):
    """A process of pytest-xdist that ended."""

    config: pytest.Config
    workeroutput: dict[str, int]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the tests of the machine out, unless they are asked for."""
    if os.environ.get("PISM_VM"):
        return
    left_out = [item for item in items if MACHINE in item.path.parents]
    items[:] = [item for item in items if MACHINE not in item.path.parents]
    config.stash[LEFT_OUT] = len(left_out)
    config.hook.pytest_deselected(items=left_out)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker of pytest-xdist tells the process that reports."""
    told = getattr(session.config, "workeroutput", None)
    if told is not None:
        told["left_out"] = session.config.stash.get(LEFT_OUT, 0)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Worker, error: object) -> None:
    """Take what a worker told; all of them collect the same."""
    stash = node.config.stash
    stash[LEFT_OUT] = max(stash.get(LEFT_OUT, 0), getattr(node, "workeroutput", {}).get("left_out", 0))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say what was left out and why; pytest itself lists what was skipped, with each reason."""
    write = terminalreporter.write_line
    if count := config.stash.get(LEFT_OUT, 0):
        write(
            f"left out: {count} tests of tests/vm (a machine in QEMU, half an hour; make vm-test runs them)"
        )
    given = [config.invocation_params.dir / arg for arg in config.args]
    if TESTS in given:
        count = len(list(BENCHES.glob("bench_*.py")))
        write(f"left out: {count} benches of tests/bench (they measure; make bench runs them)")
