"""Confine this process as narrowly as the kernel offers, then become the tool that reads a stick.

Run as a script by hw.fat.mtools: `python -I -S confine.py MODE NODE SOURCE CPU_S MAX_BYTES TOOL ARGUMENT...`.
It exists because nothing may run between fork and exec of a process with threads; here, in a process
of its own, everything may. Rules:

1. The tool gets descriptor NODE_FD (the stick) and SOURCE_FD (the file to write), three standard ones,
   its configuration in memory (CONFIG_FD), and nothing else; its environment is fixed.
2. It may open those and the system's libraries again, for reading (the stick for writing when MODE
   says so), and nothing else where the kernel has Landlock; it gains no privileges, makes no core
   file, no process, no file larger than MAX_BYTES, and dies with the thread that started it.
3. Whatever cannot be confined is not run: exit 126 and one line on standard error.
4. It imports little: every call of mtools pays for it (no typing, no pathlib, no signal).

Coverage cannot see it, because it runs in a process that it confines; tests/hw/test_confine.py watches
that process from outside.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import resource
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

NODE_FD, SOURCE_FD, CONFIG_FD = 10, 11, 12
NODE, SOURCE = f"/proc/self/fd/{NODE_FD}", f"/proc/self/fd/{SOURCE_FD}"
DRIVE = "p:"
NOT_RUN = 126

# the claim on the stick is ours; dates and sizes are printed in one way only
_CONFIG = f"""MTOOLS_DATE_STRING="yyyy-mm-dd"
MTOOLS_TWENTY_FOUR_HOUR_CLOCK=1
drive {DRIVE}
  file="{NODE}"
  nolock
"""
_ENVIRONMENT = {
    "PATH": "/usr/bin:/usr/sbin:/bin:/sbin",
    "LC_ALL": "C.UTF-8",
    "MTOOLSRC": f"/proc/self/fd/{CONFIG_FD}",
}
_SYSTEM = (
    "/usr/bin",
    "/usr/sbin",
    "/usr/lib",
    "/usr/lib64",
    "/bin",
    "/sbin",
    "/lib",
    "/lib64",
    "/etc/ld.so.cache",
)
_MEMORY_BYTES = 256 << 20
_OPEN_FILES = 24
_PR_SET_PDEATHSIG, _SIGKILL = 1, 9
_FIRST_SPARE = 64  # above every descriptor that is given a fixed place


def main(arguments: Sequence[str]) -> int:  # pragma: no cover
    """Confine this process and become the tool.

    Args:
        arguments: MODE ("r", "w", "f" to format), NODE and SOURCE (descriptors; -1: none), CPU_S, MAX_BYTES
            (0: no regular file may grow), then the tool and its arguments.

    Returns:
        NOT_RUN; if all goes well it does not return.
    """
    mode, node, source, cpu_s, max_bytes, *command = arguments
    # the package's folder comes last, so that nothing in it can stand before the standard library
    sys.path.append(__file__.rpartition("/hw/")[0])
    try:
        _place_descriptors(int(node), int(source))
        _limit(int(cpu_s), int(max_bytes))
        _sandbox(mode, with_source=int(source) >= 0)
        # not execvpe: it would import another module, which nobody may open by now
        for folder in _ENVIRONMENT["PATH"].split(":"):
            tool = f"{folder}/{command[0]}"
            if os.access(tool, os.X_OK):
                os.execve(tool, list(command), _ENVIRONMENT)  # noqa: S606  (a fixed argument list, no shell)
        sys.stderr.write(f"{command[0]} is not installed\n")
    except OSError as error:
        sys.stderr.write(f"{command[0]} was not run: {error}\n")
    return NOT_RUN


def _place_descriptors(node: int, source: int) -> None:  # pragma: no cover
    """Put the stick, the source and the configuration where the tool expects them; close the rest."""
    config = os.memfd_create("mtools.conf")
    os.write(config, _CONFIG.encode())
    spare = [
        (fcntl.fcntl(descriptor, fcntl.F_DUPFD, _FIRST_SPARE), place)
        for descriptor, place in ((node, NODE_FD), (source, SOURCE_FD), (config, CONFIG_FD))
        if descriptor >= 0
    ]
    os.closerange(3, _FIRST_SPARE)
    for descriptor, place in spare:
        os.dup2(descriptor, place)
    os.closerange(_FIRST_SPARE, 1 << 20)


def _limit(cpu_s: int, max_bytes: int) -> None:  # pragma: no cover
    """Set the resource limits, and die with the parent."""
    for kind, limit in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_FSIZE, max_bytes),
        (resource.RLIMIT_AS, _MEMORY_BYTES),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_NPROC, 0),
    ):
        resource.setrlimit(kind, (limit, limit))
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0)


def _sandbox(mode: str, *, with_source: bool) -> None:  # pragma: no cover
    """Give up privileges and, where the kernel has Landlock, every file but the few that are needed."""
    from hw.fat import landlock

    landlock.refuse_new_privileges()
    rights = {"r": landlock.READ, "w": landlock.READ | landlock.WRITE}.get(
        mode, landlock.READ | landlock.WRITE | landlock.IOCTL_DEV
    )
    files = {NODE_FD: rights} | ({SOURCE_FD: landlock.READ} if with_source else {})
    landlock.restrict(_SYSTEM, files)


if __name__ == "__main__":  # pragma: no cover
    sys.exit(main(sys.argv[1:]))
