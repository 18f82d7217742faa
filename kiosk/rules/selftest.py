"""The self-test: keys, pixels, then what the daemon finds."""

from dataclasses import replace

from hw.ports import KEYS, KeyPressed
from kiosk.events import Event, KeyHeld
from kiosk.rules.act import Move, act
from kiosk.rules.asking import ask
from kiosk.rules.turning import page_of
from kiosk.states import Menu, TestFindings, TestKeys, TestPixels, Topic

PATTERNS = 4
"""All lit, all dark, and the two halves of a chessboard."""


@act.register
def _(state: TestKeys, event: Event) -> Move:
    match event:
        case KeyHeld(key="*"):
            return TestPixels(box=state.box), ()
        case KeyPressed(key=key) if key not in state.seen:
            seen = state.seen + key
            return (TestPixels(box=state.box) if len(seen) == len(KEYS) else replace(state, seen=seen)), ()
    return state, ()


@act.register
def _(state: TestPixels, event: Event) -> Move:
    match event:
        case KeyPressed() if state.pattern + 1 < PATTERNS:
            return replace(state, pattern=state.pattern + 1), ()
        case KeyPressed():
            return ask(state.box, Topic.TEST)
    return state, ()


@act.register
def _(state: TestFindings, event: Event) -> Move:
    match event:
        case KeyPressed(key="*"):
            return Menu(box=state.box), ()
        case KeyPressed(key="#" | "D"):
            return replace(state, page=page_of(len(state.rows), state.page)), ()
    return state, ()
