"""A backup restored onto an empty box."""

from dataclasses import replace

from hw.ports import KeyPressed, StickInserted, StickRemoved
from kiosk.effects import CloseVault, Purpose, SetTimer, StopJob, Timer
from kiosk.events import Event, JobFailed, KeyHeld, Progress, Stopped
from kiosk.rescue_effects import LookForBackup, ReadBackup, TakeIdentity
from kiosk.rescue_events import BackupFound, BackupRead, BackupRestored, IdentityTaken
from kiosk.rescue_pages import confirm_pages, done_pages
from kiosk.rescue_reports import Rescue
from kiosk.rules.act import Move, act
from kiosk.rules.asking import ask
from kiosk.rules.entry import KEEP_S
from kiosk.rules.resting import ignore_stick, lock, rest
from kiosk.rules.turning import page_of, place
from kiosk.states import (
    Box,
    CheckingIdentity,
    ChoosePassphrase,
    ConfirmRestore,
    Entering,
    Finished,
    IdentityLocked,
    Looking,
    Menu,
    NotEmpty,
    PickIdentity,
    Problem,
    Reading,
    Refused,
    RescueAsks,
    Rescued,
    Restoring,
    Screen,
    Topic,
)


def look(box: Box) -> Move:
    """Return the look at the stick that a rescue begins with; rest, if it is not in any more."""
    if box.stick is None:
        return rest(box), ()
    return Looking(box=box, stick=box.stick), (LookForBackup(box.stick),)


def give_up(box: Box, event: JobFailed | Stopped) -> Screen:
    """Return the end of a rescue that did not come to one; the vault that held the key is closed by it."""
    # What is in the folder, the vault says when it is asked anew.
    empty = replace(lock(box), provisioned=None)
    if isinstance(event, JobFailed):
        return Problem(box=empty, code=event.code, text=event.text)
    return Finished(box=empty, title="STOPPED", lines=("The box is as empty", "as it was."))


@act.register
def _(state: RescueAsks, event: Event) -> Move:
    match event:
        case StickInserted() | StickRemoved():
            return rest(state.box), ()
        case KeyPressed(key="#"):
            return ask(state.box, Topic.SETUP_DATE)
        case KeyPressed(key="*"):
            return ignore_stick(state.box), ()
        case KeyPressed(key="D"):
            return Menu(box=state.box), ()
        case JobFailed(code=code, text=text):
            return Problem(box=state.box, code=code, text=text), ()
    return state, ()


@act.register
def _(state: NotEmpty, event: Event) -> Move:
    match event:
        case StickInserted() | StickRemoved():
            return rest(state.box), ()
        case KeyPressed(key="*"):
            return ignore_stick(state.box), ()
        case KeyPressed(key="D"):
            return Menu(box=state.box), ()
    return state, ()


@act.register
def _(state: Looking, event: Event) -> Move:
    box = state.box
    match event:
        case BackupFound(identities=(name,)):
            return _take(replace(box, rescue=Rescue(stick=state.stick, identities=(name,))), name)
        case BackupFound(identities=identities):
            return PickIdentity(box=replace(box, rescue=Rescue(stick=state.stick, identities=identities))), ()
        case IdentityTaken(locked=True):
            return IdentityLocked(box=box, name=state.name), ()
        case IdentityTaken():
            return _read(box)
        case JobFailed():
            return give_up(box, event), (CloseVault(),)
    return state, ()


def _take(box: Box, name: str) -> Move:
    if box.rescue is None:
        return rest(box), ()
    stick = box.rescue.stick
    return Looking(box=box, stick=stick, name=name), (TakeIdentity(stick, name),)


def _read(box: Box) -> Move:
    if box.rescue is None:
        return rest(box), ()
    return Reading(box=box), (ReadBackup(box.rescue.stick),)


@act.register
def _(state: PickIdentity, event: Event) -> Move:
    names = () if state.box.rescue is None else state.box.rescue.identities
    match event:
        case StickInserted() | StickRemoved() | KeyPressed(key="*"):
            return rest(state.box), ()
        case KeyPressed(key="D"):
            return replace(state, page=page_of(len(names), state.page)), ()
        case KeyPressed(key="A" | "B" | "C" as key):
            for name in names[place(state.page, key) :][:1]:
                return _take(state.box, name)
    return state, ()


@act.register
def _(state: IdentityLocked, event: Event) -> Move:
    match event:
        case KeyPressed(key="#"):
            return Entering(box=state.box, purpose=Purpose.IDENTITY), ()
        case KeyPressed(key="*"):
            return rest(state.box), ()
    return state, ()


@act.register
def _(state: CheckingIdentity, event: Event) -> Move:
    match event:
        case IdentityTaken():
            return _read(state.box)
        case JobFailed(code="E-IDENTITY-LOCKED" as code):
            again = Refused(box=state.box, code=code, wait_s=0, purpose=Purpose.IDENTITY)
            return again, (SetTimer(Timer.KEEP, KEEP_S),)
        case JobFailed():
            return give_up(state.box, event), (CloseVault(),)
    return state, ()


@act.register
def _(state: Reading, event: Event) -> Move:
    rescue = state.box.rescue
    match event:
        case Progress():
            return replace(state, progress=event), ()
        case KeyHeld(key="*") if not state.stopping:
            return replace(state, stopping=True), (StopJob(),)
        case BackupRead(backup=backup) if rescue is not None:
            return ConfirmRestore(box=replace(state.box, rescue=replace(rescue, backup=backup))), ()
        case Stopped() | JobFailed():
            return give_up(state.box, event), (CloseVault(),)
    return state, ()


@act.register
def _(state: ConfirmRestore, event: Event) -> Move:
    rescue = state.box.rescue
    if rescue is None or rescue.backup is None:
        return rest(state.box), ()
    last = state.page == len(confirm_pages(rescue.backup)) - 1
    match event:
        case KeyPressed(key="#") if not last:
            return replace(state, page=state.page + 1), ()
        case KeyPressed(key="*"):
            return (replace(state, page=state.page - 1) if state.page else rest(state.box)), ()
        case KeyHeld(key="#") if last:
            return ChoosePassphrase(box=state.box), ()
    return state, ()


@act.register
def _(state: Restoring, event: Event) -> Move:
    rescue = state.box.rescue
    match event:
        case Progress():
            return replace(state, progress=event), ()
        case KeyHeld(key="*") if not state.stopping:
            return replace(state, stopping=True), (StopJob(),)
        case BackupRestored(restored=restored) if rescue is not None and rescue.backup is not None:
            locked = replace(lock(state.box), provisioned=True, ignored=rescue.stick.identity)
            return Rescued(box=locked, backup=rescue.backup, restored=restored), (CloseVault(),)
        case Stopped() | JobFailed():
            return give_up(state.box, event), (CloseVault(),)
    return state, ()


@act.register
def _(state: Rescued, event: Event) -> Move:
    last = state.page == len(done_pages(state.backup, state.restored)) - 1
    match event:
        case KeyPressed(key="#") if last:
            return rest(state.box), ()
        case KeyPressed(key="#"):
            return replace(state, page=state.page + 1), ()
        case KeyPressed(key="*") if state.page:
            return replace(state, page=state.page - 1), ()
    return state, ()
