"""A stand-in for gpiod's Chip and LineRequest, for machines whose kernel has no simulated chip.

It holds to the kernel's rules: exclusive lines, whole reconfigurations, no level set on an input,
edges only for lines that watch them, one readable descriptor. `tests/vm` runs the same driver on a real one.
"""

import errno
import os
from dataclasses import dataclass, field, replace

from gpiod import EdgeEvent, LineSettings
from gpiod.line import Direction, Drive, Edge, Value


@dataclass
class Info:
    label: str


@dataclass
class FakeRequest:
    settings: dict[int, LineSettings]
    outside: dict[int, Value] = field(default_factory=dict)
    waiting: list[EdgeEvent] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    fails: int = 0
    released: bool = False
    fd: int = field(default_factory=lambda: os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK))

    def _call(self, name: str) -> None:
        assert not self.released
        self.calls.append(name)
        if self.fails:
            raise OSError(self.fails, os.strerror(self.fails))

    def get_value(self, line: int) -> Value:
        self._call("get")
        settings = self.settings[line]
        if settings.direction is Direction.OUTPUT and settings.output_value is Value.INACTIVE:
            return Value.INACTIVE
        return self.outside.get(line, Value.ACTIVE)

    def set_values(self, values: dict[int, Value]) -> None:
        self._call("set")
        for line, value in values.items():
            if self.settings[line].direction is not Direction.OUTPUT:
                raise PermissionError(errno.EPERM, "line is an input")
            self.settings[line] = replace(self.settings[line], output_value=value)

    def reconfigure_lines(self, config: dict[int, LineSettings]) -> None:
        self._call("reconfigure")
        assert set(config) == set(self.settings), "a line that is not named loses its settings"
        for settings in config.values():
            assert settings.direction is not Direction.AS_IS
            assert settings.direction is Direction.INPUT or settings.drive is Drive.OPEN_DRAIN
        self.settings.update(config)

    def read_edge_events(self) -> list[EdgeEvent]:
        os.eventfd_read(self.fd)
        self._call("read")
        events, self.waiting = self.waiting, []
        return events

    def release(self) -> None:
        assert not self.released
        self.released = True
        os.close(self.fd)

    def edge(self, line: int, *, rising: bool) -> None:
        """Let the world change a line."""
        self.outside[line] = Value.ACTIVE if rising else Value.INACTIVE
        watched = (Edge.BOTH, Edge.RISING if rising else Edge.FALLING)
        if self.settings[line].edge_detection in watched:
            kind = EdgeEvent.Type.RISING_EDGE if rising else EdgeEvent.Type.FALLING_EDGE
            self.waiting.append(EdgeEvent(kind.value, 1_500_000_000, line, 1, 1))
            os.eventfd_write(self.fd, 1)


@dataclass
class FakeChip:
    label: str = "pinctrl-bcm2835"
    num_lines: int = 54
    busy: bool = False
    closed: bool = False
    requests: list[FakeRequest] = field(default_factory=list)

    def get_info(self) -> Info:
        return Info(self.label)

    def request_lines(self, config: dict[int, LineSettings], consumer: str | None = None) -> FakeRequest:
        assert consumer == "pism"
        if self.busy:
            raise OSError(errno.EBUSY, "Device or resource busy")
        if max(config) >= self.num_lines:
            raise ValueError("line offset of out range")
        self.requests.append(FakeRequest(dict(config)))
        return self.requests[-1]

    def close(self) -> None:
        self.closed = True


@dataclass
class Machine:
    """The chips of a machine, by path; None: may not be opened."""

    chips: dict[str, FakeChip | None]

    def open(self, path: str) -> FakeChip:
        chip = self.chips[path]
        if chip is None:
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return chip
