"""The menu: what the flows offer, in the order of their keys.

A flow puts itself there (kiosk.flows.flow.on_menu); all of kiosk.flows is imported when the menu first opens.
"""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from string import digits

import kiosk.flows
from hw.ports import Stick
from kiosk.flows.box import Box
from kiosk.flows.dialogs import more, problem
from kiosk.flows.flow import Flow, GaveUp, MenuItem, Page, Refused, menu_items
from kiosk.text.wrap import BODY_ROWS, count_pages, page_mark


@cache
def all_items() -> tuple[MenuItem, ...]:
    """Return every line that a flow puts on the menu."""
    for module in iter_modules(kiosk.flows.__path__):
        import_module(f"kiosk.flows.{module.name}")
    return menu_items()


def menu(box: Box) -> Flow:
    """Let a line be picked, and begin its flow; it leads back here, unless the box is another one by then."""
    before = _look(box)
    offered = {item.key: item for item in all_items() if item.while_locked or box.session is not None}
    at = 0
    while True:
        key = yield menu_page(tuple(offered.values()), at)
        match key:
            case "*":
                return None
            case "D":
                at = (at + 1) % count_pages(len(offered))
            case _:
                try:
                    yield from offered[key].flow(box)
                except GaveUp:
                    continue
                except Refused as refused:
                    yield from problem(refused.code, refused.text)
                if _look(box) != before:
                    return None


def _look(box: Box) -> tuple[bool | None, bool, bool, tuple[Stick, ...]]:
    """Return what the menu stands on: once that has changed the box rests elsewhere."""
    return box.provisioned, box.session is None, box.clock is None, box.sticks


def menu_page(offered: tuple[MenuItem, ...], at: int) -> Page:
    """Return one page of the menu; a key picks its line from any of them."""
    count = count_pages(len(offered))
    keys = "".join(item.key for item in offered)
    letters = keys.lstrip(digits)
    figures = "0-9" if set(digits) <= set(keys) else keys.removesuffix(letters)
    return Page(
        title="MENU",
        mark=page_mark(at, count),
        body=tuple(f"{item.key} {item.name}" for item in offered[at * BODY_ROWS : (at + 1) * BODY_ROWS]),
        left=" ".join(filter(None, (figures, letters, more(count)))),
        right="*back",
        takes=f"{keys}D*",
        minds_sticks=True,
        names_stuck=True,
    )
