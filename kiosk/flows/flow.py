"""The language of flows: what an operator does, from the first key to the last word, as one generator.

A flow yields what is shown or asked, and is sent what happened:

    yield Page(...)          a key of page.takes: "#"; one of page.holds that was held: "hold #"; or TICK
    yield Entry(...)         Typed, or LEFT when the operator went back from an empty entry
    yield from ask(...)      the result of a request to the vault or to the kiosk's own work
    yield ProposeWords()     nothing: eight random words stand in the entry's buffer
    yield GoDown(...)        never comes back

Rules:

1. A flow is pure: it knows no thread, clock, pin, screen or stick, only the Box and what it is sent. It holds
   no secret: it names the buffer (Purpose) whose bytes a request is to carry.
2. What is refused is raised (`Refused`); a flow that can do better than show the error catches it at the line
   where it matters.
3. What comes between is raised, too: `SticksChanged` on a page that minds sticks, `GaveUp` where an answer
   was not waited for, `Locked` when the session ended by itself. A flow that does not care ends by it, and
   the box comes to rest (kiosk.flows.resting), or shows the menu again after `GaveUp`.
4. A flow that was begun from the menu leads back to it: done, left (BACK) or refused; every other ends at
   rest.

What is true in all flows (blanking, auto-lock, wiping, a lost vault, power, held and stuck keys) is the
machine's: kiosk.machine.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, TypeVar

from core.api.wire import Failed
from kiosk.flows.box import Box
from kiosk.screens.page import Entry, Page, Shown, Work


class Outcome(Enum):
    """How a flow ended that did nothing: it was left."""

    BACK = "back"


BACK: Final = Outcome.BACK


class Sent(Enum):
    """What a flow is sent beside keys and results."""

    LEFT = "left"
    TICK = "tick"


LEFT: Final = Sent.LEFT
"""The operator went back with `*` from an empty entry."""
TICK: Final = Sent.TICK
"""One second more on a page that ticks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """An entry that was finished.

    Args:
        same: REPEAT and DATE_AGAIN: equal to what was entered before; else True.
        text: The digits of a date or a seal; "" for every secret.
        begun: UNLOCK: it is not finished, but three words stand there; it goes on by `Entry.resumed`.
    """

    same: bool = True
    text: str = ""
    begun: bool = False


class Interruption(Exception):  # noqa: N818  it is no error
    """Something that ends every flow but those that care."""


class SticksChanged(Interruption):
    """A stick came or went; the Box knows which."""


class GaveUp(Interruption):
    """The operator went on without the answer that was waited for; it is dropped when it comes.

    Args:
        key: That was pressed.
    """

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


class Locked(Interruption):
    """The session ended by itself: nobody pressed a key."""


class Refused(Exception):  # noqa: N818  what it is about may be no error of anybody's
    """The vault, a device, or the kiosk's own work refused a request.

    Args:
        code: Of the error.
        text: What happened; never a secret.
        wait_s: After a wrong passphrase: whole seconds until the next try is taken.
        failed_attempts: The same: wrong ones in a row.
    """

    def __init__(self, code: str, text: str = "", *, wait_s: int = 0, failed_attempts: int = 0) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text
        self.wait_s = wait_s
        self.failed_attempts = failed_attempts

    @classmethod
    def by(cls, failed: Failed) -> "Refused":
        """Return what the vault's own word of refusal raises."""
        return cls(failed.code, failed.text, wait_s=failed.wait_s, failed_attempts=failed.failed_attempts)


@dataclass(frozen=True, slots=True)
class Ask:
    """A request, and what is shown until it is answered.

    Args:
        request: Its type: of core.api.requests, or of kiosk.work.
        waiting: A key that it takes ends the waiting (`GaveUp`); an answer that comes later is dropped.
        fields: The request's own. A Purpose stands for the bytes of its buffer, which the daemon copies into
            the request; a field `now` that is left out is the daemon's clock.
    """

    request: type[Any]
    waiting: Page | Work
    fields: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class ProposeWords:
    """Have eight random words in the entry's buffer, which are then what is typed again.

    Args:
        others: Draw them anew, though there are some.
    """

    others: bool = False


@dataclass(frozen=True, slots=True)
class GoDown:
    """Lock and let the system end, or begin anew."""

    restart: bool


Yielded = Shown | Ask | ProposeWords | GoDown
T = TypeVar("T")
Step = Generator[Yielded, Any, T]
"""A part of a flow, whose result is what it returns."""
Flow = Step[Outcome | None]


def ask(request: type[Any], waiting: Page | Work, **fields: Any) -> Step[Any]:
    """Ask, and return the result.

    Args:
        request: See Ask.
        waiting: See Ask.
        fields: See Ask.

    Raises:
        Refused: It was.
    """
    return (yield Ask(request, waiting, tuple(fields.items())))


@dataclass(frozen=True, slots=True, kw_only=True)
class MenuItem:
    """A line of the menu.

    Args:
        key: That picks it from anywhere.
        name: At most 19 characters.
        flow: What it begins.
        while_locked: It needs no key of the authority.
    """

    key: str
    name: str
    flow: Callable[[Box], Flow]
    while_locked: bool = False


KEYS_IN_ORDER: Final = "1234567890ABC#"
_MENU: dict[str, MenuItem] = {}


def on_menu(
    key: str, name: str, *, while_locked: bool = False
) -> Callable[[Callable[[Box], Flow]], Callable[[Box], Flow]]:
    """Put a flow on the menu.

    Args:
        key: One of KEYS_IN_ORDER that no other flow has; the menu is in that order.
        name: See MenuItem.
        while_locked: See MenuItem.
    """

    def offer(flow: Callable[[Box], Flow]) -> Callable[[Box], Flow]:
        if key not in KEYS_IN_ORDER or key in _MENU:
            raise ValueError(f"key {key} of the menu cannot be {name}'s")
        _MENU[key] = MenuItem(key=key, name=name, flow=flow, while_locked=while_locked)
        return flow

    return offer


def menu_items() -> tuple[MenuItem, ...]:
    """Return all lines of the menu, in order."""
    return tuple(_MENU[key] for key in KEYS_IN_ORDER if key in _MENU)


__all__ = [
    "BACK",
    "LEFT",
    "TICK",
    "Ask",
    "Box",
    "Entry",
    "Flow",
    "GaveUp",
    "GoDown",
    "Interruption",
    "Locked",
    "MenuItem",
    "Outcome",
    "Page",
    "ProposeWords",
    "Refused",
    "Step",
    "SticksChanged",
    "Typed",
    "Work",
    "Yielded",
    "ask",
    "menu_items",
    "on_menu",
]
