"""What breaks first: each fault is found, said in a line, and what is not told is never good."""

from dataclasses import replace

import pytest

from hw.ports import Condition
from hw.system.emulated import SOUND
from kiosk.text.wrap import COLUMNS
from kiosk.work.health import Finding, judge

FAULTS = (
    ({"supply_is_low": True}, "power supply", "weak", "Power supply is weak"),
    ({"celsius": 83.4}, "heat", "83 C", "Board is hot: 83 C"),
    ({"clock_was_kept": False}, "clock chip", "stopped", "Clock lost its power"),
    ({"clock_cell_is_low": True, "clock_cell_volts": None}, "clock cell", "empty", "Clock cell is empty"),
    ({"clock_cell_volts": 2.4}, "clock cell", "2.4 V", "Clock cell is empty"),
    ({"card_wear_percent": 90}, "card wear", "90 %", "Card is worn out"),
    ({"card_is_ending": True}, "card wear", "10 %", "Card is worn out"),
    ({"card_errors": 3}, "card errors", "3", "Card has errors"),
    ({"usb_overloads": 1}, "USB overload", "1", "USB socket overload"),
    ({"radios": ("wlan0", "bluetooth")}, "radios, net", "wlan0 on", "Not off: wlan0"),
    ({"radios": ("bluetooth",)}, "radios, net", "bluet on", "Not off: bluet"),
)


def found(condition: Condition) -> dict[str, Finding]:
    return {each.name: each for each in judge(condition)}


@pytest.mark.parametrize(("fields", "name", "text", "fault"), FAULTS)
def test_each_fault_is_found_and_said(fields: dict[str, object], name: str, text: str, fault: str) -> None:
    rows = found(replace(SOUND, **fields))
    assert [row.name for row in rows.values() if row.good is not True] == [name]
    assert rows[name] == Finding(name=name, good=False, text=text, fault=fault)


def test_a_sound_board_has_no_fault_and_a_silent_one_none_that_is_known() -> None:
    assert {row.good for row in judge(SOUND)} == {True}
    assert {(row.good, row.text) for row in judge(Condition())} == {(None, "not told")}


def test_a_cell_that_only_its_chip_judges_is_good_by_its_word() -> None:
    told = found(Condition(clock_cell_is_low=False))["clock cell"]
    assert (told.good, told.text) == (True, "ok")


def test_a_card_that_tells_its_end_but_not_its_wear_is_judged_by_that() -> None:
    told = found(Condition(card_is_ending=True))["card wear"]
    assert (told.good, told.text) == (False, "not told")


@pytest.mark.parametrize("condition", [replace(SOUND, **each[0]) for each in FAULTS])
def test_rows_fit_the_panel(condition: Condition) -> None:
    for row in judge(replace(condition, card_errors=10**12, celsius=None)):
        assert len(row.name) <= 12
        assert len(row.text) <= 8
        assert len(row.fault) <= COLUMNS
