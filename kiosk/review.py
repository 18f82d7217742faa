"""The pages of a policy under review: each difference on pages of its own, then two for each recipient."""

from kiosk.reports import Proposal
from kiosk.wrap import pages, wrap_path

WORD_PAGES = 2
_ROWS = 4


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
    return max(1, len(difference_pages(proposal)) + WORD_PAGES * len(proposal.recipients))
