"""A key matrix under gpiozero's mock pins: switches, wires and levels, so that the real scan runs in tests.

Rules:
1. Lines joined by closed switches are one net (union-find). A net that anything pulls low is low; else
   driven high it is high; else its pull says; else it keeps the level it had.
2. Two outputs at odds on one net are a short. Shorts and outputs that drive high are counted: on real
   hardware neither may ever happen.
3. Levels follow at once, so a scan that drives a row and reads a column sees what a real one would,
   ghost keys included.

Faults: bounce, keys held before the start, any three keys (a ghost), a line tied to ground, lost pins.
"""

import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from gpiozero.exc import PinFixedPull, PinInvalidFunction, PinInvalidPull, PinSetInput
from gpiozero.pins.mock import MockFactory, MockPin

from hw.errors import KeypadError
from hw.ports import KEYS


class PinNet:
    """Lines and the switches between them."""

    def __init__(self) -> None:
        self.shorts = 0
        self.drove_high = 0
        self.lost = False
        self._lock = threading.RLock()
        self._pins: dict[int, NetPin] = {}
        self._closed: set[tuple[int, int]] = set()
        self._grounded: set[int] = set()

    def add(self, number: int, pin: "NetPin") -> None:
        """Join a line."""
        with self._lock:
            self._pins[number] = pin
            self.update_levels()

    @property
    def at_rest(self) -> bool:
        """A driver waits for edges with its rows pulled low: a key that goes down now is a press."""
        with self._lock:
            pins = self._pins.values()
            return any(pin.when_changed is not None for pin in pins) and sum(pin.drives for pin in pins) > 1

    def switch(self, first: int, second: int, *, closed: bool) -> None:
        """Close or open the switch between two lines."""
        with self._lock:
            (self._closed.add if closed else self._closed.discard)((first, second))
            self.update_levels()

    def ground(self, number: int, *, tied: bool) -> None:
        """Tie a line to ground, or cut that wire."""
        with self._lock:
            (self._grounded.add if tied else self._grounded.discard)(number)
            self.update_levels()

    def update_levels(self) -> None:
        """Let every line take the level of its net."""
        with self._lock:
            for net in self._nets():
                level = self._level(net)
                for number in net & self._pins.keys():
                    self._pins[number].follow(level=level)

    def _nets(self) -> list[set[int]]:
        """Return the lines that are joined, net by net (union-find with path halving)."""
        parent = {number: number for number in self._pins}

        def root(number: int) -> int:
            parent.setdefault(number, number)
            while parent[number] != number:
                parent[number] = parent[parent[number]]
                number = parent[number]
            return number

        for first, second in self._closed:
            parent[root(first)] = root(second)
        nets: dict[int, set[int]] = {}
        for number in tuple(parent):
            nets.setdefault(root(number), set()).add(number)
        return list(nets.values())

    def _level(self, net: set[int]) -> bool | None:
        """Return a net's level, None when nothing gives it one."""
        pins = [self._pins[number] for number in net if number in self._pins]
        outputs = {pin.latch for pin in pins if pin.drives}
        low = False in outputs or bool(net & self._grounded)
        high = True in outputs
        self.drove_high += high
        self.shorts += low and high
        if low or high:
            return not low
        pulls = {pin.pull for pin in pins}
        if "up" in pulls:
            return True
        return False if "down" in pulls else None


class NetPin(MockPin):  # type: ignore[misc] # gpiozero has no types
    """A mock pin whose level is its net's."""

    def __init__(self, factory: "NetFactory", info: Any) -> None:
        self.latch = False
        self._net = factory.net
        super().__init__(factory, info)
        self._net.add(self._number, self)

    @property
    def drives(self) -> bool:
        """It is an output."""
        return bool(self._function == "output")

    def follow(self, *, level: bool | None) -> None:
        """Take the net's level and tell the watcher of an edge."""
        if level is None or not self._change_state(level):
            return
        if self._when_changed is not None and self._edges in ("both", "rising" if level else "falling"):
            self._call_when_changed()

    def output_with_state(self, state: bool) -> None:  # noqa: FBT001 - gpiozero's signature
        """Become an output at once in that state."""
        self.latch = bool(state)
        self._set_function("output")

    def _set_function(self, value: str) -> None:
        if value not in ("input", "output"):
            raise PinInvalidFunction(f"{self!r} can be input or output")
        self._function = value
        self._net.update_levels()

    def _set_state(self, value: float) -> None:
        if not self.drives:
            raise PinSetInput(f"{self!r} is an input")
        self.latch = bool(value)
        self._net.update_levels()

    def _get_state(self) -> bool:
        if self._net.lost:
            raise KeypadError(f"GPIO line {self._number} cannot be read: the emulated pins are lost")
        return bool(self._state)

    def _set_pull(self, value: str) -> None:
        if self.drives:
            raise PinFixedPull(f"{self!r} is an output")
        if value not in ("floating", "up", "down"):
            raise PinInvalidPull(f"{self!r} can be pulled up, down or not at all")
        self._pull = value
        self._net.update_levels()


class NetFactory(MockFactory):  # type: ignore[misc] # gpiozero has no types
    """Makes pins of one net.

    Args:
        net: The net.
    """

    def __init__(self, net: PinNet) -> None:
        self.net = net
        super().__init__(revision="a02082", pin_class=NetPin)  # any board that has the pins

    @staticmethod
    def together() -> AbstractContextManager[None]:
        """Let levels follow each change at once all the same: wires know no batches."""
        return nullcontext()


class KeyMatrix:
    """A 4x4 pad on the net, whose keys are pressed and released by calls.

    Args:
        rows: BCM numbers of its rows, top first.
        columns: BCM numbers of its columns, left first.
    """

    def __init__(self, rows: Sequence[int], columns: Sequence[int]) -> None:
        self.net = PinNet()
        self._switches = {
            key: (rows[place // len(columns)], columns[place % len(columns)])
            for place, key in enumerate(KEYS)
        }

    def open_factory(self) -> NetFactory:
        """Return pins for a driver; KeypadError while they are lost."""
        if self.net.lost:
            raise KeypadError("the emulated pins are lost")
        return NetFactory(self.net)

    def press(self, key: str) -> None:
        """Close a key."""
        self.net.switch(*self._switches[key], closed=True)

    def release(self, key: str) -> None:
        """Open a key."""
        self.net.switch(*self._switches[key], closed=False)

    def tap(self, key: str, times: int) -> None:
        """Close and open a key at once, as a bouncing contact does; it ends open."""
        for _ in range(times):
            self.press(key)
            self.release(key)

    def lose(self, *, lost: bool = True) -> None:
        """Lose the pins, or find them again."""
        self.net.lost = lost
