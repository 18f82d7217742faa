"""The buffers of what the operator types, one for each purpose, and the words that PiSM proposed.

The daemon's loop owns one `Entries`. Rules: what stands here leaves only as a view for one picture or as the
bytes of one request; `wipe` overwrites all of it; a repr shows nothing. Times are monotonic seconds.
"""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from kiosk.entry.date import DateEntry
from kiosk.entry.entry import Entry, EntryView, Mode, Outcome
from kiosk.entry.number import NumberEntry


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


class Purpose(StrEnum):
    """What an entry is for; every purpose is one buffer."""

    UNLOCK = "unlock"  # the passphrase of this box
    CURRENT = "current"  # the same, before it is changed
    CHOOSE = "choose"  # a new passphrase of the operator's own; weak ones never finish
    REPEAT = "repeat"  # CHOOSE once more: EntryFinished.same says how; or the proposed words, until right
    IDENTITY = "identity"  # the passphrase of a private key on a stick; taken as it was typed
    DATE = "date"  # 12 digits, yyyymmddhhmm UTC; not secret: EntryFinished.text has them
    DATE_AGAIN = "date-again"  # the same once more
    DRILL = "drill"  # the six words of a drill
    SEAL = "seal"  # the number of a seal; not secret: EntryFinished.text has it


@dataclass(frozen=True, slots=True)
class EntryChanged:
    """The entry's view is another: draw again."""


@dataclass(frozen=True, slots=True)
class EntryFinished:
    """The entry has ended, and it is acceptable.

    Args:
        same: REPEAT and DATE_AGAIN: equal to what was entered before; else True.
        text: The digits of a date or a seal; "" for every secret.
        begun: UNLOCK: only its first three words stand there; it may be resumed.
    """

    same: bool = True
    text: str = ""
    begun: bool = False


@dataclass(frozen=True, slots=True)
class EntryLeft:
    """The operator went back with `*` from an empty entry."""


EntryNews = EntryChanged | EntryFinished | EntryLeft

HOLD_S = 0.6
MIN_BITS = 64
DRILL_WORDS = 6
SEAL_LEGEND = ("All digits of the", "seal that the box is", "put away under.")
BEGINNING_WORDS = 3  # core.crypto.passphrase, which takes long to load

Estimate = Callable[[str], float]


class Entries:
    """All that is being typed.

    Args:
        propose: Makes the proposed words (core.crypto.passphrase.propose_words).
        estimate: Bits of a text (core.crypto.passphrase.estimate_bits).
    """

    def __init__(self, propose: Callable[[], tuple[str, ...]], estimate: Estimate) -> None:
        self._propose = propose
        self._estimate = estimate
        self._proposed: tuple[str, ...] = ()
        self._buffers: dict[Purpose, Entry | DateEntry | NumberEntry] = {}
        self._current: Purpose | None = None
        self._down: tuple[str, float] | None = None

    def propose(self, *, others: bool = False) -> None:
        """Have words that are typed again, instead of one's own.

        Args:
            others: Draw them anew, though there are some, which may be on paper.
        """
        if others or not self._proposed:
            self._proposed = self._propose()
        self._drop(Purpose.CHOOSE)

    def start(self, purpose: Purpose) -> None:
        """Begin an empty entry for `purpose`."""
        self._drop(purpose)
        entry: Entry | DateEntry | NumberEntry
        if purpose in (Purpose.DATE, Purpose.DATE_AGAIN):
            entry = DateEntry()
        elif purpose is Purpose.SEAL:
            entry = NumberEntry(SEAL_LEGEND)
        elif purpose is Purpose.UNLOCK:
            entry = Entry(beginning=BEGINNING_WORDS)
        elif purpose is Purpose.CHOOSE:
            entry = Entry(estimate=self._estimate)
        elif purpose is Purpose.DRILL:
            entry = Entry(modes=(Mode.WORDS,), total=DRILL_WORDS)
        elif purpose is Purpose.REPEAT and self._repeats_proposed:
            entry = Entry(modes=(Mode.WORDS,), total=len(self._proposed))
        else:
            entry = Entry()
        self._buffers[purpose] = entry
        self._current = purpose
        self._down = None

    def correct(self, purpose: Purpose, *, refused: bool) -> None:
        """Go on with what was typed for `purpose`.

        Args:
            purpose: Of an entry that was started and not wiped.
            refused: It was tried and is wrong: it is not taken once more as it stands.
        """
        self._current = purpose
        self._down = None
        self._buffers[purpose].correct(refused=refused)

    def resume(self, purpose: Purpose) -> None:
        """Go on where an entry had begun."""
        self._current = purpose
        self._down = None
        entry = self._buffers[purpose]
        if isinstance(entry, Entry):
            entry.resume()

    def feed(self, key: str, now_s: float, *, down: bool) -> EntryNews | None:
        """Hand a key to the entry and return what came of it, None for nothing to redraw."""
        entry = self._entry()
        if entry is None:
            return None
        if not down:
            self._down = None
            return self._judge(entry, entry.release(key, now_s))
        self._down = (key, now_s + HOLD_S)
        return self._judge(entry, entry.press(key, now_s))

    def tick(self, now_s: float) -> EntryNews | None:
        """Let time pass: a key may have become a held one; the view may have changed by itself."""
        entry = self._entry()
        if entry is None:
            return None
        if self._down is not None and now_s >= self._down[1]:
            key, self._down = self._down[0], None
            return self._judge(entry, entry.held(key, now_s))
        return EntryChanged()

    def next_change_s(self, now_s: float) -> float | None:
        """Return when `tick` wants to be called, None when not at all."""
        entry = self._entry()
        if entry is None:
            return None
        due = [at for at in (entry.next_change(now_s), self._down and self._down[1]) if at is not None]
        return min(due, default=None)

    def entry_view(self, now_s: float) -> EntryView | None:
        """Return what may be drawn of the running entry."""
        entry = self._entry()
        return None if entry is None else entry.view(now_s)

    def proposal_view(self) -> ProposalView | None:
        """Return the proposed words for the pages that show them."""
        return ProposalView(self._proposed) if self._proposed else None

    def for_request(self, purpose: Purpose) -> bytes | str:
        """Return what a request is to carry of a buffer; it stays until `wipe`.

        A passphrase of this box is canonical, one that others made as it was typed; a drill's words are text.
        """
        if purpose is Purpose.IDENTITY:
            return bytes(self._buffers[purpose].secret())
        canonical = self._canonical(purpose)
        return canonical.decode() if purpose is Purpose.DRILL else canonical

    def _canonical(self, purpose: Purpose) -> bytes:
        from core.crypto.passphrase import canonical

        return canonical(self._buffers[purpose].secret().decode())

    def wipe(self) -> None:
        """Overwrite and drop every buffer and the proposal."""
        for entry in self._buffers.values():
            entry.wipe()
        self._buffers.clear()
        self._proposed = ()
        self._current = None
        self._down = None

    def __repr__(self) -> str:
        """Return nothing of what is in it."""
        return "Entries(redacted)"

    @property
    def _repeats_proposed(self) -> bool:
        """Whether REPEAT is the proposed words, not a passphrase of one's own."""
        return bool(self._proposed) and Purpose.CHOOSE not in self._buffers

    def _drop(self, purpose: Purpose) -> None:
        """Overwrite and drop one buffer."""
        if (old := self._buffers.pop(purpose, None)) is not None:
            old.wipe()

    def _entry(self) -> Entry | DateEntry | NumberEntry | None:
        return None if self._current is None else self._buffers.get(self._current)

    def _judge(self, entry: Entry | DateEntry | NumberEntry, outcome: Outcome) -> EntryNews | None:
        match outcome:
            case Outcome.NOTHING:
                return None
            case Outcome.CHANGED:
                return EntryChanged()
            case Outcome.BEGUN:
                return EntryFinished(begun=True)
            case Outcome.LEAVE:
                return EntryLeft()
            case _:
                return self._finish(entry)

    def _finish(self, entry: Entry | DateEntry | NumberEntry) -> EntryNews | None:
        text = entry.secret()
        match self._current:
            case Purpose.DATE | Purpose.SEAL:
                return EntryFinished(text=text.decode())
            case Purpose.DATE_AGAIN:
                same = text == self._buffers[Purpose.DATE].secret()
                return EntryFinished(same=same, text=text.decode())
            case Purpose.CHOOSE if self._estimate(text.decode()) < MIN_BITS:
                return EntryChanged()  # the view shows the bits; too few never finish
            case Purpose.REPEAT if self._repeats_proposed and isinstance(entry, Entry):
                return self._compare(entry, text.decode().split())
            case Purpose.REPEAT:
                return EntryFinished(
                    same=hmac.compare_digest(self._canonical(Purpose.CHOOSE), self._canonical(Purpose.REPEAT))
                )
            case _:
                return EntryFinished()

    def _compare(self, entry: Entry, typed: list[str]) -> EntryNews:
        """Hold what was typed against the proposed words; the first one that differs is pointed out."""
        for position, (one, wanted) in enumerate(zip(typed, self._proposed, strict=True), 1):
            if not hmac.compare_digest(one, wanted):
                entry.point_out(position)
                return EntryChanged()
        return EntryFinished()
