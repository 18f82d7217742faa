"""How far work is: one value for everybody, from the innermost loop to the bar on a panel or a terminal.

1. Whoever does long work takes a `Report` and calls it between two units of it, and once more at the end.
2. A report may raise, such as StoppedError: the work ends there, and is left as its docstring says.
3. The vault sends the very value that the loop made (core.api.messages), and nobody translates it.

How often a report is worth a message or a redrawing is for whoever passes it in.
"""

from collections.abc import Callable

from msgspec import Struct


class Progress(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag=True):
    """A word of progress.

    Args:
        done: Units done.
        total: Units in all; 0 when nobody knows.
        what: One unit, such as "signer"; with a total of 0 a phrase for what goes on.
    """

    done: int
    total: int
    what: str


Report = Callable[[Progress], None]
"""Told of progress; may raise to end the work."""


def report_nothing(_progress: Progress) -> None:
    """Take a word of progress that nobody asked for."""
