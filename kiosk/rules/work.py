"""While a job runs, and how it ends."""

from dataclasses import replace

from hw.ports import KeyPressed, StickInserted, StickRemoved
from kiosk.effects import RunJob, StopJob
from kiosk.events import Event, JobFailed, JobFinished, KeyHeld, Progress, RequestsFound, Stopped
from kiosk.reports import Result
from kiosk.result_lines import late_lines, result_lines
from kiosk.rules.act import Move, act
from kiosk.rules.requests import show_request
from kiosk.rules.resting import lock, rest
from kiosk.states import (
    Finished,
    Problem,
    PulledEarly,
    RequestReview,
    SafeToRemove,
    Screen,
    TwoSticks,
    Working,
)
from kiosk.text.wrap import count_pages


@act.register
def _(state: Working, event: Event) -> Move:
    match event:
        case Progress():
            return replace(state, progress=event), ()
        case KeyHeld(key="*") if not state.stopping:
            return replace(state, stopping=True), (StopJob(),)
        case RequestsFound(requests=rows) if state.stick is not None and not state.stopping:
            return show_request(state.box, RequestReview(rows=rows, steps=state.steps, stick=state.stick))
        case JobFinished(results=results):
            return _end(state, results), ()
        case Stopped() | RequestsFound() | JobFailed(code="E-STOPPED"):
            lines = ("What was done is kept", "Start it again and", "it goes on from there")
            return Finished(box=state.box, title="STOPPED", lines=lines), ()
        case JobFailed(code="E-STICK-GONE") if state.stick is not None:
            return _resume(PulledEarly(box=state.box, steps=state.steps, stick=state.stick))
        case JobFailed(code=code, text=text):
            return Problem(box=state.box, code=code, text=text), ()
    return state, ()


def _end(state: Working, results: tuple[Result, ...]) -> Screen:
    """Return the end of a job: the session goes with it if it was opened for it alone."""
    box = lock(state.box) if state.box.single_job else state.box
    if state.stick is None:
        issued = sum(result.issued for result in results)
        lines = (f"{issued} signed", "Export them soon") if issued else ("Nothing was due",)
        return Finished(box=box, title="TOP-UP DONE", lines=(*lines, *late_lines(results)))
    identities = {stick.identity for stick in box.sticks}
    if state.stick.identity not in identities:
        return Finished(box=box, title="DONE", lines=("All was written", "before it was pulled"))
    box = replace(box, ignored=state.stick.identity)
    if len(identities) > 1:
        return TwoSticks(box=box, results=results)
    return SafeToRemove(box=box, results=results)


def _resume(state: PulledEarly) -> Move:
    """Return the same job on the stick that is in again, or the screen that waits for it."""
    stick = state.box.stick
    if stick is None or stick.label != state.stick.label or stick.identity == state.stick.identity:
        return state, ()
    return Working(box=state.box, steps=state.steps, stick=stick), (RunJob(stick, state.steps),)


@act.register
def _(state: PulledEarly, event: Event) -> Move:
    match event:
        case StickInserted() | StickRemoved():
            return _resume(state)
        case KeyPressed(key="*"):
            return rest(lock(state.box) if state.box.single_job else state.box), ()
    return state, ()


@act.register
def _(state: SafeToRemove, event: Event) -> Move:
    match event:
        case StickRemoved():
            return rest(state.box), ()
        case StickInserted():
            return TwoSticks(box=state.box, results=state.results), ()
        case KeyPressed(key="D"):
            turned = (state.page + 1) % count_pages(len(result_lines(state.results)))
            return replace(state, page=turned), ()
    return state, ()
