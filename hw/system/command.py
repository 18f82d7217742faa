"""Programs of the system that are asked to do one thing: set the clock, go down.

Owns how they are run. Rules: fixed arguments and no shell; nothing to read; half a minute at most; whatever
is not status 0 is an error that says what the program said.
"""

import subprocess
from collections.abc import Callable, Sequence

from hw.errors import HardwareError

_TIMEOUT_S = 30.0


def run_command(command: Sequence[str], refuse: Callable[[str], HardwareError]) -> None:
    """Run a program to its end; it is given nothing to read.

    Args:
        command: The program and its arguments, fixed ones.
        refuse: Makes the error of what went wrong.

    Raises:
        HardwareError: What `refuse` made: it is not there, took too long, or failed; with what it said.
    """
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise refuse(str(error)) from error
    if done.returncode != 0:
        said = " ".join(done.stderr.decode("utf-8", "replace").split())
        raise refuse(said or f"status {done.returncode}")
