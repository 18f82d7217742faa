"""Text that a person sees: whether all of it can be seen, and how what cannot is shown.

Rules:
1. Seen is what Unicode calls graphic, and the space. Not seen are controls (which a terminal obeys), marks of
   direction and joining, what has no width or no ink, other spaces, and what is unassigned or private.
2. A name of ours that holds such a character is refused, whoever brings it: config.yaml, a manifest, a
   receipt.
3. What is only repeated (a path, somebody else's subject) is shown with it escaped.
"""

from typing import Final

# Letters and marks to Unicode, and nothing to the eye: fillers, joiners, selectors of variants (UAX 44,
# Default_Ignorable_Code_Point), and the blank of Braille.
_NO_INK: Final = frozenset(
    map(
        chr,
        (
            0x034F,
            *(0x115F, 0x1160, 0x3164, 0xFFA0),
            *(0x17B4, 0x17B5),
            *range(0x180B, 0x1810),
            0x2800,
            *range(0xFE00, 0xFE10),
            *range(0xE0100, 0xE01F0),
        ),
    )
)


def is_printable(text: str) -> bool:
    """Return whether every character of a text can be seen (rule 1)."""
    return text.isprintable() and _NO_INK.isdisjoint(text)


def escape(text: str) -> str:
    """Return a text with all that cannot be seen written as Python writes it in a literal."""
    if is_printable(text):
        return text
    return "".join(char if is_printable(char) else char.encode("unicode_escape").decode() for char in text)


def escape_json(data: bytes) -> bytes:
    """Return JSON of the same value, with all that cannot be seen in its strings escaped (RFC 8259 7).

    Args:
        data: JSON in UTF-8; line feeds and spaces between its tokens stay.
    """
    text = data.decode()
    return "".join(char if char == "\n" or is_printable(char) else _units(char) for char in text).encode()


def _units(char: str) -> str:
    """Return a character as JSON escapes it: one or two UTF-16 units."""
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
