"""A number as it is printed on something: one to twelve digits, of which none is left out.

Leading zeros count. `#` ends it, `*` takes a digit back, or leads out of an empty one. It is no secret; it is
a buffer like the others all the same (kiosk.entry.buffers).
"""

from typing import Final

from kiosk.entry.view import EntryView, Mode, Outcome

MAX_DIGITS: Final = 12


class NumberEntry:
    """One number being typed; what it shares with kiosk.entry.entry.Entry means the same.

    Args:
        legend: What is to be typed, at most three lines.
    """

    __slots__ = ("_digits", "_legend")

    def __init__(self, legend: tuple[str, ...]) -> None:
        self._digits = ""
        self._legend = legend

    def press(self, key: str, _now: float) -> Outcome:
        """Take a key that went down."""
        if key == "*":
            if not self._digits:
                return Outcome.LEAVE
            self._digits = self._digits[:-1]
            return Outcome.CHANGED
        if key == "#":
            return Outcome.DONE if self._digits else Outcome.NOTHING
        if not key.isdigit() or len(self._digits) == MAX_DIGITS:
            return Outcome.NOTHING
        self._digits += key
        return Outcome.CHANGED

    def held(self, key: str, _now: float) -> Outcome:
        """Take a key that is held: `*` takes all back."""
        if key != "*" or not self._digits:
            return Outcome.NOTHING
        self.wipe()
        return Outcome.CHANGED

    def release(self, _key: str, _now: float) -> Outcome:
        """Take a key that came up."""
        return Outcome.NOTHING

    def next_change(self, _now: float) -> None:
        """Return that nothing changes without a key."""

    def view(self, _now: float) -> EntryView:
        """Return what a screen may draw."""
        is_full = len(self._digits) == MAX_DIGITS
        return EntryView(
            mode=Mode.DIGITS,
            line=self._digits + ("" if is_full else "_"),
            legend=self._legend,
            length=len(self._digits),
            full=is_full,
            complete=bool(self._digits),
        )

    def secret(self) -> bytearray:
        """Return the digits."""
        return bytearray(self._digits.encode())

    def correct(self, *, refused: bool) -> None:
        """Let what was typed be corrected; it is taken again as it stands."""

    def wipe(self) -> None:
        """Begin anew."""
        self._digits = ""
