"""Plays scenarios on a box: emulated, or real with a person as its hands and eyes (`pism accept`).

One language (kiosk.emulator.scenario_language) serves `pism demo`, the tests, the manual's pictures and the
acceptance of a real box. Rules:

1. A step that does not come true within its time raises ScenarioError with what was awaited.
2. A secret that was read is never shown; at an acceptance the words that the box proposes stay on paper.
3. At an acceptance the PC says what to do and asks what was seen, line by line. It is not connected to the
   box. A step that only an emulation can do is refused before the first question.
"""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Final, Protocol

from PIL import Image

from core.errors import AcceptanceError
from hw.sticks.emulated import Faults
from kiosk.emulator.scenario_language import (
    NEW,
    ScenarioError,
    Step,
    parse_duration,
    parse_faults,
    parse_instant,
    parse_scenario,
)
from kiosk.entry.buffers import BEGINNING_WORDS
from kiosk.entry.words import GUARD_S, fewest_keys, keys_of
from kiosk.screens.drawing import PROPOSED_WORDS
from kiosk.screens.reader import read_lines, read_text

__all__ = ["Hands", "Player", "ScenarioError", "Step", "parse_scenario"]

DEFAULT_EXPECT_S: Final = 10.0
ERROR_S: Final = 10.0
_UNLOCKING: Final = "Passphrase"
_RECOGNIZED: Final = "SAME AS ON PAPER?"


class Hands(Protocol):
    """What a scenario is played on: an emulated box, or a person with a real one."""

    def press(self, key: str) -> None:
        """Press and let go."""

    def hold(self, key: str, seconds: float) -> None:
        """Press, wait, let go."""

    def insert(self, label: str, faults: Faults | None = None, *, new: bool = False) -> None:
        """Put the stick of that label in; a `new` one, or the same as before."""

    def pull(self, label: str | None = None) -> None:
        """Pull the stick of that label; None: the one that went in last."""

    def empty(self, label: str) -> None:
        """Delete all that is on the stick of that label, as a PC does."""

    def wait(self, seconds: float) -> None:
        """Let time pass."""

    def advance_clock(self, duration: timedelta) -> None:
        """Let the box believe that time passed."""

    def set_clock(self, instant: datetime) -> None:
        """Let the box believe that it is then."""

    def picture(self) -> Image.Image:
        """Return what is on the panel."""

    def watch(self, holds: Callable[[Image.Image], bool], timeout_s: float) -> bool:
        """Wait until `holds` is true of the panel; False when it was not within the time."""

    def watch_stick(self, pattern: str, timeout_s: float) -> bool:
        """Wait until the stick has a file of that name (`*` stands for anything); False when not in time."""

    def watch_power(self, word: str, timeout_s: float) -> bool:
        """Wait until the box did "off" or "restart"; False when it did not within the time."""

    def ask_power(self, word: str) -> None:
        """Ask the box for "off" or "restart", as the system does when it goes down."""

    def wire(self, device: str, *, lost: bool) -> None:
        """Take the wires of "display" or "keypad" off, or put them on again."""

    def treat_vault(self, verb: str) -> None:
        """Do "freeze", "thaw" or "kill" to the vault process."""

    def snapshot(self, name: str) -> None:
        """Keep the picture under a name."""


class Player:
    """Plays scenarios on one box; remembers the words that were read or stated.

    Args:
        hands: What plays.
    """

    def __init__(self, hands: Hands) -> None:
        self._hands = hands
        self._words: tuple[str, ...] = ()
        self.presses = 0

    @property
    def words(self) -> tuple[str, ...]:
        """The words that were read or stated."""
        return self._words

    def play(self, steps: tuple[Step, ...]) -> None:
        """Play all steps.

        Raises:
            ScenarioError: A step did not come true; the text names its line and what was awaited.
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
            case "press-until", (key, text, *seconds):
                self._press_until(key, text, float(seconds[0]) if seconds else DEFAULT_EXPECT_S)
            case "read", _:
                self._read_words()
            case "words", words:
                self._words = words
            case "type", ("words",):
                self._type(self._words)
            case "type", words:
                self._type(words)
            case verb, (what, *seconds) if verb.startswith("expect"):
                self._expect(verb, what, float(seconds[0]) if seconds else None)
            case _:
                self._handle(step)

    def _handle(self, step: Step) -> None:
        """Play the verbs that touch neither keys nor text."""
        match step.verb, step.arguments:
            case "insert" | "pull" | "empty", _:
                self._handle_stick(step)
            case "wait", (seconds,):
                self._hands.wait(float(seconds))
            case "clock", ("advance", duration):
                self._hands.advance_clock(parse_duration(duration))
            case "clock", ("set", instant):
                self._hands.set_clock(parse_instant(instant))
            case "lose" | "restore" as verb, (device,):
                self._hands.wire(device, lost=verb == "lose")
            case "freeze" | "thaw" | "kill" as verb, _:
                self._hands.treat_vault(verb)
            case "power", (word,):
                self._hands.ask_power(word)
            case "snapshot", (name,):
                self._hands.snapshot(name)

    def _handle_stick(self, step: Step) -> None:
        """Play the verbs about sticks."""
        match step.verb, step.arguments:
            case "insert", (label, *options):
                faults = [parse_faults(option) for option in options if option != NEW]
                self._hands.insert(label, faults[0] if faults else None, new=NEW in options)
            case "pull", arguments:
                self._hands.pull(*arguments)
            case "empty", (label,):
                self._hands.empty(label)

    def _press(self, key: str) -> None:
        self.presses += 1
        self._hands.press(key)

    def _press_until(self, key: str, text: str, timeout_s: float) -> None:
        """Press again and again, as a person does with a keypad that may be dead."""
        tries = max(1, round(timeout_s))
        for _ in range(tries):
            self._press(key)
            if self._hands.watch(partial(_shows, text), timeout_s / tries):
                return
        raise ScenarioError(f"{text!r} was not shown within {timeout_s:g} s")

    def _expect(self, verb: str, what: str, seconds: float | None) -> None:
        """Wait for what must be seen, or see that it does not come."""
        timeout_s = DEFAULT_EXPECT_S if seconds is None else seconds
        match verb:
            case "expect-not":
                if self._hands.watch(partial(_shows, what), seconds or 0):
                    raise ScenarioError(f"{what!r} was shown")
            case "expect-file":
                if not self._hands.watch_stick(what, timeout_s):
                    raise ScenarioError(f"no {what} came onto the stick within {timeout_s:g} s")
            case "expect-power":
                if not self._hands.watch_power(what, timeout_s):
                    raise ScenarioError(f"no power {what} within {timeout_s:g} s")
            case _:
                self._expect_text(what, timeout_s)

    def _expect_text(self, text: str, timeout_s: float) -> None:
        """Wait for a text; an error that stays on the panel ends the waiting early."""
        if not self._hands.watch(lambda picture: _shows(text, picture) or _shows_code(picture), timeout_s):
            raise ScenarioError(f"{text!r} was not shown within {timeout_s:g} s")
        if not self._hands.watch(partial(_shows, text), min(timeout_s, ERROR_S)):
            if not _shows_code(self._hands.picture()):
                self._expect_text(text, timeout_s)
                return
            raise ScenarioError(
                f"{text!r} was not shown, but {' / '.join(read_lines(self._hands.picture()))}"
            )

    def _type(self, words: tuple[str, ...]) -> None:
        shown = read_text(self._hands.picture())
        ends = re.match(r"WORD \d of \d", shown) is not None
        recognizes = _UNLOCKING in shown
        rest = ""
        for number, word in enumerate(words):
            if recognizes and number == BEGINNING_WORDS:
                self._expect_text(_RECOGNIZED, DEFAULT_EXPECT_S)
            keys = fewest_keys(word)
            if rest.startswith(keys[0]):
                self._hands.wait(GUARD_S)  # it would be taken for a letter more of the word before
            for key in keys:
                self._press(key)
            rest = keys_of(word)[len(keys) :] if keys.isdigit() else ""
        if not ends:
            self._hands.wait(GUARD_S)
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


def _shows(text: str, picture: Image.Image) -> bool:
    return text in read_text(picture)


def _shows_code(picture: Image.Image) -> bool:
    """Tell whether an error is named."""
    return re.match(r"E-[A-Z]", read_text(picture)) is not None


def _shows_word(number: int, picture: Image.Image) -> bool:
    return number in _numbered(picture)


def _numbered(picture: Image.Image) -> dict[int, str]:
    """Return the words on a page, by their number."""
    return {int(number): word for number, word in re.findall(r"([1-9]) ([a-z]+)", read_text(picture))}


Words = tuple[str, ...]

_DEFAULT_S: Final = "10"
_DO: Final[dict[str, Callable[[Words], str]]] = {
    "press": lambda words: f"Press {' '.join(words)}",
    "press-until": lambda words: f'Press {words[0]} again and again until you see "{words[1]}"',
    "hold": lambda words: f"Hold {words[0]} down for {words[1]} seconds",
    "read": lambda _words: "Write the words down from every page; # turns the page",
    "words": lambda _words: "Have the paper with the words of this box at hand",
    "type": lambda words: f"Type {'the words' if words == ('words',) else ' '.join(words)}, then # if asked",
    "insert": lambda words: f"Put in the stick {' '.join(words)}",
    "pull": lambda words: f"Pull the stick {' '.join(words)}".rstrip(),
    "empty": lambda words: f"Delete all that is on the stick {words[0]}, on a PC",
    "wait": lambda words: f"Wait {words[0]} seconds",
}
_SEE: Final[dict[str, Callable[[Words], str]]] = {
    "expect": lambda words: f'Do you see "{words[0]}" within {(*words, _DEFAULT_S)[1]} seconds?',
    "expect-not": lambda words: f'Is "{words[0]}" not on the panel?',
    "expect-file": lambda words: f"Is a file {words[0]} on the stick?",
    "expect-power": lambda words: f"Does the box {'switch itself off' if words[0] == 'off' else 'restart'}?",
    "snapshot": lambda words: f"Does the panel look like the picture {words[0]} of the manual?",
}


def run_acceptance(steps: tuple[Step, ...], tell: Callable[[str], None], ask: Callable[[str], bool]) -> int:
    """Lead a person through a scenario.

    Args:
        steps: Of the scenario.
        tell: Says what to do.
        ask: Asks what was seen; True for yes.

    Returns:
        How many things were seen as they should be.

    Raises:
        ScenarioError: A step needs an emulated box; the text names its line.
        AcceptanceError: Something else was seen; the text names the line (E-ACCEPTANCE).
    """
    for step in steps:
        if step.verb not in _DO and step.verb not in _SEE:
            raise ScenarioError(f"line {step.number}: {step.verb} needs an emulated box")
    seen = 0
    for step in steps:
        if step.verb in _DO:
            tell(_DO[step.verb](step.arguments))
        elif ask(_SEE[step.verb](step.arguments)):
            seen += 1
        else:
            raise AcceptanceError(f"line {step.number}: not seen: {' '.join((step.verb, *step.arguments))}")
    return seen
