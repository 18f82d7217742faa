"""`make deb`: the Debian packages, the same to the byte whoever builds them.

    python -m systemd.deb.build [--out DIR] [--cache DIR] [ARCHITECTURE...]

Any PC builds the packages of both architectures: nothing is compiled, and nothing of the other one runs.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from systemd.deb.tree import Release, copy_sources, stage
from systemd.deb.wheels import MACHINES, ROOT, WheelSet, build_own_wheel, fetch_wheels

_LOW_UMASK: Final = 0o022


def main(arguments: Sequence[str]) -> None:
    """Build the packages that the arguments name."""
    parser = argparse.ArgumentParser(prog="build")
    parser.add_argument("architectures", nargs="*", metavar="ARCHITECTURE", help=" or ".join(MACHINES))
    parser.add_argument("--out", type=Path, default=ROOT / "dist")
    parser.add_argument("--cache", type=Path, default=ROOT / "build/wheels")
    given = parser.parse_args(arguments)
    os.umask(_LOW_UMASK)
    epoch = int(os.environ.setdefault("SOURCE_DATE_EPOCH", str(last_commit())))
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    given.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="pism-deb-") as work:
        sources = Path(work) / "sources"
        sources.mkdir()
        copy_sources(ROOT, sources)
        own = build_own_wheel(sources, Path(work) / "own")
        for architecture in given.architectures or MACHINES:
            release = Release(version=version, architecture=architecture, epoch=epoch)
            sets, pip = fetch_wheels(architecture, given.cache, own)
            sys.stdout.write(f"{build_package(release, ROOT, given.out, sets, pip)}\n")


def build_package(release: Release, repository: Path, out: Path, sets: Sequence[WheelSet], pip: Path) -> Path:
    """Build one package.

    Args:
        release: What is built.
        repository: The sources.
        out: Folder for the package.
        sets: Wheels of each Python.
        pip: pip's own wheel.

    Returns:
        The package's path.
    """
    path = out / f"pism_{release.version}_{release.architecture}.deb"
    with tempfile.TemporaryDirectory(prefix="pism-tree-") as work:
        tree = Path(work) / "tree"
        tree.mkdir()
        stage(release, repository, tree, sets, pip)
        # one thread: with more, xz cuts its blocks otherwise. Level 1: wheels are compressed already.
        subprocess.run(
            ["dpkg-deb", "--root-owner-group", "-Zxz", "-z1", "--threads-max=1", "--build", tree, path],
            check=True,
            stdout=subprocess.DEVNULL,
            env={**os.environ, "SOURCE_DATE_EPOCH": str(release.epoch)},
        )
    return path


def last_commit() -> int:
    """Return the time of the last commit, which is the time of a build that was told no other."""
    told = subprocess.run(["git", "log", "-1", "--format=%ct"], cwd=ROOT, check=True, stdout=subprocess.PIPE)
    return int(told.stdout)


if __name__ == "__main__":
    main(sys.argv[1:])
