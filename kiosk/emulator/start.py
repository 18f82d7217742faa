"""How `pism emulate` begins: the folder that the box lives in, and what was done to it before.

Rules: a start state by name (factory, provisioned, locked-out) lives in a folder of its own that is removed
at the end; a folder that the operator names is kept: one that holds an emulated box goes on, an empty one
gets the factory state, and a vault's own state folder (design 8) is used where it is.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from core.store.folder import STORE
from hw.sticks.emulated import Faults
from kiosk.emulator.box import Folders
from kiosk.emulator.folder import WORDS, fail_unlocks, folders_in, found, lay_folder
from kiosk.emulator.scenario_language import parse_faults

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
    sticks: Path | None = None,
    fails: int | None = None,
    instant: datetime | None = None,
    stick: str = "",
) -> Iterator[Start]:
    """Yield a box that stands as asked.

    Args:
        state: One of STATES, or a folder.
        sticks: Folder of stick images; None: the box's own.
        fails: Wrong passphrases before now; None: as the state has it.
        instant: Aware; None: this machine's time.
        stick: "LABEL" or "LABEL:FAULT" of a stick that is in; "" for none.

    Raises:
        click.ClickException: The folder holds something else, or there are no passphrases to fail.
        click.UsageError: The stick's fault has no such name.
        CaError: The box cannot be set up.
    """
    label, _, fault = stick.partition(":")
    try:
        faults = parse_faults(fault) if fault else None
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    with tempfile.TemporaryDirectory(prefix="pism-emulator-") as own:
        now = (instant or datetime.now(UTC)).replace(microsecond=0)
        folders, kept = _stand(state, Path(own), now)
        count = LOCKED_OUT_FAILS if fails is None and state == "locked-out" else fails or 0
        if count and not (folders.state / STORE).exists():
            raise click.ClickException(
                "a box that nobody has set up has no passphrase to fail; name another --state"
            )
        if count:
            fail_unlocks(folders, count, now)
        if sticks is not None:
            sticks.mkdir(parents=True, exist_ok=True)
            folders = replace(folders, sticks=sticks)
        words = folders.config.parent / _WORDS_FILE
        yield Start(
            folders=folders,
            instant=instant,
            words=tuple(words.read_text(encoding="utf-8").split()) if words.exists() else (),
            stick=label,
            faults=faults,
            kept=kept,
        )


def _stand(state: str, own: Path, now: datetime) -> tuple[Folders, bool]:
    """Return the folders of the box, and whether they stay."""
    if state in STATES:
        folders = lay_folder(own)
        if state != "factory":
            found(folders, now)
            (own / _WORDS_FILE).write_text(" ".join(WORDS) + "\n", encoding="utf-8")
        return folders, False
    folder = Path(state).absolute()
    if (folder / STORE).exists():
        return replace(lay_folder(own), state=folder), True
    if (folder / "config.yaml").exists():
        folders = folders_in(folder)
        for made in (folders.sticks, folders.spool, folders.own):
            made.mkdir(exist_ok=True)
        return folders, True
    if folder.exists() and any(folder.iterdir()):
        raise click.ClickException(f"{folder} holds no emulated box and is not empty")
    return lay_folder(folder), True
