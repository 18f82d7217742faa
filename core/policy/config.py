"""config.yaml, read strictly into a frozen Config (design 10).

1. Plain YAML only, then keys and types (core.policy.yaml), then the rules between values
   (core.policy.rules), then the box's own wiring, here.
2. The first thing wrong refuses the whole file; every error names file, line and key path.

It reads no recipient: core.policy.policy does, when a policy is made of a config.
"""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from core.errors import ConfigSyntaxError, ConfigValueError, FileError
from core.files import read_bounded
from core.policy.rules import Fault, faults
from core.policy.settings import (
    Config,
)
from core.policy.yaml import MAX_BYTES, fit, read_yaml

_I2C_ADDRESSES: Final = range(0x08, 0x78)  # the others are reserved by the bus
_CHIP_SELECTS: Final = range(2)

# BCM numbers that the display's bus takes on a Raspberry Pi; on SPI also data/command 24 and reset 25.
_BUS_PINS: Final = {
    ("i2c", 0): (0, 1),
    ("i2c", 1): (2, 3),
    ("spi", 0): (7, 8, 9, 10, 11, 24, 25),
    ("spi", 1): (16, 17, 18, 19, 20, 21, 24, 25),
}


def load_config(path: Path) -> Config:
    """Return what a config file says.

    Args:
        path: The file, at most 256 KiB.

    Raises:
        ConfigError: It cannot be used; the subclass says why (E-CONFIG-...).
        FileError: It cannot be read (E-FILE).
    """
    try:
        data = read_bounded(path, MAX_BYTES)
    except FileError:
        with suppress(OSError):
            if path.is_file() and path.stat().st_size > MAX_BYTES:
                raise ConfigSyntaxError(f"{path} is larger than {MAX_BYTES // 1024} KiB") from None
        raise
    return parse_config(data, str(path))


def parse_config(text: bytes, source: str) -> Config:
    """Return what the bytes of a config file say.

    Args:
        text: At most 256 KiB of UTF-8.
        source: The file, as errors shall name it.

    Raises:
        ConfigSyntaxError: It is not the plain YAML of core.policy.yaml (E-CONFIG-SYNTAX).
        ConfigKeyError: A key is unknown or missing (E-CONFIG-KEY).
        ConfigValueError: A value has the wrong type or is out of range (E-CONFIG-VALUE).
        ConfigVisitError: A lead time or the CRL lifetime does not outlast a visit (E-CONFIG-VISIT).
    """
    read = read_yaml(text, source)
    config = fit(read, Config)
    for check in (faults, _wiring_faults, _kiosk_faults):
        for fault in check(config):
            raise read.error(fault.kind, fault.path, fault.text)
    return config


def _wiring_faults(config: Config) -> Iterator[Fault]:
    """Yield what cannot be wired: a wrong address, or a pin with two purposes."""
    display = config.hardware.display
    path = ("hardware", "display", "address")
    if display.bus == "i2c" and display.address not in _I2C_ADDRESSES:
        text = f"must be an I2C address from 0x08 to 0x77, most often 0x3c, not {display.address:#04x}"
        yield Fault(kind=ConfigValueError, path=path, text=text)
    if display.bus == "spi" and display.address not in _CHIP_SELECTS:
        text = f"must be the SPI chip select, 0 or 1, not {display.address}"
        yield Fault(kind=ConfigValueError, path=path, text=text)
    taken = dict.fromkeys(_BUS_PINS.get((display.bus, display.port), ()), "the display")
    for side, pins in (("rows", config.hardware.keypad.rows), ("columns", config.hardware.keypad.columns)):
        for place, pin in enumerate(pins):
            user = taken.setdefault(pin, f"{side}[{place}]")
            if user != f"{side}[{place}]":
                text = f"pin {pin} belongs to {user} already"
                yield Fault(kind=ConfigValueError, path=("hardware", "keypad", side, place), text=text)


def _kiosk_faults(config: Config) -> Iterator[Fault]:
    """Yield what makes no sense on the operator's side."""
    if config.kiosk.dim_after_s > config.kiosk.lock_after_s:
        text = f"must be at most lock_after_s, {config.kiosk.lock_after_s}, not {config.kiosk.dim_after_s}"
        yield Fault(kind=ConfigValueError, path=("kiosk", "dim_after_s"), text=text)
