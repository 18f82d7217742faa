"""A chart of coverage over time, as inline SVG: one row a target, one block a stretch of equal coverage.

1. A block's height is the share of the target's lanes that are covered; its text says the period.
2. Everything is drawn from dates: what is covered at an instant are the live signers of the archive whose
   issuing period holds it.
3. Colours are classes of the page around it, so that dark, light and print are the page's business.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import escape
from itertools import pairwise
from typing import Final

from core.certificate import Certificate

WIDTH: Final = 960
_LEFT: Final = 220  # room for the names of the rows
_RIGHT: Final = 24
_TOP: Final = 28
_ROW: Final = 38
_BAR: Final = 26
_BASELINE: Final = 17  # of text beside or in a bar
_MAX_TICKS: Final = 10
_TEXT_PX: Final = 7  # a character's width, about, at the size of the labels
_SHORTEST: Final = timedelta(days=1)
_MONTH_STEPS: Final = (1, 3, 6, 12, 24, 60, 120, 240)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One target, or the roots.

    Args:
        name: `class/target`, or `roots`.
        load: How many lanes there are.
        periods: Live issuing periods: start, end (exclusive), readable name.
    """

    name: str
    load: int
    periods: tuple[tuple[datetime, datetime, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A stretch of time with the same number of covered lanes."""

    start: datetime
    end: datetime
    lanes: int
    period: str


def make_row(name: str, load: int, certificates: Iterable[Certificate]) -> Row:
    """Return the row of a target from its live certificates."""
    periods = tuple((item.issue_from, item.issue_until, item.period) for item in certificates)
    return Row(name=name, load=load, periods=periods)


def find_stretches(row: Row, start: datetime) -> Iterator[Stretch]:
    """Yield the stretches of a row from `start` on; a hole is none."""
    edges = sorted(
        {max(edge, start) for first, end, _ in row.periods if end > start for edge in (first, end)}
    )
    counts: dict[tuple[datetime, datetime, str], int] = {}
    for period in row.periods:
        counts[period] = counts.get(period, 0) + 1
    for left, right in pairwise(edges):
        over = [period for period in counts if period[0] <= left and period[1] >= right]
        if over:
            lanes = min(sum(counts[period] for period in over), row.load)
            yield Stretch(start=left, end=right, lanes=lanes, period=over[0][2])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scale:
    """From instants to pixels."""

    start: datetime
    end: datetime

    def x(self, instant: datetime) -> float:
        return _LEFT + (WIDTH - _LEFT - _RIGHT) * ((instant - self.start) / (self.end - self.start))


def draw_chart(title: str, rows: Sequence[Row], start: datetime, visit: datetime) -> str:
    """Return the chart as one <svg> element.

    Args:
        title: What it shows; set apart from those of other charts on the page.
        rows: At least one; drawn from the top.
        start: Left edge: the time of the archive, aware UTC.
        visit: When the next visit is due; marked with a line.
    """
    drawn = [(row, tuple(find_stretches(row, start))) for row in rows]
    ends = [stretch.end for _, stretches in drawn for stretch in stretches]
    scale = _Scale(start=start, end=max([start + _SHORTEST, visit, *ends]))
    bottom = _TOP + _ROW * len(rows)
    words = escape(f"{title}. {_describe(drawn, start)}")
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {bottom + 24}" role="img" aria-label="{words}">',
        *_draw_ticks(scale, bottom),
    ]
    for number, (row, stretches) in enumerate(drawn):
        parts += _draw_row(row, stretches, _TOP + _ROW * number, scale)
    parts += _draw_visit(scale, bottom, visit)
    for number, (_, stretches) in enumerate(drawn):
        parts += _draw_labels(stretches, _TOP + _ROW * number, scale)
    return "\n".join([*parts, "</svg>"])


def _draw_visit(scale: _Scale, bottom: int, visit: datetime) -> Iterator[str]:
    x = scale.x(visit)
    anchor, shift = ("end", -6) if x > (WIDTH + _LEFT) / 2 else ("start", 6)
    yield f'<line class="visit" x1="{x:.1f}" y1="6" x2="{x:.1f}" y2="{bottom}"/>'
    place = f'x="{x + shift:.1f}" y="15" text-anchor="{anchor}"'
    yield f'<text class="visit-text" {place}>next visit by {visit:%Y-%m-%d}</text>'


def _draw_ticks(scale: _Scale, bottom: int) -> Iterator[str]:
    first = scale.start.year * 12 + scale.start.month  # months since the year 0, the one after the start
    last = scale.end.year * 12 + scale.end.month - 1
    step = next((step for step in _MONTH_STEPS if (last - first) // step < _MAX_TICKS), _MONTH_STEPS[-1])
    for month in range(-(-first // step) * step, last + 1, step):
        tick = datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC)
        x = scale.x(tick)
        yield f'<line class="grid" x1="{x:.1f}" y1="{_TOP - 6}" x2="{x:.1f}" y2="{bottom}"/>'
        yield f'<text class="tick" x="{x:.1f}" y="{bottom + 17}" text-anchor="middle">{tick:%Y-%m}</text>'


def _draw_row(row: Row, stretches: Iterable[Stretch], top: int, scale: _Scale) -> Iterator[str]:
    lanes = "" if row.load == 1 else f'<tspan class="load"> x{row.load}</tspan>'
    yield f'<text class="name" x="0" y="{top + _BASELINE}">{escape(row.name)}{lanes}</text>'
    width = scale.x(scale.end) - _LEFT
    yield f'<rect class="empty" x="{_LEFT}" y="{top}" width="{width:.1f}" height="{_BAR}" rx="3"/>'
    for stretch in stretches:
        left, right = scale.x(stretch.start), scale.x(stretch.end)
        share = stretch.lanes / row.load
        height = max(_BAR * share, 2)
        width = max(right - left - 2, 1)
        kind = "full" if stretch.lanes == row.load else "part"
        place = f'x="{left:.1f}" y="{top + _BAR - height:.1f}" width="{width:.1f}" height="{height:.1f}"'
        dates = f"{stretch.start:%Y-%m-%d} to {stretch.end:%Y-%m-%d}"
        words = f"{stretch.period}: {stretch.lanes} of {row.load}, {dates}"
        yield f'<rect class="{kind}" {place} rx="3"><title>{escape(words)}</title></rect>'


def _draw_labels(stretches: Iterable[Stretch], top: int, scale: _Scale) -> Iterator[str]:
    """Draw the periods' names where they fit, over everything else."""
    for stretch in stretches:
        left, right = scale.x(stretch.start), scale.x(stretch.end)
        if right - left > _TEXT_PX * len(stretch.period) + 8:
            place = f'x="{(left + right - 2) / 2:.1f}" y="{top + _BASELINE}" text-anchor="middle"'
            yield f'<text class="period" {place}>{escape(stretch.period)}</text>'


def _describe(drawn: Iterable[tuple[Row, Sequence[Stretch]]], start: datetime) -> str:
    """Say in words what the chart shows."""
    ends = ((row.name, find_end(row, stretches, start)) for row, stretches in drawn)
    return " ".join(
        f"{name} is covered until {end:%Y-%m-%d}." if end > start else f"{name} has no cover now."
        for name, end in ends
    )


def find_end(row: Row, stretches: Iterable[Stretch], start: datetime) -> datetime:
    """Return until when all lanes are covered without a hole; `start` if they are not covered then."""
    end = start
    for stretch in stretches:
        if stretch.start > end or stretch.lanes < row.load:
            break
        end = stretch.end
    return end
