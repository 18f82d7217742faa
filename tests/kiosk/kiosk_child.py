"""A kiosk of its own to be killed: sets a job going, says so when signers are made, and waits."""

import sys
from pathlib import Path

from kiosk.emulator.box import EmulatedBox
from kiosk.emulator.folder import folders_in
from tests.kiosk.emulated import play

with EmulatedBox(folders_in(Path(sys.argv[1]))) as box:
    play(box, "begin-work")
    sys.stdout.write("working\n")
    sys.stdout.flush()
    sys.stdin.read()
