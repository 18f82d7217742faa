import re
from datetime import timedelta
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.export.chart import Row, Stretch, draw_chart, find_end, find_stretches, make_row
from tests.builders import make_certificate, utc

NOW = utc("2027-02-01")
Q1, Q2, Q3 = utc("2027-01-01"), utc("2027-04-01"), utc("2027-07-01")


def parse(svg: str) -> ET.Element:
    """Return the drawing, which is well-formed XML too."""
    return ET.fromstring(svg)  # noqa: S314 - it is our own


def test_a_stretch_counts_the_lanes_that_are_covered() -> None:
    row = make_row(
        "services/mongo",
        2,
        [
            make_certificate(),
            make_certificate(number=2, lane=2),
            make_certificate(number=3, issue_from=Q2, issue_until=Q3, period="2027.2"),
        ],
    )
    assert list(find_stretches(row, NOW)) == [
        Stretch(start=NOW, end=Q2, lanes=2, period="2027.1"),
        Stretch(start=Q2, end=Q3, lanes=1, period="2027.2"),
    ]


def test_a_hole_is_no_stretch_and_ends_the_cover() -> None:
    row = Row(name="x", load=1, periods=((Q1, Q2, "a"), (Q3, Q3 + timedelta(days=30), "b")))
    stretches = list(find_stretches(row, NOW))
    assert [stretch.period for stretch in stretches] == ["a", "b"]
    assert find_end(row, stretches, NOW) == Q2


def test_a_lane_that_is_missing_ends_the_cover() -> None:
    row = Row(name="x", load=2, periods=((Q1, Q2, "a"), (Q1, Q2, "a"), (Q2, Q3, "b")))
    assert find_end(row, find_stretches(row, NOW), NOW) == Q2


def test_what_is_over_or_not_yet_here_covers_nothing_now() -> None:
    row = Row(name="x", load=1, periods=((Q2, Q3, "b"), (utc("2026-01-01"), Q1, "old")))
    stretches = list(find_stretches(row, NOW))
    assert [stretch.period for stretch in stretches] == ["b"]
    assert find_end(row, stretches, NOW) == NOW


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(-50, 400), st.integers(1, 400), st.integers(1, 3)), max_size=12))
def test_stretches_never_overlap_and_never_begin_before_now(lanes: list[tuple[int, int, int]]) -> None:
    periods = tuple(
        (NOW + timedelta(days=first), NOW + timedelta(days=first + length), "p")
        for first, length, times in lanes
        for _ in range(times)
    )
    stretches = list(find_stretches(Row(name="x", load=3, periods=periods), NOW))
    for one, two in pairwise(stretches):
        assert one.end <= two.start
    assert all(NOW <= item.start < item.end and 1 <= item.lanes <= 3 for item in stretches)
    xml = draw_chart("x", [Row(name="x", load=3, periods=periods)], NOW, NOW + timedelta(days=9))
    parse(xml)


def test_the_drawing_says_in_words_what_it_shows() -> None:
    rows = [
        Row(name="a/<b>", load=1, periods=((Q1, Q2, "2027.1"),)),
        Row(name="c/d", load=2, periods=()),
    ]
    svg = parse(draw_chart("Coverage", rows, NOW, utc("2027-03-01")))
    label = svg.attrib["aria-label"]
    assert "Coverage." in label
    assert "a/<b> is covered until 2027-04-01." in label
    assert "c/d has no cover now." in label
    assert "next visit by 2027-03-01" in "".join(svg.itertext())


def test_bars_stay_inside_the_drawing_and_partial_ones_are_lower() -> None:
    rows = [Row(name="x", load=2, periods=((Q1, Q2, "one"), (Q1, Q2, "one"), (Q2, Q3, "two")))]
    svg = draw_chart("Coverage", rows, NOW, Q3 + timedelta(days=1))
    boxes = re.findall(
        r'<rect class="(full|part)" x="([\d.]+)%" y="[\d.]+" width="([\d.]+)%" height="([\d.]+)"', svg
    )
    assert [kind for kind, *_ in boxes] == ["full", "part"]
    assert float(boxes[0][3]) == 2 * float(boxes[1][3])
    assert all(float(x) >= 0 and float(x) + float(width) <= 100 for _, x, width, _ in boxes)


def test_a_label_stands_in_the_longer_part_of_what_the_visit_cuts() -> None:
    rows = [Row(name="x", load=1, periods=((NOW, Q3, "2027.1"),))]
    for visit, centre in ((NOW + (Q3 - NOW) / 4, 62.5), (Q3 - (Q3 - NOW) / 4, 37.5), (Q3, 50)):
        (label,) = re.findall(r'class="period[ a-z]*" x="([\d.]+)%"', draw_chart("C", rows, NOW, visit))
        assert float(label) == pytest.approx(centre)


def test_a_label_that_needs_room_says_so_and_one_without_any_is_left_out() -> None:
    ends = [NOW + (Q3 - NOW) * share for share in (0.01, 0.1, 1)]
    periods = tuple(zip([NOW, *ends], ends, ["a", "2027.02", "2027.03"], strict=False))
    svg = draw_chart("C", [Row(name="x", load=1, periods=periods)], NOW, Q3)
    labels = re.findall(r'<text class="(period[ a-z]*)"[^>]*>([^<]+)<', svg)
    assert labels == [("period wide", "2027.02"), ("period", "2027.03")]


def test_a_period_of_many_years_has_few_ticks() -> None:
    rows = [Row(name="x", load=1, periods=((NOW, utc("2127-01-01"), "long"),))]
    svg = draw_chart("Coverage", rows, NOW, utc("2027-03-01"))
    assert 2 <= svg.count('class="tick') <= 10
    assert 1 <= svg.count('class="tick"') <= 5  # on a telephone
