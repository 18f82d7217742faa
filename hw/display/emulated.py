"""A panel that decodes the very bytes a controller would get, down to the pixels on the glass.

Rules:
1. It is the far end of the bus: luma's own I2C and SPI interfaces write to it.
2. SSD1306 and SSD1309: RAM of 128x64, three addressing modes, column and page ranges, remaps, start
   line, offset, inversion, contrast, charge pump, on and off. SH1106: RAM of 132x64, pages only.
3. A command it does not know is a bug of the sender: ValueError.
4. Plugged in, it begins as the controllers do: switched off, its RAM full of noise.

Faults: unplugged (no acknowledge), the n-th transfer refused.
"""

import errno
import threading
from collections.abc import Sequence
from typing import Any

from luma.core.interface.serial import i2c, spi
from PIL import Image, ImageChops
from smbus2 import i2c_msg

COLUMNS = {"ssd1306": 128, "ssd1309": 128, "sh1106": 132}
_ROWS = 64
_VISIBLE = 128
_NOISE = 0xA5

_ARGUMENTS = {
    0x20: 1,
    0x21: 2,
    0x22: 2,
    0x81: 1,
    0x8D: 1,
    0xA8: 1,
    0xD3: 1,
    0xD5: 1,
    0xD9: 1,
    0xDA: 1,
    0xDB: 1,
}
_ONLY_SSD = (0x20, 0x21, 0x22, 0x8D)  # to an SH1106 these are no commands, and what follows is one
_PUMP_ON = 0x14
_HORIZONTAL, _VERTICAL = 0, 1
_DATA_PIN = 24


class Panel:
    """The glass and its controller.

    Args:
        controller: "ssd1306", "ssd1309" or "sh1106".
        address: Where it answers on I2C.
    """

    def __init__(self, controller: str = "ssd1306", address: int = 0x3C) -> None:
        self.address = address
        self.bytes_sent = 0
        self.transfers = 0
        self.plugged = True
        self._columns = COLUMNS[controller]
        self._controller = controller
        self._refuse_at: int | None = None
        self._lock = threading.RLock()
        self.plug()

    def plug(self) -> None:
        """Put it in: the controller has just been switched on."""
        with self._lock:
            self.plugged = True
            self.contrast = 0x7F
            self.on = False
            self.inverted = False
            self._ram = bytearray([_NOISE]) * (self._columns * _ROWS // 8)
            self._all_on = False
            self._pumped = self._controller != "ssd1306"
            self._mirrored = self._flipped = False
            self._start_line = self._offset = 0
            self._mode = 2
            self._range = [0, self._columns - 1, 0, 7]
            self._column = self._page = 0

    def unplug(self) -> None:
        """Pull its wires."""
        with self._lock:
            self.plugged = False

    def refuse(self, transfer: int) -> None:
        """Refuse the n-th transfer from now, 1 being the next."""
        with self._lock:
            self._refuse_at = self.transfers + transfer

    def receive(self, data: Sequence[int], *, picture: bool, overhead: int = 0) -> None:
        """Take one transfer.

        Args:
            data: Its bytes.
            picture: They go to the RAM; else they are commands.
            overhead: Bytes that went over the bus beside them.

        Raises:
            OSError: EREMOTEIO, when it is unplugged or refuses.
        """
        with self._lock:
            self.transfers += 1
            self.bytes_sent += len(data) + overhead
            if not self.plugged or self.transfers == self._refuse_at:
                raise OSError(errno.EREMOTEIO, "Remote I/O error")
            if picture:
                for byte in data:
                    self._write(byte)
            else:
                self._run_commands(list(data))

    def image(self) -> Image.Image:
        """Return what is on the glass: 128x64, mode "1"."""
        with self._lock:
            if not self.on or not self._pumped:
                return Image.new("1", (_VISIBLE, _ROWS))
            if self._all_on:
                return Image.new("1", (_VISIBLE, _ROWS), 1)
            left = (self._columns - _VISIBLE) // 2
            columns = range(left, left + _VISIBLE)
            # Each column's bytes, the lowest page first, are a row of a picture lying on its side.
            lying = b"".join(bytes(self._ram[column :: self._columns])[::-1] for column in columns)
            image = Image.frombytes("1", (_ROWS, _VISIBLE), lying).transpose(Image.Transpose.ROTATE_90)
            image = ImageChops.offset(image, 0, -(self._start_line + self._offset))
            if not self._mirrored:
                image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
            if not self._flipped:
                image = image.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
            return ImageChops.invert(image) if self.inverted else image

    def _write(self, byte: int) -> None:
        """Put a byte where the pointer is and move it."""
        self._ram[self._page * self._columns + self._column] = byte
        first_column, last_column, first_page, last_page = self._range
        if self._mode == _HORIZONTAL:
            self._column, wrapped = _step_in_range(self._column, first_column, last_column)
            if wrapped:
                self._page, _ = _step_in_range(self._page, first_page, last_page)
        elif self._mode == _VERTICAL:
            self._page, wrapped = _step_in_range(self._page, first_page, last_page)
            if wrapped:
                self._column, _ = _step_in_range(self._column, first_column, last_column)
        elif self._controller == "sh1106":
            self._column = min(self._column + 1, self._columns - 1)
        else:
            self._column, _ = _step_in_range(self._column, 0, self._columns - 1)

    def _run_commands(self, commands: list[int]) -> None:
        """Take commands with their arguments."""
        while commands:
            command = commands.pop(0)
            takes = _ARGUMENTS.get(command, 0)
            if self._controller == "sh1106" and command in _ONLY_SSD:
                continue
            if len(commands) < takes:
                raise ValueError(f"command {command:#04x} without its argument")
            arguments, commands = commands[:takes], commands[takes:]
            if takes:
                self._run_with_arguments(command, arguments)
            else:
                self._run_single(command)

    def _run_with_arguments(self, command: int, arguments: list[int]) -> None:
        """Take a command with arguments."""
        match command:
            case 0x20:
                self._mode = arguments[0] & 3
            case 0x21:
                self._range[:2] = arguments
                self._column = arguments[0]
            case 0x22:
                self._range[2:] = arguments
                self._page = arguments[0]
            case 0x81:
                self.contrast = arguments[0]
            case 0x8D:
                self._pumped = self._controller != "ssd1306" or arguments[0] == _PUMP_ON
            case 0xD3:
                self._offset = arguments[0] & 0x3F
            case _:
                pass  # timing, multiplex, pins: nothing to see

    def _run_single(self, command: int) -> None:
        """Take a command of one byte."""
        match command:
            case 0xA0 | 0xA1:
                self._mirrored = command == 0xA1  # noqa: PLR2004 - the data sheet's code
            case 0xC0 | 0xC8:
                self._flipped = command == 0xC8  # noqa: PLR2004 - the data sheet's code
            case 0xA4 | 0xA5:
                self._all_on = command == 0xA5  # noqa: PLR2004 - the data sheet's code
            case 0xA6 | 0xA7:
                self.inverted = command == 0xA7  # noqa: PLR2004 - the data sheet's code
            case 0xAE | 0xAF:
                self.on = command == 0xAF  # noqa: PLR2004 - the data sheet's code
            case low if low <= 0x0F:  # noqa: PLR2004 - the data sheet's code
                self._column = self._column & 0xF0 | low
            case high if high <= 0x1F:  # noqa: PLR2004 - the data sheet's code
                self._column = self._column & 0x0F | (high & 0x0F) << 4
            case line if line & 0xC0 == 0x40:  # noqa: PLR2004 - the data sheet's code
                self._start_line = line & 0x3F
            case page if page & 0xF8 == 0xB0:  # noqa: PLR2004 - the data sheet's code
                self._page = page & 7
            case _:
                raise ValueError(f"command {command:#04x} is not known to the emulated {self._controller}")


class PanelI2c:
    """An I2C bus with the panel on it, as smbus2.SMBus looks to luma."""

    def __init__(self, panel: Panel) -> None:
        self._panel = panel

    def write_i2c_block_data(self, address: int, control: int, data: Sequence[int]) -> None:
        """Send one transfer: address, control byte (0x00 commands, 0x40 picture), data."""
        self._send(address, [control, *data])

    def i2c_rdwr(self, message: Any) -> None:
        """Send one transfer of any length, an smbus2.i2c_msg."""
        self._send(message.addr, list(message))

    def close(self) -> None:
        """Close the bus."""

    def _send(self, address: int, data: list[int]) -> None:
        if address != self._panel.address:
            raise OSError(errno.EREMOTEIO, "Remote I/O error")
        self._panel.receive(data[1:], picture=data[0] == 0x40, overhead=2)  # noqa: PLR2004 - the data sheet's code


class PanelSpi:
    """An SPI bus with the panel on it, and the pins beside it, as luma uses both."""

    OUT, LOW, HIGH = 0, 0, 1

    def __init__(self, panel: Panel, data_pin: int) -> None:
        self._panel = panel
        self._data_pin = data_pin
        self._picture = False
        self.max_speed_hz = 0

    def open(self, port: int, device: int) -> None:
        """Open the bus."""

    def close(self) -> None:
        """Close the bus."""

    def setup(self, pin: int, direction: int) -> None:
        """Make a pin an output."""

    def output(self, pin: int, level: int) -> None:
        """Set a pin; the data/command pin says what the next bytes are."""
        if pin == self._data_pin:
            self._picture = bool(level)

    def cleanup(self, pins: Sequence[int] = ()) -> None:
        """Let the pins go."""

    def writebytes(self, data: Sequence[int]) -> None:
        """Send bytes."""
        self._panel.receive(data, picture=self._picture)


def open_serial(panel: Panel, bus: str) -> Any:
    """Return luma's interface, "i2c" or "spi", with the panel at its end."""
    if bus == "i2c":
        serial = i2c(bus=PanelI2c(panel), address=panel.address)
        # As luma has it when it opened the bus itself: a picture goes in one transfer, not in blocks of 32.
        serial._managed, serial._i2c_msg_write = True, i2c_msg.write  # noqa: SLF001 - see above
        return serial
    wires = PanelSpi(panel, _DATA_PIN)
    return spi(spi=wires, gpio=wires, gpio_DC=_DATA_PIN, gpio_RST=None)


def _step_in_range(place: int, first: int, last: int) -> tuple[int, bool]:
    """Return the place after this one in first..last, and whether it began again."""
    return (first, True) if place == last else ((place + 1) & 0xFF, False)
