"""Turning pages."""

from kiosk.text.wrap import BODY_ROWS, count_pages


def next_page(page: int, pages: int) -> int:
    """Return the page after this one; the first after the last."""
    return (page + 1) % pages


def place(page: int, key: str) -> int:
    """Return the place of the item that A, B or C names on a page of three; there may be none."""
    return page * BODY_ROWS + "ABC".index(key)


def page_of(items: int, page: int) -> int:
    """Return the page after this one of a list with three items a page."""
    return next_page(page, count_pages(items))
