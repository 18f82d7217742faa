"""Every error has words, and they fit its screen."""

import pytest

from core.errors import CaError
from hw.errors import HardwareError
from kiosk.flows.dialogs import problem_page
from kiosk.screens.drawing import draw
from kiosk.text.messages import explain, known_codes


def _tree(error: type[Exception]) -> list[type[Exception]]:
    return [error, *(found for child in error.__subclasses__() for found in _tree(child))]


ERRORS = [*_tree(CaError), *_tree(HardwareError)]
KIOSK = {"E-BUG", "E-VAULT", "E-CLOCK-DATE", "E-USAGE"}


def test_words_are_complete_over_both_trees_and_no_more() -> None:
    assert known_codes() == {error.code for error in ERRORS} | KIOSK


def test_codes_are_one_of_a_kind() -> None:
    codes = [error.code for error in ERRORS]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("code", sorted({error.code for error in ERRORS} | KIOSK))
def test_words_fit_the_screen(code: str) -> None:
    message = explain(code, "what happened " * 20)
    assert len(message.code) <= 21
    assert 1 <= len(message.action) <= 3
    assert all(len(line) <= 21 for line in (message.happened, *message.action))
    for page in range(message.pages):
        draw(problem_page(code, "what happened " * 20, page))


@pytest.mark.parametrize("error", ERRORS)
def test_what_to_do_is_the_action_of_the_class(error: type[CaError]) -> None:
    assert explain(error.code).action == error.action


def test_unknown_code_is_shown_with_the_words_of_a_bug() -> None:
    message = explain("E-SOMETHING-NEW-AND-VERY-LONG")
    assert message.code == "E-SOMETHING-NEW-AND.."
    assert message.happened == explain("E-BUG").happened
    assert message.action == explain("E-BUG").action


def test_text_follows_on_its_own_pages() -> None:
    assert explain("E-FILE").pages == 1
    message = explain("E-FILE", "one two three four five six seven eight nine ten " * 4)
    assert message.pages == 1 + len(message.details)
    assert all(len(page) <= 4 for page in message.details)
