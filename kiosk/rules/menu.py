"""The menu, its pages of reading, and revocation."""

from collections.abc import Callable
from dataclasses import replace

from hw.ports import KeyPressed, StickInserted, StickRemoved
from kiosk.effects import AskSigners, Purpose, Revoke, RunJob
from kiosk.events import Event, KeyHeld
from kiosk.menu_items import REASONS, Item, items
from kiosk.rules.act import Move, act
from kiosk.rules.asking import ask
from kiosk.rules.drill import begin_drill
from kiosk.rules.resting import rest
from kiosk.rules.turning import next_page, page_of, place
from kiosk.states import (
    Asking,
    Box,
    ConfirmRevoke,
    Entering,
    JournalHead,
    Menu,
    PickSigner,
    PickTarget,
    PowerMenu,
    Recipients,
    Roots,
    Screen,
    Status,
    TestKeys,
    Topic,
    Working,
)
from kiosk.status_pages import ROOT_PAGES, count_recipient_pages, count_status_pages

_TOP_UP = ("top-up",)

_OPENS: dict[Item, Callable[[Box], Move]] = {
    Item.STATUS: lambda box: ask(box, Topic.STATUS),
    Item.TOP_UP: lambda box: (Working(box=box, steps=_TOP_UP), (RunJob(None, _TOP_UP),)),
    Item.RECIPIENTS: lambda box: ask(box, Topic.RECIPIENTS),
    Item.ROOTS: lambda box: ask(box, Topic.ROOTS),
    Item.JOURNAL: lambda box: ask(box, Topic.JOURNAL),
    Item.CLOCK: lambda box: ask(box, Topic.CLOCK),
    Item.PASSPHRASE: lambda box: (Entering(box=box, purpose=Purpose.CURRENT), ()),
    Item.REVOKE: lambda box: ask(box, Topic.TARGETS),
    Item.DRILL: begin_drill,
    Item.TEST: lambda box: (TestKeys(box=box), ()),
    Item.POWER: lambda box: (PowerMenu(box=box), ()),
}


@act.register
def _(state: Menu, event: Event) -> Move:
    offered = items(unlocked=state.box.session is not None)
    match event:
        case StickInserted() | StickRemoved() | KeyPressed(key="*"):
            return rest(state.box), ()
        case KeyPressed(key="D"):
            return replace(state, page=page_of(len(offered), state.page)), ()
        case KeyPressed(key=key) if key in {item.value for item in offered}:
            return _OPENS[Item(key)](state.box)
    return state, ()


def _read(state: Screen, event: Event, forward: Callable[[], Screen]) -> Move:
    """Return what a page to read answers: `#` or D turns it, `*` leaves, a stick is looked at."""
    match event:
        case StickInserted() | StickRemoved():
            return rest(state.box), ()
        case KeyPressed(key="*"):
            return Menu(box=state.box), ()
        case KeyPressed(key="#" | "D"):
            return forward(), ()
    return state, ()


@act.register
def _(state: Status, event: Event) -> Move:
    pages = count_status_pages(state.box.report)
    return _read(state, event, lambda: replace(state, page=next_page(state.page, pages)))


@act.register
def _(state: Recipients, event: Event) -> Move:
    pages = count_recipient_pages(state.box.report)
    return _read(state, event, lambda: replace(state, page=next_page(state.page, pages)))


@act.register
def _(state: Roots, event: Event) -> Move:
    roots = 1 if state.box.report is None else max(1, len(state.box.report.roots))
    match event:
        case KeyPressed(key="#"):
            return Roots(box=state.box, index=next_page(state.index, roots), page=state.page), ()
    return _read(state, event, lambda: replace(state, page=next_page(state.page, ROOT_PAGES)))


@act.register
def _(state: JournalHead, event: Event) -> Move:
    return _read(state, event, lambda: replace(state, page=next_page(state.page, 2)))


@act.register
def _(state: PickTarget, event: Event) -> Move:
    covers = () if state.box.report is None else state.box.report.covers
    match event:
        case KeyPressed(key="A" | "B" | "C" as key):
            for cover in covers[place(state.page, key) :][:1]:
                asked = Asking(box=state.box, topic=Topic.SIGNERS, path=cover.path)
                return asked, (AskSigners(cover.class_name, cover.target),)
            return state, ()
    return _read(state, event, lambda: replace(state, page=page_of(len(covers), state.page)))


@act.register
def _(state: PickSigner, event: Event) -> Move:
    match event:
        case KeyPressed(key="A" | "B" | "C" as key):
            for signer in state.signers[place(state.page, key) :][:1]:
                return ConfirmRevoke(box=state.box, path=state.path, signer=signer), ()
            return state, ()
        case KeyPressed(key="*"):
            return PickTarget(box=state.box), ()
    return _read(state, event, lambda: replace(state, page=page_of(len(state.signers), state.page)))


@act.register
def _(state: ConfirmRevoke, event: Event) -> Move:
    match event:
        case KeyPressed(key="A" | "B" | "C" | "D" as key):
            return replace(state, reason=tuple(REASONS)["ABCD".index(key)]), ()
        case KeyPressed(key="*"):
            return PickTarget(box=state.box), ()
        case KeyHeld(key="#"):
            asked = Asking(box=state.box, topic=Topic.REVOKE)
            return asked, (Revoke(state.signer.certificate_id, state.reason),)
    return state, ()
