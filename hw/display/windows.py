"""What changed between two pictures, as the fewest bytes on a display's bus. Pure.

A picture is eight pages of 128 bytes, as the controllers keep it: a byte is eight pixels of a column, the
least significant one on top. A window is a block of columns over one or more pages that is sent whole; each
costs its bytes plus a fixed number for addressing, so near changes are joined where that is cheaper.
"""

from collections.abc import Iterator
from typing import NamedTuple

from PIL import Image

WIDTH = 128
PAGES = 8


class Window(NamedTuple):
    """Pages top..bottom and columns left..right, both ends included."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def size(self) -> int:
        """Bytes in it."""
        return (self.bottom - self.top + 1) * (self.right - self.left + 1)

    def cut(self, picture: bytes) -> bytes:
        """Return its bytes, page after page."""
        starts = range(self.top * WIDTH, self.bottom * WIDTH + 1, WIDTH)
        return b"".join(picture[start + self.left : start + self.right + 1] for start in starts)


WHOLE = Window(top=0, bottom=PAGES - 1, left=0, right=WIDTH - 1)


def to_pages(image: Image.Image) -> bytes:
    """Return a 128x64 image of mode "1" as eight pages of 128 bytes."""
    # Turned clockwise, a column is a row of eight bytes, the lowest page first, its top pixel in bit 0.
    turned = image.transpose(Image.Transpose.ROTATE_270).tobytes()
    return b"".join(turned[PAGES - 1 - page :: PAGES] for page in range(PAGES))


def find_windows(old: bytes, new: bytes, *, address_bytes: int, join_pages: bool) -> tuple[Window, ...]:
    """Return what must be sent to make `old` into `new`.

    Args:
        old: The picture on the glass.
        new: The picture that is wanted.
        address_bytes: What it costs to address one more window.
        join_pages: The controller takes windows of more than one page.

    Returns:
        Windows from top to bottom; empty when the pictures are equal.
    """
    done: list[Window] = []
    growing: list[Window] = []
    for page in range(PAGES):
        above, growing = growing, []
        for run in _find_runs(old, new, page, address_bytes):
            joined = run
            for window in above if join_pages else ():
                union = _enclose(window, run)
                if union.size <= window.size + run.size + address_bytes:
                    above.remove(window)
                    joined = union
                    break
            growing.append(joined)
        done += above
    return tuple(sorted(done + growing, key=lambda window: (window.top, window.left)))


def split_pages(windows: tuple[Window, ...]) -> Iterator[Window]:
    """Yield the windows page by page, for a controller that takes no more."""
    for window in windows:
        for page in range(window.top, window.bottom + 1):
            yield window._replace(top=page, bottom=page)


def _find_runs(old: bytes, new: bytes, page: int, gap: int) -> Iterator[Window]:
    """Yield the runs of changed columns of a page; a gap is bridged when that is no dearer."""
    start = page * WIDTH
    before, after = old[start : start + WIDTH], new[start : start + WIDTH]
    if before == after:
        return
    left = right = -1
    for column in range(WIDTH):
        if before[column] == after[column]:
            continue
        if left < 0:
            left = column
        elif column - right - 1 > gap:
            yield Window(top=page, bottom=page, left=left, right=right)
            left = column
        right = column
    yield Window(top=page, bottom=page, left=left, right=right)


def _enclose(first: Window, second: Window) -> Window:
    """Return the smallest window around two."""
    return Window(
        top=min(first.top, second.top),
        bottom=max(first.bottom, second.bottom),
        left=min(first.left, second.left),
        right=max(first.right, second.right),
    )
