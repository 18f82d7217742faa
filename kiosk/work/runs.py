"""What runs here: version, a hash over our own files, board and serial number, and when it was installed.

Two boxes, a box and a PC, or a box and what it was at the last visit can be compared by it. Rules:

1. The hash is what coreutils say too (`hash_tree`); it is made once a process, and never in the kiosk's loop.
2. What cannot be found is "".

Left to others: remembering it (kiosk.work.kept_box, and the vault), saying it (kiosk.flows.this_box). What a
kernel that lies makes of it is in docs/threat-model.md.
"""

import hashlib
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Final

from core.api.results import Runs
from hw.ports import Condition

OUR_PACKAGES: Final = ("core", "hw", "kiosk", "server")
FOLDER: Final = Path(__file__).parents[2]
"""Where our packages lie."""
_CHARACTERS: Final = 100


def find_runs(condition: Condition) -> Runs:
    """Return what runs.

    Args:
        condition: What the board tells of itself.
    """
    from importlib.metadata import version  # the first frame is not to wait for it

    return Runs(
        version=version("pism"),
        files=hash_files(),
        board=condition.board[:_CHARACTERS],
        serial=condition.serial[:_CHARACTERS],
        installed=find_installed(FOLDER),
    )


@cache
def hash_files() -> str:
    """Return `hash_tree` of the files that this process runs from, "" where they cannot be read."""
    try:
        return hash_tree(FOLDER)
    except OSError:
        return ""


def hash_tree(folder: Path) -> str:
    """Return the SHA-256 over our own files, so that two boxes, or a box and a PC, can be compared.

    It is what coreutils say in that folder:

        find -L core hw kiosk server -type f ! -path "*/__pycache__/*" |
            LC_ALL=C sort | xargs sha256sum | sha256sum

    Args:
        folder: Where our packages lie.
    """
    files = (path for name in OUR_PACKAGES for path in (folder / name).rglob("*") if path.is_file())
    ours = {path.relative_to(folder).as_posix(): path for path in files if "__pycache__" not in path.parts}
    whole = hashlib.sha256()
    for name in sorted(ours):
        whole.update(f"{hashlib.sha256(ours[name].read_bytes()).hexdigest()}  {name}\n".encode())
    return whole.hexdigest()


def find_installed(folder: Path) -> str:
    """Return when our files were put there, by the clock of then: the kernel's own note, which no tool sets.

    Args:
        folder: Where our packages lie.
    """
    try:
        changed_s = (folder / "kiosk" / "__init__.py").stat().st_ctime
    except OSError:
        return ""
    return f"{datetime.fromtimestamp(changed_s, UTC):%Y-%m-%d %H:%M:%S}"
