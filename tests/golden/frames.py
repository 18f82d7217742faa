"""A frame as text that a person can review in a diff: two pixel rows a line, in half blocks, between bars."""

from PIL import Image

_GLYPHS = " ▀▄█"  # neither, upper, lower, both


def to_text(image: Image.Image) -> str:
    """Return the frame as 32 lines of 128 half blocks."""
    pixels = image.convert("L").tobytes()
    rows = [pixels[at : at + image.width] for at in range(0, len(pixels), image.width)]
    lines = (
        "".join(_GLYPHS[(upper & 1) + (lower & 2)] for upper, lower in zip(above, below, strict=True))
        for above, below in zip(rows[::2], rows[1::2], strict=True)
    )
    return "".join(f"|{line}|\n" for line in lines)


def from_text(text: str) -> Image.Image:
    """Return the frame that `to_text` wrote."""
    lines = [line[1:-1] for line in text.splitlines()]
    halves = [[_GLYPHS.index(glyph) for glyph in line] for line in lines]
    rows = [bytes(255 * (both >> half & 1) for both in line) for line in halves for half in (0, 1)]
    return Image.frombytes("L", (len(lines[0]), len(rows)), b"".join(rows)).convert(
        "1", dither=Image.Dither.NONE
    )
