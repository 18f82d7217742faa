"""How a server stands: what is where, for how long, and what wants somebody's eye; pure, and in three forms.

Critical is what hurts now: a place without a signer, one that refused, a wrong clock, a list that ran out.
A warning is what will: cover that ends within `warn_days` or before the next visit is due, a list that does
within `warn_days`, a visit or an agent that is late, an archive that was refused.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec
from msgspec import Struct

from core.errors import SignerError
from core.times import format_time
from server.opened import Opened
from server.public import newest_crl
from server.settings import PUBLIC, Settings
from server.signers import Signer, covered_until, find_lane, next_change
from server.standing import Memory, Refusal
from server.turns import Wanted, plan_turn

Level = Literal["ok", "warning", "critical"]
LEVELS: Final[tuple[Level, ...]] = ("ok", "warning", "critical")
"""In the order of the exit status: 0, 1, 2."""
_AGENT_LATE: Final = timedelta(days=2)


class Trouble(Struct, frozen=True, kw_only=True):
    """One thing that wants somebody's eye.

    Args:
        level: How much.
        text: What.
        since: Since when, where that is known.
    """

    level: Level
    text: str
    since: datetime | None = None


class PlaceStatus(Struct, frozen=True, kw_only=True):
    """One place.

    Args:
        place: Its name.
        target: `class/target`.
        lane: From 1; None where there is no such lane.
        signer: UUID of what stands there; None for nothing.
        period: Of that signer.
        issue_until: When that one stops.
        next_switch: When something changes by the calendar.
        covered_until: From when on nobody may stand without another archive.
    """

    place: str
    target: str
    lane: int | None
    signer: str | None
    period: str | None
    issue_until: datetime | None
    next_switch: datetime | None
    covered_until: datetime


class CrlStatus(Struct, frozen=True, kw_only=True):
    """The newest list of a root that has begun to sign."""

    root: str
    period: str
    number: int
    next_update: datetime


class ArchiveStatus(Struct, frozen=True, kw_only=True):
    """The newest archive of a name."""

    name: str
    sequence: int
    created: datetime
    next_visit_by: datetime


class Status(Struct, frozen=True, kw_only=True):
    """All of it.

    Args:
        now: Aware UTC.
        level: The worst of the troubles.
        archives: The newest of each name.
        places: Each.
        crls: Of the roots in use.
        troubles: The worst first.
    """

    now: datetime
    level: Level
    archives: tuple[ArchiveStatus, ...]
    places: tuple[PlaceStatus, ...]
    crls: tuple[CrlStatus, ...]
    troubles: tuple[Trouble, ...]


def make_status(
    settings: Settings, opened: Opened, memory: Memory, refused: Refusal | None, now: datetime
) -> Status:
    """Return how the server stands.

    Args:
        settings: What should stand where.
        opened: What was opened.
        memory: What the agent did.
        refused: The last archive, if it was refused.
        now: Aware UTC.

    Raises:
        CaError: An opened file was changed (E-ARCHIVE-DAMAGED).
    """
    places = {name: place for _, name, place in settings.named()}
    turn = plan_turn(places, opened.signers, opened.roots, memory, now)
    found = tuple(_place(wanted, settings, opened.signers, memory, now) for wanted in turn.wanted)
    crls = tuple(_crls(opened, now))
    archives = tuple(
        ArchiveStatus(
            name=archive.manifest.name,
            sequence=archive.manifest.sequence,
            created=archive.manifest.created,
            next_visit_by=archive.manifest.next_visit_by,
        )
        for archive in opened.archives
    )
    troubles = [
        *_of_agent(memory, refused, now),
        *_of_places(found, turn.wanted, memory),
        *_of_time(found, crls, archives, timedelta(days=settings.warn_days), now),
    ]
    troubles.sort(key=lambda trouble: -LEVELS.index(trouble.level))
    return Status(
        now=now,
        level=troubles[0].level if troubles else "ok",
        archives=archives,
        places=found,
        crls=crls,
        troubles=tuple(troubles),
    )


def _place(
    wanted: Wanted, settings: Settings, signers: Sequence[Signer], memory: Memory, now: datetime
) -> PlaceStatus:
    place = settings.find(wanted.place)
    held = memory.of(wanted.place).signer
    stands = next((signer for signer in signers if signer.id == held), None)
    lane, switch, covered = None, None, now
    try:
        lane = find_lane(signers, place.target, lane=place.lane, name=place.lane_of)
        switch = next_change(signers, place.target, lane, now)
        covered = covered_until(signers, place.target, lane, now)
    except SignerError:  # the trouble of this place says it
        pass
    return PlaceStatus(
        place=wanted.place,
        target=place.target,
        lane=lane,
        signer=held,
        period=stands.period if stands else None,
        issue_until=stands.issue_until if stands else None,
        next_switch=switch,
        covered_until=covered,
    )


def _crls(opened: Opened, now: datetime) -> Iterator[CrlStatus]:
    for root in opened.roots:
        newest = newest_crl(opened, root) if root.is_trusted(now) and root.issue_from <= now else None
        if newest is not None:
            yield CrlStatus(
                root=root.id, period=root.period, number=newest[0].number, next_update=newest[0].next_update
            )


def _of_agent(memory: Memory, refused: Refusal | None, now: datetime) -> Iterator[Trouble]:
    if memory.refusal is not None:
        yield _trouble("critical", "nothing is switched", memory.refusal)
    elif memory.believed is None or now - memory.believed > _AGENT_LATE:
        yield Trouble(level="warning", text="the agent does not run", since=memory.believed)
    if refused is not None:
        yield _trouble("warning", "an archive was refused", refused)
    public = memory.of(PUBLIC).refusal
    if public is not None:
        yield _trouble("warning", "the folder for a web server is not up to date", public)


def _of_places(places: Sequence[PlaceStatus], wanted: Sequence[Wanted], memory: Memory) -> Iterator[Trouble]:
    for place, want in zip(places, wanted, strict=True):
        refusal = memory.of(place.place).refusal
        if want.why_none is not None:
            text = f"{place.place}: no signer may stand: {want.why_none.code}: {want.why_none}"
            yield Trouble(level="critical", text=text, since=memory.of(place.place).since)
        if refusal is not None:
            yield _trouble("critical", f"{place.place} refuses", refusal)
        elif want.signer is not None and want.signer.id != place.signer:
            yield Trouble(level="critical", text=f"{place.place}: {want.signer.period} does not stand yet")


def _of_time(
    places: Sequence[PlaceStatus],
    crls: Sequence[CrlStatus],
    archives: Sequence[ArchiveStatus],
    warn: timedelta,
    now: datetime,
) -> Iterator[Trouble]:
    visit = max(archive.next_visit_by for archive in archives)
    if visit < now:
        yield Trouble(level="warning", text="the visit to the box is late", since=visit)
    for place in places:
        end = place.covered_until
        if now < end and (end < now + warn or end < visit):
            text = f"{place.place}: signers end on {format_time(end)}: visit the box before"
            yield Trouble(level="warning", text=text)
    for crl in crls:
        if crl.next_update < now + warn:
            level: Level = "critical" if crl.next_update < now else "warning"
            text = f"the list of root {crl.period} runs out on {format_time(crl.next_update)}"
            yield Trouble(level=level, text=text)


def _trouble(level: Level, what: str, refusal: Refusal) -> Trouble:
    return Trouble(level=level, text=f"{what}: {refusal.code}: {refusal.text}", since=refusal.since)


def describe(status: Status) -> Iterator[str]:
    """Yield lines for people: the verdict, what is wrong, then every place and archive."""
    yield f"{status.level}, {format_time(status.now)}"
    for trouble in status.troubles:
        since = f" (since {format_time(trouble.since)})" if trouble.since else ""
        yield f"{trouble.level}: {trouble.text}{since}"
    for place in status.places:
        lane = f" lane {place.lane}" if place.lane else ""
        stands = "nobody stands"
        if place.issue_until is not None:
            days = (place.issue_until - status.now).days
            stands = f"{place.period} stands for {days} more days"
        yield f"{place.place}: {place.target}{lane}: {stands}; covered until {place.covered_until:%Y-%m-%d}"
    for archive in status.archives:
        age = (status.now - archive.created).days
        text = f"{archive.name} {archive.sequence:06d}: {age} days old"
        yield f"{text}; next visit by {archive.next_visit_by:%Y-%m-%d}"
    for crl in status.crls:
        yield f"list {crl.number} of root {crl.period}: until {crl.next_update:%Y-%m-%d}"


def encode_json(status: Status) -> bytes:
    """Return it for a program."""
    return msgspec.json.format(msgspec.json.encode(status), indent=2)


def encode_metrics(status: Status) -> bytes:
    """Return it for Prometheus, in the text format that node_exporter's textfile collector reads."""
    lines: list[str] = []

    def gauge(name: str, meaning: str, values: Sequence[tuple[str, float]]) -> None:
        lines.append(f"# HELP pism_{name} {meaning}\n# TYPE pism_{name} gauge\n")
        lines.extend(f"pism_{name}{labels} {value:.0f}\n" for labels, value in values)

    gauge("status", "0 ok, 1 warning, 2 critical.", [("", LEVELS.index(status.level))])
    gauge("status_timestamp_seconds", "When this was written.", [("", status.now.timestamp())])
    by_place = [(f'{{place="{place.place}"}}', place) for place in status.places]
    gauge(
        "place_stands",
        "Whether a signer stands.",
        [(key, place.signer is not None) for key, place in by_place],
    )
    for name, meaning in (
        ("issue_until", "When the signer that stands stops."),
        ("next_switch", "The next change by the calendar."),
        ("covered_until", "From when on no signer may stand."),
    ):
        times = [(key, getattr(place, name)) for key, place in by_place]
        gauge(f"place_{name}_seconds", meaning, [(key, time.timestamp()) for key, time in times if time])
    by_archive = [(f'{{archive="{archive.name}"}}', archive) for archive in status.archives]
    created = [(key, archive.created.timestamp()) for key, archive in by_archive]
    gauge("archive_created_seconds", "When the newest archive was made.", created)
    visits = [(key, archive.next_visit_by.timestamp()) for key, archive in by_archive]
    gauge("archive_next_visit_by_seconds", "When the box must have been visited.", visits)
    updates = [(f'{{root="{crl.root}"}}', crl.next_update.timestamp()) for crl in status.crls]
    gauge("crl_next_update_seconds", "When the list of a root runs out.", updates)
    return "".join(lines).encode()
