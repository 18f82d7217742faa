"""Signing requests in the middle of a job: each is approved or left, then the job goes on.

Rules: the stick may go meanwhile; put in again, its requests are shown anew. A second stick is not touched.
"""

from dataclasses import replace

from hw.ports import KeyPressed, StickRemoved
from kiosk.effects import RunJob
from kiosk.events import Event, KeyHeld
from kiosk.rules.act import Move, act
from kiosk.states import (
    Box,
    PulledEarly,
    RequestAsked,
    RequestKey,
    RequestRefused,
    RequestReview,
    RequestScreen,
    Working,
)


def show_request(box: Box, review: RequestReview) -> Move:
    """Return the page of the row that the review is at; the job again after the last one."""
    if review.index >= len(review.rows):
        working = Working(box=box, steps=review.steps, stick=review.stick)
        return working, (RunJob(review.stick, review.steps, review.approved),)
    page: type[RequestRefused | RequestAsked] = RequestRefused if review.row.code else RequestAsked
    return page(box=box, review=review), ()


def _next(state: RequestScreen, *approved: str) -> Move:
    review = state.review
    done = replace(review, index=review.index + 1, approved=review.approved + approved)
    return show_request(state.box, done)


@act.register
def _(state: RequestScreen, event: Event) -> Move:
    match event:
        case StickRemoved(identity=identity) if identity == state.review.stick.identity:
            review = state.review
            return PulledEarly(box=state.box, steps=review.steps, stick=review.stick), ()
        case KeyPressed(key="*"):
            return _next(state)
        case KeyPressed(key="#") if isinstance(state, RequestRefused):
            return _next(state)
        case KeyPressed(key="#") if isinstance(state, RequestAsked):
            return RequestKey(box=state.box, review=state.review), ()
        case KeyHeld(key="#") if isinstance(state, RequestKey):
            return _next(state, state.review.row.approval)
    return state, ()
