"""The pages on which an operator judges a policy."""

from hypothesis import given
from hypothesis import strategies as st

from kiosk.reports import Proposal
from kiosk.review import difference_pages
from kiosk.text.wrap import COLUMNS, wrap_path


def test_a_path_is_broken_behind_its_dots() -> None:
    text = "signers.classes.infrastructure.servers.load: 20 -> 30"
    assert wrap_path(text) == ("signers.classes.", "infrastructure.", "servers.load: 20 ->", "30")
    assert wrap_path("spread_days: 30 -> 40") == ("spread_days: 30 -> 40",)


@given(st.text("abc.:-> ", max_size=200))
def test_nothing_is_lost_and_every_line_fits(text: str) -> None:
    lines = wrap_path(text)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(len(line) <= COLUMNS for line in lines)


def test_each_difference_begins_a_page() -> None:
    changes = ("spread_days: 30 -> 40", "signers.classes.infrastructure.servers.load: 20 -> 30")
    first, second = difference_pages(Proposal(differences=changes, recipients=()))
    assert first == (changes[0],)
    assert second[0] == "signers.classes."
