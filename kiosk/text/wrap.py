"""Text cut to the panel: lines of 21 characters, pages of three lines, names that must fit.

Pure, and shared by rules (how many pages are there) and screens (what stands on one).
"""

import re
import textwrap
from collections.abc import Iterable

COLUMNS = 21
BODY_ROWS = 3
TIGHT_ROWS = 4
"""That stand closer."""
WORD_PAGES = 2
"""Twelve words of a fingerprint stand on two pages."""
LIST_COLUMNS = 19
"""Of a name in a list, behind the key that picks it."""
BIG_COLUMNS = 10
ICONS = LOCK, KEY, CLOCK, STICK = ("🔒", "🔑", "🕒", "💾")
"""What pages of ours have beside their text; `clean` lets none through, so no text from outside shows one."""


def clean(text: str) -> str:
    """Return the text, equally long, with "?" for every character that the font lacks."""
    return "".join(c if " " <= c <= "~" or ("\xa1" <= c <= "\xff" and c != "\xad") else "?" for c in text)


def fit(text: str, columns: int = COLUMNS) -> str:
    """Return the cleaned text, its end replaced by ".." when it has more characters than columns."""
    plain = clean(text)
    return plain if len(plain) <= columns else plain[: columns - 2].rstrip() + ".."


def fit_name(name: str, columns: int = COLUMNS) -> str:
    """Return the cleaned name, its middle replaced by ".." where it is too long: names differ at their ends.

    Good for lists; what is confirmed shows the whole name (`wrap_name`).
    """
    plain = clean(name)
    tail = (columns - 1) // 2
    return plain if len(plain) <= columns else f"{plain[: columns - 2 - tail]}..{plain[-tail:]}"


ALIKE = ("co0", "hnr", "ilt1", "s5", "z2")
"""Small letters and digits that the panel's font, or a hasty eye, hardly tells apart."""
_ALIKE = str.maketrans({other: group[0] for group in ALIKE for other in group})


def look_alike(names: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    """Return the groups of different names that are one text in a list of the panel, or nearly so."""
    groups: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        groups.setdefault(fit_name(name, LIST_COLUMNS).translate(_ALIKE), []).append(name)
    return tuple(tuple(group) for group in groups.values() if len(group) > 1)


def wrap_name(name: str) -> tuple[str, ...]:
    """Return the whole name, or "class/target", on as many rows as it takes, cut behind its slash."""
    plain = clean(name)
    head, slash, tail = plain.partition("/")
    if len(plain) > COLUMNS and tail and max(len(head + slash), len(tail)) <= COLUMNS:
        return (head + slash, tail)
    return tuple(plain[at : at + COLUMNS] for at in range(0, len(plain), COLUMNS)) or ("",)


def wrap(text: str, columns: int = COLUMNS) -> tuple[str, ...]:
    """Return the cleaned text as lines, broken at spaces, and inside a word only where it is too long."""
    return tuple(textwrap.wrap(clean(" ".join(text.split())), columns, break_on_hyphens=False))


def wrap_path(text: str) -> tuple[str, ...]:
    """Return `wrap`, but a path of a policy, such as "signers.classes.a.load", is broken behind its dots."""
    words: list[str] = []
    for word in text.split():
        line = ""
        for part in re.findall(r"[^.]*\.+|[^.]+", word):
            if line and len(line + part) > COLUMNS:
                words.append(line)
                line = ""
            line += part
        words.append(line)
    return wrap(" ".join(words))


def pages(lines: tuple[str, ...], rows: int = BODY_ROWS) -> tuple[tuple[str, ...], ...]:
    """Return the lines in groups of at most `rows`; one empty page when there are no lines."""
    return tuple(lines[start : start + rows] for start in range(0, len(lines), rows)) or ((),)


def pack(blocks: Iterable[tuple[str, ...]], rows: int) -> tuple[tuple[str, ...], ...]:
    """Return blocks of lines in pages of at most `rows`, none of them cut by the end of a page.

    Args:
        blocks: Each of at most `rows` lines.
        rows: Of a page.
    """
    filled: list[tuple[str, ...]] = [()]
    for block in blocks:
        if len(filled[-1]) + len(block) > rows:
            filled.append(())
        filled[-1] += block
    return tuple(filled)


def count_pages(items: int) -> int:
    """Return how many pages of a body so many items need; at least one."""
    return max(1, -(-items // BODY_ROWS))


def page_mark(page: int, count: int) -> str:
    """Return "2/5" when there are pages to turn; page 0 is the first."""
    return f"{page + 1}/{count}" if count > 1 else ""


def fingerprint_lines(words: tuple[str, ...], half: int) -> tuple[str, ...]:
    """Return six of twelve fingerprint words, two on a line, read line by line.

    Args:
        words: Of the key, the root or the journal.
        half: 0 or 1.
    """
    return word_lines(words[half * 6 : half * 6 + 6])


def word_lines(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return words, two on a line, read line by line."""
    return tuple(
        "".join(f"{word:<11}" for word in words[at : at + 2]).rstrip() for at in range(0, len(words), 2)
    )
