"""Sticks that bring something to the box: a policy, a lost box's backup; under the units' own sandboxes."""

from pathlib import Path

from tests.vm.appliance import Keys, config_text
from tests.vm.box import VmBox
from tests.vm.harness.vm import make_stick

POLICY = """
expect "PISM-CONFIG asks" 30
press #
expect "WORD 1" 30
type words
expect "FROM PISM-CONFIG" 60
pull
press-until # "#hold: approve" 60
hold # 3
expect "POLICY APPROVED" 60
snapshot policy-approved
press #
expect UNLOCKED 30
hold * 3
expect LOCKED 30
insert PISM-KUDO
expect "STICK PISM-KUDO asks" 30
pull
expect LOCKED 30
"""

RESCUE = """
expect "onto this empty box?" 60
press #
expect "IS THIS THE TIME?"
press #
expect "WHOSE BACKUP?" 120
snapshot rescue-whose
press-until # "#hold: restore" 30
hold # 3
expect "eight random words"
press A
expect "WRITE DOWN"
read words
press #
expect "WORD 1 of 8"
type words
expect "ON THE PAPER, TOO" 60
press #
expect "RESTORED" 120
snapshot rescue-restored
press-until # "PULL THE STICK" 30
press #
pull
expect LOCKED 30
"""


def test_a_policy_comes_on_a_stick(box: VmBox, keys: Keys, tmp_path: Path) -> None:
    config = config_text(small=True).replace(b"PISM-EXPORT:", b"PISM-KUDO:")
    files = {f"keys/{path.name}": path.read_bytes() for path in keys.folder.glob("*.pub")}
    image = tmp_path / "config.img"
    make_stick(str(image), 64, label="PISM-CONFIG", files={"config.yaml": config, **files})
    box.insert_image("PISM-CONFIG", image)
    box.play(POLICY)
    box.vm.run("systemctl restart pism", timeout=120, check=True)
    box.play('expect LOCKED 60\ninsert PISM-KUDO\nexpect "STICK PISM-KUDO asks" 30')  # it is kept


def test_a_lost_box_comes_back_on_an_empty_one(
    box: VmBox, new_box: VmBox, keys: Keys, tmp_path: Path
) -> None:
    box.vm.run("install -d -o pism-vault /run/out", check=True)
    box.command("top-up")
    box.command("backup main-backup --to /run/out")
    archive = Path(box.vm.run("ls /run/out/*.tar.age", check=True)[1].strip())
    files = {
        archive.name: box.vm.get(str(archive)),
        "backup-a.key": (keys.folder / "backup-a.key").read_bytes(),
    }
    box.vm.shutdown()

    image = tmp_path / "rescue.img"
    make_stick(str(image), 64, label="PISM-RESCUE", files=files)
    new_box.vm.boot(wait="agent")
    new_box.play('expect "FIRST SET-UP" 60')
    new_box.insert_image("PISM-RESCUE", image)
    new_box.play(RESCUE)
    assert "restored" in new_box.command("journal")
