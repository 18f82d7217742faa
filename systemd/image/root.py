"""The card's root: Debian's packages unpacked, PiSM's beside them, and what no box has a use for taken away.

Rules:

1. No script of a package runs. What those would have done that a box needs is here, and can be read.
2. What is left has no login, no console, no network beyond the loopback, no package manager, no set-id
   program and nothing that writes to the root; every library that a program needs is there, or the build
   ends.
3. What belongs to a box, not to a release, is on the state partition (card-state).
"""

import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from systemd.image.elf import find_needed, make_cache, read_dynamic
from systemd.image.packages import read_list
from systemd.image.tools import link, put, run

HERE: Final = Path(__file__).parent
LIBRARIES: Final = "usr/lib/aarch64-linux-gnu"

LIST: Final = HERE / "root.txt"
_KEEP: Final = "keep "
_UNITS_ON: Final = (
    ("multi-user.target.wants", "pism.service"),
    ("sockets.target.wants", "pism-vault.socket"),
    ("local-fs.target.wants", "pism-state.service"),
)
_CODE_PAGES: Final = re.compile(r"IBM(437|850)\.so|UTF-(7|16|32)\.so|gconv-modules.*")
_DAY: Final = 20000  # in shadow: when the password that nobody has was changed


def finish(root: Path, package: Path, *, epoch: int) -> None:
    """Make a box's root of unpacked packages.

    Args:
        root: Where they are unpacked.
        package: pism_VERSION_arm64.deb, unpacked.
        epoch: Of the build.
    """
    shutil.copytree(package, root, symlinks=True, dirs_exist_ok=True, ignore=shutil.ignore_patterns("wheels"))
    (root / "requirements.txt").unlink(missing_ok=True)
    shutil.copytree(HERE / "files", root, symlinks=True, dirs_exist_ok=True)
    put(root / "usr/lib/pism/card-state", (HERE / "card_state.py").read_bytes())
    _make_accounts(root, epoch)
    _take_away(root)
    _set_up_units(root)
    _set_up_etc(root)
    _close_modes(root)
    cached = {path.name: f"/{path.relative_to(root)}" for path in _libraries(root)}
    put(root / "etc/ld.so.cache", make_cache(cached, "aarch64"))
    check_libraries(root)


def check_libraries(root: Path) -> None:
    """Refuse a root in which a program or library needs what is not there.

    Args:
        root: The card's.

    Raises:
        FileNotFoundError: The message names both.
    """
    folders = [root / LIBRARIES, root / LIBRARIES / "systemd"]
    files = [
        path
        for path in sorted((root / "usr").rglob("*"))
        if path.is_file() and not path.is_symlink() and "gconv" not in path.parts
    ]
    find_needed(files, folders)


def _libraries(root: Path) -> Iterable[Path]:
    """Yield the libraries that a program may load by name, each under its soname."""
    for path in sorted((root / LIBRARIES).glob("*.so*")):
        told = read_dynamic(path)
        if told is not None and told.soname == path.name:
            yield path


def _take_away(root: Path) -> None:
    told = read_list(LIST)
    for folder, kept in told.items():
        if folder.startswith(_KEEP):
            for path in sorted((root / folder.removeprefix(_KEEP)).iterdir()):
                if path.name not in kept:
                    _remove(path)
    for pattern in told["take away"]:
        for place in _expand(pattern):
            for path in sorted(root.glob(place)):
                _remove(path)
    for path in sorted((root / LIBRARIES / "gconv").iterdir()):
        if path.is_file() and not _CODE_PAGES.fullmatch(path.name):
            path.unlink()


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def _expand(pattern: str) -> tuple[str, ...]:
    """Return the patterns that braces stand for, the innermost first."""
    found = re.search(r"\{([^{}]*)\}", pattern)
    if found is None:
        return (pattern,)
    head, tail = pattern[: found.start()], pattern[found.end() :]
    return tuple(each for choice in found[1].split(",") for each in _expand(f"{head}{choice}{tail}"))


def _make_accounts(root: Path, epoch: int) -> None:
    """Write the accounts; none has a password or a shell."""
    etc, base = root / "etc", root / "usr/share/base-passwd"
    users = (base / "passwd.master").read_text().splitlines()
    put(etc / "passwd", "".join(f"{line.rpartition(':')[0]}:/usr/sbin/nologin\n" for line in users))
    put(etc / "group", (base / "group.master").read_text())
    run(["systemd-sysusers", f"--root={root}"], epoch=epoch)
    names = [line.split(":")[0] for line in (etc / "passwd").read_text().splitlines()]
    put(etc / "shadow", "".join(f"{name}:!*:{_DAY}:0:99999:7:::\n" for name in names), 0o600)
    groups = [line.split(":")[0] for line in (etc / "group").read_text().splitlines()]
    put(etc / "gshadow", "".join(f"{name}:!*::\n" for name in groups), 0o600)
    for name in ("passwd-", "group-", "shadow-", "gshadow-", ".pwd.lock", "subuid", "subgid"):
        (etc / name).unlink(missing_ok=True)
    shutil.rmtree(base)


def _set_up_units(root: Path) -> None:
    units = root / "etc/systemd/system"
    for name in read_list(LIST)["units off"]:
        link(units / name, "/dev/null")
    for wants, name in _UNITS_ON:
        link(units / wants / name, f"/usr/lib/systemd/system/{name}")
    link(units / "default.target", "/usr/lib/systemd/system/multi-user.target")


def _set_up_etc(root: Path) -> None:
    etc = root / "etc"
    put(etc / "machine-id", "")  # a number of its own at each start, in memory
    put(etc / "nsswitch.conf", "passwd: files\ngroup: files\nshadow: files\nhosts: files\n")
    link(etc / "localtime", "/usr/share/zoneinfo/Etc/UTC")
    link(etc / "mtab", "../proc/self/mounts")
    link(etc / "os-release", "../usr/lib/os-release")
    shutil.move(etc / "pism", root / "usr/share/pism-config")
    for name in ("pism", "../dev", "../proc", "../sys", "../run", "../tmp", "../state"):
        (etc / name).resolve().mkdir(exist_ok=True)
    for name in ("boot", "home", "media", "mnt", "opt", "srv"):
        (root / name).mkdir(exist_ok=True)


def _close_modes(root: Path) -> None:
    """Let the programs of root be no more than programs: nothing is set-id, nothing writable by others."""
    for path in sorted(root.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode & 0o777
            path.chmod((mode | (0o555 if path.is_dir() else 0o444)) & 0o755)
    for name in ("shadow", "gshadow"):
        (root / "etc" / name).chmod(0o600)
