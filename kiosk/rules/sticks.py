"""A stick that asks, a stick that nothing belongs to, and making one a PiSM stick."""

from dataclasses import replace

from hw.ports import KeyPressed, StickInserted, StickRemoved
from kiosk.effects import FormatStick, Purpose, RunJob
from kiosk.events import Event, JobFailed, KeyHeld, StickFormatted
from kiosk.reports import POLICY_LABEL
from kiosk.rules.act import Move, act
from kiosk.rules.asking import ask_stick_policy
from kiosk.rules.resting import ignore_stick, rest
from kiosk.rules.turning import page_of, place
from kiosk.states import (
    Box,
    ConfirmFormat,
    Entering,
    Finished,
    Formatting,
    Menu,
    PickLabel,
    Problem,
    StickAsks,
    Working,
    WrongStick,
)


def labels(box: Box) -> tuple[str, ...]:
    """Return the labels a stick may be given, by the table in force."""
    table = box.settings.sticks if box.session is None else box.session.sticks
    return tuple(label for label, _ in table)


@act.register
def _(state: StickAsks, event: Event) -> Move:
    stick = state.box.stick
    if isinstance(event, StickInserted | StickRemoved) or stick is None:
        return rest(state.box), ()
    steps = state.box.steps(stick.label)
    match event:
        case KeyPressed(key="#") if state.box.session is None:
            return Entering(box=state.box, purpose=Purpose.UNLOCK, stick=stick.identity), ()
        case KeyPressed(key="#") if stick.label == POLICY_LABEL:
            return ask_stick_policy(state.box, stick)
        case KeyPressed(key="#"):
            return Working(box=state.box, steps=steps, stick=stick), (RunJob(stick, steps),)
        case KeyPressed(key="*"):
            return ignore_stick(state.box), ()
        case KeyPressed(key="D"):
            return replace(state, page=page_of(len(steps), state.page)), ()
    return state, ()


@act.register
def _(state: WrongStick, event: Event) -> Move:
    match event:
        case StickInserted() | StickRemoved():
            return rest(state.box), ()
        case KeyPressed(key="*"):
            return ignore_stick(state.box), ()
        case KeyPressed(key="A") if state.box.stick is not None and labels(state.box):
            return PickLabel(box=state.box, stick=state.box.stick), ()
        case KeyPressed(key="D"):
            return Menu(box=state.box), ()
    return state, ()


@act.register
def _(state: PickLabel, event: Event) -> Move:
    choices = labels(state.box)
    match event:
        case StickInserted() | StickRemoved() | KeyPressed(key="*"):
            return rest(state.box), ()
        case KeyPressed(key="D"):
            return replace(state, page=page_of(len(choices), state.page)), ()
        case KeyPressed(key="A" | "B" | "C" as key):
            for label in choices[place(state.page, key) :][:1]:
                return ConfirmFormat(box=state.box, stick=state.stick, label=label), ()
    return state, ()


@act.register
def _(state: ConfirmFormat, event: Event) -> Move:
    match event:
        case StickInserted() | StickRemoved() | KeyPressed(key="*"):
            return rest(state.box), ()
        case KeyHeld(key="#"):
            erasing = Formatting(box=state.box, stick=state.stick, label=state.label)
            return erasing, (FormatStick(state.stick, state.label),)
    return state, ()


@act.register
def _(state: Formatting, event: Event) -> Move:
    match event:
        case StickFormatted(stick=stick):
            sticks = tuple(stick if s.identity == stick.identity else s for s in state.box.sticks)
            box = replace(state.box, sticks=sticks, ignored="")
            after = rest(box)
            if isinstance(after, StickAsks):
                return after, ()
            return Finished(box=box, title="STICK MADE", lines=(f"It is {state.label} now",)), ()
        case JobFailed(code=code, text=text):
            return Problem(box=state.box, code=code, text=text), ()
    return state, ()
