"""A display's SPI bus for luma: the kernel's spidev node and two GPIO lines, without spidev or RPi.GPIO.

Rules:
1. Bytes go by write() to /dev/spidevPORT.DEVICE, at most 4096 at once (the driver's default bound).
2. The data/command and reset lines are push-pull outputs on the header's chip, taken while the bus is open.
3. Whatever cannot be opened is an OSError or a DisplayError, and leaves nothing open.
"""

import fcntl
import os
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from gpiod import Chip, LineSettings
from gpiod.line import Direction, Value
from luma.core.interface.serial import spi

from hw.errors import DisplayError, KeypadError
from hw.gpio.chip import CONSUMER, LineRequest, OpenChip, find_chip

DATA_PIN, RESET_PIN = 24, 25
"""BCM numbers of the data/command and the reset line, as luma's and most makers' pages have them."""

SPEED_HZ = 8_000_000

_WR_MAX_SPEED_HZ = 0x40046B04  # SPI_IOC_WR_MAX_SPEED_HZ, linux/spi/spidev.h


class SpiNode:
    """The bus, as luma uses a spidev object.

    Args:
        ioctl: fcntl.ioctl.
        write: os.write.
        folder: Where device nodes are.
    """

    def __init__(
        self,
        ioctl: Callable[[int, int, bytes], object] = fcntl.ioctl,
        write: Callable[[int, bytes], int] = os.write,
        folder: Path = Path("/dev"),
    ) -> None:
        self._ioctl = ioctl
        self._write = write
        self._folder = folder
        self._node = -1

    @property
    def max_speed_hz(self) -> int:
        """The clock; write only."""
        raise AttributeError("the speed is set, never read")

    @max_speed_hz.setter
    def max_speed_hz(self, speed_hz: int) -> None:
        self._ioctl(self._node, _WR_MAX_SPEED_HZ, struct.pack("=I", speed_hz))

    def open(self, port: int, device: int) -> None:
        """Open the node."""
        self._node = os.open(self._folder / f"spidev{port}.{device}", os.O_RDWR | os.O_CLOEXEC)

    def writebytes(self, data: Sequence[int]) -> None:
        """Send bytes."""
        self._write(self._node, bytes(data))

    def close(self) -> None:
        """Close the node, if it is open."""
        if self._node >= 0:
            os.close(self._node)
            self._node = -1


class SpiPins:
    """The lines beside the bus, as luma uses RPi.GPIO.

    Args:
        paths: The chips' device nodes.
        open_chip: Opens one.
    """

    OUT, LOW, HIGH = 0, 0, 1

    def __init__(self, paths: Sequence[Path], open_chip: OpenChip = Chip) -> None:
        self._paths = paths
        self._open_chip = open_chip
        self._lines: dict[int, LineRequest] = {}

    def setup(self, pin: int, _direction: int) -> None:
        """Take a line as an output, low."""
        try:
            chip = find_chip(self._paths, self._open_chip)
        except KeypadError as error:
            raise DisplayError(f"the display's lines cannot be had: {error}") from error
        try:
            settings = LineSettings(direction=Direction.OUTPUT)
            self._lines[pin] = chip.request_lines({pin: settings}, consumer=CONSUMER)
        finally:
            chip.close()

    def output(self, pin: int, level: int) -> None:
        """Drive a line."""
        self._lines[pin].set_values({pin: Value.ACTIVE if level else Value.INACTIVE})

    def release(self) -> None:
        """Let the lines go."""
        for line in self._lines.values():
            line.release()
        self._lines.clear()


class DisplaySpi(spi):  # type: ignore[misc] # luma has no types
    """luma's SPI interface that also lets go of what it was given.

    Args:
        port: The SPI controller.
        device: The chip select.
        node: The bus.
        pins: The lines beside it.

    Raises:
        DisplayError: The lines' chip cannot be had.
        OSError, luma.core.error.Error: The node or a line cannot be had.
    """

    def __init__(self, port: int, device: int, node: SpiNode, pins: SpiPins) -> None:
        self._own_node, self._own_pins = node, pins
        options: dict[str, Any] = {"bus_speed_hz": SPEED_HZ, "gpio_DC": DATA_PIN, "gpio_RST": RESET_PIN}
        try:
            super().__init__(spi=node, gpio=pins, port=port, device=device, **options)
        except BaseException:
            self.cleanup()
            raise

    def cleanup(self) -> None:
        """Let the bus and the lines go."""
        self._own_node.close()
        self._own_pins.release()
