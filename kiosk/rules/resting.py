"""Where the box comes to rest: pure functions from the box to a state."""

from dataclasses import replace

from kiosk.states import (
    Boot,
    Box,
    ClockIsWrong,
    Finished,
    Home,
    Locked,
    Screen,
    StickAsks,
    TwoSticks,
    Welcome,
    WrongStick,
)
from kiosk.wrap import fit

RESTING = Welcome | Locked | Home | StickAsks | WrongStick
"""Where nothing is under way, so that something else may be said."""


def rest(box: Box) -> Screen:
    """Return the state in which nothing is under way, by what is known and what is plugged in."""
    if box.provisioned is None:
        return Boot(box=box)
    if not box.provisioned:
        return Welcome(box=box)
    if box.clock is not None:
        return ClockIsWrong(box=box)
    if len(box.sticks) > 1:
        return TwoSticks(box=box)
    if box.stick is not None:
        if box.stick.filesystem == "vfat" and box.steps(box.stick.label):
            return StickAsks(box=box)
        return WrongStick(box=box)
    return Locked(box=box) if box.session is None else Home(box=box)


def lock(box: Box) -> Box:
    """Return the box without its session; the machine closes the vault when it sees that.

    What was pinned then is what a locked box says of sticks.
    """
    settings = box.settings
    if box.session is not None:
        settings = replace(settings, sticks=box.session.sticks, note="")
    return replace(box, settings=settings, session=None, report=None, clock=None, single_job=False)


def ignore_stick(box: Box) -> Screen:
    """Return the rest without the stick that is in, until it is out."""
    return rest(box if box.stick is None else replace(box, ignored=box.stick.identity))


def tell_refused(box: Box, name: str) -> Screen:
    """Return the screen that names a USB device that was not let in."""
    return Finished(
        box=box, title="NOT LET IN", lines=(fit(name), "It was refused: only", "sticks may go in.")
    )
