"""An alarm for the keypad that plays a script in simulated time: no thread, no sleep."""

from collections.abc import Callable
from dataclasses import dataclass, field

Act = Callable[[], None]


@dataclass
class ScriptedAlarm:
    """Time moves only while the scan pauses or waits; due acts happen then, in order."""

    script: list[tuple[float, Act]] = field(default_factory=list)
    now: float = 0.0
    pauses: list[float] = field(default_factory=list)
    waits: int = 0
    stopped: bool = False
    _rung: bool = False

    def at(self, seconds: float, act: Act) -> None:
        self.script.append((seconds, act))
        self.script.sort(key=lambda entry: entry[0])

    def ring(self) -> None:
        self._rung = True

    def clear(self) -> None:
        self._rung = False

    def wait(self) -> None:
        self.waits += 1
        while not self._rung and self.script:
            self._play(self.script[0][0])
        if not self._rung:
            self.stopped = True

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self._play(self.now + seconds)

    def stop(self) -> None:
        self.stopped = True

    def _play(self, until: float) -> None:
        while self.script and self.script[0][0] <= until:
            due, act = self.script.pop(0)
            self.now = max(self.now, due)
            act()
        self.now = max(self.now, until)
