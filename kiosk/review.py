"""The pages of a policy under review: its stick, each difference, then two pages for each recipient."""

from kiosk.reports import Proposal
from kiosk.text.wrap import fit, pages, wrap_path

WORD_PAGES = 2
_ROWS = 4


def source_lines(proposal: Proposal) -> tuple[str, ...]:
    """Return the page that says what a stick brought, before all others; none for the box's own policy."""
    if not proposal.source:
        return ()
    changes, recipients = len(proposal.differences), len(proposal.recipients)
    what = _count(changes, "difference") if changes else _count(recipients, "recipient")
    return (fit(proposal.authority), what, *(f"{name}: not taken" for name in proposal.untaken))


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


def difference_pages(proposal: Proposal) -> tuple[tuple[str, ...], ...]:
    """Return the differences as pages of lines; none at all when nothing differs."""
    return tuple(page for text in proposal.differences for page in pages(wrap_path(text), _ROWS))


def fingerprint_lines(words: tuple[str, ...], half: int) -> tuple[str, ...]:
    """Return six of twelve fingerprint words, two on a line, read line by line.

    Args:
        words: Of the key, the root or the journal.
        half: 0 or 1.
    """
    six = words[half * 6 : half * 6 + 6]
    return tuple("".join(f"{word:<11}" for word in six[at : at + 2]).rstrip() for at in range(0, len(six), 2))


def count_review_pages(proposal: Proposal) -> int:
    """Return how many pages the review has; at least one."""
    front = bool(source_lines(proposal)) + len(difference_pages(proposal))
    return max(1, front + WORD_PAGES * len(proposal.recipients))
