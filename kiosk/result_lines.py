"""What a finished job's screen lists, line by line: written archives first, hashes and counts after."""

from kiosk.reports import Result
from kiosk.text.wrap import fit

_HASH_DIGITS = 8
_NAME_COLUMNS = 11


def result_lines(results: tuple[Result, ...]) -> tuple[str, ...]:
    """Return lines of at most 21 characters: "main-kudo 000001 ok", "sha 3fa41b9c", "226 signed"."""
    archives = [result for result in results if result.sequence]
    written = [f"{fit(result.name, _NAME_COLUMNS)} {result.sequence:06} ok" for result in archives]
    hashes = [f"sha {result.sha256[:_HASH_DIGITS]}" for result in archives]
    issued = sum(result.issued for result in results)
    requested = sum(result.requested for result in results)
    asked = (f"{requested} by request",) if requested else ()
    return (*written, *hashes, f"{issued} signed", *asked, *late_lines(results))


def late_lines(results: tuple[Result, ...]) -> tuple[str, ...]:
    """Return what to do about roots that sign before everybody can have them; nothing when none does."""
    return ("Give out roots today",) if any(result.late_roots for result in results) else ()
