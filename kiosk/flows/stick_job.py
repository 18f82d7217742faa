"""A stick's job: what it asks for, the work, and its result; or that it was pulled too early.

Rules:

1. A session that was opened for a stick ends with that stick's job.
2. Only what the locked box promised starts by itself: where the pinned steps differ, they are shown first.
3. A stick that was pulled early is put in again, known by its label, and the same job goes on.
4. A second stick is not touched; the job ends, then one of the two has to go.
5. What hinders a stick from taking its job's archives is told before a passphrase is asked: one that is
   write-protected starts nothing; one that is too small by what was needed last is gone on with by a held
   key. The page does not wait for the look (kiosk.work.look).
"""

from dataclasses import replace
from typing import Final

from hw.ports import Stick
from hw.sizes import size_text
from kiosk.flows.box import DRILL_LABEL, POLICY_LABEL, Box
from kiosk.flows.dialogs import more, tell
from kiosk.flows.drill import record_stick
from kiosk.flows.flow import Flow, GaveUp, Page, Refused, Step, SticksChanged, Work, ask
from kiosk.flows.format import unusable_stick
from kiosk.flows.last_visit import orders, show_result
from kiosk.flows.policy import review_stick
from kiosk.flows.requests import review_requests
from kiosk.flows.unlock import open_session
from kiosk.text.wrap import BODY_ROWS, COLUMNS, STICK, fit, fit_name, pack, wrap_name
from kiosk.work.job import JobDone, RequestsFound, RunJob
from kiosk.work.look import LookAtStick, StickLooked, makes_archive

STOPPED: Final = ("What was done is kept", "Start it again and", "it goes on from there")


def stick_asks(box: Box, stick: Stick) -> Flow:
    """A stick with a known label is in: `#` unlocks and starts its job, or starts it; `*` leaves it."""
    steps = box.steps(stick.label)
    match (yield from _show_steps(box, stick, steps)):
        case "*":
            box.ignore(stick)
            return None
        case "#" if box.session is not None:
            return (yield from _begin(box, stick, steps))
    promised = box.steps(stick.label)
    if not (yield from open_session(box)) or box.clock is not None or box.stick != stick:
        return None
    if stick.label != POLICY_LABEL:
        box.single_job = True
        if box.steps(stick.label) != promised:
            return None
    return (yield from _begin(box, stick, promised))


def _show_steps(box: Box, stick: Stick, steps: tuple[str, ...]) -> Step[str]:
    """Show what a stick asks for, each name whole, or why it cannot have it; return `#` or `*`."""
    brings = any(map(makes_archive, steps))
    if brings and stick.read_only:
        return (yield from _tell_locked(stick))
    is_looked_at = not brings or box.session is not None
    name = fit(stick.label)
    title = f"STICK {name} asks"
    shown = pack([_step_lines(number, step) for number, step in enumerate(steps, 1)], BODY_ROWS)
    at, count = 0, len(shown)
    go_on = "#unlock" if box.session is None else "#start"
    while True:
        page = Page(
            title=title if len(title) <= COLUMNS else f"{name} asks",
            icon=STICK,
            body=shown[at],
            left=f"{go_on} {more(count)}".rstrip(),
            right="*leave",
            takes="#*D",
            minds_sticks=True,
            rests=True,
            needs_vault=True,
            names_stuck=True,
            tells_time=True,
        )
        if is_looked_at:
            key: str = yield page
        else:
            try:
                looked: StickLooked = yield from ask(LookAtStick, page, stick=stick, steps=steps)
            except GaveUp as gave_up:
                key = gave_up.key
            except Refused:
                is_looked_at = True
                continue
            else:
                is_looked_at = True
                if looked.read_only:
                    return (yield from _tell_locked(stick))
                if looked.needs_bytes:
                    return (yield from _tell_small(looked))
                continue
        if key != "D":
            return key
        at = (at + 1) % count


def _tell_locked(stick: Stick) -> Step[str]:
    """Say why a write-protected stick starts nothing, and what to do; return `*`."""
    yield Page(
        title="E-STICK-READONLY",
        strong=True,
        body=(fit(f"{stick.label} is LOCKED"), "Slide its switch, put", "it in again"),
        right="*leave",
        takes="*",
        minds_sticks=True,
        rests=True,
        names_stuck=True,
    )
    return "*"


def _tell_small(looked: StickLooked) -> Step[str]:
    """Say what room a stick lacks, by what its job needed last; return `#` where that was held, or `*`."""
    key = yield Page(
        title="E-STICK-FULL",
        strong=True,
        body=(
            fit(f"Needs {'over' if looked.is_least else 'about'} {size_text(looked.needs_bytes)}"),
            fit(f"has {size_text(looked.free_bytes)} free"),
            "Make room on a PC",
        ),
        left="#hold: go on",
        right="*leave",
        takes="*",
        holds="#",
        minds_sticks=True,
        rests=True,
        needs_vault=True,
        names_stuck=True,
    )
    return "*" if key == "*" else "#"


def _step_lines(number: int, step: str) -> tuple[str, ...]:
    """Return "1 top-up" or "2 export main-kudo", and on rows of its own a name that is too long for that."""
    line = f"{number} {step}"
    verb, _, name = step.partition(" ")
    return (line,) if len(line) <= COLUMNS else (f"{number} {verb}", *wrap_name(name))


def _begin(box: Box, stick: Stick, steps: tuple[str, ...]) -> Flow:
    """Do what an unlocked box does with a stick."""
    if stick.label == POLICY_LABEL:
        return (yield from review_stick(box, stick))
    if stick.label == DRILL_LABEL:
        return (yield from record_stick(box, stick))
    return (yield from run_job(box, stick, steps))


def run_job(box: Box, stick: Stick | None, steps: tuple[str, ...]) -> Flow:
    """Do the steps, show the signing requests that come with the stick, and say how it ended."""
    approved: tuple[str, ...] | None = None
    work = working(steps, to_stick=stick is not None)
    while True:
        try:
            done = yield from ask(RunJob, work, stick=stick, steps=steps, approved=approved)
            if not isinstance(done, RequestsFound):
                return (yield from _end(box, stick, done))
            if stick is None:
                return None
            approved = yield from review_requests(box, stick, done.requests)
        except Refused as refused:
            if refused.code == "E-STOPPED":
                return (yield from tell("STOPPED", *STOPPED))
            if refused.code == "E-STICK-FORMAT" and stick is not None:
                return (yield from unusable_stick(box, stick, refused))
            if refused.code != "E-STICK-GONE" or stick is None:
                raise
            approved = None
            stick = yield from wait_for_stick(box, stick)
            if stick is None:
                if box.single_job:
                    box.lock()
                return None


def working(steps: tuple[str, ...], *, to_stick: bool) -> Work:
    """Return the page of a running job."""
    return Work(
        titles=tuple(_step_title(number, steps) for number in range(1, len(steps) + 1)),
        warnings=("do not pull" if to_stick else "do not unplug",),
        stops="stops after this one",
    )


def _step_title(number: int, steps: tuple[str, ...]) -> str:
    """Return "2/3 EXPORT main-kudo": the verb in capitals, the name as it is written."""
    verb, _, name = steps[number - 1].partition(" ")
    head = f"{number}/{len(steps)} {verb.upper()} "
    return (head + fit_name(name, COLUMNS - len(head))).rstrip()


def wait_for_stick(box: Box, stick: Stick) -> Step[Stick | None]:
    """Wait until a stick that was pulled early is in again; None when it is given up."""
    while True:
        there = box.stick
        if there is not None and there.label == stick.label and there.identity != stick.identity:
            return there
        lines = ("Pulled too early.", "Put it in again:", fit(f"same job, {stick.label}"))
        if there is not None and there.label != stick.label:
            lines = ("This one is", fit(there.label or "another one"), f"Put in {fit(stick.label, 14)}")
        try:
            yield Page(
                title="E-STICK-GONE",
                strong=True,
                body=lines,
                right="*=give up",
                holds="*",
                minds_sticks=True,
            )
        except SticksChanged:
            continue
        return None


def _end(box: Box, stick: Stick | None, done: JobDone) -> Flow:
    """Say how a job ended; the session goes with it if it was opened for it alone."""
    if box.session is not None:
        done = replace(done, failed_attempts=box.session.failed_attempts)
    if box.single_job:
        box.lock()
    if stick is None:
        issued = sum(step.issued for step in done.steps)
        lines = (f"{issued} signed", "Export them soon") if issued else ("Nothing was due",)
        return (yield from tell("TOP-UP DONE", *orders(done.steps), *lines))
    box.last_visit = done
    if box.has(stick):
        box.ignore(stick)
    yield from show_result(box, stick, done)
    return None
