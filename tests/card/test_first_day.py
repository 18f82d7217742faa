"""The first day of a new box on the very image, by its keys, its glass and a USB stick: `make image-boot`."""

import os
import subprocess
import sys
from pathlib import Path

from systemd.deb.wheels import ROOT
from tests.card.glass import CardVM, make_rider
from tests.card.pisim import build_module
from tests.card.release import Release
from tests.vm.appliance import Keys, configure
from tests.vm.box import Record, VmBox

_SLOWER = 12  # than a PC, for what a scenario allows: another machine's instructions, emulated
_BOOT_S = float(os.environ.get("PISM_CARD_TIMEOUT_S", "900"))


def test_a_new_box_is_set_up_tops_up_and_exports_and_both_archives_open(
    release: Release, tmp_path: Path
) -> None:
    record = Record(release.consoles, "card")
    keys = Keys.make(tmp_path / "keys")
    rider = make_rider(build_module(ROOT / "build/image", ROOT / "build/image/packages"))
    card = release.lay(tmp_path)
    taken = tmp_path / "taken"
    taken.mkdir()
    with CardVM(card, release.modules, rider, tmp_path / "vm", mem=512, timeout=_BOOT_S) as machine:
        assert machine.system_state == "running"
        configure(machine, keys, small=True)
        box = VmBox(machine, record, tmp_path, slower=_SLOWER)
        box.play((ROOT / "kiosk/scenarios/first-export.txt").read_text())
        for name, data in box.files("PISM-ALL").items():
            (taken / name.rpartition("/")[2]).write_bytes(data)
    for holder, prefix in (("main-kudo", "main-kudo-"), ("backup-a", "main-backup-")):
        (archive,) = taken.glob(f"{prefix}*.tar.age")
        command = [
            sys.executable,
            "-m",
            "kiosk",
            "verify",
            archive,
            "--identity",
            keys.folder / f"{holder}.key",
        ]
        subprocess.run([*command, "--trust", taken / "roots.pem"], cwd=ROOT, check=True)
