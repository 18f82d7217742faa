"""The wheels that the package carries: fetched by version and hash, for each architecture and Python.

Rules:

1. Nothing is fetched but what requirements.txt (and requirements-pip.txt) name, with the hashes there.
2. What has no wheel is built here from its source package, fetched the same way; it is pure Python.
3. Carried is what `pism` needs on a box; the emulator's and the build's packages are left out.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parents[1]
PYTHONS: Final = ("3.11", "3.13")  # Debian 12 and 13, and Raspberry Pi OS after them
MACHINES: Final = {"amd64": "x86_64", "arm64": "aarch64"}
_GLIBCS: Final = (36, 35, 34, 31, 28, 27, 24, 17, 12, 5)  # Debian 12 has 2.36
_SOURCE_ONLY: Final = ("sdnotify",)
_FIRST_ZIP_TIME: Final = 315532800  # 1980-01-01


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelSet:
    """The wheels of one Python.

    Args:
        abi: As in wheels' names: cp311.
        wheels: In order of name.
    """

    abi: str
    wheels: tuple[Path, ...]

    def requirements(self, folder: str) -> str:
        """Return what pip installs, each file with its hash.

        Args:
            folder: Where the wheels lie on the box.
        """
        lines = (
            f"{wheel.name.split('-')[0]} @ file://{folder}/{wheel.name}"
            f" --hash=sha256:{sha256(wheel.read_bytes()).hexdigest()}\n"
            for wheel in self.wheels
        )
        return "".join(lines)


def fetch_wheels(architecture: str, cache: Path, own: Path) -> tuple[tuple[WheelSet, ...], Path]:
    """Fetch what the package of one architecture carries.

    Args:
        architecture: Debian's name: amd64 or arm64.
        cache: Where fetched files are kept between builds.
        own: PiSM's own wheel.

    Returns:
        A set for each Python, and the wheel of pip itself.
    """
    sets = []
    for python in PYTHONS:
        abi = f"cp{python.replace('.', '')}"
        target = target_options(python, abi, MACHINES[architecture])
        folder = cache / f"{abi}-{architecture}"
        _download(folder, target, ROOT / "requirements.txt")
        _build_sources(folder)
        names = _needed(folder, target, own)
        sets.append(WheelSet(abi=abi, wheels=tuple(sorted([*(folder / name for name in names), own]))))
    _download(
        cache / "pip",
        target_options(PYTHONS[0], "cp311", MACHINES[architecture]),
        HERE / "requirements-pip.txt",
    )
    (pip,) = (cache / "pip").glob("pip-*.whl")
    return tuple(sets), pip


def build_own_wheel(tree: Path, out: Path) -> Path:
    """Build PiSM's wheel.

    Args:
        tree: A clean copy of the sources; build leaves its traces there.
        out: Folder for the wheel.
    """
    _pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(out), str(tree))
    (wheel,) = out.glob("pism-*.whl")
    return wheel


def target_options(python: str, abi: str, machine: str) -> tuple[str, ...]:
    """Return pip's options that say whom wheels are for."""
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in _GLIBCS]
    platforms += [f"manylinux2014_{machine}", "any"]
    options = ["--implementation", "cp", "--python-version", python, "--only-binary=:all:"]
    for name in (abi, "abi3", "none"):
        options += ["--abi", name]
    for name in platforms:
        options += ["--platform", name]
    return tuple(options)


def _download(folder: Path, target: Sequence[str], requirements: Path) -> None:
    """Fill a folder with what the requirements name, unless it holds just that already."""
    stamp = folder / "stamp"
    wanted = sha256(requirements.read_bytes() + repr(target).encode()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    sources = [f"--no-binary={name}" for name in _SOURCE_ONLY]
    options = ["--no-deps", "--require-hashes", "--no-build-isolation", *target, *sources]
    _pip("download", *options, "--dest", str(folder), "--requirement", str(requirements))
    stamp.write_text(wanted)


def _build_sources(folder: Path) -> None:
    """Turn source packages into wheels; they are kept between builds, so their time is no release's."""
    for source in sorted(folder.glob("*.tar.gz")):
        options = ("--no-deps", "--no-build-isolation", "--wheel-dir", str(folder))
        _pip("wheel", *options, str(source), SOURCE_DATE_EPOCH=str(_FIRST_ZIP_TIME))
        source.unlink()


def _needed(folder: Path, target: Sequence[str], own: Path) -> Iterable[str]:
    """Return the names of the wheels that PiSM needs on a box: pip resolves them among those in the folder.

    What this machine is configured to find elsewhere may be newer and has no hash: it is not asked.
    """
    options = ["--isolated", "--dry-run", "--ignore-installed", "--no-index", "--find-links", str(folder)]
    options += ["--target", str(folder / "nowhere")]  # pip insists, because it is for another machine
    told = _pip("install", *options, *target, "--report", "-", str(own), PIP_CONFIG_FILE=os.devnull)
    for item in json.loads(told)["install"]:
        name = item["download_info"]["url"].rpartition("/")[2]
        if name != own.name:
            yield name


def _pip(*arguments: str, **variables: str) -> str:
    """Run this Python's pip and return what it printed.

    Args:
        arguments: A command and its options.
        variables: Of the environment, beside those of this process.
    """
    command = [
        sys.executable,
        "-m",
        "pip",
        "--disable-pip-version-check",
        arguments[0],
        "--quiet",
        *arguments[1:],
    ]
    return subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, env={**os.environ, **variables}
    ).stdout
