"""Forty sticks pulled while they are written to, put in once more, and judged by the kernel's vfat driver."""

import json
import random
from hashlib import sha256
from pathlib import Path

from tests.vm.box import VmBox
from tests.vm.harness.vm import make_stick, stick_files

PULLS = 40
LONGEST_S = 9.0
BYTES_A_SECOND = 400_000
UNLOCKED = 'press #\nexpect "WORD 1"\ntype words\nexpect "UNLOCKED" 60'
READ = """
mount -t vfat -o ro /dev/sd[a-z] /mnt
cd /mnt
find . -type f -exec sha256sum {} +
cd /
umount /mnt
"""


def check_receipts(files: dict[str, bytes]) -> int:
    """Fail where a receipt names a file that is not there as it says; return how many receipts there are.

    What has no number in its name is the newest archive's: a later one replaces it.
    """
    receipts = [
        json.loads(data)["receipt"]
        for name, data in files.items()
        if name.startswith("pism-receipt-") and name.endswith("json")
    ]
    newest = {
        name: max(receipt["sequence"] for receipt in receipts if receipt["name"] == name)
        for name in {receipt["name"] for receipt in receipts}
    }
    hashes = {sha256(data).hexdigest() for data in files.values()}
    for receipt in receipts:
        is_newest = receipt["sequence"] == newest[receipt["name"]]
        papers = [paper for paper in receipt["papers"] if is_newest or paper["file"].startswith("pism-")]
        assert {receipt["archive"]["sha256"], *(paper["sha256"] for paper in papers)} <= hashes
    return len(receipts)


def read_by_the_kernel(box: VmBox) -> dict[str, str]:
    """Return path and SHA-256 of every file, as the guest's kernel reads the stick that is in."""
    _, said = box.vm.run(READ, check=True)
    return {
        name.removeprefix("./"): digest
        for digest, name in (line.split("  ", 1) for line in said.splitlines())
    }


def test_forty_pulled_sticks_are_good_after_one_more_insertion(box: VmBox, tmp_path: Path) -> None:
    weather = random.Random(40)
    box.play(UNLOCKED)
    early = 0
    for number in range(PULLS):
        image = tmp_path / f"{number}.img"
        make_stick(str(image), 64, label="PISM-ALL")
        box.insert_image("PISM-ALL", image, bps=BYTES_A_SECOND)
        box.play('expect "STICK PISM-ALL asks" 30\npress #')
        box.wait(weather.uniform(0.2, LONGEST_S))
        box.pull()
        check_receipts(stick_files(str(image)))
        # pulled early, the same job goes on; pulled late, it was done, and another one begins
        assert box.watch(lambda _: any(word in box.text() for word in ("Put it in", "UNLOCKED")), 30)
        was_early = "Put it in" in box.text()
        box.insert_image("PISM-ALL", image)
        box.play('expect "SAFE TO" 120' if was_early else 'expect "asks" 30\npress #\nexpect "SAFE TO" 120')
        early += was_early
        files = stick_files(str(image))
        assert read_by_the_kernel(box) == {name: sha256(data).hexdigest() for name, data in files.items()}
        assert check_receipts(files) == (2 if was_early else 4)
        assert not [name for name in files if name.lower().endswith((".part", ".prt"))]
        box.play('pull\nexpect "UNLOCKED" 30')
        image.unlink()
    box.record.say(f"{PULLS} pulls, {early} of them early")
    assert "FAT-fs" not in box.vm.run("dmesg | grep 'FAT-fs.*error' || true")[1]
    assert early > PULLS // 2
