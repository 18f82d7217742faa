"""Turning pages."""

from kiosk.wrap import count_pages


def next_page(page: int, pages: int) -> int:
    """Return the page after this one; the first after the last."""
    return (page + 1) % pages


def page_of(items: int, page: int) -> int:
    """Return the page after this one of a list with three items a page."""
    return next_page(page, count_pages(items))
