"""How long work says how far it is: one shape for everybody, from the innermost loop to the panel."""

from collections.abc import Callable

from msgspec import Struct


class Progress(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag=True):
    """How far the work is.

    Args:
        done: Units done.
        total: Units in all; 0 when nobody knows.
        what: One unit, such as "signer", or a phrase with total 0.
    """

    done: int
    total: int
    what: str


Report = Callable[[Progress], None]
"""Told from inside the work, as often as it likes; may raise StoppedError."""
