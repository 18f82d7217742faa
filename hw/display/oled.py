"""The OLED on luma: sends only what changed, comes back after a loss, never shines at full.

Rules:
1. luma's device class gives the controller's set-up; it is made once, its set-up is kept, and every
   (re)opening sends it anew. A new device for each try would stay in memory until the process ends.
2. `show` compares with what was sent last: equal pictures send nothing, others only their windows.
3. After an error nothing is known of the glass: the bus is closed, the error raised, and a later `show`
   opens it again, not before a pause that doubles, and draws all.
4. The glass is switched on after the first picture is in, so that noise is never seen.
5. Contrast is capped: an OLED's pixels age by the current through them.
6. A panel can lose its power between two pictures and acknowledge the next one as if nothing had happened,
   its memory noise and its set-up gone. So whoever lights it has all of it sent anew, about 1.1 KB: that is
   the one exception from rule 2, and it never follows a key press that means anything.

Left to others: what to draw, when to dim and blank (the daemon).
"""

import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from luma.core.error import Error as LumaError
from luma.oled.device import sh1106, ssd1306, ssd1309
from PIL import Image

from hw.display.windows import WHOLE, WIDTH, Window, find_windows, split_pages, to_pages
from hw.errors import DisplayError

MAX_CONTRAST = 0x80
"""The brightest there is, half of what the controllers could do."""

RETRY_S = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
"""Pauses before a lost panel is tried again; the last one goes on."""

CONTROLLERS = ("ssd1306", "ssd1309", "sh1106")

_SIZE = (WIDTH, 64)
_SET_PAGE, _SET_HIGH_COLUMN = 0xB0, 0x10
_WINDOW_BYTES = 10  # I2C: two addresses, two control bytes, six of command
_PAGE_BYTES = 7  # the same with three of command


class Serial(Protocol):
    """luma's interface to a bus (luma.core.interface.serial.i2c, spi)."""

    def command(self, *cmd: int) -> None:
        """Send one command and its arguments."""

    def data(self, data: list[int]) -> None:
        """Send picture bytes."""

    def cleanup(self) -> None:
        """Let the bus go."""


class _Relay:
    """What luma's device takes for its bus: keeps the set-up, then passes on to the bus that is open."""

    def __init__(self) -> None:
        self.setup: list[tuple[int, ...]] = []
        self.serial: Serial | None = None

    def command(self, *cmd: int) -> None:
        """Keep a command of the set-up, or send it."""
        if self.serial is None:
            self.setup.append(cmd)
        else:
            self.serial.command(*cmd)

    def data(self, data: list[int]) -> None:
        """Send picture bytes."""
        if self.serial is not None:
            self.serial.data(data)

    def cleanup(self) -> None:
        """Do nothing when luma closes at exit: the picture stays."""


class _Unpainted:
    """luma's own drawing left out: it sends the whole picture and uses what Pillow gives up."""

    def display(self, image: Image.Image) -> None:
        """Draw nothing."""


class _Ssd1306(_Unpainted, ssd1306):  # type: ignore[misc] # luma has no types
    """A panel with windows."""


class _Ssd1309(_Unpainted, ssd1309):  # type: ignore[misc] # luma has no types
    """The same with its own power supply."""


class _Sh1106(_Unpainted, sh1106):  # type: ignore[misc] # luma has no types
    """A panel of 132 columns, of which the middle 128 are there, written page by page."""


_DEVICES: dict[str, Any] = {"ssd1306": _Ssd1306, "ssd1309": _Ssd1309, "sh1106": _Sh1106}


class Oled:
    """The display.

    Args:
        controller: One of CONTROLLERS.
        open_serial: Opens the bus; raises luma's errors or OSError.
        upside_down: The panel is mounted the other way up.
        monotonic: Seconds that never go back.
    """

    def __init__(
        self,
        *,
        controller: str,
        open_serial: Callable[[], Serial],
        upside_down: bool = False,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._relay = _Relay()
        self._device: Any = _DEVICES[controller](self._relay, rotate=2 if upside_down else 0)
        self._device.persist = True
        self._setup = tuple(self._relay.setup)
        self._paged = controller == "sh1106"
        self._open_serial = open_serial
        self._monotonic = monotonic
        self._sent: bytes | None = None
        self._level = MAX_CONTRAST
        self._off = False
        self._tries = 0
        self._next_try_at = 0.0

    def show(self, image: Image.Image) -> None:
        """Put a 128x64 image of mode "1" on the glass.

        Raises:
            DisplayError: The panel does not answer, or it is not time to try again.
        """
        if image.mode != "1" or image.size != _SIZE:
            raise ValueError('a picture is 128x64, mode "1"')
        picture = to_pages(self._device.preprocess(image))
        if self._relay.serial is None:
            self._open(picture)
        elif self._sent != picture:
            self._send(lambda: self._paint(picture))

    def contrast(self, level: int) -> None:
        """Set the brightness, 0 to 255, capped; a lost panel gets it when it is back.

        Raises:
            DisplayError: The panel does not answer.
        """
        level = max(0, min(level, MAX_CONTRAST))
        if level != self._level:
            self._level = level
            self._send(lambda: self._device.contrast(level))

    def blank(self, *, off: bool) -> None:
        """Turn the glass off, or light it with all of its set-up and picture sent anew (rule 6).

        A lost panel gets it when it is back.

        Raises:
            DisplayError: The panel does not answer.
        """
        was_off, self._off = self._off, off
        if not off:
            self._send(self._resend_all)
        elif not was_off:
            self._send(self._device.hide)

    def close(self) -> None:
        """Let the bus go and leave the picture standing."""
        serial, self._relay.serial = self._relay.serial, None
        self._sent = None
        if serial is not None:
            with contextlib.suppress(LumaError, OSError):
                serial.cleanup()

    def _open(self, picture: bytes) -> None:
        """Open the bus, set the controller up, draw all."""
        now = self._monotonic()
        if now < self._next_try_at:
            raise DisplayError("the display was lost and is not due to be tried again")
        self._next_try_at = now + RETRY_S[min(self._tries, len(RETRY_S) - 1)]
        self._tries += 1
        try:
            self._relay.serial = self._open_serial()
        except (LumaError, OSError) as error:
            raise DisplayError(f"the display's bus cannot be opened: {error}") from error
        self._send(lambda: self._set_up(picture, off_first=True))
        self._tries = 0
        self._next_try_at = 0.0

    def _resend_all(self) -> None:
        """Send set-up and picture to a panel that answers: one that lost nothing does not even blink."""
        picture, self._sent = self._sent, None
        if picture is not None:
            self._set_up(picture, off_first=False)  # a controller that began anew is off

    def _set_up(self, picture: bytes, *, off_first: bool) -> None:
        """Send luma's set-up but its contrast and switching on, then the picture, then those."""
        table = self._device._const  # noqa: SLF001 - luma's own table
        for command in self._setup:
            if command[0] == table.DISPLAYOFF:  # and all the rest of it, in one command
                self._device.command(*(command if off_first else command[1:]))
            elif command[0] not in {table.SETCONTRAST, table.DISPLAYON}:
                self._device.command(*command)
        self._device.contrast(self._level)
        self._paint(picture)
        if not self._off:
            self._device.show()

    def _paint(self, picture: bytes) -> None:
        """Send the windows that make what is on the glass into this picture."""
        windows: tuple[Window, ...] = (WHOLE,)
        if self._sent is not None:
            cost = _PAGE_BYTES if self._paged else _WINDOW_BYTES
            windows = find_windows(self._sent, picture, address_bytes=cost, join_pages=not self._paged)
        for window in split_pages(windows) if self._paged else windows:
            self._set_address(window)
            self._device.data(list(window.cut(picture)))
        self._sent = picture

    def _set_address(self, window: Window) -> None:
        """Say where the next bytes go."""
        device = self._device
        if self._paged:
            column = window.left + device._page_address_offset  # noqa: SLF001 - luma's own offset
            device.command(_SET_PAGE | window.top, column & 0x0F, _SET_HIGH_COLUMN | column >> 4)
            return
        table = device._const  # noqa: SLF001 - luma's own table
        device.command(table.COLUMNADDR, window.left, window.right, table.PAGEADDR, window.top, window.bottom)

    def _send(self, transfer: Callable[[], None]) -> None:
        """Do something on the bus, if it is open; when that fails the panel is lost."""
        if self._relay.serial is None:
            return
        try:
            transfer()
        except (LumaError, OSError) as error:
            self.close()
            self._next_try_at = self._monotonic() + RETRY_S[min(self._tries, len(RETRY_S) - 1)]
            raise DisplayError(f"the display does not answer: {error}") from error


def open_display(*, driver: str, bus: str, port: int, address: int, rotate: int) -> Oled:
    """Return the display; its bus is opened at the first picture.

    Args:
        driver: One of CONTROLLERS.
        bus: "i2c" or "spi".
        port: Number of the bus: /dev/i2c-1, /dev/spidev0.x.
        address: On I2C its address, on SPI its chip select.
        rotate: 0, or 2 when it is mounted upside down.
    """

    def open_serial() -> Serial:
        if bus == "spi":
            from hw.display.spi import DisplaySpi, SpiNode, SpiPins

            chips = sorted(Path("/dev").glob("gpiochip*"))
            return DisplaySpi(port, address, SpiNode(), SpiPins(chips))
        from luma.core.interface.serial import i2c

        return i2c(port=port, address=address)  # type: ignore[no-any-return] # luma is untyped

    return Oled(controller=driver, open_serial=open_serial, upside_down=rotate != 0)
