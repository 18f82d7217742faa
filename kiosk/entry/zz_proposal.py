"""What a screen may draw of the words that PiSM proposes at first set-up."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, repr=False)
class ProposalView:
    """The proposed words, for one frame; the daemon makes it, the machine never sees it.

    Args:
        words: All of them, in order.
    """

    words: tuple[str, ...]

    def __repr__(self) -> str:
        """Return how many there are, never one of them."""
        return f"ProposalView({len(self.words)} words, redacted)"
