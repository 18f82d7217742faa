"""`pism demo`: a whole ceremony on the emulated box, ending with the receiver's side.

It makes keys for a server and two backup holders, lays the shipped config.yaml beside them, plays the
scenario of a first export on the emulated box while the panel's frames appear in the terminal, pulls the
stick, and opens both archives with the receivers' keys. Nothing is believed that was not checked: any step
that does not come true ends the demo with exit status 1. Where nobody looks, the frames are left out.

One thing it only says: a person would compare the box's words with its panel before a receiver follows it.

The keys and the passphrase of a demo are worth nothing, and its folder says so.
"""

import shutil
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TextIO

from PIL import Image

from core.crypto.identities import load_identities
from core.errors import AcceptanceError, FileError
from core.files import write_new
from core.receive.opening import open_archive
from core.receive.trust import load_roots
from hw.fat.volume import open_volume
from hw.fat.writing import MAX_FILE_BYTES
from kiosk.emulator.box import EmulatedBox, Folders
from kiosk.emulator.folder import lay_folder, shipped_text
from kiosk.emulator.scenario import Player, ScenarioError, parse_scenario
from kiosk.screens.frames import render
from kiosk.screens.reader import read_lines

_MARK: Final = "pism-demo"
_STICK: Final = "PISM-ALL"


def run_demo(folder: Path, tell: Callable[[str], None], *, fresh: bool) -> None:
    """Play the demo in `folder`; the panel's frames appear on standard output, if that is a terminal.

    Args:
        folder: Absolute; made if it is missing.
        tell: Told a line of what came of it.
        fresh: Remove what an earlier demo left there.

    Raises:
        FileError: The folder is in use (E-FILE).
        AcceptanceError: A step did not come true (E-ACCEPTANCE).
        CaError, HardwareError: What was exported could not be opened.
    """
    folders = _prepare(folder, fresh=fresh)
    steps = parse_scenario(shipped_text("scenarios", "first-export.txt"))
    seen = _Terminal(sys.stdout).show if sys.stdout is not None and sys.stdout.isatty() else None
    with EmulatedBox(folders, seen=seen) as box:
        player = Player(box)
        try:
            player.play(steps)
        except ScenarioError as error:
            shown = " / ".join(read_lines(box.picture()))
            raise AcceptanceError(f"{error}; the panel shows: {shown}") from error
    tell(f"\nOn an emulated box {player.presses} keys were pressed.\n")
    _receive(folder, tell)
    tell(f"\nEverything lies in {folder}: sticks/, opened/, pictures/, state/ (encrypted).")


def _prepare(folder: Path, *, fresh: bool) -> Folders:
    mark = folder / _MARK
    if folder.exists() and any(folder.iterdir()):
        if not mark.exists():
            raise FileError(f"{folder} is not empty and no demo made it; name another with --dir")
        if not fresh:
            raise FileError(
                f"{folder} holds a demo already; play a new one with --fresh, or: make demo DEMO=--fresh"
            )
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_new(mark, b"A demo of PiSM. Its keys and its passphrase are worth nothing.\n")
    return lay_folder(folder)


def _receive(folder: Path, tell: Callable[[str], None]) -> None:
    """Do what the server and a backup holder do: take the files off the stick, check them, open them."""
    image = folder / "sticks" / f"{_STICK}.img"
    taken = folder / "taken"
    taken.mkdir()
    (folder / "opened").mkdir()
    with open_volume(image) as volume:
        names = [item.name for item in volume.list() if item.name.endswith(".tar.age")]
        names.append("public/roots.pem")
        for name in names:
            pieces: list[bytes] = []
            volume.get_into(name, pieces.append, MAX_FILE_BYTES)
            write_new(taken / name.rpartition("/")[2], iter(pieces))
    roots = load_roots((taken / "roots.pem").read_bytes(), "roots.pem")
    now = datetime.now(UTC).replace(microsecond=0)
    for holder, prefix in (("main-kudo", "main-kudo-"), ("backup-a", "main-backup-")):
        (archive,) = taken.glob(f"{prefix}*.tar.age")
        key = folder / "receivers" / f"{holder}.key"
        identities = load_identities(key.read_bytes(), None, str(key))
        out = folder / "opened" / holder
        received = open_archive(archive, identities, roots, out, lambda _question: True, now)
        certificates = received.manifest.certificates
        root_count = sum(item.kind == "root" for item in certificates)
        signer_count = sum(item.kind == "signer" for item in certificates)
        tell(f"{holder} opened {archive.name}:")
        tell(f"  {root_count} roots, {signer_count} signers, {received.key_count} keys, every one verified")
        tell(f"  in {received.folder}")
        words = received.sealed_by.box_words
    tell("\nBoth were made by the box of these words; a person compares them with its panel (menu, 4):")
    tell(f"  {' '.join(words)}")


class _Terminal:
    """Shows the panel, each picture in the place of the one before."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._lines = 0

    def show(self, picture: Image.Image) -> None:
        """Show a picture."""
        lines = render(picture, shutil.get_terminal_size().columns, "emulated")
        if self._lines:
            self._out.write(f"\x1b[{self._lines}A")
        self._out.write("\n".join(lines) + "\n")
        self._out.flush()
        self._lines = len(lines)
