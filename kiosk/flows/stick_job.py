"""A stick's job: what it asks for, the work, and SAFE TO REMOVE; or that it was pulled too early.

Rules:

1. A session that was opened for a stick ends with that stick's job.
2. Only what the locked box promised starts by itself: where the pinned steps differ, they are shown first.
3. A stick that was pulled early is put in again, known by its label, and the same job goes on.
4. A second stick is not touched; the job ends, then one of the two has to go.
5. What is safe to remove stays said when the session ends by itself.
"""

from typing import Final

from hw.ports import Stick
from kiosk.flows.box import POLICY_LABEL, Box
from kiosk.flows.dialogs import more, tell
from kiosk.flows.flow import Flow, Locked, Page, Refused, Step, SticksChanged, Work, ask
from kiosk.flows.policy import review_stick
from kiosk.flows.requests import review_requests
from kiosk.flows.unlock import open_session
from kiosk.text.wrap import BODY_ROWS, COLUMNS, count_pages, fit
from kiosk.work.job import RequestsFound, RunJob, StepDone

STOPPED: Final = ("What was done is kept", "Start it again and", "it goes on from there")
_NAME_COLUMNS = 11
_HASH_DIGITS = 8


def stick_asks(box: Box, stick: Stick) -> Flow:
    """A stick with a known label is in: `#` unlocks and starts its job, or starts it; `*` ignores it."""
    steps = box.steps(stick.label)
    match (yield from _show_steps(box, stick.label, steps)):
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


def _show_steps(box: Box, label: str, steps: tuple[str, ...]) -> Step[str]:
    """Show what a stick asks for, three steps a page; return `#` or `*`."""
    name = fit(label)
    title = f"STICK {name} asks"
    at, count = 0, count_pages(len(steps))
    go_on = "#unlock" if box.session is None else "#start"
    while True:
        first = at * BODY_ROWS
        lines = (fit(f"{n} {step}") for n, step in enumerate(steps[first : first + BODY_ROWS], first + 1))
        key: str = yield Page(
            title=title if len(title) <= COLUMNS else f"{name} asks",
            body=tuple(lines),
            left=f"{go_on} {more(count)}".rstrip(),
            right="*skip" if count > 1 else "*ignore",
            takes="#*D",
            minds_sticks=True,
            rests=True,
            needs_vault=True,
            names_stuck=True,
        )
        if key != "D":
            return key
        at = (at + 1) % count


def _begin(box: Box, stick: Stick, steps: tuple[str, ...]) -> Flow:
    """Do what an unlocked box does with a stick."""
    if stick.label == POLICY_LABEL:
        return (yield from review_stick(box, stick))
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
    return fit(f"{number}/{len(steps)} {verb.upper()} {name}".rstrip())


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
                right="*give up",
                takes="*",
                minds_sticks=True,
            )
        except SticksChanged:
            continue
        return None


def _end(box: Box, stick: Stick | None, results: tuple[StepDone, ...]) -> Flow:
    """Say how a job ended; the session goes with it if it was opened for it alone."""
    if box.single_job:
        box.lock()
    if stick is None:
        issued = sum(result.issued for result in results)
        lines = (f"{issued} signed", "Export them soon") if issued else ("Nothing was due",)
        return (yield from tell("TOP-UP DONE", *lines, *_late_lines(results)))
    if not box.has(stick):
        return (yield from tell("DONE", "All was written", "before it was pulled"))
    box.ignore(stick)
    yield from safe_to_remove(box, stick, results)
    return None


def safe_to_remove(box: Box, stick: Stick, results: tuple[StepDone, ...]) -> Step[None]:
    """Say that all is on the stick, compared and journaled, until it is out."""
    lines = result_lines(results)
    at, count = 0, count_pages(len(lines))
    while box.has(stick):
        page = Page(
            title="SAFE TO REMOVE",
            strong=True,
            body=lines[at * BODY_ROWS : (at + 1) * BODY_ROWS],
            left="pull it now" if count > 1 else "pull the stick now",
            right=more(count),
            takes="D",
            minds_sticks=True,
        )
        if len(box.sticks) > 1:
            page = Page(
                title="E-STICK-TWO",
                strong=True,
                body=("The job is done, all", "is safe to remove.", "Pull one of the two"),
                left="the new is untouched",
                minds_sticks=True,
            )
        try:
            yield page
        except (SticksChanged, Locked):
            continue
        at = (at + 1) % count


def result_lines(results: tuple[StepDone, ...]) -> tuple[str, ...]:
    """Return lines of at most 21 characters: "main-kudo 000001 ok", "sha 3fa41b9c", "226 signed"."""
    archives = [result for result in results if result.sequence]
    written = [f"{fit(result.name, _NAME_COLUMNS)} {result.sequence:06} ok" for result in archives]
    hashes = [f"sha {result.sha256[:_HASH_DIGITS]}" for result in archives]
    issued = sum(result.issued for result in results)
    requested = sum(result.requested for result in results)
    by_request = (f"{requested} by request",) if requested else ()
    return (*written, *hashes, f"{issued} signed", *by_request, *_late_lines(results))


def _late_lines(results: tuple[StepDone, ...]) -> tuple[str, ...]:
    """Return what to do about roots that sign before everybody can have them; nothing when none does."""
    return ("Give out roots today",) if any(result.late_roots for result in results) else ()
