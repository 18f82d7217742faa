"""The package's file tree: which file of the repository goes where, with which mode.

Rules: owner root, modes and times fixed, order sorted; nothing depends on the machine, the folder, the
umask or the clock of whoever builds. Times are those of the release (SOURCE_DATE_EPOCH).
"""

import gzip
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import md5
from pathlib import Path
from typing import Final

from systemd.deb.papers import COMPLETIONS, make_commands, make_completion
from systemd.deb.wheels import WheelSet

WHEELS: Final = "usr/lib/pism/wheels"
_DOC: Final = "usr/share/doc/pism"
_UNITS: Final = "usr/lib/systemd/system"
# systemd/NAME -> its place
_FILES: Final[Mapping[str, str]] = {
    "pism.service": f"{_UNITS}/pism.service",
    "pism-vault.socket": f"{_UNITS}/pism-vault.socket",
    "pism-vault@.service": f"{_UNITS}/pism-vault@.service",
    "sysusers.d/pism.conf": "usr/lib/sysusers.d/pism.conf",
    "tmpfiles.d/pism.conf": "usr/lib/tmpfiles.d/pism.conf",
    "modules-load.d/pism.conf": "usr/lib/modules-load.d/pism.conf",
    "modprobe.d/pism.conf": "usr/lib/modprobe.d/pism.conf",
    "udev/51-pism.rules": "usr/lib/udev/rules.d/51-pism.rules",
    "polkit/50-pism.rules": "usr/share/polkit-1/rules.d/50-pism.rules",
    "back-off": "usr/lib/pism/back-off",
    "is-system-disk": "usr/lib/pism/is-system-disk",
    "boot-config": "usr/lib/pism/boot-config",
    "last-light": "usr/lib/systemd/system-shutdown/pism",
    "deb/copyright": f"{_DOC}/copyright",
    "deb/lintian-overrides": "usr/share/lintian/overrides/pism",
}
_CONFFILES: Final = ("etc/pism/config.yaml",)
_SCRIPTS: Final = ("preinst", "postinst", "prerm", "postrm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What is built.

    Args:
        version: PiSM's.
        architecture: Debian's name.
        epoch: Seconds since 1970; the time of every file.
    """

    version: str
    architecture: str
    epoch: int


def stage(release: Release, repository: Path, tree: Path, sets: Sequence[WheelSet], pip: Path) -> None:
    """Lay out the package.

    Args:
        release: What is built.
        repository: The sources.
        tree: Where to; made.
        sets: Wheels of each Python.
        pip: pip's own wheel.
    """
    systemd = repository / "systemd"
    for name, place in _FILES.items():
        _put(tree, place, (systemd / name).read_bytes())
    _put(tree, "etc/pism/config.yaml", (repository / "kiosk/config.yaml").read_bytes())
    (tree / "etc/pism/keys").mkdir()
    for page in sorted((repository / "docs").iterdir()):
        if page.suffix in (".md", ".svg"):
            _put(tree, f"{_DOC}/{page.name}", page.read_bytes())
    changes = (repository / "CHANGELOG.md").read_bytes()
    _put(tree, f"{_DOC}/changelog.gz", gzip.compress(changes, mtime=0))
    _put(tree, f"{_DOC}/changelog.Debian.gz", gzip.compress(_changelog(release).encode(), mtime=0))
    manual = _fill((systemd / "deb/pism.1").read_text(), release).replace("@COMMANDS@", make_commands())
    _put(tree, "usr/share/man/man1/pism.1.gz", gzip.compress(manual.encode(), mtime=0))
    for shell, place in COMPLETIONS.items():
        _put(tree, place, make_completion(shell).encode())
    (tree / "usr/bin").mkdir(parents=True)
    (tree / "usr/bin/pism").symlink_to("/opt/pism/current/bin/pism")
    _stage_wheels(tree, sets, pip)
    _stage_control(release, systemd / "deb", tree)
    _fix(tree, release.epoch)


def _stage_wheels(tree: Path, sets: Sequence[WheelSet], pip: Path) -> None:
    """Lay out each wheel once, and for each Python the list of those that it needs."""
    for wheel in {pip, *(wheel for each in sets for wheel in each.wheels)}:
        _put(tree, f"{WHEELS}/{wheel.name}", wheel.read_bytes())
    for each in sets:
        _put(tree, f"{WHEELS}/{each.abi}.wheels", each.requirements(f"/{WHEELS}").encode())


def _stage_control(release: Release, sources: Path, tree: Path) -> None:
    """Write DEBIAN/: the control file, the maintainer scripts, the checksums."""
    files = sorted(path for path in tree.rglob("*") if path.is_file() and not path.is_symlink())
    size_kib = sum(-(-path.stat().st_size // 1024) for path in files)
    control = _fill((sources / "control").read_text(), release).replace("@SIZE_KIB@", str(size_kib))
    _put(tree, "DEBIAN/control", control.encode())
    _put(tree, "DEBIAN/templates", (sources / "templates").read_bytes())
    _put(tree, "DEBIAN/conffiles", "".join(f"/{name}\n" for name in _CONFFILES).encode())
    sums = (
        f"{md5(path.read_bytes(), usedforsecurity=False).hexdigest()}  {path.relative_to(tree)}\n"
        for path in files
        if str(path.relative_to(tree)) not in _CONFFILES
    )
    _put(tree, "DEBIAN/md5sums", "".join(sums).encode())
    for name in _SCRIPTS:
        _put(tree, f"DEBIAN/{name}", _fill((sources / name).read_text(), release).encode())


def _changelog(release: Release) -> str:
    """Return Debian's own changelog: one entry that points to the real one."""
    from email.utils import formatdate

    return (
        f"pism ({release.version}) stable; urgency=medium\n\n  * See changelog.gz.\n\n"
        f" -- PiSM maintainers <pism@worlds.example>  {formatdate(release.epoch)}\n"
    )


def _fill(text: str, release: Release) -> str:
    return text.replace("@VERSION@", release.version).replace("@ARCHITECTURE@", release.architecture)


def _put(tree: Path, place: str, data: bytes) -> None:
    path = tree / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _fix(tree: Path, epoch: int) -> None:
    """Give every file and folder its mode and its time."""
    for path in (tree, *sorted(tree.rglob("*"))):
        if not path.is_symlink():
            path.chmod(_mode(path))
    for path in (tree, *sorted(tree.rglob("*"))):
        os.utime(path, (epoch, epoch), follow_symlinks=False)


def _mode(path: Path) -> int:
    if path.is_dir():
        return 0o755
    runs = path.name in _SCRIPTS or str(path.parent).endswith(("usr/lib/pism", "systemd/system-shutdown"))
    return 0o755 if runs else 0o644


def copy_sources(repository: Path, to: Path) -> None:
    """Copy what PiSM's own wheel is built from, with fixed modes, so that the wheel is always the same."""
    for name in ("core", "hw", "kiosk", "server"):
        shutil.copytree(repository / name, to / name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    for name in ("pyproject.toml", "README.md"):
        shutil.copyfile(repository / name, to / name)
    for path in sorted(to.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
