"""One door for all errors of the authority, and a tree that draws them all."""

import re

import pytest

from core import errors
from core.errors import CaError


def below(error: type[Exception]) -> list[type[Exception]]:
    return [error, *(found for child in error.__subclasses__() for found in below(child))]


OURS = sorted({error for error in below(CaError) if error.__module__.startswith("core.")}, key=str)


@pytest.mark.parametrize("error", OURS, ids=lambda error: error.__name__)
def test_every_error_is_to_be_had_at_the_door_and_drawn_in_the_tree(error: type[Exception]) -> None:
    assert getattr(errors, error.__name__) is error
    assert errors.__doc__ is not None
    assert re.search(rf"\b{error.__name__}\b", errors.__doc__)
