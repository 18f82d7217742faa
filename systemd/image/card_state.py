"""The state of the card: looked at, grown to the card once, and mounted; or refused, with the reason.

It runs as root, once, before anything that keeps something. Rules:

1. /run/pism-card/mounted is there when the state is; else /run/pism-card/refused has a code and a sentence,
   which the kiosk shows (hw.system.card). Never is a state in memory taken for one on the card.
2. Nothing is ever formatted, and nothing that cannot be mended without a question is mended.
3. The first box that a card starts in is its box, by the serial number of the board; another one is refused.
4. Growing is three steps, each of which a power cut leaves whole: the table, the kernel's idea of it, the
   file system.
"""

import json
import os
import pwd
import shutil
import subprocess
import sys
import time
from pathlib import Path

LABEL = "PISM-STATE"
NUMBER = 7
"""Of the partition, the last on the card."""

MOUNTED_AT = Path("/state")
TOLD = Path("/run/pism-card")
ROOT_DEVICE = TOLD / "root"
"""Written by the initramfs: the partition that the verified root is on."""

SHIPPED = Path("/usr/share/pism-config")
_SERIAL = Path("/proc/device-tree/serial-number")
_WAIT_S = 20.0
_ALIGNED_BYTES = 1 << 20
_WORTH_BYTES = 16 << 20
"""For less nothing is grown."""

_EXTENDED = ("5", "f", "85")
_E2FSCK_MENDED, _E2FSCK_MORE = 1, 2
_PLACES = (
    ("vault", "/var/lib/pism", "pism-vault", 0o700),
    ("kiosk", "/var/lib/pism-kiosk", "pism", 0o700),
    ("spool", "/var/cache/pism", "pism", 0o700),
    ("config", "/etc/pism", "root", 0o755),
    ("systemd", "/var/lib/systemd", "root", 0o755),
)


class RefusedError(Exception):
    """The state cannot be used: a code of hw.errors, and why."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


def main() -> None:
    """Mount the state, or say why not."""
    TOLD.mkdir(exist_ok=True)
    try:
        mount_state(find_partition(ROOT_DEVICE.read_text().strip()))
    except RefusedError as error:
        refuse(error.code, str(error))
    except Exception as error:  # noqa: BLE001  whatever it is, the panel says that there is no state
        refuse("E-CARD", f"the state partition could not be looked at ({type(error).__name__})")
    else:
        (TOLD / "mounted").touch()


def refuse(code: str, text: str) -> None:
    """Leave for the kiosk why there is no state."""
    sys.stderr.write(f"{code} {text}\n")
    (TOLD / "refused").write_text(f"{code} {text}\n")


def run(*command: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run a program to its end; its status is the caller's to judge."""
    return subprocess.run(
        command, input=given, check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def find_partition(root: str) -> Path:
    """Return the state partition, on the disk that the root is on."""
    link = Path("/sys/class/block") / Path(root).name
    disk = link.resolve().parent.name
    between = "p" if disk[-1].isdigit() else ""
    node = Path(f"/dev/{disk}{between}{NUMBER}")
    until = time.monotonic() + _WAIT_S
    while not node.exists():
        if time.monotonic() > until:
            raise RefusedError("E-CARD-STATE", f"the card has no partition {NUMBER}")
        time.sleep(0.1)
    return node


def mount_state(node: Path) -> None:
    """Check, grow, mount and bind the state."""
    check(node)
    disk = Path("/dev") / (Path("/sys/class/block") / node.name).resolve().parent.name
    if grow_table(disk, NUMBER):
        run("partx", "--update", "--nr", str(NUMBER), str(disk))
    options = "noatime,nodev,nosuid,noexec,errors=remount-ro"
    done = run("mount", "-t", "ext4", "-o", options, str(node), str(MOUNTED_AT))
    if done.returncode != 0:
        raise RefusedError("E-CARD-DAMAGED", f"it cannot be mounted: {done.stdout.strip()[:200]}")
    run(
        "resize2fs", str(node)
    )  # nothing where it is as large as its partition; a full card is the kiosk's to say
    try:
        belong(MOUNTED_AT / "box", read_serial())
        lay_out(MOUNTED_AT)
        for name, place, _, _ in _PLACES:
            bind(MOUNTED_AT / name, Path(place))
    except RefusedError:
        run("umount", "--recursive", str(MOUNTED_AT))
        raise


def bind(folder: Path, place: Path) -> None:
    """Have a folder of the state stand where programs look for it."""
    place.mkdir(parents=True, exist_ok=True)
    done = run("mount", "--bind", str(folder), str(place))
    if done.returncode != 0:
        raise RefusedError("E-CARD", f"{place} cannot be bound: {done.stdout.strip()[:200]}")


def check(node: Path) -> None:
    """Have e2fsck look at it; what it mends without a question is mended."""
    kind = run("blkid", "--probe", "--output", "export", "--match-token", f"LABEL={LABEL}", str(node)).stdout
    if "TYPE=ext4" not in kind.split():
        raise RefusedError("E-CARD-STATE", f"partition {NUMBER} is not the state of a PiSM card")
    done = run("e2fsck", "-p", str(node))
    if done.returncode > _E2FSCK_MENDED | _E2FSCK_MORE:
        raise RefusedError("E-CARD-DAMAGED", f"e2fsck: {' '.join(done.stdout.split())[-200:]}")


def grow_table(disk: Path, number: int) -> bool:
    """Let the last partition, and the one around it, end where the disk does; tell whether they did not.

    Args:
        disk: Its node, or an image.
        number: Of the partition.
    """
    told = json.loads(run("sfdisk", "--json", str(disk)).stdout)["partitiontable"]
    parts = {int(part["node"].removeprefix(str(disk)).lstrip("p")): part for part in told["partitions"]}
    sector = int(told.get("sectorsize", 512))
    with disk.open("rb") as file:
        end = file.seek(0, os.SEEK_END) // _ALIGNED_BYTES * _ALIGNED_BYTES // sector
    around = next(each for each, part in parts.items() if part["type"] in _EXTENDED)
    missing = [each for each in (around, number) if end - _end(parts[each]) >= _WORTH_BYTES // sector]
    for each in missing:
        start = parts[each]["start"]
        options = ("--quiet", "--no-reread", "--no-tell-kernel", "--force", "-N", str(each))
        done = run("sfdisk", *options, str(disk), given=f"{start},{end - start}\n")
        if done.returncode != 0:
            said = " ".join(done.stdout.split())[-200:]
            raise RefusedError("E-CARD", f"the partition cannot grow: {said}")
    return bool(missing)


def _end(part: dict[str, int]) -> int:
    return part["start"] + part["size"]


def read_serial() -> str:
    """Return the board's serial number, "" where there is none."""
    try:
        return _SERIAL.read_text(encoding="ascii", errors="replace").strip("\0\n ")
    except OSError:
        return ""


def belong(mark: Path, serial: str) -> None:
    """Refuse the state of another box; a new one becomes this box's.

    Args:
        mark: The file that names the box.
        serial: Of this board; a board without one is asked nothing.
    """
    if not mark.exists():
        new = mark.with_suffix(".new")
        with new.open("w", encoding="ascii") as file:
            file.write(f"{serial}\n")
            file.flush()
            os.fsync(file.fileno())
        new.rename(mark)
        return
    kept = mark.read_text(encoding="ascii", errors="replace").strip()
    if kept and serial and kept != serial:
        raise RefusedError("E-CARD-OTHER", f"the card is that of the board {kept}; this is {serial}")


def lay_out(state: Path) -> None:
    """Make the folders that are not there yet, and the config.yaml of the release in a new one."""
    for name, _, user, mode in _PLACES:
        folder = state / name
        if not folder.exists():
            new = state / f"{name}.new"
            shutil.rmtree(new, ignore_errors=True)
            if name == "config":
                shutil.copytree(SHIPPED, new)
            else:
                new.mkdir()
            account = pwd.getpwnam(user)
            os.chown(new, account.pw_uid, account.pw_gid)
            new.chmod(mode)
            new.rename(folder)


if __name__ == "__main__":
    main()
