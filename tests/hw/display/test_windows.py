"""What changed between two pictures."""

from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from hw.display.windows import PAGES, WHOLE, WIDTH, Window, find_windows, split_pages, to_pages

BLANK = bytes(WIDTH * PAGES)


def changed(*places: tuple[int, int]) -> bytes:
    picture = bytearray(BLANK)
    for page, column in places:
        picture[page * WIDTH + column] = 1
    return bytes(picture)


def test_a_picture_becomes_pages_of_columns_with_the_top_pixel_in_bit_0() -> None:
    image = Image.new("1", (128, 64))
    image.putpixel((3, 0), 1)
    image.putpixel((3, 9), 1)
    image.putpixel((127, 63), 1)
    pages = to_pages(image)
    assert pages[3] == 0x01
    assert pages[WIDTH + 3] == 0x02
    assert pages[7 * WIDTH + 127] == 0x80
    assert sum(pages) == 0x83


def test_equal_pictures_have_no_windows() -> None:
    assert find_windows(BLANK, BLANK, address_bytes=10, join_pages=True) == ()


def test_near_changes_of_a_page_are_joined_and_far_ones_are_not() -> None:
    near, far = changed((0, 5), (0, 16)), changed((0, 5), (0, 17))
    assert find_windows(BLANK, near, address_bytes=10, join_pages=True) == (
        Window(top=0, bottom=0, left=5, right=16),
    )
    assert len(find_windows(BLANK, far, address_bytes=10, join_pages=True)) == 2


def test_a_character_over_two_pages_is_one_window() -> None:
    both = changed(*((page, column) for page in (2, 3) for column in range(30, 36)))
    assert find_windows(BLANK, both, address_bytes=10, join_pages=True) == (
        Window(top=2, bottom=3, left=30, right=35),
    )
    assert len(find_windows(BLANK, both, address_bytes=7, join_pages=False)) == 2


def test_a_window_is_cut_page_after_page() -> None:
    picture = bytes(range(128)) + bytes(range(100, 228)) + BLANK[256:]
    assert Window(top=0, bottom=1, left=4, right=5).cut(picture) == bytes([4, 5, 104, 105])
    assert WHOLE.cut(picture) == picture
    assert WHOLE.size == 1024
    assert len(list(split_pages((WHOLE,)))) == 8


@settings(deadline=None)
@given(
    st.dictionaries(st.integers(0, 1023), st.integers(1, 255), max_size=80),
    st.sampled_from([7, 10]),
    st.booleans(),
)
def test_windows_make_the_old_picture_into_the_new_for_no_more_than_the_whole(
    changes: dict[int, int],
    address_bytes: int,
    join_pages: bool,  # noqa: FBT001 - drawn
) -> None:
    new = bytes(changes.get(place, 0) for place in range(1024))
    glass = bytearray(BLANK)
    windows = find_windows(BLANK, new, address_bytes=address_bytes, join_pages=join_pages)
    for window in windows:
        data = window.cut(new)
        assert len(data) == window.size
        width = window.right - window.left + 1
        for row, page in enumerate(range(window.top, window.bottom + 1)):
            start = page * WIDTH + window.left
            glass[start : start + width] = data[row * width : (row + 1) * width]
    assert bytes(glass) == new
    assert sum(window.size for window in windows) <= 1024
    assert join_pages or all(window.top == window.bottom for window in windows)
