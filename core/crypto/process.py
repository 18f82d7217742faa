"""What a process that sees secrets asks of the kernel before it sees one.

Owns: no core dumps, no tracing by others, memory that stays out of swap. What the kernel refuses to an
unprivileged process is not fatal here: the units grant it (systemd/), and `swap_is_on` lets the kiosk say so.
"""

import ctypes
import re
import resource
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.api.results import Confined

_PR_SET_DUMPABLE: Final = 4
# current and future pages, each from when it is first touched (Linux 4.4): else every thread's whole stack
# is taken at once, 8 MiB apiece
_MCL: Final = 1 | 2 | 4
_SWAPS: Final = Path("/proc/swaps")
_MEMORY: Final = Path("/proc/meminfo")
_STATUS: Final = Path("/proc/self/status")
_FACTS: Final = re.compile(r"^(Uid|Seccomp|NoNewPrivs):\s+(\d+)", re.MULTILINE)
_SECCOMP_FILTER: Final = "2"  # proc_pid_status(5)
_AVAILABLE: Final = re.compile(r"^MemAvailable: +([0-9]+) kB$", re.MULTILINE)


def harden_process() -> None:
    """Make this process undumpable and, where its limit allows, lock its memory.

    mlockall under a low RLIMIT_MEMLOCK would make later allocations fail, so it is asked for only when the
    limit is infinite, as it is in the units (LimitMEMLOCK=infinity).

    Raises:
        OSError: The kernel refuses to forbid dumps; no secret may be read then.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    set_dumpable(0)
    soft, _hard = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    lock_memory(soft)


def set_dumpable(value: int) -> None:
    """Say who may trace this process and whether it may leave a core: prctl(2), PR_SET_DUMPABLE.

    Args:
        value: 0: nobody and never; 1: as the system has it.

    Raises:
        OSError: The kernel refuses.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_DUMPABLE, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl PR_SET_DUMPABLE")


def lock_memory(limit_bytes: int) -> None:
    """Keep all memory of this process, now and later, out of swap, where its limit is infinite.

    Args:
        limit_bytes: RLIMIT_MEMLOCK.
    """
    if limit_bytes == resource.RLIM_INFINITY:
        ctypes.CDLL(None).mlockall(_MCL)


def swap_is_on(swaps: Path = _SWAPS) -> bool:
    """Return whether the system has any swap; unknown counts as on."""
    try:
        lines = swaps.read_text(encoding="ascii").splitlines()
    except OSError:
        return True
    return any(line.strip() for line in lines[1:])


def available_bytes(path: Path = _MEMORY) -> int:
    """Return how much memory could be taken without swap; unknown counts as none."""
    try:
        found = _AVAILABLE.search(path.read_text(encoding="ascii"))
    except OSError:
        return 0
    return int(found[1]) * 1024 if found else 0


def read_confined(status: Path = _STATUS) -> Confined:
    """Return what the kernel says of this process; what it does not tell is taken for the worst.

    Args:
        status: proc_pid_status(5).
    """
    try:
        found = dict(_FACTS.findall(status.read_text(encoding="utf-8", errors="replace")))
    except OSError:
        found = {}
    return Confined(
        user_id=int(found.get("Uid", "0")),
        has_seccomp=found.get("Seccomp") == _SECCOMP_FILTER,
        gains_nothing=found.get("NoNewPrivs") == "1",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Boot:
    """This run of the machine: the kernel's id of it, and the seconds since it began."""

    id: str
    uptime_s: float


def read_boot() -> Boot:
    """Return which boot this is and how long it has lasted; sleep counts."""
    id_ = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
    return Boot(id=id_.strip(), uptime_s=time.clock_gettime(time.CLOCK_BOOTTIME))
