"""How the build runs other programs: in one locale and time, with nothing of the builder's machine in it."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

_PATH: Final = "/usr/sbin:/usr/bin:/sbin:/bin"


def run(
    command: Sequence[str | Path],
    *,
    epoch: int,
    folder: Path | None = None,
    given: bytes | None = None,
    **more: str,
) -> bytes:
    """Run a program and return what it printed.

    Args:
        command: Program and arguments.
        epoch: Seconds since 1970: the time of all that it makes.
        folder: Where it runs.
        given: Its standard input.
        more: Variables of its environment.
    """
    environment: Mapping[str, str] = {
        "PATH": _PATH,
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "HOME": "/nonexistent",
        "SOURCE_DATE_EPOCH": str(epoch),
        "E2FSPROGS_FAKE_TIME": str(epoch),
        **more,
    }
    done = subprocess.run(command, cwd=folder, env=environment, input=given, check=False, capture_output=True)
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace") or done.stdout.decode(errors="replace")
        raise RuntimeError(f"{' '.join(map(str, command))} failed: {said}")
    return done.stdout


def put(path: Path, data: bytes | str, mode: int = 0o644) -> None:
    """Write a file, and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    path.chmod(mode)


def link(path: Path, target: str) -> None:
    """Make a link, in place of what is there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.symlink_to(target)


def fix_times(tree: Path, epoch: int) -> None:
    """Give every file below a folder, and it, one time."""
    for path in (tree, *tree.rglob("*")):
        os.utime(path, (epoch, epoch), follow_symlinks=False)
