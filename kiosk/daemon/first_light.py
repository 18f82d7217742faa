"""The first picture: on the panel before the command line, config.yaml or the machine are loaded.

Rules:

1. Nothing is imported here but the panel's driver and the canvas: every millisecond is one of a dark box.
2. How the panel is wired is read off config.yaml in passing, without YAML. That is a guess: config.yaml is
   read strictly afterwards, and a display that was wired otherwise is opened anew (kiosk.daemon.appliance).
3. Whatever fails here fails again later, where it is said; here it costs the early picture only.
"""

import re
from binascii import a2b_base64
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple
from zlib import decompress

from PIL import Image

from hw.display.oled import CONTROLLERS, open_display
from hw.errors import HardwareError
from kiosk.screens.canvas import Canvas

if TYPE_CHECKING:
    from hw.ports import Display


# What kiosk.daemon.first_light draws, drawn beforehand: loading the font takes as long as all of this. A test
# holds the two together and prints the new text when they differ.
_PICTURE: Final = (
    b"eNpjYBgB4D/DAfszPLj5Bw4wHOC3wcM/fOAAzxncfJB5+PhA4xhQ7COVz/zhPw8e/jADAgwsHGh8ZC77jqJzEhsfwPkcAtwqHKcU"
    b"EPICVSwcXQg+w6Qulo4uBR6DAxAuP08Vs0znAzgfAhRQ3cB4gGFEAABPJTS5"
)
_MAX_CONFIG_BYTES: Final = 256 * 1024
_DISPLAY: Final = re.compile(r"^\s*display:(.*?)(?:^\s*\w+:\s*\{|\Z)", re.DOTALL | re.MULTILINE)
_WORD: Final = re.compile(r"\b(driver|bus|port|address|rotate):\s*(\w+)")
_DEFAULT_CONFIG: Final = "/etc/pism/config.yaml"


class Wiring(NamedTuple):
    """How the display seems to be wired; the fields are those of hw.display.oled.open_display."""

    driver: str
    bus: str
    port: int
    address: int
    rotate: int


class FirstLight(NamedTuple):
    """A display that shows the first picture, and the wiring it was opened by."""

    wiring: Wiring
    display: "Display"


def open_wired(wiring: Wiring) -> "Display":
    """Return the real display of a wiring."""
    return open_display(**wiring._asdict())


def light(
    arguments: Sequence[str], open_panel: Callable[[Wiring], "Display"] = open_wired
) -> FirstLight | None:
    """Show the first picture of `pism kiosk`.

    Args:
        arguments: Of the command line, without the program's name.
        open_panel: Opens the display.

    Returns:
        The display, or None when there is nothing to show it on.
    """
    if arguments[:1] != ["kiosk"] or "--help" in arguments or "-h" in arguments:
        return None
    wiring = guess_wiring(read_config(arguments))
    if wiring is None:
        return None
    display = open_panel(wiring)
    try:
        display.show(picture())
    except HardwareError:
        display.close()
        return None
    return FirstLight(wiring, display)


def picture() -> Image.Image:
    """Return the first picture."""
    return Image.frombytes("1", (128, 64), decompress(a2b_base64(_PICTURE)))


def guess_wiring(config: str) -> Wiring | None:
    """Return how config.yaml seems to wire the display, None when it cannot be told.

    Args:
        config: Its text.
    """
    section = _DISPLAY.search(config)
    words = dict(_WORD.findall(section[1])) if section else {}
    if words.get("driver") not in CONTROLLERS or words.get("bus") not in ("i2c", "spi"):
        return None
    try:
        return Wiring(
            driver=words["driver"],
            bus=words["bus"],
            port=int(words["port"], 0),
            address=int(words["address"], 0),
            rotate=int(words.get("rotate", "0"), 0),
        )
    except (KeyError, ValueError):
        return None


def read_config(arguments: Sequence[str]) -> str:
    """Return the text of the config.yaml that the command line names, "" when it cannot be read."""
    path = _DEFAULT_CONFIG
    for place, argument in enumerate(arguments):
        if argument == "--config":
            path = "".join(arguments[place + 1 : place + 2])
        elif argument.startswith("--config="):
            path = argument.removeprefix("--config=")
    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123  without pathlib
            return file.read(_MAX_CONFIG_BYTES)
    except (OSError, ValueError):
        return ""


def paint_start(canvas: Canvas) -> None:
    """Draw what stands on the glass until the vault has answered."""
    canvas.big("PiSM", 10).centre(3, "starting ...")


def draw_start() -> Image.Image:
    """Return the frame; kiosk.screens draws the same one for Boot."""
    canvas = Canvas()
    paint_start(canvas)
    return canvas.image
