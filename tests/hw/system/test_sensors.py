"""The driver of the sensors: which file means what, and what is no answer."""

import errno
import os
from dataclasses import replace
from pathlib import Path

import pytest

from hw.ports import Condition
from hw.system.sensors import BoardSensors
from tests.hw.contracts.test_sensors import SOUND, TOLD


def read(folder: Path, **other: str) -> Condition:
    """Return what is read where some files, named by their ends, say something else."""
    for name, text in TOLD.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(next((new for end, new in other.items() if name.endswith(end)), text))
    return BoardSensors(folder).read()


@pytest.mark.parametrize(
    ("file", "text", "field", "value"),
    [
        ("in0_lcrit_alarm", "1\n", "supply_is_low", True),
        ("since_epoch", "946684805\n", "clock_was_kept", False),  # a DS3231 begins anew in 2000
        ("battery_voltage", "12000\n", "clock_cell_volts", 0.012),
        ("life_time", "0x0b 0x03\n", "card_wear_percent", 110),
        ("life_time", "0x00 0x00\n", "card_wear_percent", None),  # not defined
        ("pre_eol_info", "0x02\n", "card_is_ending", True),
        ("pre_eol_info", "0x00\n", "card_is_ending", None),
        ("errors_count", "3\n", "card_errors", 6),
        ("over_current_count", "2\n", "usb_overloads", 2),
        ("soft", "0\n", "radios", ("bluetooth",)),
    ],
)
def test_each_fault_is_read_off_its_file(
    tmp_path: Path, file: str, text: str, field: str, value: object
) -> None:
    assert read(tmp_path, **{file: text}) == replace(SOUND, **{field: value})


def test_a_wireless_interface_and_a_cable_are_radios_that_are_on(tmp_path: Path) -> None:
    wlan = tmp_path / "sys" / "class" / "net" / "wlan0"
    (wlan / "phy80211").mkdir(parents=True)
    (tmp_path / "sys" / "class" / "net" / "eth0").mkdir()
    (tmp_path / "sys" / "class" / "net" / "eth0" / "carrier").write_text("1\n")
    assert BoardSensors(tmp_path).read().radios == ("eth0", "wlan0")


def test_the_firmwares_word_on_the_supply_counts_too(tmp_path: Path) -> None:
    throttled = tmp_path / "sys" / "devices" / "platform" / "soc" / "soc:firmware" / "get_throttled"
    throttled.parent.mkdir(parents=True)
    for word, is_low in (("0\n", False), ("50000\n", True), ("1\n", True), ("20000\n", False)):
        throttled.write_text(word)
        assert BoardSensors(tmp_path).read().supply_is_low is is_low


def test_a_clock_that_refuses_to_be_read_was_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel's refusal, EINVAL, is none that a file can be made to give."""
    given = Path.read_text

    def refuse(path: Path, encoding: str | None = None, errors: str | None = None) -> str:
        if path.name == "since_epoch":
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        return given(path, encoding, errors)

    monkeypatch.setattr(Path, "read_text", refuse)
    assert read(tmp_path).clock_was_kept is False


@pytest.mark.parametrize("text", ["", "good\n", "\xff\xfe", "1" * 5000])
def test_what_is_no_number_is_not_told(tmp_path: Path, text: str) -> None:
    ends = ("alarm", "temp", "since_epoch", "voltage", "life_time", "pre_eol_info", "_count")
    found = read(tmp_path, **dict.fromkeys(ends, text))
    told = {"board": SOUND.board, "serial": SOUND.serial, "radios": ()}
    assert found == Condition(**told)  # type: ignore[arg-type] # as they are named


def test_a_name_is_one_line_of_printable_ascii(tmp_path: Path) -> None:
    found = read(tmp_path, model="Pi\n\x1b[2J\0" + "x" * 500)
    assert found.board.isprintable()
    assert len(found.board) <= 100


def test_a_node_that_is_no_clock_tells_nothing_of_a_cell(tmp_path: Path) -> None:
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev" / "rtc0").write_text("")
    assert read(tmp_path).clock_cell_is_low is None
