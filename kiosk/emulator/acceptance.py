"""`pism accept`: a scenario as the acceptance of a real box; a person is its hands and eyes.

The PC says what to do and asks what was seen, line by line. It is not connected to the box and learns
nothing: words that the box proposes stay on paper. A step that only an emulation can do is refused before
the first question.
"""

from collections.abc import Callable
from typing import Final

from core.errors import AcceptanceError
from kiosk.emulator.scenario_language import ScenarioError, Step

Words = tuple[str, ...]

_DEFAULT_S: Final = "10"
_DO: Final[dict[str, Callable[[Words], str]]] = {
    "press": lambda words: f"Press {' '.join(words)}",
    "press-until": lambda words: f'Press {words[0]} again and again until you see "{words[1]}"',
    "hold": lambda words: f"Hold {words[0]} down for {words[1]} seconds",
    "read": lambda _words: "Write the words down from every page; # turns the page",
    "words": lambda _words: "Have the paper with the words of this box at hand",
    "type": lambda words: f"Type {'the words' if words == ('words',) else ' '.join(words)}, then #",
    "insert": lambda words: f"Put in the stick {' '.join(words)}",
    "pull": lambda words: f"Pull the stick {' '.join(words)}".rstrip(),
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
