"""The folder of an emulated box, and how the box that begins there stands.

    config.yaml  keys/       what an operator gives a box: the policy and the receivers' public keys
    receivers/               the receivers' private keys; on a real box they are never near it
    state/                   the vault's state folder
    sticks/ spool/ own/      stick images, archives on their way, what the kiosk keeps
    pictures/                snapshots

Keys and passphrases that are made here are worth nothing: they protect an emulation.
"""

from collections.abc import Mapping
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import Final

import pyrage

from core.authority.authority import Authority
from core.crypto.passphrase import canonical
from core.crypto.process import read_boot
from core.files import write_new
from core.policy.proposal import propose_policy
from core.store import attempts
from core.store.keyslots import KdfCost
from hw.fat.mkfs import IMAGE_BYTES, make_image
from hw.fat.volume import open_volume
from kiosk.emulator.box import Folders

WORDS: Final = ("cabin", "engine", "harbor", "market", "nature", "planet", "ribbon", "summer")
"""The passphrase of a box that was set up by `found`; everybody may know it."""

HOLDERS: Final = ("main-kudo", "backup-a", "backup-b")
"""Whose keys are in the shipped config.yaml."""


def shipped_text(*path: str) -> str:
    """Return a text file that ships with PiSM."""
    return resources.files("kiosk").joinpath(*path).read_text(encoding="utf-8")


def folders_in(folder: Path) -> Folders:
    """Return where the parts of the box in `folder` are."""
    return Folders(
        config=folder / "config.yaml",
        state=folder / "state",
        sticks=folder / "sticks",
        spool=folder / "spool",
        own=folder / "own",
        pictures=folder / "pictures",
    )


def lay_folder(folder: Path, config: str | None = None) -> Folders:
    """Lay out a box that nobody has set up.

    Args:
        folder: Absolute; made if it is missing.
        config: Text of config.yaml; None: the shipped one.

    Raises:
        FileError: Something of it is there already (E-FILE).
    """
    for name in ("keys", "sticks", "spool", "own", "receivers"):
        (folder / name).mkdir(parents=True, exist_ok=True, mode=0o700)
    for holder in HOLDERS:
        identity = pyrage.x25519.Identity.generate()
        write_new(folder / "receivers" / f"{holder}.key", f"{identity}\n".encode())
        write_new(folder / "keys" / f"{holder}.pub", f"{identity.to_public()}\n".encode(), 0o644)
    folders = folders_in(folder)
    write_new(folders.config, (config or shipped_text("config.yaml")).encode(), 0o644)
    return folders


def lay_stick(folders: Folders, label: str, files: Mapping[str, bytes]) -> Path:
    """Lay a stick with files ready, to be put in by its label; return its image.

    Args:
        folders: Of the box.
        label: 1 to 11 of A-Z, 0-9, `-` and `_`.
        files: By path: in the root, or one folder deep.
    """
    image = folders.sticks / f"{label}.img"
    make_image(image, label, IMAGE_BYTES)
    with open_volume(image) as volume:
        for path, data in files.items():
            volume.put_small(path, data)
    return image


def found(folders: Folders, now: datetime) -> None:
    """Set the box up as its first set-up would, with WORDS as the passphrase.

    Args:
        folders: Laid out.
        now: Aware UTC, whole seconds.
    """
    policy, _ = propose_policy(folders.config)
    passphrase = canonical(" ".join(WORDS))
    Authority.found(folders.state, policy, passphrase, KdfCost(), now).close()


def fail_unlocks(folders: Folders, count: int, now: datetime) -> None:
    """Let the box remember that many wrong passphrases, the last one just now.

    Args:
        folders: Of a box that was set up.
        count: 1 or more.
        now: Aware UTC, whole seconds.
    """
    boot = read_boot()
    attempts.write_attempts(
        folders.state,
        attempts.Attempts(
            count=count,
            times=(now,) * min(count, attempts.MAX_TIMES),
            boot_id=boot.id,
            uptime_ms=int(boot.uptime_s * 1000),
        ),
    )
