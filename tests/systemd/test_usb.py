"""Who may be plugged in, and who may open it: USBGuard's rules, udev's rules."""

import re
from pathlib import Path

import pytest

SYSTEMD = Path(__file__).parents[2] / "systemd"
_PAIR = re.compile(r'([A-Z]+(?:\{[A-Za-z_]+\})?)(==|!=|\+=|=)"([^"]*)"(?:, *|$)')
_MATCHED = {"ACTION", "SUBSYSTEM", "KERNEL", "ENV", "PROGRAM", "RESULT"}
_SET = {"GROUP", "MODE", "GOTO", "LABEL", "ENV"}


def allowed() -> list[frozenset[str]]:
    """Return the interface sets that USBGuard lets in."""
    text = (SYSTEMD / "usbguard/50-pism.conf").read_text()
    return [
        frozenset(found.split())
        for found in re.findall(r"^allow with-interface equals \{ ([^}]*) \}$", text, re.MULTILINE)
    ]


@pytest.mark.parametrize(
    "interfaces",
    [{"08:06:50"}, {"08:06:50", "08:06:62"}, {"09:00:00"}, {"09:00:01", "09:00:02"}],
    ids=["stick", "UAS stick", "hub", "multi-TT hub"],
)
def test_sticks_and_hubs_are_let_in(interfaces: set[str]) -> None:
    assert frozenset(interfaces) in allowed()


@pytest.mark.parametrize(
    "interfaces",
    [
        {"03:01:01"},
        {"08:06:50", "03:01:01"},
        {"02:06:00", "0a:00:00"},
        {"ff:ff:ff"},
        {"08:06:50", "02:06:00"},
    ],
    ids=["keyboard", "stick and keyboard", "network", "vendor's own", "stick and network"],
)
def test_whatever_is_something_else_is_refused(interfaces: set[str]) -> None:
    assert frozenset(interfaces) not in allowed()


def test_all_that_no_rule_allows_is_blocked_last() -> None:
    lines = (SYSTEMD / "usbguard/50-pism.conf").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[-1] == "block"
    assert len(rules) == len(allowed()) + 1


def rules() -> list[list[tuple[str, str, str]]]:
    """Return udev's rules: of each line its keys, operators and values."""
    found = []
    for line in (SYSTEMD / "udev/70-pism.rules").read_text().splitlines():
        if line and not line.startswith("#"):
            pairs = _PAIR.findall(line)
            assert "".join(f'{key}{sign}"{value}"' for key, sign, value in pairs) == re.sub(r", *", "", line)
            found.append(pairs)
    return found


def test_udev_rules_are_well_formed() -> None:
    labels = {value for line in rules() for key, _, value in line if key == "LABEL"}
    for line in rules():
        for key, sign, value in line:
            name = key.partition("{")[0]
            assert name in (_MATCHED if sign in ("==", "!=") else _SET)
            assert key != "GOTO" or value in labels


def test_sticks_go_to_the_kiosk_and_are_never_mounted() -> None:
    clock, given = [line for line in rules() if ("GROUP", "=", "pism") in line]
    assert ("SUBSYSTEM", "==", "rtc") in clock
    assert ("MODE", "=", "0440") in clock, "it is asked, never set"
    assert ("MODE", "=", "0660") in given
    kept = [pair for line in rules() for pair in line if pair[0].startswith("ENV") and pair[1] == "="]
    assert kept == [
        ("ENV{UDISKS_IGNORE}", "=", "1"),
        ("ENV{UDISKS_AUTO}", "=", "0"),
        ("ENV{SYSTEMD_READY}", "=", "0"),
    ]


def test_what_is_not_surely_a_stick_is_left_alone() -> None:
    """A program that is missing or fails says nothing, and that is no stick either."""
    lines = rules()
    asked = lines.index([("PROGRAM", "!=", "/usr/lib/pism/is-system-disk %p"), ("GOTO", "=", "pism_end")])
    assert lines[asked + 1] == [("RESULT", "!=", "stick"), ("GOTO", "=", "pism_end")]
    assert ("GROUP", "=", "pism") in lines[asked + 2]
