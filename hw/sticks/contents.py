"""What lies on a stick, asked of the sandbox: udev's properties of it, by hw.fat.look in a confined child.

Rules:

1. A node is opened for reading, without a claim: the job that has claimed it is not disturbed, and closing it
   makes no event.
2. What cannot be read is no blank stick: it has a file system called UNREADABLE.
3. What the child says is taken in the form that it may have, and of a bounded length.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from hw.errors import StickError, ToolsError
from hw.fat.launcher import Launcher, Limits
from hw.fat.sandbox import LOOK

UNREADABLE: Final = "unreadable"
PROPERTIES: Final = ("ID_FS_", "ID_PART_")
"""What the names of all that begin with that is found here."""

_LIMITS: Final = Limits(output_bytes=4096, timeout_s=15.0)
_SAID: Final = re.compile(
    r"^(ID_FS_USAGE|ID_FS_TYPE|ID_FS_UUID|ID_FS_LABEL_ENC|ID_PART_ENTRY_TYPE)=([ -~]{1,128})$", re.MULTILINE
)


def look_at(disk: Path, *places: tuple[int, int]) -> tuple[Mapping[str, str], ...]:
    """Return what lies at places of a disk, as hw.fat.look says it.

    Args:
        disk: Its node or image.
        places: Of each where it begins on the disk, and how long it is, in bytes.

    Raises:
        OSError: The node cannot be opened.
    """
    node = os.open(disk, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        disk_bytes = os.lseek(node, 0, os.SEEK_END)
        with Launcher() as launcher:
            return tuple(_ask(launcher, node, (disk_bytes, *place)) for place in places)
    finally:
        os.close(node)


def _ask(launcher: Launcher, node: int, numbers: tuple[int, ...]) -> Mapping[str, str]:
    """Return what a confined child says of one place."""
    printed: list[bytes] = []
    command = [LOOK, *map(str, numbers)]
    try:
        outcome = launcher.run(
            command, node=node, mode="r", node_bytes=numbers[0], sink=printed.append, limits=_LIMITS
        )
    except (StickError, ToolsError):
        return {"ID_FS_USAGE": "filesystem", "ID_FS_TYPE": UNREADABLE}
    if outcome.status != 0:
        return {"ID_FS_USAGE": "filesystem", "ID_FS_TYPE": UNREADABLE}
    return dict(_SAID.findall(b"".join(printed).decode("ascii", "replace")))
