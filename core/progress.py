"""How far work is: one value for everybody, from the innermost loop to the bar on a panel or a terminal.

1. Whoever does long work takes a `Report` and calls it between two units of it, and once more at the end.
2. A report may raise, such as StoppedError: the work ends there, and is left as its docstring says.
3. The vault sends the very value that the loop made (core.api.messages), and nobody translates it.
4. Work of several phases is put on one scale by whoever knows them all (`Weighed`): a bar follows the time
   that they take, not their counts, and is full when all of them are done.

How often a report is worth a message or a redrawing is for whoever passes it in.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from msgspec import Struct
from msgspec.structs import replace


class Progress(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag=True):
    """A word of progress.

    Args:
        done: Units done.
        total: Units in all; 0 when nobody knows.
        what: One unit, such as "signer"; with a total of 0, or not `counted`, a phrase for what goes on.
        counted: A person counts these units; bytes, for one, are not.
        work_done: Of the whole work, all phases together, in microseconds of the machine where they were
            measured.
        work_total: The same; 0 where there is one phase only, so that its units are the scale.
    """

    done: int
    total: int
    what: str
    counted: bool = True
    work_done: int = 0
    work_total: int = 0

    @property
    def scale(self) -> tuple[int, int]:
        """How much of the whole work is done, and how much there is; (0, 0) when nobody knows."""
        return (self.work_done, self.work_total) if self.work_total else (self.done, self.total)

    def __str__(self) -> str:
        """Return it in words: "signer 137 of 226"."""
        return f"{self.what} {self.done} of {self.total}" if self.counted and self.total else self.what


Report = Callable[[Progress], None]
"""Told of progress; may raise to end the work."""


def report_nothing(_progress: Progress) -> None:
    """Take a word of progress that nobody asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """A part of some work, as it is foreseen.

    Args:
        units: How many.
        cost_us: What each takes, in microseconds; only its ratio to the other phases' counts.
        once_us: What the phase takes besides, before its first unit.
    """

    units: int
    cost_us: float
    once_us: float = 0

    def work(self, done: int) -> float:
        """Return the work behind so many units."""
        return self.once_us * (done > 0) + self.cost_us * min(done, self.units)


def work_of(phases: Mapping[str, Phase]) -> int:
    """Return the work of phases, in microseconds."""
    return round(sum(phase.work(phase.units) for phase in phases.values()))


class Weighed:
    """A report that puts the phases of one piece of work on one scale.

    Args:
        report: Told of each progress with `work_done` and `work_total`.
        phases: By the unit's name; a unit of another name stands where the work stands.
    """

    def __init__(self, report: Report, phases: Mapping[str, Phase]) -> None:
        self._report = report
        self._phases = phases
        self._total = work_of(phases)
        self._done: dict[str, int] = {}

    def __call__(self, progress: Progress) -> None:
        """Pass a word of progress on."""
        if progress.what in self._phases:
            self._done[progress.what] = max(progress.done, self._done.get(progress.what, 0))
        work = sum(self._phases[what].work(done) for what, done in self._done.items())
        self._report(replace(progress, work_done=round(work), work_total=self._total))
