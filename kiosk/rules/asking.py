"""While a quick answer is awaited: what is asked for each topic, and what the answer opens."""

from dataclasses import replace
from datetime import datetime

from hw.ports import KeyPressed, Stick
from kiosk.effects import AskClock, AskPolicy, AskStatus, AskStickPolicy, Effects, RunSelfTest
from kiosk.events import (
    ClockRead,
    ClockSet,
    DrillsRecorded,
    Event,
    JobFailed,
    PolicyProposal,
    Revoked,
    SelfTestReady,
    SignersReady,
    StatusReady,
    Unlocked,
)
from kiosk.reports import POLICY_LABEL, LateIssue
from kiosk.rules.act import Move, act
from kiosk.rules.drill import tell_drills
from kiosk.rules.resting import rest
from kiosk.states import (
    AWAITED,
    CHANGING,
    Asking,
    Box,
    ClockPage,
    ConfirmDate,
    Finished,
    Home,
    JournalHead,
    PickSigner,
    PickTarget,
    Problem,
    Recipients,
    Review,
    Roots,
    Screen,
    SignedAhead,
    Status,
    TestFindings,
    Topic,
)

_ASKS: dict[Topic, Effects] = {
    Topic.SETUP_DATE: (AskClock(),),
    Topic.SETUP_POLICY: (AskPolicy(),),
    Topic.POLICY: (AskPolicy(),),
    Topic.CLOCK: (AskClock(),),
    Topic.TEST: (RunSelfTest(),),
}
_REPORT_PAGES: dict[Topic, type[Screen]] = {
    Topic.STATUS: Status,
    Topic.RECIPIENTS: Recipients,
    Topic.ROOTS: Roots,
    Topic.JOURNAL: JournalHead,
    Topic.TARGETS: PickTarget,
}


def ask(box: Box, topic: Topic) -> Move:
    """Return the waiting state and the question of a topic that changes nothing."""
    return Asking(box=box, topic=topic), _ASKS.get(topic, (AskStatus(),))


def ask_stick_policy(box: Box, stick: Stick) -> Move:
    """Return the waiting state while a stick's policy is read, unlocked."""
    return Asking(box=box, topic=Topic.STICK_POLICY), (AskStickPolicy(stick),)


def ask_setup_policy(box: Box) -> Move:
    """Return the waiting state of first set-up: the policy of a stick that brings one, else config.yaml's."""
    bringing = [stick for stick in box.sticks if stick.label == POLICY_LABEL]
    if not bringing:
        return ask(box, Topic.SETUP_POLICY)
    if len(box.sticks) > 1:
        return Problem(box=box, code="E-STICK-TWO", text="Only PISM-CONFIG may be in."), ()
    return Asking(box=box, topic=Topic.SETUP_STICK), (AskStickPolicy(bringing[0]),)


@act.register
def _(state: Asking, event: Event) -> Move:
    match event:
        case JobFailed(code=code, text=text):
            return Problem(box=state.box, code=code, text=text), ()
        case KeyPressed(key="*") if state.topic not in AWAITED:
            return rest(state.box), ()
    return _answer_act(state, event) if state.topic in CHANGING else (_answer(state, event), ())


def _answer(state: Asking, event: Event) -> Screen:
    """Return what the answer to a question opens; the state itself while it is not the answer."""
    box = state.box
    match event, state.topic:
        case ClockRead(now=now), Topic.SETUP_DATE:
            return ConfirmDate(box=box, now=now)
        case ClockRead(now=now), Topic.CLOCK:
            return ClockPage(box=box, now=now)
        case PolicyProposal(proposal=proposal), Topic.SETUP_POLICY | Topic.SETUP_STICK:
            return Review(box=box, proposal=proposal, setup=True)
        case PolicyProposal(proposal=proposal), Topic.POLICY:
            return Review(box=box, proposal=proposal)
        case PolicyProposal(proposal=proposal), Topic.STICK_POLICY:
            served = "" if box.stick is None else box.stick.identity
            return Review(box=replace(box, ignored=served), proposal=proposal)
        case StatusReady(report=report), topic if topic in _REPORT_PAGES:
            return _REPORT_PAGES[topic](box=replace(box, report=report))
        case SignersReady(signers=signers), Topic.SIGNERS:
            return PickSigner(box=box, path=state.path, signers=signers)
        case SelfTestReady(rows=rows), Topic.TEST:
            return TestFindings(box=box, rows=rows)
    return state


def _answer_act(state: Asking, event: Event) -> Move:
    """Return what follows an act that was done; the state itself while it is not."""
    box = state.box
    match event, state.topic:
        case ClockSet(), Topic.SETUP_CLOCK:
            return ask(box, Topic.SETUP_DATE)
        case ClockSet(now=now, late=late), Topic.SET_CLOCK:
            return _after_clock(replace(box, clock=None), now, late), ()
        case Unlocked(session=session), Topic.APPROVE:
            approved = replace(box, session=session, report=None)
            return _tell(approved, "POLICY APPROVED", "It holds from now on.", "Top up, then export."), ()
        case DrillsRecorded(drills=drills), Topic.DRILL:
            return tell_drills(replace(box, report=None), drills), ()
        case Revoked(), Topic.REVOKE_LATE:
            return _tell(replace(box, report=None), "REVOKED", "All of them.", "Top up, then export"), ()
        case Revoked(), Topic.REVOKE:
            return _tell(replace(box, report=None), "REVOKED", "It is on the new CRL", "Export it soon"), ()
    return state, ()


def _after_clock(box: Box, now: datetime, late: LateIssue) -> Screen:
    """Return what follows a clock put right: what it signed, the stick that waits, or that it is done."""
    if late.certificate_ids:
        return SignedAhead(box=box, late=late)
    after = rest(box)
    if isinstance(after, Home):
        return _tell(box, "CLOCK SET", "It is now", f"{now:%Y-%m-%d %H:%M} UTC")
    return after


def _tell(box: Box, title: str, *lines: str) -> Screen:
    """Return the screen that says an act is over."""
    return Finished(box=box, title=title, lines=lines)
