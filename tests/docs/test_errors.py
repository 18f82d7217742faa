"""docs/errors.md is what the error classes say."""

from docs.make_errors import PAGE, make_page
from kiosk.text.messages import known_codes


def test_the_page_is_what_the_code_says() -> None:
    """`make docs` writes it anew."""
    assert make_page() == PAGE.read_text(encoding="utf-8")


def test_every_code_has_a_row() -> None:
    page = make_page()
    assert all(f"| `{code}` |" in page for code in known_codes())
