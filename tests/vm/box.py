"""A box in QEMU, and hands for a scenario: its key matrix, the picture on its glass, its USB socket.

Every picture that is seen goes into the run's record: its text with the time, and a PNG.
"""

import fnmatch
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from PIL import Image

from hw.ports import KEYS
from hw.sticks.emulated import Faults
from kiosk.emulator.scenario import Player, ScenarioError, parse_scenario
from kiosk.screens.reader import read_lines, read_text
from tests.vm.harness.vm import VM, make_stick, stick_files

SLOWER: Final = 3  # than a PC, the emulated machine: for what a scenario allows
LOOK_EVERY_S: Final = 0.05
SCANS: Final = 6  # a press is known after three equal ones
FELT_S: Final = 3.0
STICK_MB: Final = 64
WORDS_A_PAGE: Final = 4


class Record:
    """What a run leaves behind.

    Args:
        folder: Where; made.
        machine: Which of the machines that run side by side.
    """

    def __init__(self, folder: Path, machine: str) -> None:
        self.folder = folder
        self._machine = machine
        self._frames = folder / "frames"
        self._frames.mkdir(parents=True, exist_ok=True)
        self._count = 0

    def say(self, text: str) -> None:
        """Note a line."""
        line = f"{datetime.now(UTC):%H:%M:%S.%f}"[:-5] + f" {self._machine} {text}"
        print(line, flush=True)
        with (self.folder / "log.txt").open("a", encoding="utf-8") as log:
            log.write(line + "\n")

    def see(self, picture: Image.Image, name: str = "") -> None:
        """Keep a picture; its words stay out of the log where they are a secret."""
        text = " / ".join(line.strip() for line in read_lines(picture))
        if "WRITE DOWN" in text or len(re.findall(r"\b[1-8] [a-z]{3,8}\b", text)) >= WORDS_A_PAGE:
            text = "(words)"
        else:
            self._count += 1
            path = self._frames / f"{self._machine}-{self._count:04d}{f'-{name}' if name else ''}.png"
            picture.resize((picture.width * 4, picture.height * 4), Image.Resampling.NEAREST).save(path)
        self.say(f"glass: {text}")


class VmBox:
    """The hands.

    Args:
        vm: A running machine with the package installed.
        record: Where pictures go.
        sticks: Folder for stick images.
        slower: Than a PC, for what a scenario allows.
    """

    def __init__(self, vm: VM, record: Record, sticks: Path, *, slower: float = SLOWER) -> None:
        self.vm = vm
        self.record = record
        self._folder = sticks
        self._slower = slower
        self._images: dict[str, Path] = {}
        self._in: list[tuple[str, str]] = []
        self._last = b""
        self.player = Player(self)

    def play(self, text: str) -> None:
        """Play a scenario."""
        try:
            self.player.play(parse_scenario(text))
        except ScenarioError as error:
            journal = self.vm.run("journalctl --no-pager -b -u pism -u 'pism-vault@*' | tail -40")[1]
            shown = " / ".join(read_lines(self.picture()))
            raise ScenarioError(f"{error}\nThe panel shows: {shown}\n{journal}") from None

    def press(self, key: str) -> None:
        """Press a key and let go."""
        self.hold(key, 0)

    def hold(self, key: str, seconds: float) -> None:
        """Press a key until it clicks, wait, let go.

        A finger feels no click here: the row's line tells how often it was scanned, and at rest all rows are
        low. A keypad that does not scan is let go after a while.
        """
        row, column = divmod(KEYS.index(key), 4)
        before = self._scans(row)
        self.vm.press(row, column)
        self._until(lambda: self._scans(row) >= before + SCANS, FELT_S)
        time.sleep(seconds)
        self.vm.release(row, column)
        self._until(self._is_at_rest, FELT_S)

    def insert(self, label: str, faults: Faults | None = None, *, new: bool = False) -> None:
        """Put in the stick of that label: the same one as before, or a new one."""
        if label not in self._images or new:
            path = self._folder / f"{label}-{len(self._images)}.img"
            make_stick(str(path), STICK_MB, label=label)
            self._images[label] = path
        self.insert_image(label, self._images[label], error="write" if faults and faults.dying else None)

    def insert_image(self, label: str, image: Path, **how: object) -> None:
        """Put in a stick image; `how` as for the machine."""
        self.record.say(f"stick {label} in")
        self._images[label] = image
        self._in.append((label, self.vm.usb_insert(str(image), **how)))

    def pull(self, label: str | None = None) -> None:
        """Pull a stick."""
        names = [name for name, _ in self._in]
        at = len(names) - 1 if label is None else names.index(label)
        name, ident = self._in.pop(at)
        self.record.say(f"stick {name} out")
        self.vm.usb_remove(ident)

    def forget_sticks(self) -> None:
        """After a power cut with sticks pulled meanwhile: nothing is in."""
        self._in.clear()

    def files(self, label: str) -> dict[str, bytes]:
        """Return what is on the stick of that label."""
        return stick_files(str(self._images[label]))

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        time.sleep(seconds)

    def picture(self) -> Image.Image:
        """Return what is on the glass."""
        frame = self.vm.panel()
        picture = Image.frombytes("1", (frame.width, frame.height), frame.bits)
        if frame.bits != self._last:
            self._last = frame.bits
            self.record.see(picture)
        return picture

    def text(self) -> str:
        """Return the text on the glass."""
        return read_text(self.picture())

    def watch(self, holds: Callable[[Image.Image], bool], timeout_s: float) -> bool:
        """Wait until `holds` is true of the glass; this machine is given more time than a real one."""
        return self._until(lambda: holds(self.picture()), timeout_s * self._slower)

    def watch_stick(self, pattern: str, timeout_s: float) -> bool:
        """Wait until the stick has a file of that name."""

        def has_it() -> bool:
            label = self._in[-1][0]
            return any(fnmatch.fnmatchcase(name, pattern) for name in self.files(label))

        return self._until(has_it, timeout_s * self._slower)

    def watch_power(self, word: str, timeout_s: float) -> bool:
        """Wait until the machine is off."""
        return word == "off" and self._until(lambda: not self.vm.alive(), timeout_s * self._slower)

    def ask_power(self, word: str) -> None:
        """Ask the system for it."""
        self.vm.run(f"systemctl --no-block {'poweroff' if word == 'off' else 'reboot'}")

    def wire(self, device: str, *, lost: bool) -> None:
        """Take the display off its bus, or put it on."""
        if device != "display":
            raise NotImplementedError(f"the machine cannot lose its {device}")
        self.vm.sim("oled unplug" if lost else "oled plug")

    def treat_vault(self, verb: str) -> None:
        """Stop, continue or kill the vault process."""
        signal = {"freeze": "STOP", "thaw": "CONT", "kill": "KILL"}[verb]
        self.vm.run(f"pkill -{signal} -u pism-vault", check=True)

    def set_clock(self, instant: datetime) -> None:
        """Set the system's clock."""
        self.vm.run(f"date -u -s '{instant:%Y-%m-%d %H:%M:%S}'", check=True)

    def advance_clock(self, duration: timedelta) -> None:
        """Set the system's clock forward; sleeping processes do not notice."""
        self.vm.run(f"date -u -s '+{int(duration.total_seconds())} seconds'", check=True)

    def command(self, line: str) -> str:
        """Run a `pism` command that succeeds; see `try_command`."""
        status, said = self.try_command(line)
        assert status == 0, said
        return said

    def try_command(self, line: str) -> tuple[int, str]:
        """Run a `pism` command on the box's own state, as the vault's user, with its passphrase."""
        secret = " ".join(self.player._words)
        command = f"cd /var/lib/pism && /usr/bin/pism {line} --state /var/lib/pism --passphrase-file -"
        status, said = self.vm.run(command, user="pism-vault", input=f"{secret}\n", timeout=300)
        self.record.say(f"pism {line}: {status} {said.strip()[-200:]}")
        return status, said

    def snapshot(self, name: str) -> None:
        """Keep the picture under a name."""
        self.record.see(self.picture(), name)

    def _scans(self, row: int) -> int:
        """Return how often a row's line was set."""
        return self.vm.gpio()[self.vm.rows[row]]["writes"]

    def _is_at_rest(self) -> bool:
        """Tell whether the keypad sleeps until the next edge: all rows low."""
        lines = self.vm.gpio()
        return all(lines[row]["drives"] == "0" for row in self.vm.rows)

    def _until(self, holds: Callable[[], bool], timeout_s: float) -> bool:
        end_s = time.monotonic() + timeout_s
        while not holds():
            if time.monotonic() > end_s:
                return False
            time.sleep(LOOK_EVERY_S)
        return True
