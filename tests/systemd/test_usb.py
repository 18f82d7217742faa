"""Who may be plugged in, and who may open it, by udev's rules."""

import pytest

from tests.systemd.udev_rules import RULES, Device, apply_rules, read_rules

STICK = "/devices/platform/soc/usb1/1-1/1-1:1.0/host0/target0:0:0/0:0:0:0/block/sda"


def usb_device(interfaces: str | None, *, action: str = "add", kernel: str = "1-1") -> Device:
    """Return a USB device as udev knows it when 50-udev-default.rules was read."""
    properties = {"DEVTYPE": "usb_device"}
    if interfaces is not None:
        properties["ID_USB_INTERFACES"] = interfaces
    return Device(facts={"ACTION": action, "SUBSYSTEM": "usb", "KERNEL": kernel}, properties=properties)


def disk(path: str = STICK, prints: str | None = "stick") -> Device:
    """Return a disk, and what is-system-disk says of it."""
    facts = {"ACTION": "add", "SUBSYSTEM": "block", "KERNEL": path.rpartition("/")[2], "DEVPATH": path}
    return Device(facts=facts, prints=prints)


def test_the_kernel_lets_nothing_in_of_its_own_accord() -> None:
    assert apply_rules(usb_device(":090000:", kernel="usb1")) == {"ATTR{authorized_default}": "0"}


@pytest.mark.parametrize(
    "interfaces",
    [":080650:", ":080650:080662:", ":080662:080650:", ":090000:", ":090001:", ":090001:090002:"],
    ids=["stick", "UAS stick", "UAS first", "hub", "one translator", "several translators"],
)
def test_sticks_and_hubs_are_let_in(interfaces: str) -> None:
    assert apply_rules(usb_device(interfaces)) == {"ATTR{authorized}": "1"}


@pytest.mark.parametrize(
    "interfaces",
    [
        ":030101:",
        ":080650:030101:",
        ":030101:080650:",
        ":020600:0a0000:",
        ":ffffff:",
        ":080650:020600:",
        ":080650:090000:",
        ":080650:080650ff:",
        ":0806500:",
        "",
        None,
    ],
)
def test_whatever_is_something_else_is_refused(interfaces: str | None) -> None:
    """Also what udev could not read, and what has a keyboard in another of its configurations only."""
    assert apply_rules(usb_device(interfaces)) == {"ATTR{authorized}": "0"}


@pytest.mark.parametrize("action", ["change", "bind", "unbind", "remove"])
def test_a_device_is_judged_when_it_comes(action: str) -> None:
    assert apply_rules(usb_device(":030101:", action=action)) == {}


def test_no_rule_jumps_to_nowhere_and_each_key_is_one_that_udev_has() -> None:
    labels = {value for line in read_rules() for key, _, value in line if key == "LABEL"}
    for line in read_rules():
        for key, sign, value in line:
            name = key.partition("{")[0]
            matched = {"ACTION", "SUBSYSTEM", "KERNEL", "DEVPATH", "ENV", "PROGRAM", "RESULT"}
            assert name in (
                matched if sign in ("==", "!=") else {"GROUP", "MODE", "GOTO", "LABEL", "ENV", "ATTR"}
            )
            assert key != "GOTO" or value in labels


def test_udev_neither_reads_a_stick_nor_asks_it_who_it_is() -> None:
    """60-persistent-storage.rules, and what was split off it later, pass over a device with that flag."""
    for place in (STICK, f"{STICK}/sda1"):
        given = apply_rules(disk(place))
        assert given["ENV{UDEV_DISABLE_PERSISTENT_STORAGE_RULES_FLAG}"] == "1"
        assert given["ENV{PISM_STICK}"] == "1", "by which the self-test sees that the rules were applied"
    assert RULES.name < "55-storage-hardware.rules"


def test_a_stick_that_says_it_is_a_drive_for_cds_has_no_driver() -> None:
    text = (RULES.parents[1] / "modprobe.d/pism.conf").read_text()
    assert [line for line in text.splitlines() if not line.startswith("#")] == ["blacklist sr_mod"]


def test_sticks_go_to_the_kiosk_and_are_never_mounted() -> None:
    given = apply_rules(disk())
    assert given == apply_rules(disk(f"{STICK}/sda1"))
    assert (given["GROUP"], given["MODE"]) == ("pism", "0660")
    assert (given["ENV{UDISKS_IGNORE}"], given["ENV{UDISKS_AUTO}"]) == ("1", "0")
    assert given["ENV{SYSTEMD_READY}"] == "0"


@pytest.mark.parametrize(
    "other",
    [
        disk(prints="system"),
        disk(prints=""),
        disk(prints=None),
        disk("/devices/platform/emmc2bus/mmc_host/mmc0/mmc0:0001/block/sda"),
        disk(STICK.replace("sda", "sr0")),
    ],
    ids=["the system's", "nothing is said", "the program fails", "not on USB", "no disk"],
)
def test_what_is_not_surely_a_stick_is_left_alone(other: Device) -> None:
    assert apply_rules(other) == {}


def test_the_clock_chip_is_asked_and_never_set() -> None:
    chip = Device(facts={"ACTION": "add", "SUBSYSTEM": "rtc", "KERNEL": "rtc0"})
    assert apply_rules(chip) == {"GROUP": "pism", "MODE": "0440"}
