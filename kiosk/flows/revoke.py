"""Revoking: whose certificate, which one, why; then what dies, whole, and a held key.

Rules:

1. What is confirmed has its whole name, and serial number and dates to compare with those of an incident.
2. A lane is picked by its digits: of ten thousand, each is as near as the first.
3. A reason is read before it is chosen; none is chosen beforehand.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from core.api.requests import Revoke
from core.api.results import StatusReport
from kiosk.flows.box import Box
from kiosk.flows.clock import REVOKING
from kiosk.flows.dialogs import pick, read_to_end
from kiosk.flows.flow import BACK, Flow, Page, Step, ask, on_menu
from kiosk.flows.status import ask_status
from kiosk.flows.top_up import top_up
from kiosk.text.wrap import BODY_ROWS, LIST_COLUMNS, fit_name, page_mark, wrap_name

REASONS: Final = {
    "keyCompromise": "key stolen",
    "superseded": "superseded",
    "cessationOfOperation": "out of use",
    "unspecified": "no reason",
}
"""RFC 5280 5.3.1 names, in the order of keys A to D, and what the screen calls them."""

_TITLE_COLUMNS = 20
_LINES = 2  # of a list of lanes: the third row says which digits were typed
_SERIAL_DIGITS = 8
_DIGITS = "0123456789"
_MAX_DIGITS = 5  # 10,000 lanes at most


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocable:
    """A certificate that can be revoked, as a person tells it from others.

    Args:
        id: Its UUID.
        name: "2026.4 lane 17" or "root 2026", beside its path.
        lane: 0 for a root.
        serial: Hex.
        not_before: First instant of its validity.
        not_after: Last instant of it.
        signers: How many die with it: a root's.
    """

    id: str
    name: str
    lane: int
    serial: str
    not_before: datetime
    not_after: datetime
    signers: int = 0


@on_menu("8", "Revoke a signer")
def revoke(box: Box) -> Flow:
    """Pick a target, a certificate and a reason, and revoke it at a held key; then offer a top-up."""
    report = yield from ask_status()
    paths = [f"{cover.class_name}/{cover.target}" if cover.class_name else "roots" for cover in report.covers]
    shown = [fit_name(path, LIST_COLUMNS) for path in paths]
    whose = 0
    while (target := (yield from pick(lambda _mark: "REVOKE WHOSE?", shown, begin=whose))) is not None:
        whose, path = target, paths[target]
        candidates = list_revocable(report, path)
        if not candidates:
            yield nothing_to_revoke(path)
            continue
        which = _Picked(place=0)
        while (picked := (yield from _pick_certificate(path, candidates, which))) is not None:
            which, chosen = picked, candidates[picked.place]
            while (key := (yield REASONS_PAGE)) != "*":
                reason = tuple(REASONS)["ABCD".index(key)]
                if (yield from read_to_end(confirm_pages(path, chosen, reason))):
                    yield from ask(Revoke, REVOKING, certificate=chosen.id, reason=reason)
                    return (yield from top_up(box)) if (yield REVOKED) == "#" else None
    return BACK


def list_revocable(report: StatusReport, path: str) -> tuple[Revocable, ...]:
    """Return each certificate that can be revoked under one target, or each root."""
    if path == "roots":
        return tuple(
            Revocable(
                id=root.id,
                name=f"root {root.period}",
                lane=0,
                serial=root.serial,
                not_before=root.not_before,
                not_after=root.not_after,
                signers=root.signers,
            )
            for root in report.roots
            if root.status != "revoked"
        )
    return tuple(
        Revocable(
            id=signer.id,
            name=f"{signer.period} lane {signer.lane}",
            lane=signer.lane,
            serial=signer.serial,
            not_before=signer.not_before,
            not_after=signer.not_after,
        )
        for signer in report.signers
        if signer.path == path and signer.status != "revoked"
    )


def nothing_to_revoke(path: str) -> Page:
    """Return what is said of a target without a certificate."""
    return Page(
        title=fit_name(path, _TITLE_COLUMNS),
        body=("Nothing to revoke",),
        right="*back",
        takes="*",
        minds_sticks=True,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Picked:
    """What was picked of a list, and where, so that one comes back there.

    Args:
        place: Of the certificate in the list.
        typed: Digits of its lane.
        page: Of the lanes that these leave, 0 first.
    """

    place: int
    typed: str = ""
    page: int = 0


def _pick_certificate(path: str, candidates: Sequence[Revocable], before: _Picked) -> Step[_Picked | None]:
    """Return the certificate that is meant, beginning where one was picked before; None for `*`."""
    if len(candidates) > BODY_ROWS and len({one.lane for one in candidates}) > 1:
        return (yield from _pick_lane(path, candidates, before))
    place = yield from pick(
        lambda mark: fit_name(path, _TITLE_COLUMNS - len(mark)),
        [one.name for one in candidates],
        begin=before.place,
    )
    return None if place is None else _Picked(place=place)


def _pick_lane(path: str, candidates: Sequence[Revocable], before: _Picked) -> Step[_Picked | None]:
    """Show two certificates a page; digits leave those of one lane, C and D turn pages, A and B pick."""
    typed, at = before.typed, before.page
    while True:
        found = [one for one in candidates if not typed or one.lane == int(typed)]
        count = max(1, -(-len(found) // _LINES))
        key = yield lane_page(path, found[at * _LINES : (at + 1) * _LINES], typed, page_mark(at, count))
        match key:
            case "A" | "B":
                chosen = found[at * _LINES + "AB".index(key)]
                return _Picked(place=candidates.index(chosen), typed=typed, page=at)
            case "C" | "D":
                at = (at + (1 if key == "D" else -1)) % count
            case "*" if not typed:
                return None
            case "*":
                typed, at = typed[:-1], 0
            case _ if len(typed) < _MAX_DIGITS:
                typed, at = typed + key, 0


def lane_page(path: str, shown: Sequence[Revocable], typed: str, mark: str) -> Page:
    """Return one page of a list of lanes, and which digits were typed."""
    lines = [f"{letter} {one.name}" for letter, one in zip("AB", shown, strict=False)] or ["There is none"]
    return Page(
        title=fit_name(path, _TITLE_COLUMNS - len(mark)),
        mark=mark,
        body=(*lines, *[""] * (_LINES - len(lines)), f"Type the lane: {typed}_"),
        left="C back D more" if mark else "",
        right="*delete" if typed else "*back",
        takes="AB"[: len(shown)] + ("CD" if mark else "") + _DIGITS + "*",
        minds_sticks=True,
    )


REASONS_PAGE: Final = Page(
    title="WHY?",
    body=tuple(f"{letter} {name}" for letter, name in zip("ABCD", REASONS.values(), strict=True)),
    left="A, B, C or D",
    right="*back",
    takes="ABCD*",
)

REVOKED: Final = Page(
    title="REVOKED",
    strong=True,
    body=("It is on the new CRL.", "Top up now, then", "export and back up."),
    left="#top up now",
    right="*later",
    takes="#*",
    minds_sticks=True,
)


def confirm_pages(path: str, chosen: Revocable, reason: str) -> tuple[Page, Page]:
    """Return what is revoked: its whole name, or how many die with a root; then serial, dates and why."""
    name = (*wrap_name(path), chosen.name)
    if path == "roots":
        name = (chosen.name, f"{chosen.signers} signers", "die with it")
    details = (
        f"serial {chosen.serial[:_SERIAL_DIGITS]}",
        f"from   {chosen.not_before:%Y-%m-%d}",
        f"to     {chosen.not_after:%Y-%m-%d}",
        f"why    {REASONS[reason]}",
    )
    first, last = (
        Page(title="REVOKE FOR GOOD?", mark=page_mark(at, 2), strong=True, body=body, right="*back")
        for at, body in enumerate((name, details))
    )
    return replace(first, left="#next", takes="#*"), replace(last, left="#hold: revoke", takes="*", holds="#")
