"""A look at the box before it is unlocked: what runs on it, whether that is as before, and what is bad.

It is made while the vault process starts, so that nobody waits for it.
"""

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from core.api.results import Runs
from hw.ports import Protection, Sensors
from kiosk.work.guards import judge_guards
from kiosk.work.health import judge
from kiosk.work.kept_box import KeptBox, KeptBoxError, read_box
from kiosk.work.runs import find_runs

log = logging.getLogger(__name__)

SYSTEM_WORDS: Final = 8
"""88 bits: who wants another system with the same words tries for longer than any box lies in its safe."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected:
    """What was found.

    Args:
        runs: What runs.
        words: Twelve words of the hash over its files; () where that is not known.
        ran_before: What ran at the last unlock, as the kiosk kept it; None where it kept nothing.
        faults: What LOCKED says of the board, worst first.
        seal: Number of the seal that it was put away under, as the kiosk kept it; "" for none.
        system_words: Eight words of the hash that the system is verified by; () where there is none.
    """

    runs: Runs
    words: tuple[str, ...] = ()
    ran_before: Runs | None = None
    faults: tuple[str, ...] = ()
    seal: str = ""
    system_words: tuple[str, ...] = ()

    @property
    def has_changed(self) -> bool:
        """Something else runs than at the last unlock."""
        return self.ran_before not in (None, self.runs)

    @property
    def unlocked(self) -> "Inspected":
        """The same once it was unlocked: what runs now is what ran before the next time."""
        return replace(self, ran_before=self.runs)


def inspect(sensors: Sensors, protection: Protection, own: Path) -> Inspected:
    """Return what is to be known of the box.

    Args:
        sensors: Of the board.
        protection: What guards the box.
        own: Folder of the kiosk's own files.
    """
    from core.crypto.recipients import fingerprint_words  # the first frame is not to wait for it

    condition = sensors.read()
    root = condition.root_hash
    runs = find_runs(condition)
    found = (*judge_guards(protection), *judge(condition))
    faults = [each.fault for each in found if each.good is False and each.fault]
    kept = KeptBox()
    try:
        kept = read_box(own)
    except KeptBoxError as error:
        log.warning("what was remembered of the box is damaged: %s", error)
        faults.insert(0, "Box memory was bad")
    return Inspected(
        runs=runs,
        words=fingerprint_words(bytes.fromhex(runs.files)) if runs.files else (),
        ran_before=kept.runs,
        faults=tuple(faults),
        seal=kept.seal,
        system_words=fingerprint_words(bytes.fromhex(root), SYSTEM_WORDS) if root else (),
    )
