"""The folder of an emulated box, and how the box that begins there stands.

    config.yaml  keys/       what an operator gives a box: the policy and the receivers' public keys
    receivers/               the receivers' private keys; on a real box they are never near it
    state/                   the vault's state folder
    sticks/ spool/ own/      stick images, archives on their way, what the kiosk keeps
    pictures/                snapshots

Rules: keys and passphrases that are made here are worth nothing: they protect an emulation. A start state by
name (factory, provisioned, locked-out) lives in a folder of its own that is removed at the end; a folder that
the operator names is kept: one that holds an emulated box goes on, an empty one gets the factory state, and a
vault's own state folder (design 8) is used where it is.
"""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Final

import click
import pyrage

from core.authority.authority import Authority
from core.crypto.passphrase import canonical
from core.crypto.process import read_boot
from core.errors import FileError
from core.files import write_new
from core.policy.proposal import key_names, propose_policy
from core.store import attempts
from core.store.folder import STORE
from core.store.keyslots import KdfCost
from hw.fat.mkfs import IMAGE_BYTES, make_image
from hw.fat.volume import open_volume
from hw.sticks.emulated import Faults
from kiosk.emulator.box import Folders
from kiosk.emulator.scenario_language import parse_faults

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
    policy, proposal = propose_policy(folders.config)
    passphrase = canonical(" ".join(WORDS))
    names = key_names(proposal)
    Authority.found(folders.state, policy, passphrase, KdfCost(), now, names=names).close()


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


STATES: Final = ("factory", "provisioned", "locked-out")
LOCKED_OUT_FAILS: Final = 6  # 2^6 - 1 s: a minute to look at the countdown
_WORDS_FILE: Final = "passphrase.txt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What the emulator begins with.

    Args:
        folders: Of the box.
        instant: What its clock shows; None: this machine's time.
        words: Its passphrase; () when only the operator knows it.
        stick: Label of a stick that is in; "" for none.
        faults: Of that stick.
        kept: The folder stays when the emulator ends.
    """

    folders: Folders
    instant: datetime | None = None
    words: tuple[str, ...] = ()
    stick: str = ""
    faults: Faults | None = None
    kept: bool = False


@contextmanager
def prepare(
    state: str,
    *,
    config: Path | None = None,
    sticks: Path | None = None,
    fails: int | None = None,
    instant: datetime | None = None,
    stick: str = "",
) -> Iterator[Start]:
    """Yield a box that stands as asked.

    Args:
        state: One of STATES, or a folder.
        config: Whoever rehearses' own, read where it is, as its key files are; None: the box's.
        sticks: Folder of stick images; None: the box's own.
        fails: Wrong passphrases before now; None: as the state has it.
        instant: Aware; None: this machine's time.
        stick: "LABEL" or "LABEL:FAULT" of a stick that is in; "" for none.

    Raises:
        FileError: The folder holds something else (E-FILE).
        click.UsageError: The stick's fault has no such name, or there are no passphrases to fail.
        CaError: The box cannot be set up.
    """
    label, _, fault = stick.partition(":")
    try:
        faults = parse_faults(fault) if fault else None
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    with tempfile.TemporaryDirectory(prefix="pism-emulator-") as own:
        now = (instant or datetime.now(UTC)).replace(microsecond=0)
        folders, kept = _stand(state, Path(own), now, config)
        count = LOCKED_OUT_FAILS if fails is None and state == "locked-out" else fails or 0
        if count and not (folders.state / STORE).exists():
            raise click.UsageError(
                "a box that nobody has set up has no passphrase to fail; name another --state"
            )
        if count:
            fail_unlocks(folders, count, now)
        if sticks is not None:
            sticks.mkdir(parents=True, exist_ok=True)
            folders = replace(folders, sticks=sticks)
        words = folders.spool.parent / _WORDS_FILE
        yield Start(
            folders=folders,
            instant=instant,
            words=tuple(words.read_text(encoding="utf-8").split()) if words.exists() else (),
            stick=label,
            faults=faults,
            kept=kept,
        )


def _stand(state: str, own: Path, now: datetime, config: Path | None) -> tuple[Folders, bool]:
    """Return the folders of the box, and whether they stay."""
    if state in STATES:
        folders = lay_folder(own)
        folders = replace(folders, config=config or folders.config)
        if state != "factory":
            found(folders, now)
            (own / _WORDS_FILE).write_text(" ".join(WORDS) + "\n", encoding="utf-8")
        return folders, False
    folders = _open_folder(Path(state).absolute(), own)
    return replace(folders, config=config or folders.config), True


def _open_folder(folder: Path, own: Path) -> Folders:
    """Return the folders of the box that is in `folder`, or is to be there."""
    if (folder / STORE).exists():
        return replace(lay_folder(own), state=folder)
    if (folder / "config.yaml").exists():
        folders = folders_in(folder)
        for made in (folders.sticks, folders.spool, folders.own):
            made.mkdir(exist_ok=True)
        return folders
    if folder.exists() and any(folder.iterdir()):
        raise FileError(f"{folder} holds no emulated box and is not empty")
    return lay_folder(folder)
