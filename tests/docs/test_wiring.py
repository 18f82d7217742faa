"""The wiring in the manual is the wiring in the code."""

import re
from pathlib import Path

from docs.make_wiring import PIN_OF, draw
from hw.board import BoardSettings

DOCS = Path(__file__).parents[2] / "docs"


def test_drawing_is_what_the_code_draws() -> None:
    assert (DOCS / "wiring.svg").read_text(encoding="utf-8") == draw(BoardSettings())


def test_each_line_has_a_pin_of_its_own() -> None:
    assert len(set(PIN_OF.values())) == len(PIN_OF) == 26


def test_table_names_the_default_pins() -> None:
    page = (DOCS / "hardware.md").read_text(encoding="utf-8")
    settings = BoardSettings()
    for letter, lines in (("R", settings.rows), ("C", settings.columns)):
        for number, line in enumerate(lines, 1):
            row = re.search(rf"^\| keypad {letter}{number} \|.*$", page, re.MULTILINE)
            assert row is not None
            assert re.findall(r"\d+", row[0].partition("|")[2].partition("|")[2])[:2] == [
                str(line),
                str(PIN_OF[line]),
            ]
