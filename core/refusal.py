"""The root of everything that the authority can refuse; the tree is drawn in core.errors, whence all come."""

from typing import ClassVar


class CaError(Exception):
    """Root of everything that the authority refuses; the text says what happened, never a secret."""

    code: ClassVar[str] = "E-CA"
    action: ClassVar[tuple[str, ...]] = ("Try again",)
