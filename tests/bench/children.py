"""Steps of a bench that run in processes of their own, so that each has a peak memory of its own.

A bench decorates its steps with `step`, calls them by `run`, and ends with `serve` under its main guard.
"""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Measured = dict[str, float]
Step = Callable[[Path, int], Measured]
REPOSITORY = Path(__file__).parents[2]
_STEPS: dict[str, Step] = {}


def step(function: Step) -> Step:
    """Make a function callable as a child process: FILE NAME FOLDER COUNT."""
    _STEPS[function.__name__] = function
    return function


def run(function: Step, folder: Path, count: int) -> Measured:
    """Run a step in a fresh process and return what it measured."""
    done = subprocess.run(
        [sys.executable, function.__code__.co_filename, function.__name__, str(folder), str(count)],
        check=True,
        stdout=subprocess.PIPE,
        cwd=REPOSITORY,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY)},
    )
    measured: Measured = json.loads(done.stdout)
    return measured


def serve(file: str) -> None:
    """Do what a bench does as a script: one step where one is named, else the whole bench."""
    if len(sys.argv) == 1:
        raise SystemExit(pytest.main(["-q", "-s", "-p", "no:randomly", file]))
    name, folder, count = sys.argv[1:]
    json.dump(_STEPS[name](Path(folder), int(count)), sys.stdout)


def peak_mb() -> float:
    """Return the largest memory of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
