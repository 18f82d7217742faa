"""The transitions of the machine, one module per group of states: see kiosk.machine."""

from kiosk.rules import (
    asking,
    clock,
    drill,
    entry,
    late,
    menu,
    power,
    requests,
    rescue,
    rest,
    selftest,
    setup,
    sticks,
    work,
)
from kiosk.rules.act import Move, act

__all__ = [
    "Move",
    "act",
    "asking",
    "clock",
    "drill",
    "entry",
    "late",
    "menu",
    "power",
    "requests",
    "rescue",
    "rest",
    "selftest",
    "setup",
    "sticks",
    "work",
]
