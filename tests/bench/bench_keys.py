"""Keys and glass: bytes on the bus and CPU for each key press of an entry, presses a word, wake-ups at rest.

Run by `make bench`, or alone: `python tests/bench/bench_keys.py`. Prints what it saw.
"""

import random
import statistics
import threading
import time
from pathlib import Path

import pytest
from mnemonic import Mnemonic

from hw.board import BoardSettings, Emulation, open_board
from hw.gpio.factory import GpiodFactory
from hw.keypad.matrix import MatrixKeypad
from kiosk.entry.buffers import Purpose
from kiosk.entry.entry import Entry, Mode
from kiosk.entry.words import fewest_keys
from kiosk.screens.drawing import draw
from kiosk.screens.page import Entry as EntryPage
from tests.bench.children import serve
from tests.hw.gpio.fake_chip import FakeChip, Machine

MAX_MEDIAN_BYTES, MAX_WORST_BYTES = 64, 400
MAX_CPU_S = 0.003
MAX_WAKE_UPS_A_SECOND = 0.5
REST_S = 10.0
ROWS, COLUMNS = (5, 6, 13, 19), (12, 16, 20, 21)
WORDS = Mnemonic("english").wordlist

pytestmark = pytest.mark.bench


def keys_of_words(seed: int, count: int = 8) -> str:
    """The presses that enter some words."""
    rng = random.Random(seed)
    return "".join(fewest_keys(rng.choice(WORDS)) for _ in range(count)) + "#"


def keys_of_text(seed: int, count: int = 40) -> str:
    rng = random.Random(seed)
    return "".join(rng.choice("23456789") * rng.randint(1, 3) for _ in range(count))


def play(
    entry: Entry, page: EntryPage, keys: str, driver: str, pause_s: float
) -> tuple[list[int], list[float]]:
    """Press keys as an operator does; return bytes and CPU seconds of each press."""
    board = open_board(BoardSettings(driver=driver), Emulation())  # type: ignore[arg-type] # one of three
    assert board.twins is not None
    panel = board.twins.panel
    board.display.show(draw(page, entry.view(0.0)))
    sent, cpu = [], []
    now = 0.0
    for key in keys:
        bytes_before, cpu_before = panel.bytes_sent, time.thread_time()
        entry.press(key, now)
        board.display.show(draw(page, entry.view(now)))
        cpu.append(time.thread_time() - cpu_before)
        sent.append(panel.bytes_sent - bytes_before)
        entry.release(key, now + 0.1)
        now += pause_s
    return sent, cpu


@pytest.mark.parametrize("driver", ["ssd1306", "sh1106"])
@pytest.mark.parametrize("what", ["unlock words", "words typed back", "text"])
@pytest.mark.parametrize("pause_s", [0.4, 2.0])
def test_bytes_and_cpu_of_a_key_press(what: str, driver: str, pause_s: float) -> None:
    sent: list[int] = []
    cpu: list[float] = []
    for seed in range(25):
        if what == "text":
            entry, page = Entry(modes=(Mode.TEXT,)), EntryPage(purpose=Purpose.UNLOCK)
            more = play(entry, page, keys_of_text(seed), driver, pause_s)
        elif what == "unlock words":
            entry, page = Entry(), EntryPage(purpose=Purpose.UNLOCK)
            more = play(entry, page, keys_of_words(seed), driver, pause_s)
        else:
            entry = Entry(modes=(Mode.WORDS,), total=8)
            page = EntryPage(purpose=Purpose.REPEAT)
            more = play(entry, page, keys_of_words(seed), driver, pause_s)
        sent += more[0]
        cpu += more[1]
    median, worst = statistics.median(sent), max(sent)
    print(
        f"\n{driver}, {what}, a key in {pause_s} s: {len(sent)} presses, bytes median {median:.0f} "
        f"mean {statistics.mean(sent):.0f} "
        f"worst {worst}; CPU median {statistics.median(cpu) * 1e3:.2f} ms "
        f"95% {statistics.quantiles(cpu, n=20)[-1] * 1e3:.2f} ms"
    )
    assert median <= MAX_MEDIAN_BYTES
    assert worst <= MAX_WORST_BYTES
    assert statistics.quantiles(cpu, n=20)[-1] <= MAX_CPU_S  # a busy machine may hold up one in twenty


def test_presses_of_a_word() -> None:
    presses = [len(fewest_keys(word)) for word in WORDS]
    print(f"\npresses a word: mean {statistics.mean(presses):.2f}, most {max(presses)}")
    assert statistics.mean(presses) <= 5


def wake_ups() -> int:
    """Voluntary context switches of all threads but this one."""
    own = threading.get_native_id()
    total = 0
    for task in Path("/proc/self/task").iterdir():
        if task.name != str(own):
            status = (task / "status").read_text()
            total += int(status.split("\nvoluntary_ctxt_switches:")[1].split()[0])
    return total


def test_wake_ups_at_rest() -> None:
    # The keypad's thread and the line watcher, over a stand-in for the chip: a real descriptor, a real poll.
    chip = Machine({"/dev/gpiochip0": FakeChip()})
    keypad = MatrixKeypad(
        rows=ROWS,
        columns=COLUMNS,
        open_factory=lambda: GpiodFactory(
            (*ROWS, *COLUMNS), paths=[Path("/dev/gpiochip0")], open_chip=chip.open, revision=lambda: 0xA02082
        ),
    )
    keypad.start(print)
    while len(threading.enumerate()) < 3:
        time.sleep(0.01)
    time.sleep(0.5)
    before = wake_ups()
    time.sleep(REST_S)
    seen = wake_ups() - before
    keypad.close()
    print(f"\nwake-ups at rest: {seen} in {REST_S:.0f} s")
    assert seen <= MAX_WAKE_UPS_A_SECOND * REST_S


if __name__ == "__main__":
    serve(__file__)
