"""First set-up, and the choice of a new passphrase, which a change shares."""

from dataclasses import replace

from hw.ports import KeyPressed, StickInserted, StickRemoved
from kiosk.effects import ApprovePolicy, CloseVault, ProposeWords, Purpose
from kiosk.events import Created, Event, JobFailed, KeyHeld, Progress, VaultReady
from kiosk.reports import POLICY_LABEL, StickTable
from kiosk.review import count_review_pages
from kiosk.rules.act import Move, act
from kiosk.rules.asking import ask, ask_setup_policy
from kiosk.rules.rescue import look
from kiosk.rules.resting import is_rescue, lock, rest
from kiosk.states import (
    PROPOSED_WORDS,
    WORDS_PER_PAGE,
    Asking,
    Boot,
    Box,
    ChoosePassphrase,
    ConfirmDate,
    ConfirmRestore,
    Creating,
    Entering,
    Menu,
    Mismatch,
    Problem,
    ProposedWords,
    Refused,
    Review,
    SetUpDone,
    Topic,
    Vault,
    Welcome,
)


@act.register
def _(state: Boot, event: Event) -> Move:
    match event:
        case VaultReady(wait_s=wait_s) if wait_s > 0:
            # The wait restarts whole at boot: it is shown before anything can be typed.
            return Refused(box=state.box, code="E-PASSPHRASE-WAIT", wait_s=wait_s, kept=False), ()
        case VaultReady():
            return rest(state.box), ()
        case JobFailed(code=code, text=text):
            return Problem(box=state.box, code=code, text=text), (CloseVault(),)
    return state, ()


@act.register
def _(state: Welcome, event: Event) -> Move:
    match event:
        case StickInserted() | StickRemoved():
            return rest(state.box), ()
        case KeyPressed(key="#"):
            return ask(state.box, Topic.SETUP_DATE)
        case KeyPressed(key="D"):
            return Menu(box=state.box), ()
    return state, ()


@act.register
def _(state: ConfirmDate, event: Event) -> Move:
    match event:
        case StickInserted() | StickRemoved():
            return rest(state.box), ()
        case KeyPressed(key="#") if is_rescue(state.box):
            return look(state.box)
        case KeyPressed(key="#"):
            return ask_setup_policy(state.box)
        case KeyPressed(key="A"):
            return Entering(box=state.box, purpose=Purpose.DATE, setup=True), ()
        case KeyPressed(key="*"):
            return rest(state.box), ()
    return state, ()


@act.register
def _(state: Review, event: Event) -> Move:
    last = state.page == count_review_pages(state.proposal) - 1
    match event:
        case KeyPressed(key="#") if not last:
            return replace(state, page=state.page + 1), ()
        case KeyPressed(key="#") if state.setup:
            return ChoosePassphrase(box=state.box), ()
        case KeyPressed(key="#") if not state.proposal.differences:
            return rest(state.box), ()
        case KeyPressed(key="*"):
            return (replace(state, page=state.page - 1) if state.page else rest(state.box)), ()
        case KeyHeld(key="#") if last and not state.setup and state.proposal.differences:
            return Asking(box=state.box, topic=Topic.APPROVE), (ApprovePolicy(),)
    return state, ()


@act.register
def _(state: ChoosePassphrase, event: Event) -> Move:
    match event:
        case KeyPressed(key="A" | "#"):
            return ProposedWords(box=state.box, change=state.change), (ProposeWords(),)
        case KeyPressed(key="B"):
            return Entering(box=state.box, purpose=Purpose.CHOOSE, change=state.change), ()
        case KeyPressed(key="*") if state.box.rescue is not None:
            return ConfirmRestore(box=state.box), ()
        case KeyPressed(key="*"):
            return rest(state.box), ()
    return state, ()


@act.register
def _(state: ProposedWords, event: Event) -> Move:
    match event:
        case KeyPressed(key="#") if (state.page + 1) * WORDS_PER_PAGE < PROPOSED_WORDS:
            return replace(state, page=state.page + 1), ()
        case KeyPressed(key="#"):
            return Entering(box=state.box, purpose=Purpose.REPEAT, proposed=True, change=state.change), ()
        case KeyPressed(key="D"):
            return replace(state, page=0), (ProposeWords(),)
        case KeyPressed(key="*"):
            if state.page:
                return replace(state, page=state.page - 1), ()
            return ChoosePassphrase(box=state.box, change=state.change), ()
    return state, ()


@act.register
def _(state: Mismatch, event: Event) -> Move:
    match event:
        case KeyPressed(key="#"):
            again = Entering(
                box=state.box, purpose=Purpose.REPEAT, proposed=state.proposed, change=state.change
            )
            return again, ()
        case KeyPressed(key="*") if state.proposed:
            return ProposedWords(box=state.box, change=state.change), ()
        case KeyPressed(key="*"):
            return Entering(box=state.box, purpose=Purpose.CHOOSE, change=state.change), ()
    return state, ()


@act.register
def _(state: Creating, event: Event) -> Move:
    match event:
        case Progress():
            return replace(state, progress=event), ()
        case Created(sticks=sticks):
            return SetUpDone(box=_set_up(state.box, sticks)), (CloseVault(),)
        case JobFailed(code=code, text=text):
            return Problem(box=state.box, code=code, text=text), ()
    return state, ()


def _set_up(box: Box, sticks: StickTable) -> Box:
    """Return the locked box with an authority; the stick that brought its policy is served."""
    served = box.stick is not None and box.stick.label == POLICY_LABEL
    ignored = box.stick.identity if box.stick is not None and served else box.ignored
    settings = replace(box.settings, sticks=sticks or box.settings.sticks, note="")
    return replace(lock(box), settings=settings, provisioned=True, vault=Vault.CLOSED, ignored=ignored)


@act.register
def _(state: SetUpDone, event: Event) -> Move:
    return (rest(state.box), ()) if isinstance(event, KeyPressed) and event.key == "#" else (state, ())
