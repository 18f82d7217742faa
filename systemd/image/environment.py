"""PiSM's Python environment for the card, made by this machine for another: nothing of the card's runs.

Rules:

1. The wheels are those of the arm64 package, checked against its own list of hashes; pip installs them for
   the card's Python and machine.
2. Bytecode is made by a Python of the card's version (the twin, unpacked from Debian's package for this
   machine and started by its own loader), without times in it, and is never looked back on: the root is
   read-only.
3. What would say where and when it was built is left out.
"""

import shutil
import sys
from pathlib import Path
from typing import Final

from systemd.deb.wheels import target_options
from systemd.image.tools import link, put, run

PYTHON: Final = "3.13"
_ABI: Final = "cp313"
_WHEELS: Final = "usr/lib/pism/wheels"
_SCRIPT: Final = """#!/opt/pism/{version}/bin/python
import sys
from kiosk.__main__ import main
sys.exit(main())
"""
# of the standard library: what no box runs
_LEFT_OUT: Final = ("ensurepip", "idlelib", "pydoc_data", "test", "tkinter", "turtledemo")


def install(package: Path, root: Path, twin: Path, *, version: str, epoch: int) -> None:
    """Put the environment into the root, as the package's own script would have on the card.

    Args:
        package: pism_VERSION_arm64.deb, unpacked.
        root: The card's root.
        twin: The other Python, unpacked.
        version: PiSM's.
        epoch: Of the build.
    """
    home = root / "opt/pism" / version
    site = home / f"lib/python{PYTHON}/site-packages"
    site.mkdir(parents=True)
    wheels = package / _WHEELS
    listed = (
        (wheels / f"{_ABI}.wheels").read_text().replace(f"file:///{_WHEELS}", f"file://{wheels.resolve()}")
    )
    requirements = package / "requirements.txt"
    requirements.write_text(listed)
    options = (
        "--no-index",
        "--no-deps",
        "--no-compile",
        "--no-cache-dir",
        "--require-hashes",
        "--no-warn-script-location",
    )
    run(
        [
            *(
                sys.executable,
                "-m",
                "pip",
                "--isolated",
                "--disable-pip-version-check",
                "install",
                "--quiet",
                *options,
            ),
            *target_options(PYTHON, _ABI, "aarch64"),
            *("--target", site, "--requirement", requirements),
        ],
        epoch=epoch,
        PIP_ROOT_USER_ACTION="ignore",
    )
    shutil.rmtree(site / "bin", ignore_errors=True)
    for name in ("RECORD", "REQUESTED", "direct_url.json"):
        for path in site.glob(f"*.dist-info/{name}"):
            path.unlink()
    put(home / "bin/pism", _SCRIPT.format(version=version), 0o755)
    link(home / "bin/python", "python3")
    link(home / "bin/python3", "/usr/bin/python3")
    put(home / "pyvenv.cfg", f"home = /usr/bin\ninclude-system-site-packages = false\nversion = {PYTHON}\n")
    link(root / "opt/pism/current", version)
    library = root / f"usr/lib/python{PYTHON}"
    for name in _LEFT_OUT:
        shutil.rmtree(library / name, ignore_errors=True)
    for folder in (site, library):
        compile_all(folder, f"/{folder.relative_to(root)}", twin, epoch)


def compile_all(folder: Path, place: str, twin: Path, epoch: int) -> None:
    """Make the bytecode of all modules below a folder.

    Args:
        folder: On this machine.
        place: On the card.
        twin: The other Python, unpacked.
        epoch: Of the build.
    """
    for old in sorted(folder.rglob("__pycache__")):
        shutil.rmtree(old)
    libraries = twin / "usr/lib/x86_64-linux-gnu"
    python = (
        libraries / "ld-linux-x86-64.so.2",
        "--library-path",
        libraries,
        twin / f"usr/bin/python{PYTHON}",
    )
    options = ("-q", "-j1", "--invalidation-mode", "unchecked-hash", "-s", folder, "-p", place)
    run([*python, "-I", "-B", "-m", "compileall", *options, folder], epoch=epoch, PYTHONHASHSEED="0")
