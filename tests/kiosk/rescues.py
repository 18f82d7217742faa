"""A box that was lost, its backup and a key that opens it, and the stick that brings both to an empty box."""

import io
import shutil
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from core.authority.authority import Authority
from core.crypto.process import read_boot
from core.progress import report_nothing
from hw.fat.mkfs import make_image
from hw.fat.volume import open_volume
from kiosk.emulator.box import Folders
from kiosk.emulator.folder import folders_in
from tests.keys import HybridKey
from tests.kiosk.emulated import NOW as FOUNDED
from tests.kiosk.emulated import PASSPHRASE, set_up_box

NOW = FOUNDED + timedelta(days=10)
STICK_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """A box as it was, and what is left of it.

    Args:
        folders: Of the old box.
        name: Of the backup's archive.
        backup: The archive.
        egress: An export, which nothing can be restored from.
        server_key: The private key that opens the export.
        key: The private key of one of the backup's recipients.
    """

    folders: Folders
    name: str
    backup: bytes
    egress: bytes
    server_key: bytes
    key: bytes


@cache
def lose_box(*, post_quantum: bool = False) -> Lost:
    """Return a box of few servers that made one export and one backup, by a clock of NOW.

    Args:
        post_quantum: The backup is encrypted to post-quantum keys.
    """
    folder = Path(mkdtemp(prefix="pism-lost-"))
    holders = [HybridKey(), HybridKey()]
    keys = "keys/backup-a.pub, keys/backup-b.pub"
    changes = ((keys, ", ".join(holder.to_public() for holder in holders)),) if post_quantum else ()
    folders = set_up_box(folder, changes=changes)
    authority = Authority.unlock(folders.state, PASSPHRASE, NOW, read_boot())
    authority.top_up(NOW, report_nothing)
    archives = {}
    for kind, name in (("egress", "main-kudo"), ("backup", "main-backup")):
        out = io.BytesIO()
        written = authority.write_archive(kind, name, out, NOW, report_nothing, public=False)
        authority.confirm_written(kind, name, written.sequence, "PISM-ALL", NOW)
        archives[kind] = written.archive_name, out.getvalue()
    authority.close()
    server_key, key = (
        (folder / "receivers" / f"{name}.key").read_bytes() for name in ("main-kudo", "backup-a")
    )
    return Lost(
        folders=folders,
        name=archives["backup"][0],
        backup=archives["backup"][1],
        egress=archives["egress"][1],
        server_key=server_key,
        key=f"{holders[0]}\n".encode() if post_quantum else key,
    )


def lay_empty_box(folder: Path, lost: Lost) -> Folders:
    """Return the folders of a new box with the config.yaml and the public keys of the lost one."""
    for name in ("sticks", "spool"):
        (folder / name).mkdir(parents=True)
    shutil.copytree(lost.folders.config.parent / "keys", folder / "keys")
    shutil.copy(lost.folders.config, folder / "config.yaml")
    return folders_in(folder)


def fill_stick(image: Path, files: dict[str, bytes]) -> Path:
    """Make a PISM-RESCUE stick that holds these files."""
    make_image(image, "PISM-RESCUE", STICK_BYTES)
    with open_volume(image) as volume:
        for name, data in files.items():
            volume.put_small(name, data)
    return image


def rescue_files(lost: Lost) -> dict[str, bytes]:
    """Return what a PISM-RESCUE stick holds: the archive, the key, and what lies on sticks otherwise."""
    return {lost.name: lost.backup, "backup-a.txt": lost.key, "README.txt": b"Do not lose this stick.\n"}
