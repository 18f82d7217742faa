"""What guards the box: Landlock, seccomp, the users, what USB lets in, who reads a stick.

Owns the finding out. Rules:

1. A guard is held when it was seen to hold: Landlock by a trial in the very sandbox that reads sticks, in
   which an open that is allowed succeeds, and one that is not, but that this process can do, is refused.
2. What cannot be found out is not held, or None where there is nothing to guard.
3. Nothing is changed.

Left to others: what is refused for want of a guard, and what is said (kiosk.work.guards).
"""

import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from hw.errors import HardwareError
from hw.fat.launcher import Launcher, Limits
from hw.fat.sandbox import NODE, landlock_version
from hw.medium.sysfs import Sysfs
from hw.ports import Confinement, Protection

_ALLOWED: Final = Path("/etc/passwd")
_FORBIDDEN: Final = Path("/etc/group")
_REFUSED: Final = "Permission denied"
_LIMITS: Final = Limits(timeout_s=15.0)

_STATUS: Final = re.compile(r"^(Uid|Seccomp|NoNewPrivs):\s+(\d+)", re.MULTILINE)
_SECCOMP_FILTER: Final = "2"  # proc_pid_status(5)
_USB_STORAGE, _USB_HUB = "08", "09"
_ON_USB: Final = re.compile(r"/usb\d+/")


class BoardGuards:
    """The guards of the real box.

    Args:
        root: Below it lie proc, sys and run.
        try_landlock: Returns the version of Landlock that holds, 0 for none.
    """

    def __init__(self, root: Path = Path("/"), try_landlock: Callable[[], int] | None = None) -> None:
        self._status = root / "proc/self/status"
        self._usb = root / "sys/bus/usb/devices"
        self._sysfs = Sysfs(sys=root / "sys", mounts=root / "proc/self/mountinfo")
        self._udev = root / "run/udev/data"
        self._try_landlock = try_landlock or hold_landlock

    def read(self) -> Protection:
        """Return what guards this process now; of the vault the vault itself tells."""
        return Protection(
            landlock=self._try_landlock(),
            kiosk=read_confinement(self._status),
            usb_is_shut=self._read_usb(),
            sticks_are_unread=self._read_sticks(),
        )

    def _read_usb(self) -> bool | None:
        """Return whether no socket lets anything in unasked, and nothing is in but sticks and hubs."""
        hosts = sorted(self._usb.glob("usb*/authorized_default"))
        if not hosts:
            return None
        if any(_text(host) != "0" for host in hosts):
            return False
        let_in = (each.parent for each in self._usb.glob("*-*/authorized") if _text(each) != "0")
        classes = {_text(part) for device in let_in for part in device.glob("*:*/bInterfaceClass")}
        return classes <= {_USB_STORAGE, _USB_HUB}

    def _read_sticks(self) -> bool | None:
        """Return whether udev, by what it remembers, passed by every stick that is in; None for none."""
        ours = self._sysfs.system_disks()
        disks = [link.resolve() for link in sorted((self._sysfs.sys / "block").glob("sd*"))]
        sticks = [disk for disk in disks if _ON_USB.search(str(disk)) and disk not in ours]
        kept = [
            _text(self._udev / f"b{_text(part / 'dev')}")
            for disk in sticks
            for part in (disk, *self._sysfs.partitions(disk))
        ]
        return all("E:PISM_STICK=1" in text and "E:ID_FS_" not in text for text in kept) if kept else None


def read_confinement(status: Path = Path("/proc/self/status")) -> Confinement:
    """Return what the kernel says of this process.

    Args:
        status: proc_pid_status(5).
    """
    found: Mapping[str, str] = dict(_STATUS.findall(_text(status)))
    return Confinement(
        user_id=int(found.get("Uid", "0")),
        has_seccomp=found.get("Seccomp") == _SECCOMP_FILTER,
        gains_nothing=found.get("NoNewPrivs") == "1",
    )


def hold_landlock(
    forbidden: Path = _FORBIDDEN,
    allowed: Path = _ALLOWED,
    find_version: Callable[[], int] = landlock_version,
) -> int:
    """Try Landlock in the sandbox of sticks.

    Args:
        forbidden: A file that this process can read and a tool must not.
        allowed: A file that stands for the stick.
        find_version: Asks the kernel which it has; OSError when it does not say.

    Returns:
        Its version, where the tool read the one file and was refused the other; else 0.
    """
    printed: list[bytes] = []
    with suppress(OSError, HardwareError):
        version = find_version()
        forbidden.read_bytes()  # the control: what the tool is refused is not refused to everybody
        node = os.open(allowed, os.O_RDONLY | os.O_CLOEXEC)
        try:
            with Launcher() as launcher:
                outcome = launcher.run(
                    ["cat", NODE, str(forbidden)],
                    node=node,
                    mode="r",
                    node_bytes=0,
                    sink=printed.append,
                    limits=_LIMITS,
                )
        finally:
            os.close(node)
        holds = b"".join(printed) == allowed.read_bytes() and _REFUSED in outcome.complaint
        return version if holds else 0
    return 0


def _text(path: Path) -> str:
    """Return a small file's text, stripped; "" when it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
