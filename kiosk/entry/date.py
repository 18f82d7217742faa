"""A date and time as eleven digits, each taken only where a date can go on with it: 2026-11-23 15:34, UTC.

Rules:

1. The first digit of the year is there already: it is 2 until 2199. Who types it all the same does no harm.
2. A digit that no date goes on with is dead: month 13 and 31 April cannot be typed.
3. The last digit ends the entry. What was typed can be corrected from its end.

It is no secret; it is a buffer like the others all the same (kiosk.entry.buffers).
"""

from typing import Final

from kiosk.entry.view import EntryView, Mode, Outcome
from kiosk.text.dates import DATE_DIGITS, can_begin_date, group_date

_GIVEN: Final = "2"
_LEGEND: Final = ("Year, month, day,", "hour, minute, in UTC")


class DateEntry:
    """One date being typed; what it shares with kiosk.entry.entry.Entry means the same."""

    __slots__ = ("_digits",)

    def __init__(self) -> None:
        self._digits = _GIVEN

    def press(self, key: str, _now: float) -> Outcome:
        """Take a key that went down."""
        if key == "*":
            return self._cut(len(self._digits) - 1)
        if key == "#" and len(self._digits) == DATE_DIGITS:
            return Outcome.DONE
        if not key.isdigit() or not can_begin_date(self._digits + key):
            return Outcome.NOTHING
        self._digits += key
        return Outcome.DONE if len(self._digits) == DATE_DIGITS else Outcome.CHANGED

    def held(self, key: str, _now: float) -> Outcome:
        """Take a key that is held: `*` takes all back."""
        return self._cut(len(_GIVEN)) if key == "*" and self._digits != _GIVEN else Outcome.NOTHING

    def release(self, _key: str, _now: float) -> Outcome:
        """Take a key that came up."""
        return Outcome.NOTHING

    def next_change(self, _now: float) -> None:
        """Return that nothing changes without a key."""

    def view(self, _now: float) -> EntryView:
        """Return what a screen may draw."""
        possible = "".join(digit for digit in "0123456789" if can_begin_date(self._digits + digit))
        is_whole = len(self._digits) == DATE_DIGITS
        return EntryView(
            mode=Mode.DIGITS,
            line=group_date(self._digits) + ("" if is_whole else "_"),
            legend=(*_LEGEND, f"Next: {possible}") if possible else _LEGEND,
            length=len(self._digits) - len(_GIVEN),
            complete=is_whole,
        )

    def secret(self) -> bytearray:
        """Return the digits typed and given."""
        return bytearray(self._digits.encode())

    def correct(self, *, refused: bool) -> None:
        """Let what was typed be corrected; a date is taken again as it stands."""

    def wipe(self) -> None:
        """Begin anew."""
        self._digits = _GIVEN

    def _cut(self, length: int) -> Outcome:
        """Keep so many digits; fewer than are given is the way out."""
        if length < len(_GIVEN):
            return Outcome.LEAVE
        self._digits = self._digits[:length]
        return Outcome.CHANGED
