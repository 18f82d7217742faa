"""What the kiosk's memory holds of a passphrase, looked for byte by byte."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kiosk.entry.words import GUARD_S, fewest_keys
from tests.kiosk.command import ENVIRONMENT, ROOT
from tests.kiosk.live import WORDS, lay_authority

NEEDLES = [" ".join(WORDS[at : at + 2]).encode() for at in range(len(WORDS) - 1)]
"""Two words that follow each other: of single ones the list has all."""

GUARD = f"wait {GUARD_S + 0.1}"
"""So that no key is taken for one more of the word before."""


def unit_environment() -> dict[str, str]:
    """Return what the kiosk's unit says of its environment."""
    unit = (ROOT / "systemd" / "pism.service").read_text(encoding="utf-8")
    lines = re.findall(r"^Environment=(.*)$", unit, re.MULTILINE)
    return dict(pair.split("=", 1) for line in lines for pair in line.split())


class ListeningBox:
    """A running box, played by keys alone."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def play(self, *steps: str) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps("\n".join(steps)) + "\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == "ok\n"

    def find(self) -> list[bytes]:
        """Return which needles stand anywhere in the memory of its process."""
        found: set[bytes] = set()
        maps = Path(f"/proc/{self._process.pid}/maps").read_text(encoding="utf-8").splitlines()
        with Path(f"/proc/{self._process.pid}/mem").open("rb", buffering=0) as memory:
            for line in maps:
                place, rights, *rest = line.split()
                if "w" not in rights or rest[-1].startswith("[v"):  # [vvar] cannot be read
                    continue
                start, end = (int(each, 16) for each in place.split("-"))
                memory.seek(start)
                data = memory.read(end - start)
                found |= {needle for needle in NEEDLES if needle in data}
        return sorted(found)


@contextmanager
def running(folder: Path) -> Iterator[ListeningBox]:
    """Run a box under the environment of its unit."""
    command = [sys.executable, "-m", "tests.kiosk.daemon.listening_box", folder, "2027-02-01T12:05"]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=ENVIRONMENT | unit_environment() | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield ListeningBox(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(60)


def test_a_passphrase_is_gone_from_the_kiosks_memory_once_it_was_sent(tmp_path: Path) -> None:
    lay_authority(tmp_path)
    with running(tmp_path) as box:
        box.play("expect LOCKED 60")
        assert box.find() == []
        box.play("press #", 'expect "WORD 1"')
        for number, word in enumerate(WORDS, 1):
            box.play(GUARD, *(f"press {key}" for key in fewest_keys(word)))
            if number == 3:
                box.play('expect "SAME AS ON PAPER?" 60')
            elif number < len(WORDS):
                box.play(f'expect "WORD {number + 1}"')
        assert box.find() == sorted(NEEDLES)  # it is found where it is
        box.play(GUARD, "press #", "expect UNLOCKED 60")
        assert box.find() == []
        box.play("hold * 2.5", "expect LOCKED 60")
        assert box.find() == []
