"""Emulated boxes for tests: set up once with a small policy, copied for each test, looked into at the end."""

import shutil
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile, mkdtemp

import msgspec

from core.authority.authority import Authority
from core.crypto.passphrase import canonical
from core.crypto.process import read_boot
from core.progress import report_nothing
from core.store import journal
from core.store.journal import Entry
from core.store.store import open_store
from kiosk.emulator.box import EmulatedBox, Folders, list_image
from kiosk.emulator.folder import WORDS, folders_in, found, lay_folder, shipped_text
from kiosk.emulator.scenario import Player, parse_scenario

SCENARIOS = Path(__file__).parent.parent / "scenarios"
PASSPHRASE = canonical(" ".join(WORDS))
NOW = datetime(2026, 11, 23, 16, 0, tzinfo=UTC)


def small_config() -> str:
    """Return the shipped config.yaml for a world of few servers."""
    text = shipped_text("config.yaml")
    for old, new in (
        ("load: 200", "load: 4"),
        ("load: 20,", "load: 2,"),
        ("lead_time: 5.0", "lead_time: 1.0"),
    ):
        assert old in text
        text = text.replace(old, new)
    return text


@cache
def _template(*, large: bool, changes: tuple[tuple[str, str], ...]) -> Path:
    folder = Path(mkdtemp(prefix="pism-box-"))
    text = shipped_text("config.yaml") if large else small_config()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    found(lay_folder(folder, text), NOW)
    return folder


def set_up_box(folder: Path, *, large: bool = False, changes: tuple[tuple[str, str], ...] = ()) -> Folders:
    """Return the folders of a box that was set up with WORDS.

    Args:
        folder: Where.
        large: With the shipped policy; else with that of a small world.
        changes: Texts of config.yaml, and what stands there instead.
    """
    shutil.copytree(_template(large=large, changes=changes), folder, dirs_exist_ok=True)
    return folders_in(folder)


def make_backup(folders: Folders) -> str:
    """Make the first backup of a box that was set up, in this process; return the words of its drill."""
    authority = Authority.unlock(folders.state, PASSPHRASE, NOW, read_boot())
    with closing(authority), TemporaryFile() as out:
        authority.top_up(NOW, report_nothing)
        authority.write_archive("backup", "main-backup", out, NOW, report_nothing, public=False)
        authority.confirm_written("backup", "main-backup", 1, "PISM-ALL", NOW)
    with open_store(folders.state, PASSPHRASE) as store:
        (words,) = msgspec.json.decode(store.fact("drills main-backup") or "", type=dict[str, str]).values()
    return words


def top_up_ahead(folders: Folders) -> None:
    """Top a box up as if its clock were right; whatever is played later may say that it was ahead."""
    with closing(Authority.unlock(folders.state, PASSPHRASE, NOW, read_boot())) as authority:
        authority.top_up(NOW, report_nothing)


def play(box: EmulatedBox, name: str, **given: str) -> Player:
    """Play tests/scenarios/NAME.txt on a running box, with what is given in place of words in capitals."""
    player = Player(box)
    text = (SCENARIOS / f"{name}.txt").read_text(encoding="utf-8")
    for word, value in given.items():
        text = text.replace(word, value)
    player.play(parse_scenario(text))
    return player


def files_on(image: Path) -> set[str]:
    """Return the names of the files on a stick's image, those of its folders as folder/name."""
    return {name for name in list_image(image) if not name.endswith("/")}


def read_journal(folders: Folders) -> tuple[Entry, ...]:
    """Open a box that has ended, prove its journal, and return it."""
    with open_store(folders.state, PASSPHRASE) as store:
        journal.verify(store)
        return tuple(store.entries())


def acts(folders: Folders) -> list[str]:
    """Return what was journaled, in order."""
    return [entry.act for entry in read_journal(folders)]


def count_signers(folders: Folders) -> int:
    """Return how many signers the store holds."""
    with open_store(folders.state, PASSPHRASE) as store:
        return len(store.certificates("signer"))


def wait_for(holds: Callable[[], bool], what: str, timeout_s: float = 60) -> None:
    """Wait until `holds`; fail with `what` when it does not within the time."""
    deadline_s = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline_s, f"not within {timeout_s:g} s: {what}"
        time.sleep(0.02)
