"""Text cut to the panel: lines of 21 characters, pages of three lines, names that must fit.

Pure, and shared by rules (how many pages are there) and screens (what stands on one).
"""

import re
import textwrap

COLUMNS = 21
BODY_ROWS = 3
BIG_COLUMNS = 10


def clean(text: str) -> str:
    """Return the text, equally long, with "?" for every character that the font lacks."""
    return "".join(c if " " <= c <= "~" or "\xa1" <= c <= "\xff" else "?" for c in text)


def fit(text: str, columns: int = COLUMNS) -> str:
    """Return the cleaned text, its end replaced by ".." when it has more characters than columns."""
    plain = clean(text)
    return plain if len(plain) <= columns else plain[: columns - 2].rstrip() + ".."


def fit_path(path: str, columns: int = COLUMNS) -> str:
    """Return "class/target" with the class shortened first: the target tells more."""
    plain = clean(path)
    if len(plain) <= columns:
        return plain
    head, slash, tail = plain.partition("/")
    room = columns - len(slash + tail) - 2
    return f"{head[:room]}..{slash}{tail}" if slash and room > 0 else fit(tail or head, columns)


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
    six = words[half * 6 : half * 6 + 6]
    return tuple("".join(f"{word:<11}" for word in six[at : at + 2]).rstrip() for at in range(0, len(six), 2))


def size_text(size_bytes: int) -> str:
    """Return the size of a stick as it is printed on sticks."""
    gigabytes = size_bytes / 1e9
    return f"{gigabytes:.1f} GB" if gigabytes >= 1 else f"{size_bytes / 1e6:.0f} MB"
