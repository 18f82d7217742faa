"""What may be written down of a bug: its type and where it showed. Its text could quote a secret."""

import traceback


def describe_bug(error: BaseException) -> str:
    """Return the type of an unforeseen error and the places it came through, without any value."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    return f"E-BUG {type(error).__name__}\n{frames}"
