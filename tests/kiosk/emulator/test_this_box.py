"""A box that is not what it was: played on the emulated one, with what journal and report say of it."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec.structs import asdict
from msgspec.structs import replace as change

from core.authority.authority import Authority
from core.crypto.process import read_boot
from hw.system.emulated import SOUND
from kiosk.emulator.box import EmulatedBox, Folders
from kiosk.work.kept_box import KeptBox, keep_box, read_box
from kiosk.work.runs import find_runs
from tests.kiosk.emulated import NOW, PASSPHRASE, files_on, play, read_journal, set_up_box
from tests.kiosk.place import mtools

RUNS = find_runs(SOUND)


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    """Return a box that the kiosk knows with one serial number, and the vault with another."""
    folders = set_up_box(tmp_path)
    keep_box(folders.own, KeptBox(runs=change(RUNS, serial="1000")))
    runs = change(RUNS, serial="2000")
    with closing(Authority.unlock(folders.state, PASSPHRASE, NOW, read_boot(), runs)):
        return folders


def test_what_differs_is_said_locked_and_unlocked_journaled_and_on_the_report(folders: Folders) -> None:
    box = EmulatedBox(folders)
    box.twins.sensors.condition = replace(SOUND, supply_is_low=True)
    with box:
        play(box, "not-as-before")
    told = [entry.detail["runs"] for entry in read_journal(folders) if "runs" in entry.detail]
    assert told == [asdict(change(RUNS, serial="2000")), asdict(RUNS)]
    assert read_box(folders.own).runs == RUNS
    image = box.image("PISM-ALL")
    (report,) = {name for name in files_on(image) if name.endswith(".html") and "kudo" in name}
    assert (
        f"installed {RUNS.installed}, {RUNS.board}, no {RUNS.serial}; its files"
        in mtools(image, "mtype", f"::{report}").decode()
    )


def test_a_seals_number_survives_the_power_off_and_a_forged_one_is_told(tmp_path: Path) -> None:
    folders = set_up_box(tmp_path)
    for scenario in ("seal", "sealed"):
        with EmulatedBox(folders) as box:
            play(box, scenario)
    keep_box(folders.own, KeptBox(runs=RUNS, seal="999999"))
    with EmulatedBox(folders) as box:
        play(box, "seal-forged")
    assert [entry.detail for entry in read_journal(folders) if entry.act == "seal"] == [{"number": "004711"}]
    assert read_box(folders.own).seal == "004711"
