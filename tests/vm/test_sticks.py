"""Sticks on a real kernel: pulled in the middle, of every kind, failing."""

import re
import subprocess
from pathlib import Path

import pytest

from hw.fat.volume import open_volume
from tests.vm.appliance import Keys
from tests.vm.box import VmBox
from tests.vm.harness.vm import make_stick
from tests.vm.test_ceremony import open_on_host

UNLOCK = """
expect "STICK PISM" 30
press #
expect "WORD 1"
type words
"""


def test_stick_pulled_in_the_middle_gets_the_same_job_again(box: VmBox, keys: Keys, tmp_path: Path) -> None:
    image = tmp_path / "slow.img"
    make_stick(str(image), 64, label="PISM-ALL")
    box.insert_image("PISM-ALL", image, bps=1_000_000)
    box.play(f'{UNLOCK}\nexpect "writing" 200')
    box.play('pull\nexpect "Put it in again" 60')
    box.play('insert PISM-ALL\nexpect "SAFE TO" 300\npull\nexpect "LOCKED" 30')
    assert not any(name.endswith(".part") for name in box.files("PISM-ALL"))
    open_on_host(box, keys, tmp_path)


@pytest.mark.parametrize(
    ("kind", "how", "text"),
    [
        ("partitioned", {"fs": "fat32", "mbr": True, "label": "PISM-ALL"}, "STICK PISM-ALL"),
        ("exfat", {"fs": "exfat", "label": "PISM-ALL"}, "It is not FAT32"),
        ("blank", {"fs": "none", "size_mb": 16}, "It has no label"),
        ("other", {"fs": "fat32", "label": "HOLIDAYS"}, "No job has this label"),
    ],
)
def test_each_kind_of_stick_is_told_on_the_glass(
    box: VmBox, tmp_path: Path, kind: str, how: dict[str, object], text: str
) -> None:
    image = tmp_path / f"{kind}.img"
    make_stick(str(image), **how)
    box.insert_image(kind, image)
    box.play(f'expect "{text}" 30\nsnapshot stick-{kind}\npull\nexpect "LOCKED" 30')
    assert box.vm.run("grep -c /dev/sd /proc/mounts")[1].strip() == "0"


def test_udev_reads_nothing_off_a_stick_and_asks_it_nothing(box: VmBox) -> None:
    box.play('insert PISM-ALL\nexpect "STICK PISM-ALL" 30')
    known = box.vm.run("udevadm info --query=property --name=/dev/sda", check=True)[1]
    assert "PISM_STICK=1" in known
    assert "ID_FS_" not in known
    assert "ID_SERIAL" not in known
    box.play('pull\nexpect "LOCKED" 30')


def test_stick_that_fails_every_write_is_named(box: VmBox) -> None:
    box.play("insert PISM-ALL dying\n" + UNLOCK)
    box.play('expect "E-STICK" 200\nsnapshot stick-dying')


def test_blank_stick_is_formatted_on_the_box(box: VmBox, tmp_path: Path) -> None:
    image = tmp_path / "blank.img"
    make_stick(str(image), 64, fs="none")
    box.insert_image("PISM-ALL", image)
    box.play('expect "It has no label" 30\npress A\nexpect "ERASE AND NAME IT"')
    (key,) = re.findall("([A-D]) PISM-ALL", box.text())
    box.play(f"press {key}")
    box.play('expect "ERASE THE STICK?"\nhold # 3\nexpect "STICK PISM-ALL" 120\npull\nexpect "LOCKED" 30')
    assert subprocess.run(["fsck.vfat", "-n", image], check=False, stdout=subprocess.DEVNULL).returncode == 0
    with open_volume(image) as volume:
        assert (volume.label, volume.list()) == ("PISM-ALL", ())
