"""Text for a camera: what a QR code of the panel can hold, so that a telephone copies it into the logbook.

The panel has room for version 3 (29x29 modules of two pixels), which in its alphanumeric mode holds 77
characters (ISO/IEC 18004, table 7). Whatever else a text has becomes a blank; nothing secret goes this way.
"""

from collections.abc import Sequence
from datetime import datetime
from string import ascii_uppercase, digits
from typing import Final

MAX_CHARACTERS: Final = 77
_TAKEN: Final = frozenset(f"{digits}{ascii_uppercase} $%*+-./:")


def for_camera(text: str) -> str:
    """Return the text in capitals, without what the code cannot hold, cut where it is too long."""
    taken = "".join(letter if letter in _TAKEN else " " for letter in text.upper())
    return " ".join(taken.split())[:MAX_CHARACTERS].rstrip()


def journal_text(sequence: int, head: str) -> str:
    """Return number and hash of the journal's head.

    Args:
        sequence: Of its last entry.
        head: Its hash, 64 hex digits.
    """
    return for_camera(f"{sequence} {head}")


def visit_text(next_visit_by: datetime) -> str:
    """Return the last day of the next visit."""
    return for_camera(f"PISM NEXT VISIT BY {next_visit_by:%Y-%m-%d}")


def error_text(code: str, happened: str, action: Sequence[str]) -> str:
    """Return an error's code, what happened, and what to do.

    Args:
        code: Of the error, whole.
        happened: In one line.
        action: In a few.
    """
    return for_camera(f"{code}: {happened}. {' '.join(action)}")
