"""A passphrase: chosen, typed once more, and changed.

Rules: eight random words are the first choice; one's own is refused below 64 bits (kiosk.entry). What was
proposed or chosen is typed from paper before it counts. Of the words that it proposed, the box points out the
one that differs, until all are right; where they were chosen, it cannot know which of two is meant. Words
that were proposed may be on paper: they stay, with what was typed of them, until a held key throws them away.
"""

from dataclasses import replace

from core.api.requests import ChangePassphrase
from kiosk.entry.buffers import Purpose
from kiosk.flows.box import Box
from kiosk.flows.dialogs import tell
from kiosk.flows.flow import BACK, LEFT, Entry, Flow, Page, ProposeWords, Refused, Step, ask, on_menu
from kiosk.flows.recognition import show_recognition
from kiosk.flows.unlock import TRY_AGAIN
from kiosk.screens.drawing import PROPOSED_WORDS, WORDS_PER_PAGE
from kiosk.screens.page import Proposed

CHANGING = Page(
    title="ONE MOMENT",
    body=("The passphrase is", "being changed."),
    left="do not unplug",
    busy=True,
    secretive=True,
    needs_vault=True,
)


@on_menu("7", "New passphrase")
def change_passphrase(box: Box) -> Flow:
    """Ask for the present one, have another chosen, and change it."""
    if (yield Entry(purpose=Purpose.CURRENT)) is LEFT:
        return BACK
    if not (yield from choose_passphrase("NEW PASSPHRASE")):
        return None
    try:
        yield from ask(ChangePassphrase, CHANGING, old=Purpose.CURRENT, new=Purpose.REPEAT)
    except Refused as refused:
        if refused.code in TRY_AGAIN:
            box.failed_attempts = refused.failed_attempts
        if refused.code == "E-STATE-WIPED":
            box.provisioned, box.failed_attempts, box.closing = None, 0, True
        raise
    yield from show_recognition(box, Purpose.REPEAT)
    done = ("It holds from now on.", "Backups are opened by", "keys, as before.")
    return (yield from tell("PASSPHRASE CHANGED", *done))


def choose_passphrase(title: str) -> Step[bool]:
    """Have a passphrase proposed or chosen, and typed once more into REPEAT; False when it is left."""
    proposed = typed = False
    while True:
        match (yield choice_again(title) if proposed else choice(title)):
            case "A":
                done, typed = yield from _take_proposed(typed=typed)
                proposed = True
            case "B":
                done, typed = (yield from _choose_own()), False
            case _:
                return False
        if done:
            return True


def choice(title: str) -> Page:
    """Return the choice between proposed words and one's own."""
    return Page(
        title=title,
        body=("A eight random words,", "  the safe choice", "B words of your own"),
        left="A or B",
        right="*back",
        takes="AB*",
        secretive=True,
        names_stuck=True,
    )


def choice_again(title: str) -> Page:
    """Return the choice where words were proposed already, which one press does not throw away."""
    return replace(
        choice(title),
        body=("A the eight words", "  you wrote down", "B words of your own"),
        right="*=forget words",
        takes="AB",
        holds="*",
    )


def _choose_own() -> Step[bool]:
    """Have words of one's own typed twice; False back at the choice."""
    while (yield Entry(purpose=Purpose.CHOOSE)) is not LEFT:
        while (typed := (yield Entry(purpose=Purpose.REPEAT))) is not LEFT:
            if typed.same:
                return True
            if (yield not_the_same()) != "#":
                break
    return False


def _take_proposed(*, typed: bool) -> Step[tuple[bool, bool]]:
    """Show eight random words until they are written down, and have them typed.

    Args:
        typed: Some of them were typed before, and are there to be gone on with.

    Returns:
        Whether they are all right; if not, one is back at the choice, and `typed` as it is then.
    """
    yield ProposeWords()
    first = 0
    while True:
        match (yield words_page(first)):
            case "hold D":
                yield ProposeWords(others=True)
                first = 0
                typed = False
            case "*" if not first:
                return False, typed
            case "*":
                first -= WORDS_PER_PAGE
            case _ if first + WORDS_PER_PAGE < PROPOSED_WORDS:
                first += WORDS_PER_PAGE
            case _:
                if (yield Entry(purpose=Purpose.REPEAT, again=typed)) is not LEFT:
                    return True, True
                first = 0
                typed = True


def words_page(first: int) -> Page:
    """Return four of the proposed words to write down."""
    return Page(
        title="WRITE DOWN",
        mark=f"{first + 1}-{first + WORDS_PER_PAGE} of {PROPOSED_WORDS}",
        body=Proposed(first=first, below="On paper, in order"),
        left="#next  D=other",
        right="*back",
        takes="#*",
        holds="D",
        secretive=True,
        names_stuck=True,
    )


def not_the_same() -> Page:
    """Return what is said when the second time was not the first."""
    return Page(
        title="NOT THE SAME",
        strong=True,
        body=("What you typed is not", "what it should be.", "Check it on paper."),
        left="#again",
        right="*=start over",
        takes="#",
        holds="*",
        secretive=True,
        names_stuck=True,
    )
