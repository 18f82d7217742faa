"""All devices of the box, real or emulated: the one place that imports drivers and twins.

Rules:
1. Drivers and twins are imported inside `open_board`, so that an emulated box needs no GPIO and udev
   libraries, and a real one never loads a twin.
2. Opening touches no hardware: the display opens at its first picture, keypad and sticks when started.

Left to others: config.yaml (its `hardware` section becomes BoardSettings in the composition root).
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from hw.ports import Clock, Condition, Display, Guards, Keypad, Power, Sensors, Stick, Sticks

if TYPE_CHECKING:
    from hw.display.emulated import Panel
    from hw.fat.volume import FatVolume
    from hw.keypad.emulated import KeyMatrix
    from hw.sticks.emulated import EmulatedSticks
    from hw.system.emulated import EmulatedClock, EmulatedGuards, EmulatedPower, EmulatedSensors

_PINS_A_SIDE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardSettings:
    """How the box is wired.

    Args:
        driver: The display's controller.
        bus: How it is connected.
        port: Number of the bus: /dev/i2c-1, /dev/spidev0.x.
        address: On I2C its address, on SPI its chip select.
        rotate: 0, or 2 when it is mounted upside down.
        rows: BCM numbers of the keypad's rows, top first.
        columns: BCM numbers of its columns, left first.
    """

    driver: Literal["ssd1306", "ssd1309", "sh1106"] = "ssd1306"
    bus: Literal["i2c", "spi"] = "i2c"
    port: int = 1
    address: int = 0x3C
    rotate: Literal[0, 2] = 0
    rows: tuple[int, ...] = (5, 6, 13, 19)
    columns: tuple[int, ...] = (12, 16, 20, 21)

    def __post_init__(self) -> None:
        """Refuse a keypad that is not 4x4 on eight lines."""
        if len(self.rows) != _PINS_A_SIDE or len({*self.rows, *self.columns}) != 2 * _PINS_A_SIDE:
            raise ValueError("a keypad has four rows and four columns, each on its own line")

    def open_display(self) -> Display:
        """Return the real display; its bus is opened at the first picture."""
        from hw.display.oled import open_display

        return open_display(
            driver=self.driver, bus=self.bus, port=self.port, address=self.address, rotate=self.rotate
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Emulation:
    """What an emulated box begins with.

    Args:
        sticks: Folder of stick images; None when they are inserted by path only.
        instant: What its clock shows at first; None: this machine's time.
        frozen: Its time passes only when it is told to; else it runs with this machine's.
        clock_refuses: Its clock cannot be set.
        power_refuses: It cannot be switched off.
        power_heard: Called with "off" or "restart".
        condition: What its sensors tell; None: of a board that has nothing wrong.
    """

    sticks: Path | None = None
    instant: datetime | None = None
    frozen: bool = False
    clock_refuses: bool = False
    power_refuses: bool = False
    power_heard: Callable[[str], None] | None = None
    condition: Condition | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Twins:
    """The far side of an emulated box: the panel's glass, keys, sockets, time, switch, sensors and guards."""

    panel: "Panel"
    keys: "KeyMatrix"
    sticks: "EmulatedSticks"
    clock: "EmulatedClock"
    power: "EmulatedPower"
    sensors: "EmulatedSensors"
    guards: "EmulatedGuards"


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """The devices; `twins` is None on the real box."""

    display: Display
    keypad: Keypad
    sticks: Sticks
    clock: Clock
    power: Power
    sensors: Sensors
    guards: Guards
    twins: Twins | None = None

    def open_volume(self, stick: Stick, *, heals: bool = True) -> "FatVolume":
        """Claim a stick that is in and open its volume.

        Args:
            stick: That is in.
            heals: See FatVolume.

        Raises:
            StickError: It is out, taken, not FAT32, or cannot be read.
        """
        from hw.fat.volume import FatVolume

        return FatVolume(self.sticks.open_medium(stick), heals=heals)

    def format_stick(self, stick: Stick, label: str) -> Stick:
        """Erase a stick and make it an empty FAT32 volume.

        Returns:
            The same insertion as it is now.

        Raises:
            StickError: It is out, taken, or cannot be written.
        """
        from hw.fat.mkfs import format_stick

        format_stick(self.sticks.open_medium(stick), label)
        return replace(stick, label=label, uuid="", filesystem="vfat", parts=())


def open_board(
    settings: BoardSettings, emulation: Emulation | None = None, display: Display | None = None
) -> Board:
    """Return the devices of the box.

    Args:
        settings: How it is wired.
        emulation: What an emulated box begins with; None: the real one.
        display: Of the real box, where it is open already and shows the first picture.
    """
    return _open_real(settings, display) if emulation is None else _open_twins(settings, emulation)


def _open_real(settings: BoardSettings, display: Display | None) -> Board:
    """Return the drivers."""
    from hw.gpio.factory import GpiodFactory
    from hw.keypad.matrix import MatrixKeypad
    from hw.sticks.udev import UdevSticks
    from hw.sticks.usb import UsbSockets
    from hw.system.clock import SystemClock
    from hw.system.guards import BoardGuards
    from hw.system.power import SystemPower
    from hw.system.sensors import BoardSensors

    return Board(
        display=display or settings.open_display(),
        keypad=MatrixKeypad(
            rows=settings.rows,
            columns=settings.columns,
            open_factory=lambda: GpiodFactory((*settings.rows, *settings.columns)),
        ),
        sticks=UsbSockets(UdevSticks()),
        clock=SystemClock(),
        power=SystemPower(),
        sensors=BoardSensors(),
        guards=BoardGuards(),
    )


def _open_twins(settings: BoardSettings, emulation: Emulation) -> Board:
    """Return the same drivers for display and keypad over emulated wires, and twins of the rest."""
    from hw.display.emulated import Panel, open_serial
    from hw.display.oled import Oled
    from hw.keypad.emulated import KeyMatrix
    from hw.keypad.matrix import MatrixKeypad
    from hw.sticks.emulated import EmulatedSticks
    from hw.system.emulated import SOUND, EmulatedClock, EmulatedGuards, EmulatedPower, EmulatedSensors

    twins = Twins(
        panel=Panel(settings.driver, settings.address),
        keys=KeyMatrix(settings.rows, settings.columns),
        sticks=EmulatedSticks(emulation.sticks),
        clock=EmulatedClock(
            emulation.instant or datetime.now(UTC),
            refuses=emulation.clock_refuses,
            running=None if emulation.frozen else time.monotonic,
        ),
        power=EmulatedPower(refuses=emulation.power_refuses, heard=emulation.power_heard),
        sensors=EmulatedSensors(emulation.condition or SOUND),
        guards=EmulatedGuards(),
    )
    return Board(
        display=Oled(
            controller=settings.driver,
            open_serial=lambda: open_serial(twins.panel, settings.bus),
            upside_down=settings.rotate != 0,
            monotonic=twins.clock.monotonic,
        ),
        keypad=MatrixKeypad(
            rows=settings.rows, columns=settings.columns, open_factory=twins.keys.open_factory
        ),
        sticks=twins.sticks,
        clock=twins.clock,
        power=twins.power,
        sensors=twins.sensors,
        guards=twins.guards,
        twins=twins,
    )
