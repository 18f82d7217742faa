"""While keys go to the entry, and while the vault looks at what was typed."""

from dataclasses import replace

from hw.ports import KeyPressed, KeyReleased
from kiosk.effects import (
    ChangePassphrase,
    CloseVault,
    Create,
    FeedEntry,
    Purpose,
    RunJob,
    SetTimer,
    Timer,
    Unlock,
    WipeEntry,
)
from kiosk.events import (
    ClockWrong,
    EntryFinished,
    EntryLeft,
    Event,
    JobFailed,
    PassphraseChanged,
    TimerFired,
    Unlocked,
    UnlockRefused,
)
from kiosk.reports import POLICY_LABEL
from kiosk.rescue_effects import OpenIdentity, Restore
from kiosk.rules.act import Move, act
from kiosk.rules.asking import ask_stick_policy
from kiosk.rules.drill import check_words
from kiosk.rules.resting import rest
from kiosk.states import (
    Box,
    Checking,
    CheckingIdentity,
    ChoosePassphrase,
    ClockTrouble,
    ConfirmClock,
    Creating,
    Entering,
    Finished,
    Menu,
    Mismatch,
    Problem,
    ProposedWords,
    Refused,
    Restoring,
    Screen,
    StickAsks,
    Working,
)
from kiosk.text.dates import parse_date

KEEP_S = 60
"""How long the words may be corrected after a refusal."""

_TRY_AGAIN = frozenset({"E-PASSPHRASE-WRONG", "E-PASSPHRASE-WAIT"})


@act.register
def _(state: Entering, event: Event) -> Move:
    match event:
        case KeyPressed(key=key):
            return state, (FeedEntry(key, down=True),)
        case KeyReleased(key=key):
            return state, (FeedEntry(key, down=False),)
        case EntryFinished():
            return _finish(state, event)
        case EntryLeft():
            return _leave(state), ()
    return state, ()


def _finish(state: Entering, event: EntryFinished) -> Move:
    """Return what a finished entry leads to, by its purpose."""
    box = state.box
    match state.purpose:
        case Purpose.UNLOCK:
            return Checking(box=box, stick=state.stick), (Unlock(),)
        case Purpose.DRILL:
            return check_words(box, state.wrong)
        case Purpose.CURRENT:
            return ChoosePassphrase(box=box, change=True), ()
        case Purpose.IDENTITY:
            return CheckingIdentity(box=box), (OpenIdentity(),)
        case Purpose.CHOOSE:
            return Entering(box=box, purpose=Purpose.REPEAT, change=state.change), ()
        case Purpose.REPEAT if not event.same:
            return Mismatch(box=box, proposed=state.proposed, change=state.change), ()
        case Purpose.REPEAT if state.change:
            return Checking(box=box, change=True), (ChangePassphrase(),)
        case Purpose.REPEAT if box.rescue is not None:
            return Restoring(box=box), (Restore(),)
        case Purpose.REPEAT:
            return Creating(box=box), (Create(),)
    return _finish_date(state, event), ()


def _finish_date(state: Entering, event: EntryFinished) -> Screen:
    """Return what a typed date leads to: typed once more, or confirmed, or refused."""
    if state.purpose is Purpose.DATE_AGAIN:
        if state.date is None or not event.same:
            return Problem(box=state.box, code="E-CLOCK-DATE", text="The two dates are not the same.")
        return ConfirmClock(box=state.box, date=state.date, setup=state.setup)
    date = parse_date(event.text)
    if date is None:
        return Problem(box=state.box, code="E-CLOCK-DATE", text="There is no such date and time.")
    return Entering(box=state.box, purpose=Purpose.DATE_AGAIN, setup=state.setup, date=date)


def _leave(state: Entering) -> Screen:
    """Return where an entry that was left came from."""
    match state.purpose:
        case Purpose.CURRENT | Purpose.DRILL:
            return Menu(box=state.box)
        case Purpose.CHOOSE:
            return ChoosePassphrase(box=state.box, change=state.change)
        case Purpose.REPEAT if state.proposed:
            return ProposedWords(box=state.box, change=state.change)
        case Purpose.REPEAT:
            return Entering(box=state.box, purpose=Purpose.CHOOSE, change=state.change)
    return rest(state.box)


@act.register
def _(state: Checking, event: Event) -> Move:
    box = state.box
    match event:
        case Unlocked(session=session) if not state.change:
            return _begin(replace(box, session=session, failed_attempts=0), state.stick)
        case ClockWrong() if not state.change:
            trouble = ClockTrouble(code=event.code, now=event.now, last=event.last)
            return rest(replace(box, session=event.session, clock=trouble, failed_attempts=0)), ()
        case UnlockRefused(code=code) if code in _TRY_AGAIN and not state.change:
            return _refuse(state, event)
        case UnlockRefused(code="E-STATE-WIPED" as code, text=text):
            # What the vault said at start is no longer so: it is asked anew when this page is left.
            return Problem(box=replace(box, provisioned=None, failed_attempts=0), code=code, text=text), (
                CloseVault(),
            )
        case UnlockRefused(code=code, text=text) if code in _TRY_AGAIN:
            return Problem(box=replace(box, failed_attempts=event.failed_attempts), code=code, text=text), ()
        case UnlockRefused(code=code, text=text) | JobFailed(code=code, text=text):
            return Problem(box=box, code=code, text=text), ()
        case PassphraseChanged() if state.change:
            done = ("It holds from now on.", "Backups are opened by", "keys, as before.")
            return Finished(box=box, title="PASSPHRASE CHANGED", lines=done), ()
    return state, ()


def _begin(box: Box, identity: str) -> Move:
    """Return the first state of a session: the job of the stick it was opened for, or rest.

    Only what the locked screen promised starts by itself: when the pinned steps differ, they are shown first.
    """
    after = rest(box)
    if isinstance(after, StickAsks) and box.stick is not None and box.stick.identity == identity:
        label = box.stick.label
        if label == POLICY_LABEL:
            return ask_stick_policy(box, box.stick)
        single = replace(box, single_job=True)
        steps = single.steps(label)
        if steps == dict(box.settings.sticks).get(label):
            return Working(box=single, steps=steps, stick=box.stick), (RunJob(box.stick, steps),)
        return StickAsks(box=single), ()
    return after, ()


def _refuse(state: Checking, event: UnlockRefused) -> Move:
    """Return the countdown, with the typed words kept for a while."""
    refused = Refused(
        box=replace(state.box, failed_attempts=event.failed_attempts),
        code=event.code,
        wait_s=event.wait_s,
        stick=state.stick,
    )
    return refused, (SetTimer(Timer.KEEP, KEEP_S),)


@act.register
def _(state: Refused, event: Event) -> Move:
    match event:
        case TimerFired(name=Timer.WAIT) if state.wait_s > 0:
            left = replace(state, wait_s=state.wait_s - 1)
            return (rest(left.box) if left.wait_s == 0 and not left.kept else left), ()
        case KeyPressed(key="#") if state.wait_s == 0:
            return Entering(box=state.box, purpose=state.purpose, stick=state.stick), ()
        case KeyPressed(key="*") | TimerFired(name=Timer.KEEP):
            dropped = replace(state, kept=False)
            return (dropped if dropped.wait_s else rest(dropped.box)), (WipeEntry(),)
    return state, ()
