"""The language of scenarios, and the player on hands that only note what they do."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from PIL import Image

from hw.sticks.emulated import Faults
from kiosk.emulator.scenario import Player, ScenarioError, parse_scenario
from kiosk.emulator.scenario_language import parse_faults
from kiosk.entry.words import GUARD_S, fewest_keys
from kiosk.screens.canvas import Canvas


class Notes:
    """Hands that write down what they are told; the panel shows one text after the other."""

    def __init__(self, *shown: str) -> None:
        self.done: list[object] = []
        self._shown = list(shown)
        self.found = True

    def press(self, key: str) -> None:
        self.done.append(key)
        if len(self._shown) > 1:
            self._shown.pop(0)

    def hold(self, key: str, seconds: float) -> None:
        self.done.append(("hold", key, seconds))

    def insert(self, label: str, faults: Faults | None = None, *, new: bool = False) -> None:
        self.done.append(("insert", label, faults, new))

    def pull(self, label: str | None = None) -> None:
        self.done.append(("pull", label))

    def empty(self, label: str) -> None:
        self.done.append(("empty", label))

    def wait(self, seconds: float) -> None:
        self.done.append(("wait", seconds))

    def advance_clock(self, duration: timedelta) -> None:
        self.done.append(duration)

    def set_clock(self, instant: datetime) -> None:
        self.done.append(instant)

    def picture(self) -> Image.Image:
        return Canvas().body(tuple(self._shown[0].splitlines()) if self._shown else ()).image

    def watch(self, holds: Callable[[Image.Image], bool], timeout_s: float) -> bool:
        return holds(self.picture())

    def watch_stick(self, pattern: str, timeout_s: float) -> bool:
        self.done.append(("file", pattern, timeout_s))
        return self.found

    def watch_power(self, word: str, timeout_s: float) -> bool:
        self.done.append(("power?", word, timeout_s))
        return self.found

    def ask_power(self, word: str) -> None:
        self.done.append(("power", word))

    def wire(self, device: str, *, lost: bool) -> None:
        self.done.append((device, lost))

    def treat_vault(self, verb: str) -> None:
        self.done.append(("vault", verb))

    def snapshot(self, name: str) -> None:
        self.done.append(("snapshot", name))


def play(text: str, *shown: str) -> Notes:
    hands = Notes(*shown)
    Player(hands).play(parse_scenario(text))
    return hands


@pytest.mark.parametrize(
    ("line", "done"),
    [
        ("press 1 * # A", ["1", "*", "#", "A"]),
        ("hold * 2.5", [("hold", "*", 2.5)]),
        ("insert PISM-ALL", [("insert", "PISM-ALL", None, False)]),
        ("insert PISM-ALL new", [("insert", "PISM-ALL", None, True)]),
        ("insert PISM-ALL full", [("insert", "PISM-ALL", Faults(full=True), False)]),
        ("insert X new yank:70000", [("insert", "X", Faults(yank_at_byte=70_000), True)]),
        ("pull", [("pull", None)]),
        ("pull PISM-ALL", [("pull", "PISM-ALL")]),
        ("empty PISM-ALL", [("empty", "PISM-ALL")]),
        ("wait 1.5", [("wait", 1.5)]),
        ("clock advance 90m", [timedelta(minutes=90)]),
        ("clock set 2027-01-31T12:00:00Z", [datetime(2027, 1, 31, 12, tzinfo=UTC)]),
        ("clock set 2027-01-31", [datetime(2027, 1, 31, tzinfo=UTC)]),
        ("lose display", [("display", True)]),
        ("restore keypad", [("keypad", False)]),
        ("freeze vault", [("vault", "freeze")]),
        ("thaw vault", [("vault", "thaw")]),
        ("kill vault", [("vault", "kill")]),
        ("power restart", [("power", "restart")]),
        ("expect-power off", [("power?", "off", 10.0)]),
        ('expect-file "*.age" 60', [("file", "*.age", 60.0)]),
        ("snapshot word-entry", [("snapshot", "word-entry")]),
    ],
)
def test_each_verb_does_what_it_says(line: str, done: list[object]) -> None:
    assert play(line).done == done


@pytest.mark.parametrize(
    "line",
    [
        "jump",
        "press",
        "press 12",
        "press E",
        "hold *",
        "hold * long",
        "hold * 1 2",
        "hold *# 1",
        "read pages",
        "words",
        "words notaword",
        "type notaword",
        "insert",
        "insert A broken",
        "insert A new full more",
        "insert A yank:",
        "pull A B",
        "empty",
        "wait",
        "wait -1",
        "wait 3601",
        "wait nan",
        "clock advance 5",
        "clock advance -5s",
        "clock set tomorrow",
        "clock back 5s",
        "expect",
        "expect A soon",
        "expect-not",
        "expect-file",
        "expect-power up",
        "power",
        "lose vault",
        "restore everything",
        "freeze display",
        "kill kiosk",
        "snapshot",
        'expect "A',
    ],
)
def test_a_bad_line_is_refused_with_its_number_before_anything_is_played(line: str) -> None:
    with pytest.raises(ScenarioError, match=r"^line 3: "):
        parse_scenario(f"# first\npress 1\n{line}\n")


def test_comments_and_empty_lines_are_no_steps() -> None:
    steps = parse_scenario("# a comment\n\n  # another\n#\npress #\n")
    assert [(step.number, step.arguments) for step in steps] == [(5, ("#",))]


def test_words_are_typed_by_t9_and_ended() -> None:
    digits = [key for word in ("cabin", "zebra") for key in fewest_keys(word)]
    assert play("type cabin zebra").done == [*digits, ("wait", GUARD_S), "#"]
    assert play("words cabin zebra\ntype words").done == [*digits, ("wait", GUARD_S), "#"]


def test_words_of_a_known_number_end_by_themselves() -> None:
    digits = [key for word in ("cabin", "zebra") for key in fewest_keys(word)]
    assert play("type cabin zebra", *["WORD 1 of 8"] * 20).done == digits


def test_a_letter_that_the_word_before_could_go_on_with_is_not_typed_too_fast() -> None:
    assert fewest_keys("abandon") == "22263"
    typed = play("type abandon nature", *["WORD 1 of 8"] * 20).done
    assert typed == [*"22263", ("wait", GUARD_S), *fewest_keys("nature")]


def test_words_are_read_page_by_page_and_typed() -> None:
    first = "1 cabin 2 engine\n3 harbor 4 market"
    second = "5 nature 6 planet\n7 ribbon 8 summer"
    hands = play("read words\ntype words", first, second)
    names = ["cabin", "engine", "harbor", "market", "nature", "planet", "ribbon", "summer"]
    digits = [key for word in names for key in fewest_keys(word)]
    assert hands.done == ["#", *digits, ("wait", GUARD_S), "#"]


def test_a_key_is_pressed_until_its_text_stands_there() -> None:
    assert play("press-until # MENU 3", "dead", "dead", "MENU").done == ["#", "#"]


@pytest.mark.parametrize(
    ("line", "shown", "said"),
    [
        ('expect "SAFE TO" 0', "LOCKED", "line 1, expect: 'SAFE TO' was not shown within 0 s"),
        ("expect-not LOCKED", "LOCKED", "line 1, expect-not: 'LOCKED' was shown"),
        ("press-until # MENU 2", "LOCKED", "line 1, press-until: 'MENU' was not shown within 2 s"),
        ("read words", "1 cabin", "line 1, read: word 2 is not shown"),
    ],
)
def test_what_does_not_come_true_is_told_with_its_line(line: str, shown: str, said: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        play(line, shown)
    assert str(caught.value) == said


@pytest.mark.parametrize("line", ["expect-file *.age 1", "expect-power off 1"])
def test_a_file_or_a_power_off_that_does_not_come_is_told(line: str) -> None:
    hands = Notes()
    hands.found = False
    with pytest.raises(ScenarioError, match="within 1 s"):
        Player(hands).play(parse_scenario(line))


def test_key_presses_are_counted() -> None:
    player = Player(Notes())
    player.play(parse_scenario("press 1 2\nhold * 1\ntype cabin\ninsert A"))
    assert player.presses == 2 + 1 + len(fewest_keys("cabin")) + 1


def test_an_unknown_fault_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match="full, read-only, lying, altering, dying, yank:BYTES"):
        parse_faults("broken")
