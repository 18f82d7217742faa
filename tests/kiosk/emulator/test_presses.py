"""How many presses an operator's acts take, counted while scenarios are played; goals beside them with `-s`.

A press is one key down and up, a held one counts one; an act ends where its result is shown. Words are
counted as eight random ones take on average, whatever eight are typed here.
"""

from pathlib import Path
from statistics import mean

from mnemonic import Mnemonic

from kiosk.emulator.box import EmulatedBox, Folders
from kiosk.emulator.folder import HOLDERS, WORDS, lay_folder, lay_stick
from kiosk.emulator.scenario import Player, parse_scenario
from kiosk.entry.words import fewest_keys
from tests.kiosk.emulated import set_up_box, small_config, top_up_ahead

A_WORD = mean(len(fewest_keys(word)) for word in Mnemonic("english").wordlist)
EIGHT_WORDS = 8 * A_WORD
TYPED = sum(len(fewest_keys(word)) for word in WORDS)

UNLOCK = """
words cabin engine harbor market nature planet ribbon summer
expect LOCKED 60
press #
expect "WORD 1"
type words
expect UNLOCKED 60
"""
VISIT = """
words cabin engine harbor market nature planet ribbon summer
expect LOCKED 60
insert PISM-ALL
expect "STICK PISM-ALL" 30
press #
expect "WORD 1"
type words
expect "SAFE TO REMOVE" 300
expect "Visit by"
press D
expect "main-kudo"
press D
expect "main-backup"
press D
expect "JOURNAL NO"
press D
expect "5/5"
pull
expect LOCKED
"""
CHANGE = """
words cabin engine harbor market nature planet ribbon summer
expect LOCKED 60
insert PISM-CONFIG
expect "PISM-CONFIG asks" 30
press #
expect "WORD 1"
type words
expect "FROM PISM-CONFIG" 60
"""
CLOCK = """
press # 6
expect CLOCK
press #
expect DATE
press 0 2 6 1 1 2 3 1 6 3 0
expect "Type it again"
press 0 2 6 1 1 2 3 1 6 3 0
expect "SET THE CLOCK?"
hold # 2.5
expect "CLOCK SET"
"""
LAST_OF_600 = """
press # 8
expect "avatars"
press B
expect "Type the lane"
press 6 0 0
expect "lane 600"
press A
expect "WHY?"
press A
expect "REVOKE FOR GOOD?"
press #
expect "key stolen"
hold # 2.5
expect "REVOKED" 60
"""
PUT_AWAY = """
press A
expect "SEAL"
press 0 0 4 7 1 1
press #
expect "SEAL 004711" 30
"""
SET_UP = """
expect "FIRST SET-UP" 60
press #
expect "IS THIS THE TIME?"
press #
expect "main-kudo"
press-until # "eight random words" 30
press A
expect "WRITE DOWN"
read words
press #
expect "WORD 1 of 8"
"""


def count(player: Player, scenario: str, *, unlocks: bool = False) -> float:
    """Play, and return the presses that it took; the words of an unlock as they are on average."""
    before = player.presses
    player.play(parse_scenario(scenario))
    return player.presses - before - (TYPED - EIGHT_WORDS if unlocks else 0)


def tell(act: str, presses: float, before: int, goal: int) -> None:
    """Print a row of the table; fail where the goal was missed."""
    print(f"\n{act:40} {before:4} -> {round(presses):3}  goal {goal}", end="")
    assert round(presses) <= goal, act


def test_eight_words_are_typed_back_in_36() -> None:
    tell("eight words typed (mean)", EIGHT_WORDS, 39, 36)


def test_a_visit_with_its_line_of_the_logbook_takes_42_and_one_unlock(tmp_path: Path) -> None:
    with EmulatedBox(set_up_box(tmp_path)) as box:
        tell("quarterly visit with the logbook line", count(Player(box), VISIT, unlocks=True), 87, 42)


def test_the_clock_is_set_in_26(tmp_path: Path) -> None:
    with EmulatedBox(set_up_box(tmp_path)) as box:
        player = Player(box)
        player.play(parse_scenario(UNLOCK))
        tell("setting the clock", count(player, CLOCK), 30, 26)


def test_the_seals_number_is_noted_in_8(tmp_path: Path) -> None:
    with EmulatedBox(set_up_box(tmp_path)) as box:
        player = Player(box)
        player.play(parse_scenario(UNLOCK))
        tell("noting the number of the seal", count(player, PUT_AWAY), 0, 8)


def test_the_last_of_600_is_revoked_in_12(tmp_path: Path) -> None:
    folders = set_up_box(tmp_path, changes=(("load: 4,", "load: 600,"),))
    top_up_ahead(folders)
    with EmulatedBox(folders) as box:
        player = Player(box)
        player.play(parse_scenario(UNLOCK))
        tell("revoking the last of 600", count(player, LAST_OF_600), 204, 12)


def test_one_wrong_word_at_the_set_up_costs_4(tmp_path: Path) -> None:
    with EmulatedBox(lay_folder(tmp_path, small_config())) as box:
        player = Player(box)
        player.play(parse_scenario(SET_UP))
        right = player.words
        wrong = (*right[:3], "zoo" if right[3] != "zoo" else "zebra", *right[4:])
        player.play(parse_scenario(f'type {" ".join(wrong)}\nexpect "word 4 differs"'))
        more = count(player, f'type {right[3]}\nexpect "ON THE PAPER, TOO" 60')
        tell("set-up, one word typed wrong: more", more - len(fewest_keys(right[3])) + A_WORD, 41, 4)


def lay_load_change(folders: Folders) -> None:
    """Lay a stick ready that brings the box's policy with another load."""
    files = {
        f"keys/{one}.pub": (folders.config.parent / "keys" / f"{one}.pub").read_bytes() for one in HOLDERS
    }
    text = small_config().replace("load: 4,", "load: 5,")
    lay_stick(folders, "PISM-CONFIG", {**files, "config.yaml": text.encode()})


def test_a_load_is_changed_by_a_stick_in_46(tmp_path: Path) -> None:
    folders = set_up_box(tmp_path)
    lay_load_change(folders)
    with EmulatedBox(folders) as box:
        player = Player(box)
        asked = count(player, CHANGE, unlocks=True)
        read = count(player, 'press-until # "#hold: approve" 60\nhold # 2.5\nexpect "POLICY APPROVED" 30')
        tell("change of the load by stick", asked + read, 53, 46)
