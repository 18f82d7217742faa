"""What the self-test finds by itself: random source, clock, store, free space, tools, guards, and the board.

Keys and pixels are for the operator's hands and eyes (kiosk.flows.self_test).
"""

import logging
import os
import shutil
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

from core.api.requests import AskStatus
from core.api.results import Confined, StatusReport
from hw.board import Board
from hw.errors import ToolsError
from hw.fat.trial import try_tools
from hw.sizes import size_text
from kiosk.work.guards import add_vault, judge_guards
from kiosk.work.health import Finding, judge
from kiosk.work.task import Task, Tools

log = logging.getLogger(__name__)

SAMPLE_BYTES: Final = 4096
# SP 800-90B 4.4.2, adaptive proportion test, for 8-bit samples that claim 7 bits: of 512 samples the value
# of the first may stand 21 times; more has a chance below 2^-30.
WINDOW: Final = 512
CUTOFF: Final = 22
# SP 800-90B 4.4.1, repetition count test, the same claim and chance: 1 + 30/7, rounded up.
REPETITIONS: Final = 6
FIRST_YEAR: Final = 2026
MIN_FREE_BYTES: Final = 64 << 20


@dataclass(frozen=True, slots=True)
class RunSelfTest(Task):
    """Test what a program can. Result: a Finding for each part."""

    def run(self, tools: Tools) -> tuple[Finding, ...]:
        """Test it; an unlocked store is read whole, and a damaged page refuses."""
        if tools.unlocked:
            tools.vault.ask(AskStatus(now=tools.now), StatusReport)
        return run_self_test(tools.board, tools.spool, "good" if tools.unlocked else "", tools.confined)


def run_self_test(board: Board, spool: Path, store: str, confined: Confined | None) -> tuple[Finding, ...]:
    """Return what was found.

    Args:
        board: Whose clock, sensors and guards are asked.
        spool: A folder on the medium whose free space counts.
        store: "" while locked, "good" when the journal was verified in this session, else a code.
        confined: What the vault told of its process; None where it was not reached.
    """
    protection = board.guards.read()
    if confined is not None:
        protection = add_vault(protection, confined)
    now = board.clock.now()
    free = shutil.disk_usage(spool).free
    return (
        Finding(name="random", good=is_random(os.urandom(SAMPLE_BYTES))),
        Finding(name="clock", good=now.year >= FIRST_YEAR, text=f"{now:%y-%m-%d}"),
        Finding(name="store", good=store in ("", "good"), text=store[:8] or "locked"),
        Finding(name="free space", good=free >= MIN_FREE_BYTES, text=size_text(free)),
        Finding(name="stick tools", good=_do_tools_work()),
        *judge_guards(protection),
        *judge(board.sensors.read()),
    )


def _do_tools_work() -> bool:
    """Return whether the tools write to, and read back from, a sound volume in memory."""
    try:
        try_tools()
    except ToolsError as error:
        log.warning("%s %s", error.code, error)
        return False
    return True


def is_random(sample: bytes) -> bool:
    """Return whether a sample passes the two health tests of SP 800-90B 4.4.

    Args:
        sample: A multiple of WINDOW bytes.
    """
    run = 1
    for before, byte in pairwise(sample):
        run = run + 1 if byte == before else 1
        if run >= REPETITIONS:
            return False
    windows = (sample[at : at + WINDOW] for at in range(0, len(sample), WINDOW))
    return all(Counter(window)[window[0]] < CUTOFF for window in windows)
