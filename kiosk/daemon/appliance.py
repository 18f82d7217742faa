"""The daemon on the real box: drivers, the vault's socket, systemd's notifications and signals.

Rules:

1. The watchdog's ping comes from the loop's own turn; a loop that hangs is restarted by systemd.
2. SIGTERM and SIGINT are an event like any other: the machine ends the work at its next commit, locks, and
   leaves its last words on the glass.
3. The box refuses to unlock while the system has swap.
4. A config.yaml that cannot be used is said on the panel that the first picture is on.
5. A box that lacks a guard (kiosk.work.guards) is refused there, too, before a stick is looked at or a vault
   asked. Of its own guards the vault tells when it is connected: kiosk.work.worker.
6. Of a card without its state (hw.system.card) the same is said, before config.yaml is asked for.
7. Whatever thread dies, the kiosk ends with it, and systemd starts it anew.
"""

import contextlib
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from sdnotify import SystemdNotifier

from core.crypto.process import harden_process
from core.errors import CaError, describe_bug
from core.policy.config import load_config
from hw.board import Board, BoardSettings, open_board
from hw.errors import DisplayError, HardwareError
from hw.ports import Display
from hw.system.card import require_state
from kiosk.daemon.compose import board_settings, make_daemon
from kiosk.daemon.daemon import Daemon
from kiosk.daemon.first_light import FirstLight
from kiosk.flows.dialogs import problem_page
from kiosk.screens.drawing import draw
from kiosk.work.guards import require
from kiosk.work.session import connect_vault

log = logging.getLogger(__name__)

_MICROSECONDS: Final = 1_000_000
_PINGS_A_WATCH: Final = 3


def open_box(settings: BoardSettings, display: Display | None) -> Board:
    """Return the devices of the real box.

    Args:
        settings: How it is wired.
        display: The one that shows the first picture already, if there is one.
    """
    return open_board(settings, display=display)


def run_appliance(  # noqa: PLR0917  the last two are for tests
    config_path: Path,
    spool: Path,
    own: Path,
    first_light: FirstLight | None = None,
    open_box: Callable[[BoardSettings, Display | None], Board] = open_box,
    require_card: Callable[[], None] = require_state,
) -> None:
    """Run the kiosk until it is told to end.

    Args:
        config_path: config.yaml, absolute.
        spool: Folder for encrypted archives that wait for their stick.
        own: Folder of the kiosk's own file (kiosk.work.kept_sticks).
        first_light: The display that shows the first picture already, if there is one.
        open_box: Opens the devices.
        require_card: Refuses a card whose state is not there.

    Raises:
        CardError: There is no state to keep anything on (E-CARD...).
        ConfigError: config.yaml cannot be used (E-CONFIG...).
        LandlockError, SeccompError, UsersError: The box lacks a guard (E-GUARD-...).
    """
    harden_process()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    try:
        require_card()
        config = load_config(config_path)
    except (CaError, HardwareError) as error:
        if first_light is not None:
            show_refusal(first_light.display, error)
        raise
    settings = board_settings(config)
    board = open_box(settings, keep_display(first_light, settings))
    try:
        require(board.guards.read())
    except HardwareError as error:
        show_refusal(board.display, error)
        raise
    notifier = SystemdNotifier()
    daemon = make_daemon(
        board,
        config,
        connect_vault,
        spool=spool,
        own=own,
        refuse_swap=True,
        turn=lambda: notifier.notify("WATCHDOG=1"),
        turn_every_s=_turn_every_s(os.environ.get("WATCHDOG_USEC")),
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: daemon.leave())
    notifier.notify("READY=1")
    with ending_when_a_thread_dies(daemon):
        daemon.run()


@contextlib.contextmanager
def ending_when_a_thread_dies(daemon: Daemon) -> Iterator[None]:
    """Have the daemon end when any thread of this process dies of an error (rule 7).

    Args:
        daemon: That ends then.
    """

    def end(died: threading.ExceptHookArgs) -> None:
        error = died.exc_value or died.exc_type()
        name = died.thread.name if died.thread else "?"
        log.error("thread %s died: %s", name, describe_bug(error))
        daemon.fail(error)

    before, threading.excepthook = threading.excepthook, end
    try:
        yield
    finally:
        threading.excepthook = before


def keep_display(first_light: FirstLight | None, settings: BoardSettings) -> Display | None:
    """Return the display of the first picture if it is wired as config.yaml says, else let it go."""
    if first_light is None:
        return None
    wiring = first_light.wiring
    if all(getattr(settings, name) == value for name, value in wiring._asdict().items()):
        return first_light.display
    first_light.display.close()
    return None


def show_refusal(display: Display, error: CaError | HardwareError) -> None:
    """Leave on the panel why the box does not start."""
    with contextlib.suppress(DisplayError):
        display.show(draw(problem_page(error.code, str(error))))
    display.close()


def _turn_every_s(watchdog_usec: str | None) -> float | None:
    """Return the longest time between two turns: a third of what systemd allows; None unwatched."""
    return int(watchdog_usec) / _MICROSECONDS / _PINGS_A_WATCH if watchdog_usec else None
