"""A chart of coverage over time, as inline SVG: one row a target, one block a stretch of equal coverage.

1. A block's height is the share of the target's lanes that are covered; its text says the period.
2. Everything is drawn from dates: what is covered at an instant are the live signers of the archive whose
   issuing period holds it.
3. Colours are classes of the page around it, so that dark, light and print are the page's business.
4. It is as wide as its page, a telephone's or a sheet's: what goes across is in percent, heights and text
   are in pixels. A text that only fits where there is room is of class `wide`.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import escape
from itertools import pairwise
from typing import Final

from core.certificate import Certificate

_TOP: Final = 24  # room for the words at the visit's line
_ROW: Final = 38
_BAR: Final = 16
_BAR_TOP: Final = 18  # below a row's name
_NAME_BASELINE: Final = 13
_BAR_BASELINE: Final = 12  # of text in a bar
_BOTTOM: Final = 24  # room for the ticks' dates
_MAX_TICKS: Final = 10
_TEXT_PX: Final = 7  # a character's width, about, at the size of the labels
_NARROW_PX: Final = 320  # how wide the chart is on a telephone
_WIDE_PX: Final = 860
_TICK_PX: Final = 64  # a date and its distance to the next
_EDGE: Final = 0.1  # so near to an edge a text is not centred
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
    """From instants to shares of the chart's width."""

    start: datetime
    end: datetime

    def at(self, instant: datetime) -> float:
        """Return how far from the left an instant is; 1 is the right edge."""
        return (instant - self.start) / (self.end - self.start)


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
        f'<svg width="100%" height="{bottom + _BOTTOM}" role="img" aria-label="{words}">',
        *_draw_ticks(scale, bottom),
    ]
    for number, (row, stretches) in enumerate(drawn):
        parts += _draw_row(row, stretches, _TOP + _ROW * number, scale)
    parts += _draw_visit(scale, len(rows), visit)
    for number, (row, stretches) in enumerate(drawn):
        parts += _draw_labels(row, stretches, _TOP + _ROW * number, scale, visit)
    return "\n".join([*parts, "</svg>"])


def _percent(share: float) -> str:
    return f"{100 * share:.2f}%"


def _anchor(share: float) -> str:
    """Return where a text at an instant is held, so that it stays inside."""
    return "start" if share < _EDGE else "end" if share > 1 - _EDGE else "middle"


def _draw_visit(scale: _Scale, rows: int, visit: datetime) -> Iterator[str]:
    """Draw the visit's line over the bars, not through the names between them, and what it is above it."""
    at = scale.at(visit)
    x = _percent(at)
    bars = [_TOP + _ROW * number + _BAR_TOP for number in range(rows)]
    for top, end in [(4, _TOP - 6), *((bar - 2, bar + _BAR + 2) for bar in bars)]:
        yield f'<line class="visit" x1="{x}" y1="{top}" x2="{x}" y2="{end}"/>'
    anchor, shift = ("end", -6) if at > 1 / 2 else ("start", 6)
    place = f'x="{x}" dx="{shift}" y="13" text-anchor="{anchor}"'
    yield f'<text class="visit-text" {place}>next visit by {visit:%Y-%m-%d}</text>'


def _draw_ticks(scale: _Scale, bottom: int) -> Iterator[str]:
    first = scale.start.year * 12 + scale.start.month  # months since the year 0, the one after the start
    last = scale.end.year * 12 + scale.end.month - 1
    step = next((step for step in _MONTH_STEPS if (last - first) // step < _MAX_TICKS), _MONTH_STEPS[-1])
    months = range(-(-first // step) * step, last + 1, step)
    every = max(1, math.ceil(len(months) * _TICK_PX / _NARROW_PX))  # where there is little room
    for number, month in enumerate(months):
        tick = datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC)
        at = scale.at(tick)
        x = _percent(at)
        yield f'<line class="grid" x1="{x}" y1="{_TOP}" x2="{x}" y2="{bottom}"/>'
        kind = "tick wide" if number % every else "tick"
        place = f'x="{x}" y="{bottom + 16}" text-anchor="{_anchor(at)}"'
        yield f'<text class="{kind}" {place}>{tick:%Y-%m}</text>'


def _draw_row(row: Row, stretches: Iterable[Stretch], top: int, scale: _Scale) -> Iterator[str]:
    bar = top + _BAR_TOP
    yield f'<rect class="empty" x="0" y="{bar}" width="100%" height="{_BAR}" rx="3"/>'
    for stretch in stretches:
        left, right = scale.at(stretch.start), scale.at(stretch.end)
        height = max(_BAR * stretch.lanes / row.load, 2)
        kind = "full" if stretch.lanes == row.load else "part"
        place = (
            f'x="{_percent(left)}" y="{bar + _BAR - height:.1f}"'
            f' width="{_percent(right - left)}" height="{height:.1f}"'
        )
        dates = f"{stretch.start:%Y-%m-%d} to {stretch.end:%Y-%m-%d}"
        words = f"{stretch.period}: {stretch.lanes} of {row.load}, {dates}"
        yield f'<rect class="{kind}" {place} rx="3"><title>{escape(words)}</title></rect>'


def _draw_labels(
    row: Row, stretches: Iterable[Stretch], top: int, scale: _Scale, visit: datetime
) -> Iterator[str]:
    """Draw the names of a row and, where they fit, of its periods, beside the visit's line."""
    lanes = "" if row.load == 1 else f'<tspan class="load"> x{row.load}</tspan>'
    yield f'<text class="name" x="0" y="{top + _NAME_BASELINE}">{escape(row.name)}{lanes}</text>'
    for stretch in stretches:
        left, right = _beside(stretch, visit)
        centre, share = scale.at(left + (right - left) / 2), scale.at(right) - scale.at(left)
        needed_px = _TEXT_PX * len(stretch.period) + 8
        if share * _WIDE_PX < needed_px:
            continue
        kind = "period" if share * _NARROW_PX >= needed_px else "period wide"
        place = f'x="{_percent(centre)}" y="{top + _BAR_TOP + _BAR_BASELINE}" text-anchor="middle"'
        yield f'<text class="{kind}" {place}>{escape(stretch.period)}</text>'


def _beside(stretch: Stretch, visit: datetime) -> tuple[datetime, datetime]:
    """Return the part of a stretch that has room for its name: the longer one, where the visit cuts it."""
    if not stretch.start < visit < stretch.end:
        return stretch.start, stretch.end
    if visit - stretch.start > stretch.end - visit:
        return stretch.start, visit
    return visit, stretch.end


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
