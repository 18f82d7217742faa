"""The last picture: on the panel once the system is down, until the plug is pulled.

`python -m kiosk.daemon.last_light poweroff` is run by systemd-shutdown when every other process has ended and
every file system is unmounted or read-only (systemd-shutdown(8)). The kiosk itself ends before that and can't
say "you may unplug". Nothing is written here but the picture; where that fails, the kiosk's own last words
stand and are still true.
"""

import contextlib
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from hw.errors import DisplayError
from kiosk.daemon.first_light import Wiring, guess_wiring, open_wired, read_config
from kiosk.screens.drawing import draw
from kiosk.screens.page import Page

if TYPE_CHECKING:
    from hw.ports import Display


IS_DOWN: Final = Page(title="POWER OFF", strong=True, body=("The system is down.", "You may unplug."))


def show_last(display: "Display") -> None:
    """Put the last picture on a display and let it go; the picture stays.

    Args:
        display: Nobody else's any more.
    """
    with contextlib.suppress(DisplayError):
        display.show(draw(IS_DOWN))
    display.close()


def main(arguments: Sequence[str], open_panel: Callable[[Wiring], "Display"] = open_wired) -> None:
    """Show the last picture when the system goes off; a restart has none.

    Args:
        arguments: What systemd is about to do (poweroff, halt, reboot, kexec), and the command line of the
            kiosk where it differs from the shipped one.
        open_panel: Opens the display.
    """
    if arguments[:1] not in (["poweroff"], ["halt"]):
        return
    wiring = guess_wiring(read_config(arguments[1:]))
    if wiring is not None:
        show_last(open_panel(wiring))


if __name__ == "__main__":
    main(sys.argv[1:])
