"""Passphrase entry on sixteen keys: by words, by text, by digits; and what a screen may draw of it.

Rules:
1. The secret stands in one wipeable buffer of at most 128 bytes; the three modes are three ways to
   type into it, so "correct horse 42!" may begin in words and end in text.
2. An Entry does no I/O and reads no clock: the caller passes monotonic seconds with every call and
   asks `next_change` when the view will change by itself.
3. The state of the machine never holds an Entry or a view of one.
4. A word enters by a candidate key, or by itself when it is the only one left. An entry ends by `#`; where
   the number of words is known, by the last of them.
5. What was refused is not handed out once more as it stands.

    key      words, letters typed   words, none typed     text                    digits
    0-9      2-9 letter; 0, 1 dead  2-9 letter            the key's characters    the digit
    A        first candidate        word before           abc / ABC               -
    B        second candidate       word after            symbols / letters       -
    C        third candidate        next mode             next mode               next mode
    D        fourth candidate       show all while held   show all while held     show all while held
    *        a letter back          the word here back    a character back        a character back
    * held   all letters back       -                     back to the last space  back to the last space
    #        the one candidate      done, when complete   done, when not empty    done, when not empty
    * on an empty entry leaves it, and so it does where a word was pointed out; where no word is here, it
    takes the one before. A digit key held in text types its digit. While a word is missing between others,
    `#` and the next mode are dead.

Left to others: when a press becomes a hold (the daemon), how a view looks (the screens), what is strong
enough and how the bytes are made canonical (core.crypto.passphrase).
"""

from collections.abc import Callable

from kiosk.entry.secret import MAX_BYTES, SecretText
from kiosk.entry.text import DIGITS, LEGEND, LOWER, SYMBOLS, TextEntry, next_layer
from kiosk.entry.view import (
    EntryView,
    Mode,
    Outcome,
    layer_choices,
    text_line,
    word_choices,
    words_line,
    words_shown,
)
from kiosk.entry.words import WordEntry

__all__ = ["CHOICES_AFTER_S", "Entry", "EntryView", "Mode", "Outcome"]

CHOICES_AFTER_S = 1.5
"""In words mode what A to D do between two words is named this long after the last key, in seconds: drawn and
wiped with every word it would cost more of the display's bus than all letters do. The keys act at once."""

_NO_CHOICES = tuple((key, "") for key in "ABCD")


class Entry:
    """One passphrase being typed.

    Args:
        modes: The modes that the mode key goes through; the first is where it begins.
        total: How many words are wanted, None when any number will do.
        beginning: After how many words something else comes first; 0 for nothing.
        estimate: Bits of a text, when one is being chosen (core.crypto.passphrase.estimate_bits); else None.
        max_bytes: The longest text, 1 to 128.
    """

    __slots__ = (
        "_beginning",
        "_bits",
        "_estimate",
        "_mode",
        "_modes",
        "_pointed_at",
        "_pressed_at",
        "_refused",
        "_showing",
        "_text",
        "_typing",
        "_unchanged",
        "_words",
    )

    def __init__(
        self,
        *,
        modes: tuple[Mode, ...] = tuple(Mode),
        total: int | None = None,
        beginning: int = 0,
        estimate: Callable[[str], float] | None = None,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self._text = SecretText(max_bytes)
        self._words = WordEntry(self._text, total)
        self._typing = TextEntry(self._text)
        self._modes = modes
        self._beginning = beginning
        self._estimate = estimate
        self._showing = False
        self._bits: int | None = None
        self._pressed_at: float | None = None
        self._refused = bytearray()  # the text that was
        self._unchanged = False  # and `#` was pressed on it again
        self._pointed_at: int | None = None  # the place of a word that differs
        self._enter(modes[0])

    def press(self, key: str, now: float) -> Outcome:
        """Take a key that went down.

        Args:
            key: One of hw.ports.KEYS.
            now: Monotonic seconds.
        """
        was_showing, self._showing = self._showing, False
        self._pressed_at = now
        was_unchanged, self._unchanged = self._unchanged, False
        outcome = self._press_words(key, now) if self._mode is Mode.WORDS else self._press_text(key, now)
        if outcome is Outcome.DONE and self._refused and self._text.equals(self._refused):
            self._unchanged = True
            return Outcome.CHANGED
        return self._noted(outcome, redraw=was_showing or was_unchanged)

    def held(self, key: str, now: float) -> Outcome:
        """Take a key that has been down for as long as the daemon calls a hold; its press came before."""
        changed = False
        if key == "*":
            changed = self._words.clear_letters() if self._mode is Mode.WORDS else self._typing.delete_word()
        elif key.isdigit() and self._mode is Mode.TEXT:
            changed = self._typing.hold(key, now)
        return self._noted(_changed(changed))

    def release(self, key: str, now: float) -> Outcome:
        """Take a key that came up."""
        was_showing = self._showing and key == "D"
        if was_showing:
            self._showing = False
        masked = self._typing.release(key, now)
        return _changed(was_showing or masked)

    def next_change(self, now: float) -> float | None:
        """Return the monotonic second at which the view changes without a key; None when it will not."""
        if self._mode is Mode.WORDS:
            due = None if self._pressed_at is None else self._pressed_at + CHOICES_AFTER_S
            return due if due is not None and now < due and not self._words.typed else None
        return self._typing.next_change(now)

    def view(self, now: float) -> EntryView:
        """Return what a screen may draw at this instant."""
        words, layer = self._words, self._typing.layer
        in_words = self._mode is Mode.WORDS
        return EntryView(
            mode=self._mode,
            position=words.position if in_words else words.count + 1,
            count=words.count,
            total=words.total,
            typed=words.typed,
            line=words_line(words) if in_words else text_line(self._text, clear=self._typing.visible(now)),
            candidates=words.candidates,
            choices=self._named_choices(now),
            legend=LEGEND if layer == SYMBOLS and not in_words else (),
            layer="" if in_words else layer,
            shown=words_shown(self._text, words) if self._showing else None,
            length=len(self._text),
            full=len(self._text) == self._text.max_bytes,
            bits=self._estimated(),
            complete=self._complete(),
            missing=words.missing,
            unchanged=self._unchanged,
            differs=self._points_here(),
        )

    def secret(self) -> bytearray:
        """Return a copy of the bytes typed; the caller wipes it."""
        return self._text.copy()

    def go_to(self, position: int) -> bool:
        """Stand at the word of that number, 1 first, to replace it; False when there is none."""
        return self._mode is Mode.WORDS and self._words.go_to(position - 1)

    def point_out(self, position: int) -> None:
        """Stand at the word of that number and say that it is not the one that is wanted."""
        self.go_to(position)
        self._pointed_at = position - 1

    def resume(self) -> None:
        """Go on behind the last word: no key is meant for it any more."""
        self._words.go_to_end()

    def correct(self, *, refused: bool) -> None:
        """Let what was typed be corrected: words from the last one on, or from the one that was pointed out.

        Args:
            refused: It was tried and is wrong: `#` does not end the entry before something is changed.
        """
        if refused:
            self._forget_refused()
            self._refused = self._text.copy()
        if self._pointed_at is None:
            self.go_to(self._words.count)

    def wipe(self) -> None:
        """Overwrite the secret and begin anew."""
        self._text.wipe()
        self._words.wipe()
        self._typing.wipe()
        self._showing = False
        self._bits = None
        self._pressed_at = None
        self._forget_refused()
        self._unchanged = False
        self._pointed_at = None
        self._enter(self._modes[0])

    def __repr__(self) -> str:
        """Return the mode and the length; never content."""
        return f"Entry(mode={self._mode.value}, length={len(self._text)}, redacted)"

    def _press_words(self, key: str, now: float) -> Outcome:
        """Take a key in words mode."""
        words = self._words
        if key == "*":
            return self._go_back()
        if key.isdigit():
            return self._ended(words.type_letter(key, now))
        if words.typed:
            return self._ended(words.pick(key, now))
        if words.guarded(key, now):
            return Outcome.NOTHING
        if key == "#":
            return Outcome.DONE if words.complete else Outcome.NOTHING
        return self._press_choice(key)

    def _go_back(self) -> Outcome:
        """Take `*` in words mode."""
        if self._points_here():
            return Outcome.LEAVE
        if not self._words.typed:
            self._pointed_at = None
        return Outcome.CHANGED if self._words.delete() else Outcome.LEAVE

    def _ended(self, changed: bool) -> Outcome:  # noqa: FBT001  as for _changed
        """Return what a letter or a pick did: the last of a known number of words ends the entry."""
        words = self._words
        if changed and not words.typed:
            self._pointed_at = None
            if words.total is not None and words.complete:
                return Outcome.DONE
            return self._begun()
        return _changed(changed)

    def _begun(self) -> Outcome:
        """Return what it is to have come behind a word: the last of a beginning halts."""
        words = self._words
        is_begun = words.complete and words.count == words.slot == self._beginning
        return Outcome.BEGUN if is_begun else Outcome.CHANGED

    def _points_here(self) -> bool:
        """Tell whether the word at this place was pointed out and nothing is typed in its place yet."""
        words = self._words
        return self._mode is Mode.WORDS and not words.typed and words.slot == self._pointed_at

    def _press_text(self, key: str, now: float) -> Outcome:
        """Take a key in text or digits mode."""
        if key == "*":
            return Outcome.CHANGED if self._typing.delete() else Outcome.LEAVE
        if key == "#":
            return Outcome.DONE if self._complete() else Outcome.NOTHING
        if key.isdigit():
            return _changed(self._typing.press(key, now))
        return self._press_choice(key)

    def _press_choice(self, key: str) -> Outcome:
        """Take one of A to D while it stands for a choice."""
        if key not in (choice for choice, _ in self._choices()):
            return Outcome.NOTHING
        if key == "D":
            self._showing = True
        elif key == "C":
            self._enter(self._next_mode())
        elif self._mode is Mode.WORDS:
            self._words.go_to(self._words.slot + (1 if key == "B" else -1))
            return self._begun()
        else:
            self._typing.use(next_layer(key, self._typing.layer))
        return Outcome.CHANGED

    def _enter(self, mode: Mode) -> None:
        """Begin a mode at the end of what is typed."""
        self._mode = mode
        self._words.go_to_end()
        self._typing.use(DIGITS if mode is Mode.DIGITS else LOWER)

    def _next_mode(self) -> Mode:
        """Return the mode that the mode key leads to."""
        return self._modes[(self._modes.index(self._mode) + 1) % len(self._modes)]

    def _choices(self) -> tuple[tuple[str, str], ...]:
        """Return what A to D do while they offer no words."""
        if self._mode is Mode.WORDS:
            own = word_choices(self._words)
        else:
            own = layer_choices(self._typing.layer) if self._mode is Mode.TEXT else ()
        may_change = len(self._modes) > 1 and self._words.missing is None
        mode = (("C", self._next_mode().value),) if may_change else ()
        return (*own, *mode, ("D", "hold see"))

    def _named_choices(self, now: float) -> tuple[tuple[str, str], ...]:
        """Return what A to D do, or the bare keys while their names would be wiped at once."""
        if self._mode is Mode.WORDS:
            if self._words.candidates:
                return ()
            in_flow = self._pressed_at is not None and now - self._pressed_at < CHOICES_AFTER_S
            if self._words.typed or in_flow:
                return _NO_CHOICES
        return self._choices()

    def _complete(self) -> bool:
        """Tell whether `#` would finish."""
        # Spaces alone are no passphrase (core.crypto.passphrase.canonical).
        return self._words.complete if self._mode is Mode.WORDS else bool(self._text.spans())

    def _estimated(self) -> int | None:
        """Return the strength in whole bits, reckoned once for each text."""
        if self._estimate is None:
            return None
        if self._bits is None:
            self._bits = int(self._estimate(self._text.text()))
        return self._bits

    def _forget_refused(self) -> None:
        """Overwrite the text that was refused."""
        self._refused[:] = bytes(len(self._refused))
        self._refused = bytearray()

    def _noted(self, outcome: Outcome, *, redraw: bool = False) -> Outcome:
        """Return what a key did; a text that changed is estimated anew."""
        if outcome is Outcome.CHANGED:
            self._bits = None
        elif redraw and outcome is Outcome.NOTHING:
            return Outcome.CHANGED
        return outcome


def _changed(changed: bool) -> Outcome:  # noqa: FBT001 - it has this one argument
    """Return the outcome of a key that did something or nothing."""
    return Outcome.CHANGED if changed else Outcome.NOTHING
