"""The bitmap font, rows, bars, and that nothing leaves the panel."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from kiosk.screens.canvas import HEIGHT, WIDTH, Canvas, TextOverflowError, shifted
from kiosk.text.wrap import clean, count_pages, fit, fit_name, look_alike, pack, pages, wrap, wrap_name


def lit(canvas: Canvas) -> int:
    return sum(canvas.image.histogram()[1:])


def test_twenty_one_characters_fit_a_row_and_one_more_does_not() -> None:
    Canvas().text(1, "W" * 21)
    with pytest.raises(TextOverflowError):
        Canvas().text(1, "W" * 22)


@pytest.mark.parametrize("column", [-1, 12, 21])
def test_text_at_a_column_must_fit_behind_it(column: int) -> None:
    with pytest.raises(TextOverflowError):
        Canvas().text(1, "ten digits", column=column)


def test_right_text_ends_at_the_last_column() -> None:
    at_right = Canvas().text(2, "ab", right=True)
    assert at_right.image.tobytes() == Canvas().text(2, "ab", column=19).image.tobytes()


def test_every_row_keeps_its_ink_on_the_panel() -> None:
    for row in range(5):
        inside = Canvas().text(row, "Åj|gÜ_").image.getbbox()
        assert inside is not None
        assert 0 <= inside[1] < inside[3] <= HEIGHT


def test_large_text_has_ten_columns() -> None:
    Canvas().big("2026-11-23")
    with pytest.raises(TextOverflowError):
        Canvas().big("eleven chars")
    with pytest.raises(TextOverflowError):
        Canvas().big("low", 43)


def test_large_text_is_the_small_one_doubled() -> None:
    small, large = Canvas().text(1, "AB"), Canvas().big("AB")
    assert lit(large) == 4 * lit(small)


@pytest.mark.parametrize("draw", ["title", "keys"])
def test_two_texts_on_a_row_keep_a_space_between(draw: str) -> None:
    getattr(Canvas(), draw)("ten column", "ten column")
    with pytest.raises(TextOverflowError):
        getattr(Canvas(), draw)("ten column", "ten columns")


def test_centre_refuses_a_long_line() -> None:
    with pytest.raises(TextOverflowError):
        Canvas().centre(1, "W" * 22)


def test_body_takes_three_lines_and_tight_four() -> None:
    Canvas().body(("a", "b", "c"))
    Canvas().tight(("a", "b", "c", "d"))
    with pytest.raises(TextOverflowError):
        Canvas().body(("a", "b", "c", "d"))
    with pytest.raises(TextOverflowError):
        Canvas().tight(("a", "b", "c", "d", "e"))
    with pytest.raises(TextOverflowError):
        Canvas().tight(("W" * 12,), column=10)


def test_page_takes_seven_lines() -> None:
    Canvas().page(("W" * 21,) * 7)
    with pytest.raises(TextOverflowError):
        Canvas().page(("a",) * 8)
    with pytest.raises(TextOverflowError):
        Canvas().page(("W" * 22,))


@given(some.floats(min_value=-1, max_value=2))
def test_bar_grows_with_its_share_and_stays_inside(share: float) -> None:
    bar = Canvas().bar(2, share)
    assert lit(Canvas().bar(2, 0.0)) <= lit(bar) <= lit(Canvas().bar(2, 1.0))


def test_bar_refuses_to_leave_the_panel() -> None:
    with pytest.raises(TextOverflowError):
        Canvas().bar(1, 0.5, left=100, width=40)


def test_strong_title_is_dark_on_light() -> None:
    assert lit(Canvas().title("A", strong=True)) > WIDTH * 11


def test_unknown_characters_become_question_marks() -> None:
    assert clean("a\tb\x00日ÿ") == "a?b??ÿ"
    assert Canvas().text(1, "日").image.tobytes() == Canvas().text(1, "?").image.tobytes()


@given(some.text(max_size=60), some.integers(min_value=3, max_value=21))
def test_fitted_text_fits(text: str, columns: int) -> None:
    assert len(fit(text, columns)) <= columns
    assert len(fit_name(text, columns)) <= columns


@pytest.mark.parametrize(
    ("path", "columns", "expected"),
    [
        ("services/mongo", 21, "services/mongo"),
        ("infrastructure/avatars", 21, "infrastru..re/avatars"),
        ("infrastructure/avatars-frankfurt-north1", 19, "infrastr..rt-north1"),
        ("avatars-frankfurt-north2", 9, "ava..rth2"),
    ],
)
def test_a_name_in_a_list_is_cut_in_its_middle(path: str, columns: int, expected: str) -> None:
    assert fit_name(path, columns) == expected


NAMES = some.from_regex(r"[a-z][a-z0-9-]{0,23}", fullmatch=True)


@given(NAMES, NAMES)
def test_a_name_on_rows_is_whole(class_name: str, target: str) -> None:
    path = f"{class_name}/{target}"
    rows = wrap_name(path)
    assert "".join(rows) == path
    assert len(rows) <= 3
    assert all(len(row) <= 21 for row in rows)


def test_names_that_look_alike_in_a_list_are_told() -> None:
    one, other = (f"infrastructure/a{middle}vatars-frankfurt-north" for middle in "12")
    assert look_alike((one, "services/mongo", other, one)) == ((one, other),)
    assert look_alike(("services/mongo", "services/etcd")) == ()


def test_names_that_differ_in_glyphs_that_are_hardly_told_apart_look_alike() -> None:
    assert look_alike(("main-kudo", "ma1n-kud0", "mail-kudo")) == (("main-kudo", "ma1n-kud0"),)
    assert look_alike(("server-1", "server-2", "server-3")) == ()


def test_a_page_of_blocks_cuts_none() -> None:
    blocks = (("1",), ("2", "2"), ("3", "3", "3"), ("4",))
    assert pack(blocks, 4) == (("1", "2", "2"), ("3", "3", "3", "4"))
    assert pack((), 4) == ((),)


@given(some.text(max_size=300))
def test_wrapped_text_fits_and_loses_no_word(text: str) -> None:
    lines = wrap(text)
    assert all(len(line) <= 21 for line in lines)
    assert "".join(lines).replace(" ", "") == "".join(clean(" ".join(text.split())).split())


def test_pages_hold_three_lines() -> None:
    assert pages(("a", "b", "c", "d")) == (("a", "b", "c"), ("d",))
    assert pages(()) == ((),)
    assert [count_pages(items) for items in (0, 1, 3, 4)] == [1, 1, 1, 2]


def test_shift_zero_moves_nothing() -> None:
    frame = Canvas().text(1, "a").image
    assert shifted(frame, 0).tobytes() == frame.tobytes()
