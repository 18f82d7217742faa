"""The emulated box itself: its hands, its wires, and what is left when the kiosk is killed."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from core.authority.authority import Authority
from core.crypto.process import read_boot
from core.errors import StateLockedError
from core.store.store import open_store
from kiosk.emulator.box import EmulatedBox, Folders
from kiosk.emulator.folder import fail_unlocks
from kiosk.screens.reader import read_text
from tests.kiosk.emulated import (
    NOW,
    PASSPHRASE,
    acts,
    count_signers,
    read_journal,
    set_up_box,
    wait_for,
)

if TYPE_CHECKING:
    from PIL import Image

ROOT = Path(__file__).parents[3]


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return set_up_box(tmp_path)


def shows(box: EmulatedBox, text: str, timeout_s: float = 60) -> bool:
    return box.watch(lambda picture: text in read_text(picture), timeout_s)


def test_a_killed_kiosk_leaves_the_store_whole_and_the_next_top_up_goes_on(tmp_path: Path) -> None:
    folders = set_up_box(tmp_path, large=True)
    command = [sys.executable, "-m", "tests.kiosk.kiosk_child", str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as kiosk:
        assert kiosk.stdout is not None
        assert kiosk.stdout.readline() == b"working\n"
        kiosk.kill()

    def vault_is_gone() -> bool:
        try:
            open_store(folders.state, PASSPHRASE).close()
        except StateLockedError:
            return False
        return True

    wait_for(vault_is_gone, "the vault sees that its kiosk is gone, and ends")
    signed = sum(len(entry.detail["certificates"]) for entry in read_journal(folders) if entry.act == "issue")
    signers = count_signers(folders)
    assert signers < 646
    assert signed == signers + 2 * 6  # six roots and their seals
    now = datetime.now(UTC).replace(microsecond=0)
    authority = Authority.unlock(folders.state, PASSPHRASE, now, read_boot())
    try:
        assert authority.top_up(now, lambda *_: None).signers == 646 - signers
    finally:
        authority.close()
    assert acts(folders).count("unlock") == 2


def test_a_box_ends_though_its_vault_is_frozen(folders: Folders) -> None:
    with EmulatedBox(folders) as box:
        assert shows(box, "LOCKED")
        box.press("#")
        assert shows(box, "WORD 1")
        box.treat_vault("freeze")


def test_time_that_is_advanced_fires_timers(folders: Folders) -> None:
    with EmulatedBox(folders) as box:
        assert shows(box, "LOCKED")
        box.advance_clock(timedelta(seconds=61))
        wait_for(lambda: box.twins.panel.contrast < 0x7F, "the panel dims")
        box.advance_clock(timedelta(seconds=241))
        assert box.watch(lambda picture: picture.getbbox() is None, 30)
        box.press("5")
        assert shows(box, "LOCKED")


def test_a_clock_that_is_set_leaves_timers_alone(folders: Folders) -> None:
    with EmulatedBox(folders, instant=NOW) as box:
        box.set_clock(NOW + timedelta(days=400))
        assert box.board.clock.now() - NOW >= timedelta(days=400)
        assert box.board.clock.monotonic() < timedelta(days=365).total_seconds()


def test_a_panel_without_wires_is_dark_and_is_drawn_again(folders: Folders) -> None:
    with EmulatedBox(folders) as box:
        assert shows(box, "LOCKED")
        box.wire("display", lost=True)
        assert box.picture().getbbox() is None
        box.wire("display", lost=False)
        box.press("#")
        assert shows(box, "WORD 1")


def test_the_same_stick_goes_in_again_or_a_new_one_of_that_label(folders: Folders) -> None:
    with EmulatedBox(folders) as box:
        box.insert("PISM-ALL")
        first = box.image("PISM-ALL")
        box.pull()
        box.insert("PISM-ALL")
        assert box.image("PISM-ALL") == first
        box.pull("PISM-ALL")
        box.insert("PISM-ALL", new=True)
        assert box.image("PISM-ALL") != first
        assert len(box.sticks) == 1
        box.pull()
        box.pull()
        assert box.sticks == ()


def test_wrong_passphrases_are_counted_and_waited_for(folders: Folders) -> None:
    fail_unlocks(folders, 6, NOW)
    with EmulatedBox(folders) as box:
        assert shows(box, "6 failed in a row")
        wait_s = box.daemon.machine.shown.body.text  # type: ignore[union-attr]  the large countdown
        assert wait_s.startswith(("0:5", "1:0"))


def test_every_picture_is_seen_and_snapshots_are_kept(folders: Folders) -> None:
    seen: list[Image.Image] = []
    with EmulatedBox(folders, seen=seen.append) as box:
        assert shows(box, "LOCKED")
        wait_for(lambda: any("LOCKED" in read_text(picture) for picture in seen), "the eye sees it too")
        box.snapshot("locked")
    assert (folders.pictures / "locked.png").stat().st_size > 0


def test_power_off_is_heard(folders: Folders) -> None:
    heard: list[str] = []
    with EmulatedBox(folders, power_heard=heard.append) as box:
        assert shows(box, "LOCKED")
        box.ask_power("off")
        assert box.watch_power("off", 30)
    assert heard == ["off"]
