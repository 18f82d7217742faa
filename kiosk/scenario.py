"""Scenarios: what an operator does and must see, as lines of text.

One language serves `pism demo`, the tests, the manual's pictures and the acceptance of a real box:

    # a comment
    press 1 2 #              keys, one after the other
    hold * 2.5               a key kept down for so many seconds
    type words               the words that were read before, by T9, as the screen asks for them
    read words               note the proposed words off the screen, page by page
    insert PISM-ALL          a stick with that label goes in; the same one again after a pull
    pull                     the stick comes out
    wait 1.5                 let so many seconds pass
    expect "SAFE TO" 120     that text stands on the panel within so many seconds (10 if not said)
    snapshot safe-to-remove  keep the picture under that name

Rules: a line is refused with its number before anything is played; a step that does not come true within
its time raises ScenarioError with what the panel showed instead. A secret that was read is never shown.
"""

import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

from PIL import Image

from hw.ports import KEYS
from kiosk.reader import read_text
from kiosk.states import PROPOSED_WORDS
from kiosk.word_keys import count_presses

DEFAULT_EXPECT_S: Final = 10.0
MAX_WAIT_S: Final = 3600.0


class ScenarioError(Exception):
    """A scenario cannot be read, or did not come true."""


class Hands(Protocol):
    """What a scenario is played on: an emulated box, or a person with a real one."""

    def press(self, key: str) -> None:
        """Press and let go."""

    def hold(self, key: str, seconds: float) -> None:
        """Press, wait, let go."""

    def insert(self, label: str) -> None:
        """Put the stick of that label in."""

    def pull(self) -> None:
        """Pull the stick."""

    def wait(self, seconds: float) -> None:
        """Let time pass."""

    def picture(self) -> Image.Image:
        """Return what is on the panel."""

    def watch(self, holds: Callable[[Image.Image], bool], timeout_s: float) -> bool:
        """Wait until `holds` is true of the panel; False when it was not within the time."""

    def snapshot(self, name: str) -> None:
        """Keep the picture under a name."""


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


def _parse(text: str) -> Iterator[Step]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("# "):
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


def _is_seconds(text: str) -> bool:
    try:
        return 0 <= float(text) <= MAX_WAIT_S
    except ValueError:
        return False


_VERBS: Final[dict[str, Callable[[list[str]], bool]]] = {
    "press": lambda arguments: bool(arguments) and all(key in KEYS and len(key) == 1 for key in arguments),
    "hold": lambda arguments: len(arguments) == 2 and arguments[0] in KEYS and _is_seconds(arguments[1]),  # noqa: PLR2004
    "type": lambda arguments: arguments == ["words"],
    "read": lambda arguments: arguments == ["words"],
    "insert": lambda arguments: len(arguments) == 1,
    "pull": lambda arguments: not arguments,
    "wait": lambda arguments: len(arguments) == 1 and _is_seconds(arguments[0]),
    "expect": lambda arguments: len(arguments) in (1, 2) and all(map(_is_seconds, arguments[1:])),
    "snapshot": lambda arguments: len(arguments) == 1,
}


class Player:
    """Plays scenarios on one box; remembers the words that were read.

    Args:
        hands: What plays.
    """

    def __init__(self, hands: Hands) -> None:
        self._hands = hands
        self._words: tuple[str, ...] = ()
        self.presses = 0

    def play(self, steps: tuple[Step, ...]) -> None:
        """Play all steps.

        Raises:
            ScenarioError: A step did not come true; the text names its line and what the panel showed.
        """
        for step in steps:
            try:
                self._play(step)
            except ScenarioError as error:
                raise ScenarioError(f"line {step.number}, {step.verb}: {error}") from None

    def _play(self, step: Step) -> None:
        match step.verb, step.arguments:
            case "press", keys:
                for key in keys:
                    self._press(key)
            case "hold", (key, seconds):
                self.presses += 1
                self._hands.hold(key, float(seconds))
            case "type", _:
                self._type_words()
            case "read", _:
                self._read_words()
            case "expect", (text, *seconds):
                self._expect(text, float(seconds[0]) if seconds else DEFAULT_EXPECT_S)
            case _:
                self._handle(step)

    def _handle(self, step: Step) -> None:
        """Play the verbs that touch neither keys nor text."""
        match step.verb, step.arguments:
            case "insert", (label,):
                self._hands.insert(label)
            case "pull", _:
                self._hands.pull()
            case "wait", (seconds,):
                self._hands.wait(float(seconds))
            case "snapshot", (name,):
                self._hands.snapshot(name)

    def _press(self, key: str) -> None:
        self.presses += 1
        self._hands.press(key)

    def _expect(self, text: str, timeout_s: float) -> None:
        if not self._hands.watch(lambda picture: text in read_text(picture), timeout_s):
            raise ScenarioError(f"{text!r} was not shown within {timeout_s:g} s")

    def _type_words(self) -> None:
        for word in self._words:
            digits, candidate = count_presses(word)
            for key in digits + candidate:
                self._press(key)
        self._press("#")

    def _read_words(self) -> None:
        """Note the words as an operator would: from every page, in the order of their numbers."""
        words: dict[int, str] = {}
        while True:
            first = len(words) + 1
            if not self._hands.watch(partial(_shows_word, first), DEFAULT_EXPECT_S):
                raise ScenarioError(f"word {first} is not shown")
            words |= _numbered(self._hands.picture())
            if len(words) >= PROPOSED_WORDS:
                break
            self._press("#")
        self._words = tuple(words[number] for number in sorted(words))


def _shows_word(number: int, picture: Image.Image) -> bool:
    return number in _numbered(picture)


def _numbered(picture: Image.Image) -> dict[int, str]:
    """Return the words on a page, by their number."""
    return {int(number): word for number, word in re.findall(r"([1-9]) ([a-z]+)", read_text(picture))}
