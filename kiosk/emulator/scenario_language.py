"""The language of scenarios: what an operator does and must see, line by line.

    # a comment
    press 1 2 #              keys, one after the other
    hold * 2.5               a key kept down for so many seconds
    press-until # MENU 30    a key again and again, until that text stands on the panel (10 s if not said)
    read words               note the proposed words off the screen, page by page
    words abandon able ...   the words of a box that was set up before
    type words               the words that were read or stated, by T9, then # if the last does not end it
    type abandon able ...    other words likewise
    insert PISM-ALL          a stick with that label goes in; the same one again after a pull, and at first
                             PISM-ALL.img of the folder of sticks, if it lies ready there
    insert PISM-ALL new      another stick with that label
    insert PISM-ALL full     it has a fault: full, read-only, lying, altering, dying, yank:BYTES
    pull                     the stick that went in last comes out
    pull PISM-ALL            the stick of that label comes out
    empty PISM-ALL           a PC deletes all that is on the stick of that label, which is out
    wait 1.5                 let so many seconds pass
    clock advance 5m         let the box believe that s, m, h or d have passed
    clock set 2027-01-31T12:00:00Z
    expect "SAFE TO" 120     that text stands on the panel within so many seconds (10 if not said)
    expect-not "E-BUG" 2     that text does not stand on the panel for so many seconds (0 if not said)
    expect-file "*.age" 60   such a file stands on the stick within so many seconds (10 if not said)
    expect-power off 60      the box switches itself off, or does a restart
    power off                the system asks it to switch off, or to restart
    lose display             its wires come off; or keypad
    restore display          they are on again; or keypad
    freeze vault             the vault process stands still
    thaw vault               it goes on
    kill vault               it is gone
    snapshot safe-to-remove  keep the picture under that name

Rules: a line is refused with its number before anything is played. It does not play anything.
"""

import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from hw.ports import KEYS
from hw.sticks.emulated import Faults
from kiosk.entry.words import fewest_keys

MAX_WAIT_S: Final = 3600.0

_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_FAULTS: Final = {
    "full": Faults(full=True),
    "read-only": Faults(read_only=True),
    "lying": Faults(lying="forgets"),
    "altering": Faults(lying="alters"),
    "dying": Faults(dying=True),
}
FAULTS: Final = (*_FAULTS, "yank:BYTES")
"""How a stick's faults are named."""

NEW: Final = "new"


class ScenarioError(Exception):
    """A scenario cannot be read, or did not come true."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One line: its number, verb and arguments."""

    number: int
    verb: str
    arguments: tuple[str, ...]


def parse_scenario(text: str) -> tuple[Step, ...]:
    """Read a scenario.

    Raises:
        ScenarioError: A line is not to the language; the text names it.
    """
    return tuple(_parse(text))


def parse_faults(text: str) -> Faults:
    """Return the fault that a word names.

    Raises:
        ValueError: None has that name.
    """
    if match := re.fullmatch(r"yank:([0-9]{1,12})", text):
        return Faults(yank_at_byte=int(match[1]))
    if text not in _FAULTS:
        raise ValueError(f"there is no fault {text}; known are {', '.join(FAULTS)}")
    return _FAULTS[text]


def parse_duration(text: str) -> timedelta:
    """Return a duration such as 90s, 5m, 2h or 30d.

    Raises:
        ValueError: It is none.
    """
    match = re.fullmatch(r"([0-9]{1,6})([smhd])", text)
    if match is None:
        raise ValueError(f"{text} is not a duration such as 90s, 5m, 2h or 30d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def parse_instant(text: str) -> datetime:
    """Return a time; without a zone it is UTC.

    Raises:
        ValueError: It is none.
    """
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text} is not a time such as 2027-01-31T12:00:00Z") from None
    return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC)


def _parse(text: str) -> Iterator[Step]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith(("# ", "#\n")) or line.strip() == "#":
            continue
        try:
            verb, *arguments = shlex.split(line)
        except ValueError as error:
            raise ScenarioError(f"line {number}: {error}") from error
        check = _VERBS.get(verb)
        if check is None:
            raise ScenarioError(f"line {number}: there is no verb {verb}; known are {', '.join(_VERBS)}")
        if not check(arguments):
            raise ScenarioError(f"line {number}: {verb} does not take {' '.join(arguments) or 'nothing'}")
        yield Step(number=number, verb=verb, arguments=tuple(arguments))


Check = Callable[[list[str]], bool]


def _is_key(text: str) -> bool:
    return len(text) == 1 and text in KEYS


def _is_seconds(text: str) -> bool:
    try:
        return 0 <= float(text) <= MAX_WAIT_S
    except ValueError:
        return False


def _is(read: Callable[[str], object]) -> Callable[[str], bool]:
    """Return whether `read` takes a text."""

    def taken(text: str) -> bool:
        try:
            read(text)
        except ValueError:
            return False
        return True

    return taken


def _is_option(text: str) -> bool:
    return text == NEW or _is(parse_faults)(text)


def _takes(*checks: Callable[[str], bool], optional: int = 0) -> Check:
    """Return the check of so many arguments, the last ones optional."""
    least = len(checks) - optional

    def check(arguments: list[str]) -> bool:
        return least <= len(arguments) <= len(checks) and all(
            fits(text) for fits, text in zip(checks, arguments, strict=False)
        )

    return check


def _takes_words(arguments: list[str]) -> bool:
    return bool(arguments) and all(map(_is(fewest_keys), arguments))


def _any(text: str) -> bool:
    return bool(text)


def _one_of(*words: str) -> Callable[[str], bool]:
    return lambda text: text in words


def _takes_clock(arguments: list[str]) -> bool:
    match arguments:
        case ["advance", duration]:
            return _is(parse_duration)(duration)
        case ["set", instant]:
            return _is(parse_instant)(instant)
    return False


_WIRED: Final = _takes(_one_of("display", "keypad"))
_VAULT: Final = _takes(_one_of("vault"))
_VERBS: Final[dict[str, Check]] = {
    "press": lambda arguments: bool(arguments) and all(map(_is_key, arguments)),
    "press-until": _takes(_is_key, _any, _is_seconds, optional=1),
    "hold": _takes(_is_key, _is_seconds),
    "read": _takes(_one_of("words")),
    "words": _takes_words,
    "type": lambda arguments: arguments == ["words"] or _takes_words(arguments),
    "insert": _takes(_any, _is_option, _is_option, optional=2),
    "pull": _takes(_any, optional=1),
    "empty": _takes(_any),
    "wait": _takes(_is_seconds),
    "clock": _takes_clock,
    "expect": _takes(_any, _is_seconds, optional=1),
    "expect-not": _takes(_any, _is_seconds, optional=1),
    "expect-file": _takes(_any, _is_seconds, optional=1),
    "expect-power": _takes(_one_of("off", "restart"), _is_seconds, optional=1),
    "power": _takes(_one_of("off", "restart")),
    "lose": _WIRED,
    "restore": _WIRED,
    "freeze": _VAULT,
    "thaw": _VAULT,
    "kill": _VAULT,
    "snapshot": _takes(_any),
}
