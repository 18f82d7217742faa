"""The plug is pulled at twenty moments; after each the box starts and goes on."""

import random
from typing import Final

import pytest

from tests.vm.box import VmBox
from tests.vm.test_sticks import UNLOCK

CUTS: Final = 20
SEED: Final = 4
LONGEST_S: Final = 12.0  # from the last key to the end of the work on a quiet machine

_RANDOM = random.Random(SEED)
MOMENTS: Final = [(number, round(_RANDOM.uniform(0, LONGEST_S), 2)) for number in range(CUTS)]


@pytest.mark.parametrize(("number", "after_s"), MOMENTS)
def test_power_cut_leaves_before_or_after_never_between(box: VmBox, number: int, after_s: float) -> None:
    changes_passphrase = number % 4 == 3
    if changes_passphrase:
        start_change(box)
    else:
        box.play(f"insert PISM-ALL\n{UNLOCK}")
    box.wait(after_s)
    box.snapshot(f"cut-{number}")
    box.vm.power_cut(wait="agent")
    box.forget_sticks()
    box.vm.until("systemctl is-active pism", 180)
    box.play('expect-not "E-" 0')
    for line in ("top-up", "journal", "status"):
        box.command(line)
    assert "issued" not in box.command("top-up")


def start_change(box: VmBox) -> None:
    """Change the passphrase by command, to the same words: the store cannot tell."""
    secret = " ".join(box.player._words)
    line = "/usr/bin/pism passphrase --state /var/lib/pism --passphrase-file - --new-passphrase-file /run/new"
    box.vm.put(f"{secret}\n".encode(), "/run/new", mode=0o644)
    box.vm.put(f"{secret}\n".encode(), "/run/old", mode=0o644)
    box.vm.run(f"cd /var/lib/pism; runuser -u pism-vault -- {line} </run/old >/dev/null 2>&1 &")
