"""Where the box comes to rest: pure functions from the box to a state."""

from dataclasses import replace

from kiosk.reports import RESCUE_LABEL
from kiosk.states import (
    Boot,
    Box,
    ClockIsWrong,
    Finished,
    Home,
    Locked,
    NotEmpty,
    RescueAsks,
    Screen,
    StickAsks,
    TwoSticks,
    Welcome,
    WrongStick,
)
from kiosk.text.wrap import fit

RESTING = Welcome | Locked | Home | StickAsks | WrongStick | RescueAsks | NotEmpty
"""Where nothing is under way, so that something else may be said."""


def rest(box: Box) -> Screen:
    """Return the state in which nothing is under way, by what is known and what is plugged in."""
    box = replace(box, rescue=None)
    if box.provisioned is None:
        return Boot(box=box)
    if not box.provisioned:
        return _rest_empty(box)
    if box.clock is not None:
        return ClockIsWrong(box=box)
    if len(box.sticks) > 1:
        return TwoSticks(box=box)
    if box.stick is not None:
        if box.stick.filesystem == "vfat" and box.steps(box.stick.label):
            return StickAsks(box=box)
        return NotEmpty(box=box) if box.stick.label == RESCUE_LABEL else WrongStick(box=box)
    return Locked(box=box) if box.session is None else Home(box=box)


def _rest_empty(box: Box) -> Screen:
    """Return where a box without an authority rests: before its set-up, or asked for a rescue."""
    if is_rescue(box):
        return RescueAsks(box=box)
    rescues = [stick for stick in box.sticks if stick.label == RESCUE_LABEL and stick.identity != box.ignored]
    return TwoSticks(box=box) if rescues else Welcome(box=box)


def is_rescue(box: Box) -> bool:
    """Tell whether the box is empty, and the one stick that is in may change that."""
    return box.provisioned is False and box.stick is not None and box.stick.label == RESCUE_LABEL


def lock(box: Box) -> Box:
    """Return the box without session and rescue; the machine closes the vault when it sees that.

    What was pinned then is what a locked box says of sticks.
    """
    settings = box.settings
    if box.session is not None:
        settings = replace(settings, sticks=box.session.sticks, note="")
    return replace(
        box, settings=settings, session=None, report=None, clock=None, single_job=False, rescue=None
    )


def ignore_stick(box: Box) -> Screen:
    """Return the rest without the stick that is in, until it is out."""
    return rest(box if box.stick is None else replace(box, ignored=box.stick.identity))


def tell_refused(box: Box, name: str) -> Screen:
    """Return the screen that names a USB device that was not let in."""
    return Finished(
        box=box, title="NOT LET IN", lines=(fit(name), "It was refused: only", "sticks may go in.")
    )
