"""One suite for the port Sensors: files as kernels of Raspberry Pis write them, and the twin."""

from collections.abc import Callable
from pathlib import Path

import pytest

from hw.ports import Condition, Sensors
from hw.system.emulated import EmulatedSensors
from hw.system.sensors import BoardSensors

TOLD = {
    "proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.4\0",
    "proc/device-tree/serial-number": "10000000abcdef12\0",
    "sys/class/hwmon/hwmon0/name": "cpu_thermal\n",
    "sys/class/hwmon/hwmon1/name": "rpi_volt\n",
    "sys/class/hwmon/hwmon1/in0_lcrit_alarm": "0\n",
    "sys/class/thermal/thermal_zone0/temp": "48686\n",
    "sys/class/rtc/rtc0/since_epoch": "1799409600\n",
    "sys/class/rtc/rtc0/battery_voltage": "3004560\n",
    "sys/block/mmcblk0/device/life_time": "0x01 0x02\n",
    "sys/block/mmcblk0/device/pre_eol_info": "0x01\n",
    "sys/fs/ext4/mmcblk0p2/errors_count": "0\n",
    "sys/fs/ext4/mmcblk0p3/errors_count": "0\n",
    "sys/bus/usb/devices/1-0:1.0/usb1-port1/over_current_count": "0\n",
    "sys/class/net/lo/carrier": "1\n",
    "sys/class/net/eth0/carrier": "0\n",
    "sys/class/rfkill/rfkill0/type": "bluetooth\n",
    "sys/class/rfkill/rfkill0/soft": "1\n",
    "sys/class/rfkill/rfkill0/hard": "0\n",
}
SOUND = Condition(
    board="Raspberry Pi 4 Model B Rev 1.4",
    serial="10000000abcdef12",
    supply_is_low=False,
    celsius=48.686,
    clock_was_kept=True,
    clock_cell_volts=3.00456,
    card_wear_percent=20,
    card_is_ending=False,
    card_errors=0,
    usb_overloads=0,
    radios=(),
)

Tell = Callable[[dict[str, str], Condition], Sensors]


@pytest.fixture(params=["emulated", "kernel"])
def tell(request: pytest.FixtureRequest, tmp_path: Path) -> Tell:
    """Return what makes sensors of a board: of its kernel's files, or of the condition that they say."""

    def tell_files(files: dict[str, str], condition: Condition) -> Sensors:
        if request.param == "emulated":
            return EmulatedSensors(condition)
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        return BoardSensors(tmp_path)

    return tell_files


def test_a_sound_board_tells_what_it_has(tell: Tell) -> None:
    assert tell(TOLD, SOUND).read() == SOUND


def test_a_board_that_tells_nothing_is_not_guessed_at(tell: Tell) -> None:
    assert tell({}, Condition()).read() == Condition()


def test_reading_changes_nothing(tell: Tell) -> None:
    sensors = tell(TOLD, SOUND)
    assert sensors.read() == sensors.read()
