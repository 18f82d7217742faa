"""Numbers with what they count."""


def count(number: int, noun: str) -> str:
    """Return "1 root" or "2 roots", for a noun whose plural has an s."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
