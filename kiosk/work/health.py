"""What breaks first, judged: supply, heat, the clock's battery, the card, USB sockets, radios.

Rules: a limit stands here with its reason, and nowhere else; what the board does not tell is said as "not
told" and is never good; a fault has the line that LOCKED shows, worst first.
"""

from dataclasses import dataclass
from typing import Final

from hw.ports import Condition

HOT_CELSIUS: Final = 80.0
"""A Raspberry Pi slows down from here on, and is at its limit at 85."""
LOW_CELL_VOLTS: Final = 2.5
"""A lithium cell of 3 V is empty below."""
WORN_PERCENT: Final = 90
NOT_TOLD: Final = "not told"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the self-test.

    Args:
        name: At most 12 characters.
        good: None: it cannot be told.
        text: At most 8 characters.
        fault: What LOCKED says where it is not good, at most 21 characters; "" where it is not said there.
    """

    name: str
    good: bool | None
    text: str = ""
    fault: str = ""


def judge(condition: Condition) -> tuple[Finding, ...]:
    """Return what the board tells of itself, judged.

    Args:
        condition: As it was read.
    """
    celsius, wear = condition.celsius, condition.card_wear_percent
    return (
        _find("power supply", condition.supply_is_low, ("ok", "weak"), "Power supply is weak"),
        Finding(
            name="heat",
            good=None if celsius is None else celsius < HOT_CELSIUS,
            text=NOT_TOLD if celsius is None else f"{celsius:.0f} C",
            fault="" if celsius is None else f"Board is hot: {celsius:.0f} C",
        ),
        _find("clock chip", _negate(condition.clock_was_kept), ("kept", "stopped"), "Clock lost its power"),
        _judge_cell(condition),
        Finding(
            name="card wear",
            good=_is_sound(condition),
            text=NOT_TOLD if wear is None else f"{wear} %",
            fault="Card is worn out",
        ),
        _count("card errors", condition.card_errors, "Card has errors"),
        _count("USB overload", condition.usb_overloads, "USB socket overload"),
        _judge_radios(condition.radios),
        *_judge_root(condition.root_hash),
    )


def _find(name: str, is_bad: bool | None, texts: tuple[str, str], fault: str) -> Finding:  # noqa: FBT001
    """Return a finding of what is good or bad."""
    text = NOT_TOLD if is_bad is None else texts[is_bad]
    return Finding(name=name, good=_negate(is_bad), text=text, fault=fault)


def _count(name: str, number: int | None, fault: str) -> Finding:
    """Return a finding of what is good while it is 0."""
    text = NOT_TOLD if number is None else str(min(number, 9_999_999))
    return Finding(name=name, good=None if number is None else number == 0, text=text, fault=fault)


def _judge_cell(condition: Condition) -> Finding:
    """Return how the battery of the clock is, by its chip's word or its voltage."""
    volts = condition.clock_cell_volts
    told = [condition.clock_cell_is_low] if condition.clock_cell_is_low is not None else []
    told += [volts < LOW_CELL_VOLTS] if volts is not None else []
    found = _find("clock cell", any(told) if told else None, ("ok", "empty"), "Clock cell is empty")
    if volts is None:
        return found
    return Finding(name=found.name, good=found.good, text=f"{volts:.1f} V", fault=found.fault)


def _is_sound(condition: Condition) -> bool | None:
    """Return whether the card has life left; None where it tells neither wear nor end."""
    wear, is_ending = condition.card_wear_percent, condition.card_is_ending
    if wear is None and is_ending is None:
        return None
    return (wear or 0) < WORN_PERCENT and not is_ending


def _judge_radios(radios: tuple[str, ...] | None) -> Finding:
    """Return whether anything could send."""
    if radios is None:
        return Finding(name="radios, net", good=None, text=NOT_TOLD)
    first = radios[0][:5] if radios else ""
    text = f"{first} on" if radios else "off"
    return Finding(name="radios, net", good=not radios, text=text, fault=f"Not off: {first}")


def _judge_root(root_hash: str | None) -> tuple[Finding, ...]:
    """Return whether a card's system is verified as it is read; of another system there is nothing to say."""
    if root_hash is None:
        return ()
    text = "verified" if root_hash else "not so"
    return (Finding(name="system", good=bool(root_hash), text=text, fault="System is unverified"),)


def _negate(fact: bool | None) -> bool | None:  # noqa: FBT001
    return None if fact is None else not fact
