"""A stand-in for the header's chip with a 4x4 pad on it: its columns follow the rows and the keys."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from gpiod import EdgeEvent, LineSettings
from gpiod.line import Direction, Value

from hw.ports import KEYS
from tests.hw.gpio.fake_chip import FakeChip, FakeRequest


@dataclass
class WiredRequest(FakeRequest):
    """Lines joined by keys: a column is low when grounded, or joined to a row that pulls low."""

    closed: set[tuple[int, int]] = field(default_factory=set)
    grounded: set[int] = field(default_factory=set)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def get_value(self, line: int) -> Value:
        with self.lock:
            return super().get_value(line)

    def set_values(self, values: dict[int, Value]) -> None:
        with self.lock:
            super().set_values(values)
            self.follow()

    def reconfigure_lines(self, config: dict[int, LineSettings]) -> None:
        with self.lock:
            super().reconfigure_lines(config)
            self.follow()

    def read_edge_events(self) -> list[EdgeEvent]:
        with self.lock:
            return super().read_edge_events()

    def switch(self, row: int, column: int, *, closed: bool) -> None:
        """Close or open a key."""
        with self.lock:
            (self.closed.add if closed else self.closed.discard)((row, column))
            self.follow()

    def pulls_low(self, line: int) -> bool:
        settings = self.settings[line]
        return settings.direction is Direction.OUTPUT and settings.output_value is Value.INACTIVE

    def follow(self) -> None:
        """Let every column that has a key take its level, and tell of edges."""
        for column in self.outside:
            low = any(self.pulls_low(row) for row, joined in self.closed if joined == column)
            high = not low and column not in self.grounded
            if (self.outside[column] is Value.ACTIVE) is not high:
                self.edge(column, rising=high)


@dataclass
class WiredChip(FakeChip):
    """The chip; keys that are closed before its lines are taken are closed then."""

    rows: Sequence[int] = ()
    columns: Sequence[int] = ()
    held: set[str] = field(default_factory=set)
    grounded: set[int] = field(default_factory=set)

    def request_lines(self, config: dict[int, LineSettings], consumer: str | None = None) -> FakeRequest:
        plain = super().request_lines(config, consumer)
        outside = dict.fromkeys(self.columns, Value.ACTIVE)
        wired = WiredRequest(plain.settings, outside, grounded=self.grounded)
        self.requests[-1] = wired
        for key in self.held:
            wired.switch(*self.lines_of(key), closed=True)
        return wired

    def lines_of(self, key: str) -> tuple[int, int]:
        row, column = divmod(KEYS.index(key), len(self.columns))
        return self.rows[row], self.columns[column]

    def switch(self, key: str, *, closed: bool) -> None:
        """Close or open a key."""
        (self.held.add if closed else self.held.discard)(key)
        for request in self.requests:
            if isinstance(request, WiredRequest) and not request.released:
                request.switch(*self.lines_of(key), closed=closed)

    @property
    def at_rest(self) -> bool:
        """All rows pull low: the scan sleeps until an edge."""
        request = self.requests[-1] if self.requests else None
        return isinstance(request, WiredRequest) and all(request.pulls_low(row) for row in self.rows)
