"""Text for a camera: it always fits the code, and says what was meant."""

import pytest
import segno
from hypothesis import given
from hypothesis import strategies as some

from kiosk.text.camera import MAX_CHARACTERS, error_text, for_camera, journal_text, visit_text
from kiosk.text.messages import explain, known_codes
from tests.kiosk.facts import NOW


def fits(text: str) -> bool:
    """Tell whether a code of version 3-L takes a text."""
    return segno.make(text, version=3, error="l", mode="alphanumeric", boost_error=False).version == 3


@given(some.text(max_size=200))
def test_any_text_fits_or_is_nothing(text: str) -> None:
    shown = for_camera(text)
    assert len(shown) <= MAX_CHARACTERS
    assert not shown or fits(shown)


def test_the_journals_head_is_whole_up_to_twelve_digits_of_its_number() -> None:
    text = journal_text(10**12 - 1, "5e77a20d" * 8)
    assert text == f"999999999999 {'5E77A20D' * 8}"
    assert fits(text)


def test_the_visit_is_a_day() -> None:
    assert visit_text(NOW) == "PISM NEXT VISIT BY 2026-11-23"


@pytest.mark.parametrize("code", sorted(known_codes()))
def test_every_error_says_its_code_whole_and_what_happened(code: str) -> None:
    message = explain(code)
    text = error_text(code, message.happened, message.action)
    assert text.startswith(f"{code}: ")
    assert fits(text)
