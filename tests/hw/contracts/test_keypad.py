"""One suite for the port Keypad: the scan over the twin's pins, and over the box's own GPIO driver.

The driver's pins end in a stand-in for gpiod's chip with a pad wired to it; a real chip is the test
machine's. Both run in their own threads, in real time.
"""

import errno
import queue
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from hw.board import BoardSettings
from hw.errors import KeypadError
from hw.gpio.factory import GpiodFactory
from hw.keypad.emulated import KeyMatrix
from hw.keypad.matrix import MatrixKeypad
from hw.ports import HardwareEvent, Keypad, KeyPressed, KeyReleased, KeyStuck
from tests.hw.contracts.wired_chip import WiredChip

ROWS, COLUMNS = BoardSettings().rows, BoardSettings().columns


class Bench(Protocol):
    """A keypad, and somebody at its keys and wires."""

    keypad: Keypad

    @property
    def at_rest(self) -> bool: ...

    def switch(self, key: str, *, closed: bool) -> None: ...

    def take_pins_away(self) -> None: ...

    def lose_pins(self) -> None: ...

    def ground(self, line: int) -> None: ...


class EmulatedBench:
    def __init__(self) -> None:
        self._matrix = KeyMatrix(ROWS, COLUMNS)
        self.keypad = MatrixKeypad(rows=ROWS, columns=COLUMNS, open_factory=self._matrix.open_factory)

    @property
    def at_rest(self) -> bool:
        return self._matrix.net.at_rest

    def switch(self, key: str, *, closed: bool) -> None:
        (self._matrix.press if closed else self._matrix.release)(key)

    def take_pins_away(self) -> None:
        self._matrix.lose()

    def lose_pins(self) -> None:
        self._matrix.lose()

    def ground(self, line: int) -> None:
        self._matrix.net.ground(line, tied=True)


class GpiodBench:
    def __init__(self) -> None:
        self._chip = WiredChip(rows=ROWS, columns=COLUMNS)
        self.keypad = MatrixKeypad(rows=ROWS, columns=COLUMNS, open_factory=self._open)

    def _open(self) -> GpiodFactory:
        return GpiodFactory(
            (*ROWS, *COLUMNS),
            paths=[Path("/dev/gpiochip0")],
            open_chip=lambda _: self._chip,
            revision=lambda: 0xA02082,
        )

    @property
    def at_rest(self) -> bool:
        return self._chip.at_rest

    def switch(self, key: str, *, closed: bool) -> None:
        self._chip.switch(key, closed=closed)

    def take_pins_away(self) -> None:
        self._chip.busy = True

    def lose_pins(self) -> None:
        self._chip.requests[-1].fails = errno.EIO

    def ground(self, line: int) -> None:
        self._chip.grounded.add(line)


@pytest.fixture(params=[EmulatedBench, GpiodBench], ids=["emulated", "gpiod"])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    made: Bench = request.param()
    yield made
    made.keypad.close()


class Heard:
    """What a keypad posts, from its start on."""

    def __init__(self, bench: Bench) -> None:
        self._events: queue.SimpleQueue[HardwareEvent] = queue.SimpleQueue()
        bench.keypad.start(self._events.put)

    def next(self) -> HardwareEvent:
        return self._events.get(timeout=10)

    @property
    def nothing_more(self) -> bool:
        return self._events.empty()


def started(bench: Bench) -> Heard:
    """Start, and wait for the first samples: they look for stuck keys, and what comes later is a press."""
    heard = Heard(bench)
    while not bench.at_rest:
        pass
    return heard


@pytest.mark.parametrize("key", "1D5*")
def test_a_key_goes_down_and_up(bench: Bench, key: str) -> None:
    heard = started(bench)
    bench.switch(key, closed=True)
    assert heard.next() == KeyPressed(key)
    bench.switch(key, closed=False)
    assert heard.next() == KeyReleased(key)
    bench.keypad.close()
    assert heard.nothing_more


def test_two_keys_of_one_column_are_told_apart(bench: Bench) -> None:
    heard = started(bench)
    bench.switch("1", closed=True)
    assert heard.next() == KeyPressed("1")
    bench.switch("7", closed=True)
    assert heard.next() == KeyPressed("7")
    bench.switch("1", closed=False)
    assert heard.next() == KeyReleased("1")


def test_a_key_that_is_held_at_the_start_is_stuck_until_it_comes_up(bench: Bench) -> None:
    bench.switch("6", closed=True)
    heard = Heard(bench)
    assert heard.next() == KeyStuck(("6",))
    bench.switch("6", closed=False)
    assert heard.next() == KeyReleased("6")
    while not bench.at_rest:
        pass
    bench.switch("6", closed=True)
    assert heard.next() == KeyPressed("6")


def test_pins_that_cannot_be_had_are_an_error_at_the_start(bench: Bench) -> None:
    bench.take_pins_away()
    with pytest.raises(KeypadError):
        bench.keypad.start(print)


def test_a_column_that_is_tied_to_ground_is_named_at_the_start(bench: Bench) -> None:
    bench.ground(COLUMNS[1])
    with pytest.raises(KeypadError, match=f"GPIO line {COLUMNS[1]}, a column"):
        bench.keypad.start(print)


def test_a_key_that_is_down_when_the_pins_are_lost_is_released(bench: Bench) -> None:
    heard = started(bench)
    bench.switch("9", closed=True)
    assert heard.next() == KeyPressed("9")
    bench.lose_pins()
    assert heard.next() == KeyReleased("9")


def test_nothing_is_posted_after_the_end(bench: Bench) -> None:
    heard = started(bench)
    bench.keypad.close()
    bench.keypad.close()
    bench.switch("1", closed=True)
    assert heard.nothing_more
