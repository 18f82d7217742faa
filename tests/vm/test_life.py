"""Start, stop, watchdog, power: nothing is lost in any of them."""

import re
from base64 import b64decode
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PIL import Image

from kiosk.screens.reader import read_text
from tests.vm.box import VmBox
from tests.vm.harness.vm import Frame
from tests.vm.test_sticks import UNLOCK

# Runs beside PiSM's last act, when the agent is gone: waits for it, and sends the glass over the serial line.
LAST_LOOK = """#!/bin/sh
exec >/dev/ttyS0
sleep 1
while grep -qs last_light /proc/[0-9]*/cmdline; do sleep 0.2; done
mount -t debugfs none /sys/kernel/debug
awk '$2 == "/" {n = $4 ~ /^ro(,|$)/} END {printf "LOOK %d ", n}' /proc/mounts
base64 -w0 /sys/kernel/debug/pisim/oled.pbm
echo
"""
WORK = f"insert PISM-ALL\n{UNLOCK}"


def main_pid(box: VmBox) -> int:
    return int(box.vm.run("systemctl show -P MainPID pism")[1])


def test_kiosk_that_hangs_is_killed_and_started_again(box: VmBox) -> None:
    hung = main_pid(box)
    box.vm.run(f"kill -STOP {hung}", check=True)
    box.vm.until("systemctl show -P NRestarts pism | grep -qx 1", 90)
    box.vm.until("systemctl is-active pism", 90)
    assert main_pid(box) != hung
    assert "watchdog" in box.vm.run("journalctl -b -u pism | tail -20")[1].lower()
    box.play('expect "LOCKED" 30')


def test_kiosk_that_dies_at_work_leaves_a_store_that_goes_on(box: VmBox) -> None:
    box.play(WORK + 'expect "TOP-UP" 60')
    at_work = box.vm.run("pgrep -u pism-vault")[1].strip()
    box.vm.run("systemctl kill --signal=KILL --kill-whom=main pism", check=True)
    box.vm.until("systemctl is-active pism", 90)
    box.vm.until(f"! test -e /proc/{at_work}", 60)
    box.play(f'expect "STICK PISM-ALL" 60\n{UNLOCK}\nexpect "SAFE TO" 300\npull\nexpect "LOCKED" 30')
    box.command("journal")


def test_vault_that_dies_at_work_locks_the_box(box: VmBox) -> None:
    box.play(WORK + 'expect "TOP-UP" 60\nkill vault\nexpect "E-VAULT" 20\nsnapshot vault-died')
    box.command("top-up")


@pytest.mark.parametrize("moment", ["locked", "working"])
def test_stopping_the_service_loses_nothing(box: VmBox, moment: str) -> None:
    if moment == "working":
        box.play(WORK + 'expect "TOP-UP" 60')
    box.vm.run("systemctl stop pism", timeout=90, check=True)
    box.snapshot(f"stopped-{moment}")
    assert "LOCKED" not in box.text()
    said = box.vm.run("systemctl show -P Result -P NRestarts pism")[1].split()
    assert said == ["success", "0"]
    box.command("top-up")
    box.vm.run("systemctl start pism", timeout=120, check=True)


def test_power_off_says_when_to_unplug_and_not_before(box: VmBox) -> None:
    box.vm.put(LAST_LOOK.encode(), "/usr/lib/systemd/system-shutdown/zz-look", mode=0o755)
    box.play('press D\nexpect "MENU"\npress 0\nexpect "POWER"\npress B\nexpect "do not unplug yet" 30')
    box.play("expect-power off 60")
    read_only, pbm = re.findall(r"LOOK ([01]) (\S+)", Path(box.vm.console).read_text(errors="replace"))[-1]
    glass = Frame(b64decode(pbm))
    picture = Image.frombytes("1", (glass.width, glass.height), glass.bits)
    box.record.see(picture, "system-down")
    assert "You may unplug" in read_text(picture)
    assert read_only == "1"


def test_box_whose_clock_went_back_is_set_by_its_keys(box: VmBox) -> None:
    box.play("clock set 2020-01-01T00:00:00Z\n" + WORK)
    box.play('expect "E-CLOCK-BEHIND" 60\nsnapshot clock-behind\npress #')
    true = datetime.now(UTC) + timedelta(minutes=2)
    for _ in range(2):
        box.play(f'expect "DATE" 20\npress {" ".join(true.strftime("%Y%m%d%H%M"))} #')
    box.play('expect "SET THE CLOCK?" 20\nhold # 3\nexpect-not "E-CLOCK" 5')
    shown = datetime.fromtimestamp(float(box.vm.run("date +%s")[1]), UTC)
    assert abs(shown - true) < timedelta(minutes=2)
    box.snapshot("clock-set")


def test_full_disk_is_told_and_harms_nothing(box: VmBox) -> None:
    box.vm.run("cat /dev/zero >/var/tmp/full", user="nobody", timeout=300)  # all but root's reserve
    box.play(WORK + 'expect "E-" 120\nsnapshot full-disk\nexpect-not "E-VAULT" 0')
    box.vm.run("rm /var/tmp/full", check=True)
    box.play("pull")
    box.command("top-up")
