"""What must not be on the card, looked for in its root before that is sealed: a build that finds it ends.

Names of programs are no part of it: of the folders of programs root.txt keeps what it names and nothing else.
"""

import re
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Final

MOST_MODULES: Final = 60

_DRIVERS: Final = re.compile(
    r"usr/lib/modules/[^/]+/kernel/(net|sound|drivers/(net|bluetooth|hid|input|media|isdn|infiniband))/"
)
_RADIO_FIRMWARE: Final = re.compile(r"usr/lib/firmware/")
_MANAGERS: Final = re.compile(
    r"usr/(s?bin|lib/systemd)/[^/]*(apt|dpkg|perl|getty|login$|ssh|curl|wget|busybox|ifconfig|dhc|network|resolve)"
)
_LEFT_BEHIND: Final = re.compile(r"(dev|proc|sys|run|tmp|var)/.|root/\.|.*/(\.bash_history|id_[a-z0-9]+)$")
_CONSOLES: Final = ("getty@.service", "serial-getty@.service", "console-getty.service", "debug-shell.service")
_CONSOLES_MORE: Final = ("emergency.service", "rescue.service", "swap.target")


class AuditError(Exception):
    """The root holds what no card may hold; the message names all of it."""


def audit(root: Path) -> None:
    """Refuse a root that holds what no card may hold.

    Args:
        root: Its files.

    Raises:
        AuditError: What was found, one on a line.
    """
    found = [*_judge_files(root), *_judge_accounts(root), *_judge_units(root)]
    if found:
        raise AuditError("\n".join(("the root is not sealed:", *found)))


def _judge_files(root: Path) -> Iterable[str]:
    modules = 0
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        for what, pattern in (
            ("a driver", _DRIVERS),
            ("firmware of a radio", _RADIO_FIRMWARE),
            ("a program", _MANAGERS),
            ("a leftover", _LEFT_BEHIND),
        ):
            if pattern.match(name):
                yield f"{what}: {name}"
        modules += ".ko" in path.suffixes
        state = path.lstat()
        if stat.S_ISLNK(state.st_mode):
            continue
        if state.st_mode & (stat.S_ISUID | stat.S_ISGID):
            yield f"set-id: {name}"
        if state.st_mode & stat.S_IWOTH:
            yield f"writable by all: {name}"
        if not (stat.S_ISREG(state.st_mode) or stat.S_ISDIR(state.st_mode)):
            yield f"neither file nor folder: {name}"
    if modules > MOST_MODULES:
        yield f"{modules} kernel modules"


def _judge_accounts(root: Path) -> Iterable[str]:
    for line in (root / "etc/shadow").read_text(encoding="utf-8").splitlines():
        name, password = line.split(":")[:2]
        if not password.startswith("!"):
            yield f"a password: {name}"
    for line in (root / "etc/passwd").read_text(encoding="utf-8").splitlines():
        if (root / line.rpartition(":")[2].lstrip("/")).exists():
            yield f"a shell: {line.partition(':')[0]}"


def _judge_units(root: Path) -> Iterable[str]:
    for name in (*_CONSOLES, *_CONSOLES_MORE):
        unit = root / "etc/systemd/system" / name
        if not (unit.is_symlink() and str(unit.readlink()) == "/dev/null"):
            yield f"not switched off: {name}"
    settings = (root / "etc/systemd/journald.conf.d/card.conf").read_text(encoding="utf-8")
    if "Storage=volatile" not in settings:
        yield "a journal that is kept"
