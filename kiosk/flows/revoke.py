"""Revoking: whose certificate, which one, why; then a held key. Or all that a clock ahead has signed."""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from core.api.requests import Revoke, RevokeAll
from core.api.results import SignerSummary, StatusReport
from kiosk.flows.box import Box
from kiosk.flows.dialogs import pick, tell, wait
from kiosk.flows.flow import BACK, Flow, Page, ask, on_menu
from kiosk.flows.status import ask_status
from kiosk.screens.page import Body, Pairs
from kiosk.text.wrap import BODY_ROWS, count_pages, fit, fit_path, page_mark

REASONS: Final = {
    "keyCompromise": "key stolen",
    "superseded": "superseded",
    "cessationOfOperation": "out of use",
    "unspecified": "no reason",
}
"""RFC 5280 5.3.1 names, in the order of keys A to D, and what the screen calls them."""
SUPERSEDED: Final = "superseded"
"""Why what a clock ahead has signed is revoked: nothing is wrong with the keys, the dates are."""

REVOKING = wait("Revoking")
_LIST_COLUMNS = 19  # behind "A "
_TITLE_COLUMNS = 20
_PATH_COLUMNS = 15
_MAX_COUNT = 99_999


@on_menu("8", "Revoke a signer")
def revoke(box: Box) -> Flow:  # noqa: ARG001
    """Pick a target, a certificate and a reason, and revoke it at a held key."""
    report = yield from ask_status()
    paths = [f"{cover.class_name}/{cover.target}" if cover.class_name else "roots" for cover in report.covers]
    shown = [fit_path(path, _LIST_COLUMNS) for path in paths]
    while (target := (yield from pick(titled("REVOKE WHOSE?"), shown))) is not None:
        path = paths[target]
        candidates = list_revocable(report, path)
        if not candidates:
            yield nothing_to_revoke(path)
            continue
        titles = [title for _, title in candidates]
        picked = yield from pick(partial(_fit_title, path), titles)
        if picked is None:
            continue
        id_, title = candidates[picked]
        reason = "keyCompromise"
        while (key := (yield confirm(path, title, reason))) in tuple("ABCD"):
            reason = tuple(REASONS)["ABCD".index(key)]
        if key == "hold #":
            yield from ask(Revoke, REVOKING, certificate=id_, reason=reason)
            return (yield from tell("REVOKED", "It is on the new CRL", "Export it soon"))
    return BACK


def _fit_title(path: str, mark: str) -> str:
    """Return a path that fits beside a mark."""
    return fit_path(path, _TITLE_COLUMNS - len(mark))


def titled(title: str) -> Callable[[str], str]:
    """Return what `pick` calls for a title that is the same on every page."""
    return lambda _mark: title


def list_revocable(report: StatusReport, path: str) -> tuple[tuple[str, str], ...]:
    """Return id and title of each certificate that can be revoked under one target, or of the roots."""
    if path == "roots":
        return tuple(
            (root.id, fit(f"root {root.period}")) for root in report.roots if root.status != "revoked"
        )
    return tuple(
        (signer.id, fit(f"{signer.period} lane {signer.lane}", _LIST_COLUMNS))
        for signer in report.signers
        if signer.path == path and signer.status != "revoked"
    )


def nothing_to_revoke(path: str) -> Page:
    """Return what is said of a target without a certificate."""
    return Page(
        title=fit_path(path, _TITLE_COLUMNS),
        body=("Nothing to revoke",),
        right="*back",
        takes="*",
        minds_sticks=True,
    )


def confirm(path: str, title: str, reason: str) -> Page:
    """Return what is revoked, and why."""
    return Page(
        title="REVOKE FOR GOOD?",
        strong=True,
        body=(fit_path(path), fit(title), f"Why A-D: {REASONS[reason]}"),
        left="#hold: revoke",
        right="*back",
        takes="ABCD*",
        holds="#",
    )


def revoke_late(late: Sequence[SignerSummary]) -> Flow:
    """Offer to revoke what was signed while the clock was ahead: all of it, at a held key, or none.

    Args:
        late: Roots and signers, in issuing order; at least one.
    """
    shown = late_pages(late)
    at = 0
    while (key := (yield shown[at])) == "D":
        at = (at + 1) % len(shown)
    if key == "*":
        return None
    yield from ask(RevokeAll, REVOKING, certificates=tuple(item.id for item in late), reason=SUPERSEDED)
    return (yield from tell("REVOKED", "All of them.", "Top up, then export"))


def late_pages(late: Sequence[SignerSummary]) -> tuple[Page, ...]:
    """Return the question, and the targets, three a page."""
    targets = list(Counter(item.path for item in late).items())
    count = 1 + count_pages(len(targets))
    question = (f"{min(len(late), _MAX_COUNT)} were signed", "with a later date.", "Revoke all of them?")
    bodies: list[Body] = [
        Pairs(
            rows=tuple(
                (fit_path(path, _PATH_COLUMNS), f"{min(number, _MAX_COUNT)}")
                for path, number in targets[start : start + BODY_ROWS]
            )
        )
        for start in range(0, len(targets), BODY_ROWS)
    ]
    return tuple(
        Page(
            title="CLOCK WAS AHEAD",
            mark=page_mark(at, count),
            strong=True,
            body=body,
            left="#hold yes D which",
            right="*no",
            takes="D*",
            holds="#",
        )
        for at, body in enumerate((question, *bodies))
    )
