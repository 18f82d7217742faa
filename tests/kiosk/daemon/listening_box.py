"""A box in a process of its own, which plays what is written to it (`python -m`).

It is told keys, never words: what it has of a passphrase it has by its keypad. Each line that it reads is a
scenario as JSON; it says `ok` when that is played.
"""

import json
import sys
from pathlib import Path

from kiosk.emulator.box import EmulatedBox
from kiosk.emulator.folder import folders_in
from kiosk.emulator.scenario import Player, parse_scenario
from tests.builders import utc


def main(folder: str, instant: str) -> None:
    with EmulatedBox(folders_in(Path(folder)), instant=utc(instant)) as box:
        player = Player(box)
        for line in sys.stdin:
            player.play(parse_scenario(json.loads(line)))
            print("ok", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
