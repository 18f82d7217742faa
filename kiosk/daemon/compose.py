"""How a kiosk is put together: config.yaml's sections become the settings of board, machine and daemon."""

import logging
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import msgspec

from core.policy.settings import Config
from hw.board import Board, BoardSettings
from kiosk.daemon.daemon import Daemon, Post
from kiosk.entry.buffers import Entries
from kiosk.flows.box import Settings
from kiosk.machine.machine import Machine
from kiosk.work.diagnosis import Diary
from kiosk.work.kept_sticks import KeptSticksError, read_sticks
from kiosk.work.session import Session
from kiosk.work.worker import Worker

log = logging.getLogger(__name__)


def board_settings(config: Config) -> BoardSettings:
    """Return how the box is wired, so that hw never sees a Config."""
    display, keypad = config.hardware.display, config.hardware.keypad
    return BoardSettings(
        driver=display.driver,
        bus=display.bus,
        port=display.port,
        address=display.address,
        rotate=display.rotate,
        rows=keypad.rows,
        columns=keypad.columns,
    )


def kiosk_settings(config: Config, own: Path) -> Settings:
    """Return what the machine knows before anything is unlocked.

    Args:
        config: Already validated.
        own: Folder of the kiosk's own file; what is kept there comes before config.yaml's table of sticks.
    """
    kept, note = None, ""
    try:
        kept = read_sticks(own)
    except KeptSticksError as error:
        log.warning("the table of sticks is damaged, config.yaml's is shown: %s", error)
        note = "Stick list was bad"
    return Settings(
        sticks=tuple(config.sticks.items()) if kept is None else kept,
        kiosk=config.kiosk,
        note=note,
    )


def make_daemon(
    board: Board,
    config: Config,
    open_session: Callable[[], Session],
    *,
    spool: Path,
    own: Path,
    refuse_swap: bool,
    turn: Callable[[], None] = lambda: None,
    turn_every_s: float | None = None,
) -> Daemon:
    """Return the daemon of a board.

    Args:
        board: Real or emulated.
        config: Already validated.
        open_session: Starts or connects to a vault process.
        spool: Folder for encrypted archives that wait for their stick.
        own: Folder of the kiosk's own file (kiosk.work.kept_sticks).
        refuse_swap: Never unlock while the system has swap.
        turn: See Daemon.
        turn_every_s: See Daemon.
    """
    diary = Diary(board.clock.now, partial(_tell_settings, config, own))
    diary.begin()

    def make_worker(post: Post) -> Worker:
        heard = diary.listen(post)
        return Worker(board, open_session, spool=spool, own=own, refuse_swap=refuse_swap, post=heard)

    return Daemon(
        board,
        make_worker,
        Entries(_propose_words, _estimate_bits),
        Machine(kiosk_settings(config, own)),
        turn=turn,
        turn_every_s=turn_every_s,
    )


def _tell_settings(config: Config, own: Path) -> Iterator[str]:
    """Yield for a diagnosis how the box is wired and set, and the table of sticks that a locked box shows."""
    for name, section in (("hardware", config.hardware), ("kiosk", config.kiosk)):
        yield f"{name}: {msgspec.json.encode(section).decode()}"
    for label, steps in kiosk_settings(config, own).sticks:
        yield f"stick {label}: {', '.join(steps)}"


def _propose_words() -> tuple[str, ...]:
    from core.crypto.passphrase import propose_words  # the word list is not needed for the first frame

    return propose_words()


def _estimate_bits(text: str) -> float:
    from core.crypto.passphrase import estimate_bits

    return estimate_bits(text)
