"""The plug is pulled at twenty moments of a visit and of a change of passphrase; the box goes on."""

import random
from typing import Final

import pytest

from tests.vm.box import VmBox
from tests.vm.test_sticks import UNLOCK

SEED: Final = 4
VISIT_S: Final = 30.0  # from the last key of the passphrase to SAFE TO REMOVE
CHANGE_S: Final = 10.0
NEW_WORDS: Final = ("zoo", "zone", "zero", "zebra", "youth", "young", "yellow", "year")

_RANDOM = random.Random(SEED)
_VISITS = [round(_RANDOM.uniform(0, VISIT_S), 1) for _ in range(15)]
_CHANGES = [round(_RANDOM.uniform(0, CHANGE_S), 1) for _ in range(5)]
_CHANGE = (
    "cd /var/lib/pism; runuser -u pism-vault -- /usr/bin/pism passphrase --state /var/lib/pism "
    "--passphrase-file - --new-passphrase-file /run/new </run/old >/dev/null 2>&1 &"
)


@pytest.mark.parametrize("after_s", _VISITS)
def test_power_cut_in_a_visit_leaves_before_or_after(box: VmBox, after_s: float) -> None:
    box.play(f"insert PISM-ALL\n{UNLOCK}")
    box.wait(after_s)
    box.snapshot(f"cut-visit-{after_s}")
    start_again(box)
    go_on(box)


@pytest.mark.parametrize("after_s", _CHANGES)
def test_power_cut_in_a_change_leaves_one_passphrase(box: VmBox, after_s: float) -> None:
    old = box.player._words
    for name, words in (("old", old), ("new", NEW_WORDS)):
        box.vm.put(f"{' '.join(words)}\n".encode(), f"/run/{name}", mode=0o644)
    box.vm.run(_CHANGE)
    box.wait(after_s)
    start_again(box)
    opens = []
    for words in (old, NEW_WORDS):
        box.player._words = words
        if box.try_command("journal")[0] == 0:
            opens.append(words)
    assert len(opens) == 1
    box.player._words = opens[0]
    box.record.say(f"cut after {after_s} s of a change: the {'old' if opens[0] == old else 'new'} one opens")
    go_on(box)


def start_again(box: VmBox) -> None:
    """Pull the plug, and wait until the kiosk is up again."""
    box.vm.power_cut(wait="agent")
    box.forget_sticks()
    box.vm.until("systemctl is-active pism", 180)
    box.play('expect-not "E-" 0')


def go_on(box: VmBox) -> None:
    """Hold that the store is whole and can do all that it must."""
    box.command("top-up")
    box.vm.run("install -d -o pism-vault /run/out", check=True)
    box.command("export main-kudo --to /run/out")
    box.command("backup main-backup --to /run/out")
    assert "issued 0 roots and 0 signers" in box.command("top-up")
