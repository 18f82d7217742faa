"""What the kernel tells of the board: supply, heat, the clock's battery, the card, USB sockets, radios.

Owns the reading of it, from sysfs and from the clock chip's node. Rules:

1. What a board does not tell, or tells in a form that is not known, is None: never a guess, never good.
2. Nothing is changed, and nothing is cleared: what was found is found again.
3. All of it together is some dozen small files: milliseconds.

Left to others: what is bad (kiosk.work.health).
"""

import errno
import fcntl
import os
import struct
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from hw.ports import Condition
from hw.system.card import read_root_hash

_DIGITS: Final = 20  # of 64 bits, with a sign
_CHARACTERS: Final = 100
_FIRST_TIME_S: Final = datetime(2020, 1, 1, tzinfo=UTC).timestamp()
"""A chip that lost its power begins anew in 1970, 2000 or 2010, whatever its flag says."""

# linux/rtc.h: _IOR('p', 0x13, unsigned int), and the bits of its answer
_RTC_VL_READ: Final = 0x80047013
_VL_DATA_INVALID: Final = 1 << 0
_VL_BACKUP_LOW: Final = 1 << 1
_VL_BACKUP_EMPTY: Final = 1 << 2

_UNDERVOLTAGE: Final = 1 << 0 | 1 << 16  # of the firmware's get_throttled: now, and since it was last asked
_TENTHS: Final = 10
_EOL_NORMAL: Final = 1
_MICROVOLTS: Final = 1e6


class BoardSensors:
    """The sensors of the real box.

    Args:
        root: Below it lie sys, proc and dev.
    """

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root
        self._tree = root / "proc" / "device-tree"
        self._sys = root / "sys"
        self._dev = root / "dev"

    def read(self) -> Condition:
        """Return how the board is now."""
        flags = _read_voltage_flags(self._dev / "rtc0")
        microvolts = _number(self._sys / "class/rtc/rtc0/battery_voltage")
        wear, is_ending = self._read_card()
        return Condition(
            board=_text(self._tree / "model") or "",
            serial=_text(self._tree / "serial-number") or "",
            supply_is_low=self._read_supply(),
            celsius=self._read_heat(),
            clock_was_kept=self._read_clock(flags),
            clock_cell_is_low=None if flags is None else bool(flags & (_VL_BACKUP_LOW | _VL_BACKUP_EMPTY)),
            clock_cell_volts=None if microvolts is None else microvolts / _MICROVOLTS,
            card_wear_percent=wear,
            card_is_ending=is_ending,
            card_errors=_sum(self._sys.glob("fs/ext4/*/errors_count")),
            usb_overloads=_sum(self._sys.glob("bus/usb/devices/*/*/over_current_count")),
            radios=self._read_radios(),
            root_hash=read_root_hash(self._root),
        )

    def _read_supply(self) -> bool | None:
        """Return what the firmware says of it: raspberrypi-hwmon asks every two seconds."""
        told = [
            bool(alarm)
            for name in self._sys.glob("class/hwmon/*/name")
            if _text(name) == "rpi_volt" and (alarm := _number(name.parent / "in0_lcrit_alarm")) is not None
        ]
        throttled = _number(self._sys / "devices/platform/soc/soc:firmware/get_throttled", base=16)
        if throttled is not None:
            told.append(bool(throttled & _UNDERVOLTAGE))
        return any(told) if told else None

    def _read_heat(self) -> float | None:
        """Return the processor's temperature."""
        milli = _number(self._sys / "class/thermal/thermal_zone0/temp")
        return None if milli is None else milli / 1000

    def _read_clock(self, flags: int | None) -> bool | None:
        """Return whether the chip went on counting.

        Drivers refuse with EINVAL to read a chip whose oscillator had stopped; that of a DS3231 learned it
        late, and shows what such a chip begins anew with.
        """
        try:
            seconds = int((self._sys / "class/rtc/rtc0/since_epoch").read_text(encoding="ascii"))
        except OSError as error:
            return False if error.errno == errno.EINVAL else None
        except ValueError:
            return None
        return seconds >= _FIRST_TIME_S and not (flags or 0) & _VL_DATA_INVALID

    def _read_card(self) -> tuple[int | None, bool | None]:
        """Return wear, and whether the end is near, of a soldered card (JESD84-B51 7.4); no SD card tells."""
        device = self._sys / "block/mmcblk0/device"
        try:
            # Each in steps of 10 %: 0x01 is the first tenth, 0x0a the last, 0x0b beyond.
            words = (_text(device / "life_time") or "").split()
            estimates = [int(word, 16) for word in words if len(word) <= len("0x0b")]
        except ValueError:
            estimates = []
        end = _number(device / "pre_eol_info", base=16) or None  # 0 is not defined
        return max(estimates, default=0) * _TENTHS or None, None if end is None else end > _EOL_NORMAL

    def _read_radios(self) -> tuple[str, ...] | None:
        """Return what rfkill lets send, wireless interfaces, and wired ones that have a carrier."""
        net = self._sys / "class/net"
        try:
            interfaces = sorted(path.name for path in net.iterdir() if path.name != "lo")
        except OSError:
            return None
        on = [
            name
            for name in interfaces
            if (net / name / "phy80211").exists() or _number(net / name / "carrier") == 1
        ]
        for switch in sorted((self._sys / "class/rfkill").glob("*")):
            blocked = [_number(switch / kind) for kind in ("soft", "hard")]
            kind = _text(switch / "type") or "radio"
            if 1 not in blocked and not (kind == "wlan" and on):
                on.append(kind)
        return tuple(dict.fromkeys(on))


def _text(path: Path) -> str | None:
    """Return a small file's text in ASCII, without the zero that ends it in a device tree."""
    try:
        with path.open("rb") as file:
            text = file.read(_CHARACTERS).decode("ascii", "replace")
    except OSError:
        return None
    return "".join(letter for letter in text if letter.isprintable()).strip()


def _number(path: Path, base: int = 10) -> int | None:
    """Return the whole number that a file has; None where it has none, or one that no kernel counts to."""
    text = _text(path) or ""
    try:
        return int(text, base) if len(text) <= _DIGITS else None
    except ValueError:
        return None


def _sum(paths: Iterable[Path]) -> int | None:
    """Return the sum of the numbers in files; None where no file has one."""
    found = [number for path in paths if (number := _number(path)) is not None]
    return sum(found) if found else None


def _read_voltage_flags(node: Path) -> int | None:
    """Return what the clock chip remembers of its supply (RTC_VL_READ); None where its driver has no such."""
    try:
        clock = os.open(node, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        answer = fcntl.ioctl(clock, _RTC_VL_READ, bytes(4))
    except OSError:
        return None
    finally:
        os.close(clock)
    return int(struct.unpack("=I", answer)[0])
