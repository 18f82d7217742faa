"""A scenario as the acceptance of a real box, with a person for hands and eyes."""

from pathlib import Path

import pytest

from core.errors import AcceptanceError
from kiosk.emulator.scenario import run_acceptance
from kiosk.emulator.scenario_language import ScenarioError, parse_scenario
from tests.kiosk.command import run

TEXT = """\
words abandon ability able about above absent absorb abstract
press 1 2 #
press-until # MENU
hold * 2.5
read words
type words
type abandon ability
insert PISM-ALL new
pull
wait 1.5
expect "SAFE TO" 120
expect LOCKED
expect-not E-BUG
expect-file *.age
expect-power off
snapshot locked
"""


def test_says_what_to_do_and_asks_what_was_seen() -> None:
    said: list[str] = []
    asked: list[str] = []

    def see(question: str) -> bool:
        asked.append(question)
        return True

    assert run_acceptance(parse_scenario(TEXT), said.append, see) == 6
    assert said == [
        "Have the paper with the words of this box at hand",
        "Press 1 2 #",
        'Press # again and again until you see "MENU"',
        "Hold * down for 2.5 seconds",
        "Write the words down from every page; # turns the page",
        "Type the words, then # if asked",
        "Type abandon ability, then # if asked",
        "Put in the stick PISM-ALL new",
        "Pull the stick",
        "Wait 1.5 seconds",
    ]
    assert asked == [
        'Do you see "SAFE TO" within 120 seconds?',
        'Do you see "LOCKED" within 10 seconds?',
        'Is "E-BUG" not on the panel?',
        "Is a file *.age on the stick?",
        "Does the box switch itself off?",
        "Does the panel look like the picture locked of the manual?",
    ]


def test_what_was_not_seen_ends_it_with_its_line() -> None:
    steps = parse_scenario("press #\nexpect LOCKED\npress 1\n")
    said: list[str] = []
    with pytest.raises(AcceptanceError, match="line 2: not seen: expect LOCKED"):
        run_acceptance(steps, said.append, lambda _question: False)
    assert said == ["Press #"]


def test_what_only_an_emulation_can_do_is_refused_before_anything_is_asked() -> None:
    said: list[str] = []
    with pytest.raises(ScenarioError, match="line 2: freeze needs an emulated box"):
        run_acceptance(parse_scenario("press #\nfreeze vault\n"), said.append, lambda _question: True)
    assert said == []


def test_the_shipped_scenario_accepts_a_box() -> None:
    ran = run("accept", typed="y\n" * 60)
    assert ran.status == 0
    assert "things were seen as they should be" in ran.out


def test_a_no_is_a_refusal_with_a_code(tmp_path: Path) -> None:
    (tmp_path / "short.txt").write_text("press #\nexpect LOCKED\n")
    ran = run("accept", tmp_path / "short.txt", typed="n\n")
    assert (ran.status, ran.code) == (1, "E-ACCEPTANCE")


def test_a_scenario_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.txt").write_text("dance\n")
    ran = run("accept", tmp_path / "bad.txt")
    assert (ran.status, ran.code) == (1, "E-FILE")
    assert "line 1" in ran.err
