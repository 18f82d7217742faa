"""The panel's font: every character that a page may hold has a glyph of its own, inside its cell."""

from itertools import combinations
from string import ascii_lowercase, digits

import pytest

from kiosk.screens.font import CELL_HEIGHT, CELL_WIDTH, glyph
from kiosk.text.wrap import ALIKE, ICONS, clean

TEXT = [char for char in map(chr, range(0x110000)) if clean(char) == char]
CHARACTERS = [*TEXT, *ICONS]


def test_every_character_that_a_text_may_hold_has_a_glyph_unlike_all_others() -> None:
    assert len(TEXT) == 95 + 94  # ASCII and Latin-1, without the hyphen that is not seen
    assert len({glyph(character).tobytes() for character in CHARACTERS}) == len(CHARACTERS)


@pytest.mark.parametrize("character", CHARACTERS)
def test_a_glyph_leaves_the_gap_to_the_next_one_and_the_row_above_free(character: str) -> None:
    cell = glyph(character)
    assert cell.size == (CELL_WIDTH, CELL_HEIGHT)
    inked = cell.getbbox() or (0, 1, 0, 0)
    assert inked[0] >= 0
    assert inked[1] >= 1
    assert inked[2] < CELL_WIDTH


@pytest.mark.parametrize("alike", ["0O", "8B", "5S", "1l", "Il", "2Z", "6G", "O8", "DO", "uv", "ce"])
def test_what_is_compared_letter_by_letter_differs_in_three_dots_at_least(alike: str) -> None:
    assert count_dots_between(*alike) >= 3


def test_what_differs_in_less_than_four_dots_in_a_name_is_called_alike() -> None:
    for pair in combinations(ascii_lowercase + digits, 2):
        assert count_dots_between(*pair) >= 4 or any({*pair} <= {*group} for group in ALIKE), pair


def count_dots_between(first: str, second: str) -> int:
    one, other = (glyph(character).tobytes() for character in (first, second))
    return sum((a ^ b).bit_count() for a, b in zip(one, other, strict=True))


def test_no_text_from_outside_shows_an_icon() -> None:
    assert clean("".join(ICONS)) == "?" * len(ICONS)


def test_what_no_page_may_hold_is_refused() -> None:
    with pytest.raises(KeyError):
        glyph("\x07")
