"""A trial of the tools on a sound volume in memory: what fails there is no stick's fault.

Owns the positive control of everything that mtools says of a stick. Where a part of the system is missing
(a program, a library, glibc's tables of code pages), the tools complain in words that fit a bad stick as
well, and their wording is nobody's promise. So they make a FAT32 volume in memory, write a file to it and
read it back, in the very sandbox of sticks.
"""

import os
from collections.abc import Callable
from functools import cache
from typing import Final

from hw.errors import HardwareError, ToolsError
from hw.fat.launcher import Launcher, Limits, Mode
from hw.fat.sandbox import DRIVE, NODE, SOURCE

VOLUME_BYTES: Final = 34 << 20
"""The least that FAT32 takes (hw.fat.mkfs); of it the tables alone, some 600 KB, are ever written."""

_CONTENT: Final = b"PiSM: what is written to a sound volume is read back from it.\n"
_FILE: Final = f"{DRIVE}/written-and-read-back.txt"
_LIMITS: Final = Limits(timeout_s=15.0)


def try_tools(open_launcher: Callable[[], Launcher] = Launcher) -> None:
    """Make a volume in memory, write a file to it, and read it back.

    Args:
        open_launcher: Starts the tools.

    Raises:
        ToolsError: One of them fails, or the file comes back otherwise (E-TOOLS).
    """
    printed: list[bytes] = []
    steps: tuple[tuple[Mode, list[str]], ...] = (
        ("f", ["mkfs.vfat", "-F", "32", "--mbr=n", NODE]),
        ("w", ["mcopy", SOURCE, _FILE]),
        ("r", ["mtype", _FILE]),
    )
    with (
        os.fdopen(os.memfd_create("pism-volume"), "w+b", buffering=0) as volume,
        os.fdopen(os.memfd_create("pism-file"), "w+b", buffering=0) as file,
        open_launcher() as launcher,
    ):
        volume.truncate(VOLUME_BYTES)
        file.write(_CONTENT)
        for mode, command in steps:
            try:
                outcome = launcher.run(
                    command,
                    node=volume.fileno(),
                    mode=mode,
                    node_bytes=VOLUME_BYTES,
                    source=file.fileno() if mode == "w" else -1,
                    sink=printed.append if mode == "r" else None,
                    limits=_LIMITS,
                )
            except HardwareError as error:
                raise ToolsError(f"{command[0]} cannot be run: {error}") from error
            if outcome.status != 0:
                said = outcome.complaint or f"status {outcome.status}"
                raise ToolsError(f"{command[0]} fails on a sound volume: {said}")
    if b"".join(printed) != _CONTENT:
        raise ToolsError("mtools reads back from a sound volume what was not written to it")


@cache
def require_tools(open_launcher: Callable[[], Launcher] = Launcher) -> None:
    """Try the tools, once for the life of this process: what worked once lacks no part.

    Args:
        open_launcher: As for `try_tools`.

    Raises:
        ToolsError: As for `try_tools`; then they are tried again the next time.
    """
    try_tools(open_launcher)
