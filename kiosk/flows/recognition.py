"""Is it my box? After three words of the passphrase it shows two that no other box can know.

Rules:

1. They follow from a secret of this card and the beginning of the passphrase (core.store.keyslots). A box
   that looks alike cannot show them, and has not heard the rest yet.
2. They cost no press: whoever sees the same on the paper types on. Whoever does not has mistyped a word, more
   often than not, and the page says so before it speaks of another box; `A` goes back to the three.
3. They are shown to be written down whenever they become others: with a new authority, passphrase or card.
"""

from core.api.requests import Recognize
from kiosk.entry.buffers import Purpose
from kiosk.flows.box import Box
from kiosk.flows.flow import LEFT, Entry, Page, Sent, Step, Typed, ask

GIVE_UP = "hold *"
LOOKING = Page(
    title="ONE MOMENT",
    body=("Which words does", "this box know?"),
    left="please wait",
    busy=True,
    secretive=True,
    needs_vault=True,
)


def type_passphrase(box: Box, *, again: bool, refused: bool) -> Step[Typed | Sent]:
    """Have the passphrase of this box typed, with its recognition words after the third word.

    Args:
        box: The box.
        again: What was typed is still there.
        refused: It was tried and is wrong.

    Returns:
        Typed, or LEFT when it was given up.
    """
    typed: Typed | Sent = yield Entry(purpose=Purpose.UNLOCK, again=again, refused=refused)
    while isinstance(typed, Typed) and typed.begun:
        key = ""
        if box.settings.kiosk.recognition:
            known = yield from ask(Recognize, LOOKING, passphrase=Purpose.UNLOCK)
            if known.words:
                key = yield question(known.words)
        if key == GIVE_UP:
            return LEFT
        typed = yield Entry(purpose=Purpose.UNLOCK, resumed=key)
    return typed


def show_recognition(box: Box, purpose: Purpose) -> Step[None]:
    """Have the words of a new passphrase written down.

    Args:
        box: The box.
        purpose: The buffer of the passphrase.
    """
    if box.settings.kiosk.recognition:
        known = yield from ask(Recognize, LOOKING, passphrase=purpose)
        if known.words:
            yield note(known.words)


def question(words: tuple[str, ...]) -> Page:
    """Return the words, to be compared; every key but a held `*` is the next one of the passphrase."""
    return Page(
        title="SAME AS ON PAPER?",
        body=(" ".join(words), "Not the same? One of", "the 3 words is wrong,", "or it's not your box."),
        left="yes: type on",
        right="*=stop",
        takes="0123456789ABCD#",
        holds="*",
        secretive=True,
        needs_vault=True,
        names_stuck=True,
    )


def note(words: tuple[str, ...]) -> Page:
    """Return the words, to be written down."""
    return Page(
        title="ON THE PAPER, TOO",
        body=(" ".join(words), "This box shows them", "after your 3rd word."),
        left="#written",
        takes="#",
        secretive=True,
        needs_vault=True,
        names_stuck=True,
    )
