"""What udev does by a rules file to a made-up device: as much of udev(7) as our rules use."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

RULES = Path(__file__).parents[2] / "systemd/udev/51-pism.rules"
_PAIR = re.compile(r'([A-Z]+(?:\{[A-Za-z_/]+\})?)(==|!=|\+=|=)"([^"]*)"(?:, *|$)')


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A device as rules see it.

    Args:
        facts: What is matched by name: ACTION, SUBSYSTEM, KERNEL, DEVPATH.
        properties: What ENV{...} matches.
        prints: What the program prints; None: it fails.
    """

    facts: Mapping[str, str]
    properties: Mapping[str, str] = field(default_factory=dict)
    prints: str | None = None


def read_rules(path: Path = RULES) -> list[list[tuple[str, str, str]]]:
    """Return udev's rules: of each line its keys, operators and values."""
    found = []
    for line in path.read_text().splitlines():
        if line and not line.startswith("#"):
            pairs = _PAIR.findall(line)
            assert "".join(f'{key}{sign}"{value}"' for key, sign, value in pairs) == re.sub(r", *", "", line)
            found.append(pairs)
    return found


def apply_rules(device: Device) -> dict[str, str]:
    """Return what is assigned to a device: GROUP, MODE, ATTR{...}, ENV{...}, OPTIONS."""
    known = {**device.facts, **{f"ENV{{{key}}}": value for key, value in device.properties.items()}}
    given: dict[str, str] = {}
    target = ""
    for line in read_rules():
        if target and ("LABEL", "=", target) not in line:
            continue
        target = ""
        if not all(
            _holds(key, sign, value, known, device) for key, sign, value in line if sign in ("==", "!=")
        ):
            continue
        for key, sign, value in line:
            if sign in ("==", "!=") or key == "LABEL":
                continue
            if key == "GOTO":
                target = value
            else:
                given[key] = known[key] = value
    assert not target, "a jump to nowhere"
    return given


def _holds(key: str, sign: str, value: str, known: dict[str, str], device: Device) -> bool:
    if key == "PROGRAM":
        known["RESULT"] = device.prints or ""
        return (device.prints is not None) is (sign == "==")
    found = any(fnmatchcase(known.get(key, ""), pattern) for pattern in value.split("|"))
    return found is (sign == "==")
