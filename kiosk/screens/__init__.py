"""The screens: `draw(state, entry, proposal)` -> a frame, pure; one module per group of states.

Rules: a frame depends on its arguments alone; secrets come only from the two views; every frame has a title,
says what happens or what to do next, and names the keys that do it.
"""

from PIL import Image

from kiosk.entry.buffers import ProposalView
from kiosk.entry.view import EntryView
from kiosk.screens import drill as _drill
from kiosk.screens import entry as _entry
from kiosk.screens import late as _late
from kiosk.screens import menu as _menu
from kiosk.screens import requests as _requests
from kiosk.screens import rescue as _rescue
from kiosk.screens import rest as _rest
from kiosk.screens import selftest as _selftest
from kiosk.screens import setup as _setup
from kiosk.screens import status as _status
from kiosk.screens import work as _work
from kiosk.screens.canvas import Canvas, shifted
from kiosk.screens.paint import View, name_stuck, paint
from kiosk.states import (
    ChoosePassphrase,
    ConfirmDate,
    ConfirmRestore,
    Glass,
    Home,
    IdentityLocked,
    Menu,
    Mismatch,
    NotEmpty,
    PickIdentity,
    ProposedWords,
    Refused,
    RescueAsks,
    Review,
    Screen,
    StickAsks,
    Welcome,
    WrongStick,
)

__all__ = ["draw"]

_ASKING_KEYS = (
    Welcome
    | ConfirmDate
    | Review
    | ChoosePassphrase
    | ProposedWords
    | Mismatch
    | Refused
    | StickAsks
    | WrongStick
    | RescueAsks
    | NotEmpty
    | PickIdentity
    | IdentityLocked
    | ConfirmRestore
    | Home
    | Menu
)
"""Where stuck keys are named in place of the title; Locked and Entering have a place of their own."""

_GROUPS = (_drill, _entry, _late, _menu, _requests, _rescue, _rest, _selftest, _setup, _status, _work)


def draw(state: Screen, entry: EntryView | None = None, proposal: ProposalView | None = None) -> Image.Image:
    """Return the frame of a state.

    Args:
        state: Any state.
        entry: The running entry, when there is one; drawn only by states with an entry.
        proposal: The proposed words, when there are some; drawn only while they are to be written down.

    Returns:
        128x64 pixels of mode "1".

    Raises:
        TextOverflowError: A screen put more than fits: a bug.
    """
    view: View = proposal if isinstance(state, ProposedWords) else entry
    canvas = Canvas()
    paint(state, canvas, view)
    if state.box.stuck and isinstance(state, _ASKING_KEYS):
        canvas.title(name_stuck(state.box.stuck), strong=True)
    return canvas.image if state.box.glass is Glass.BRIGHT else shifted(canvas.image, state.box.shift)
