"""A look at a stick while the box is locked: is it write-protected, has it the room that its job will need?

1. No vault is asked and nothing is written. What the job needs is what it needed last
   (kiosk.work.kept_sizes), and a little where nothing is known.
2. It is a help, not a judgement: nothing is told of a stick that was pulled or cannot be read; the job looks
   again, and knows better (kiosk.work.room).
3. One look an insertion: what was seen is kept until the box is unlocked and locked again.
"""

from dataclasses import dataclass
from typing import Final

from hw.errors import StickError
from hw.ports import Stick
from kiosk.work.kept_sizes import read_sizes
from kiosk.work.task import Task, Tools

LEAST_BYTES: Final = 100_000
"""What an archive with its papers has at least."""


def makes_archive(step: str) -> bool:
    """Tell whether a step writes an archive onto its stick."""
    return step.startswith(("export ", "backup "))


@dataclass(frozen=True, slots=True, kw_only=True)
class StickLooked:
    """What a look found.

    Args:
        read_only: The stick is write-protected.
        needs_bytes: What the job will need, about; 0 where the stick has as much, or cannot be read.
        is_least: It may be much more: of a step it is not known what it needs.
        free_bytes: What it has, if it has less.
    """

    read_only: bool = False
    needs_bytes: int = 0
    is_least: bool = False
    free_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LookAtStick(Task):
    """Can a stick take the archives of its job? Result: StickLooked.

    Args:
        stick: That is in.
        steps: As in config.yaml.
    """

    stick: Stick
    steps: tuple[str, ...]

    def run(self, tools: Tools) -> StickLooked:
        """Look, or say what was seen."""
        kept = tools.kept(_Kept)
        if kept is None or kept.of != self:
            kept = tools.keep(_Kept(of=self, looked=self._look(tools)))
        return kept.looked

    def _look(self, tools: Tools) -> StickLooked:
        kept = read_sizes(tools.own)
        steps = [step for step in self.steps if makes_archive(step)]
        sizes = [kept.get(step, LEAST_BYTES) for step in steps]
        try:
            with tools.board.open_volume(self.stick, heals=False) as volume:
                if volume.read_only:
                    return StickLooked(read_only=True)
                if volume.has_room(sizes):
                    return StickLooked()
                return StickLooked(
                    needs_bytes=sum(sizes),
                    is_least=not kept.keys() >= set(steps),
                    free_bytes=volume.free_bytes,
                )
        except StickError:
            return StickLooked()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """What was seen."""

    of: LookAtStick
    looked: StickLooked

    def close(self) -> None:
        """Nothing is held."""
