"""The whole kiosk at rest: wake-ups while locked and blanked; memory and files over many sticks.

Real daemon, keypad driver and worker on twins. Run by `make bench`, or alone:
`python tests/bench/bench_idle.py`. Prints what it saw.
"""

import gc
import queue
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from core.policy.config import load_config
from hw.ports import StickInserted, StickRemoved
from kiosk.daemon.compose import make_daemon
from kiosk.entry.buffers import EntryChanged
from kiosk.machine.events import Event
from kiosk.machine.light import Glass
from kiosk.work.session import start_vault
from tests.bench.children import serve
from tests.kiosk.facts import stick
from tests.kiosk.flows.steps import title_of
from tests.kiosk.live import lay_authority, open_twins

REST_S = 60.0
MAX_WAKE_UPS_A_SECOND = 0.5
CYCLES = 5000
WARM_UP = 500
MAX_GROWTH_KB = 1024

pytestmark = pytest.mark.bench


class Kiosk:
    """A running kiosk whose clock can be moved on."""

    def __init__(self, folder: Path) -> None:
        lay_authority(folder)
        self.board = open_twins(folder, frozen=False)
        assert self.board.twins is not None
        self.twins = self.board.twins
        self._turned: queue.SimpleQueue[None] = queue.SimpleQueue()
        self.daemon = make_daemon(
            self.board,
            load_config(folder / "config.yaml"),
            lambda: start_vault(folder / "state", folder / "config.yaml"),
            spool=folder / "spool",
            own=folder / "own",
            refuse_swap=False,
            turn=lambda: self._turned.put(None),
        )

    def turn(self) -> None:
        """Wait for a turn of the loop."""
        self._turned.get(timeout=60)

    def say(self, event: Event) -> None:
        """Post an event and wait until it was taken."""
        self.daemon.post(event)
        self.turn()

    def move_on(self, seconds: float) -> None:
        """Let the box believe that time has passed."""
        self.twins.clock.advance(timedelta(seconds=seconds))
        self.say(EntryChanged())


@contextmanager
def running(folder: Path) -> Iterator[Kiosk]:
    kiosk = Kiosk(folder)
    thread = threading.Thread(target=kiosk.daemon.run, name="daemon")
    thread.start()
    try:
        while title_of(kiosk.daemon.machine.shown) != "LOCKED":
            kiosk.turn()
        yield kiosk
    finally:
        kiosk.daemon.end()
        thread.join()


def switches() -> dict[str, int]:
    """Return the voluntary context switches of every thread but this one, by name."""
    seen = {}
    for task in Path("/proc/self/task").iterdir():
        if task.name != str(threading.get_native_id()):
            status = (task / "status").read_text()
            name = f"{(task / 'comm').read_text().strip()} {task.name}"
            seen[name] = int(status.split("\nvoluntary_ctxt_switches:")[1].split()[0])
    return seen


def resident_kb() -> int:
    gc.collect()
    return int(Path("/proc/self/status").read_text().split("\nVmRSS:")[1].split()[0])


def open_files() -> int:
    return len([*Path("/proc/self/fd").iterdir()])


def test_wake_ups_while_locked_and_blanked(tmp_path: Path) -> None:
    with running(tmp_path) as kiosk:
        for seconds in (61, 120, 300):
            kiosk.move_on(seconds)
        assert kiosk.daemon.machine.light.glass is Glass.BLANK
        time.sleep(2)  # the vault process ends
        before = switches()
        time.sleep(REST_S)
        after = switches()
    woken = {name: count - before.get(name, 0) for name, count in after.items()}
    total = sum(woken.values())
    print(f"\nlocked and blanked: {total} wake-ups in {REST_S:.0f} s over {len(woken)} threads: {woken}")
    assert total <= MAX_WAKE_UPS_A_SECOND * REST_S


def test_memory_and_files_over_many_sticks(tmp_path: Path) -> None:
    with running(tmp_path) as kiosk:
        for cycle in range(WARM_UP + CYCLES):
            if cycle == WARM_UP:
                memory, files = resident_kb(), open_files()
            one = stick(identity=f"{cycle}:usb1")
            kiosk.say(StickInserted(one))
            assert title_of(kiosk.daemon.machine.shown) == "STICK PISM-ALL asks"
            kiosk.say(StickRemoved(one.identity))
        growth, more = resident_kb() - memory, open_files() - files
    print(f"\n{CYCLES} sticks in and out: {growth} kB of {memory} kB and {more} of {files} open files more")
    assert growth <= MAX_GROWTH_KB
    assert more <= 0


if __name__ == "__main__":
    serve(__file__)
