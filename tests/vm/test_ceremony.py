"""The whole first day of a box, on a real kernel: set-up, unlock, top-up, export, backup, opened on a PC."""

import json
import subprocess
import sys
from pathlib import Path

from core.archive.box_key import box_words
from tests.vm.appliance import ROOT, Keys
from tests.vm.box import VmBox
from tests.vm.evidence import find_secrets, measure_idle, measure_start, note_memory


def test_first_day_of_a_new_box(new_box: VmBox, keys: Keys, tmp_path: Path) -> None:
    box = new_box
    measure_start(box)
    head, _, tail = (ROOT / "kiosk/scenarios/first-export.txt").read_text().partition('expect "TOP-UP"')
    box.play(head)
    box.play('expect "signer" 60')
    note_memory(box, "at work")
    box.play('expect "BACKUP" 200\nexpect "key" 60')
    note_memory(box, "at the backup")
    box.play(tail.partition("\n")[2])
    note_memory(box, "locked, after the work")
    box.record.say(f"{box.player.presses} keys were pressed")
    open_on_host(box, keys, tmp_path)
    measure_idle(box)
    assert find_secrets(box, tmp_path / "backup-a", keys) == {}


def read_words(taken: Path) -> str:
    """Return the words of the box, here by a receipt: a person reads them off the panel."""
    receipt = json.loads(min(taken.glob("pism-receipt-*.json")).read_bytes())
    return " ".join(box_words(receipt["receipt"]["box_key"]))


def open_on_host(box: VmBox, keys: Keys, folder: Path) -> None:
    """Do what the receivers do: take the files off the stick, check them, open them."""
    taken = folder / "taken"
    taken.mkdir()
    for name, data in box.files("PISM-ALL").items():
        (taken / name.rpartition("/")[2]).write_bytes(data)
    for holder, prefix in (("main-kudo", "main-kudo-"), ("backup-a", "main-backup-")):
        (archive,) = taken.glob(f"{prefix}*.tar.age")
        identity, words = keys.folder / f"{holder}.key", read_words(taken)
        command = [sys.executable, "-m", "kiosk", "open", archive, "--identity", identity]
        command += ["--accept-box", words]
        done = subprocess.run(
            [*command, "--out", folder / holder], cwd=ROOT, check=False, capture_output=True, text=True
        )
        box.record.say(f"pism open {archive.name}: {done.returncode} {done.stdout} {done.stderr}")
        assert done.returncode == 0
