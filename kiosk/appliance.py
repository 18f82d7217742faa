"""The daemon on the real box: drivers, the vault's socket, systemd's notifications and signals.

Rules:

1. The watchdog's ping comes from the loop's own turn; a loop that hangs is restarted by systemd.
2. SIGTERM and SIGINT are an event like any other: the machine ends the work at its next commit, locks, and
   leaves its last words on the glass.
3. The box refuses to unlock while the system has swap.
"""

import logging
import os
import signal
from pathlib import Path
from typing import Final

from sdnotify import SystemdNotifier

from core.config import load_config
from core.process import harden_process
from hw.board import open_board
from kiosk.compose import board_settings, make_daemon
from kiosk.session import connect_vault

_MICROSECONDS: Final = 1_000_000
_PINGS_A_WATCH: Final = 3


def run_appliance(config_path: Path, spool: Path) -> None:
    """Run the kiosk until it is told to end.

    Args:
        config_path: config.yaml, absolute.
        spool: Folder for encrypted archives that wait for their stick.

    Raises:
        ConfigError: config.yaml cannot be used (E-CONFIG...).
    """
    harden_process()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    config = load_config(config_path)
    notifier = SystemdNotifier()
    daemon = make_daemon(
        open_board(board_settings(config)),
        config,
        connect_vault,
        spool=spool,
        refuse_swap=True,
        turn=lambda: notifier.notify("WATCHDOG=1"),
        turn_every_s=_turn_every_s(os.environ.get("WATCHDOG_USEC")),
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: daemon.leave())
    notifier.notify("READY=1")
    daemon.run()


def _turn_every_s(watchdog_usec: str | None) -> float | None:
    """Return the longest time between two turns: a third of what systemd allows; None unwatched."""
    return int(watchdog_usec) / _MICROSECONDS / _PINGS_A_WATCH if watchdog_usec else None
