"""Characters by telephone keys: letters and symbols by repeated presses, digits by one.

Rules:
1. The same key within one second turns the character over; another key, one second, or a change of
   layer fixes it. While the key is down it does not run out.
2. A digit key held types its digit in place of the character that its press made.
3. The last character is visible for one second after it was typed; no older one ever is.
4. A character that does not fit is refused; the last one that did fit can still be turned over.
"""

from kiosk.entry.secret import MAX_BYTES, SecretText

REVEAL_S = 1.0
"""How long the last character is visible, and how long a key turns it over, in seconds."""

_LOWER = {
    "1": ".,?!-1", "2": "abc2", "3": "def3", "4": "ghi4", "5": "jkl5",
    "6": "mno6", "7": "pqrs7", "8": "tuv8", "9": "wxyz9", "0": " 0",
}  # fmt: skip
_SYMBOLS = {
    "1": ".,?!", "2": "'\"`", "3": "-_~", "4": "()<>", "5": "[]{}",
    "6": "/\\|", "7": "+=*", "8": ":;^", "9": "@#&", "0": " $%",
}  # fmt: skip

LOWER, UPPER, SYMBOLS, DIGITS = "abc", "ABC", "!?#", "123"
"""The layers, by the names that a screen shows."""

_LAYERS = {
    LOWER: _LOWER,
    UPPER: {key: characters.upper() for key, characters in _LOWER.items()},
    SYMBOLS: _SYMBOLS,
    DIGITS: {key: key for key in "0123456789"},
}

LEGEND = ("1 .,?!  2 '\"`  3 -_~", "4 ()<>  5 []{}  6 /\\|", "7 +=*   8 :;^   9 @#&", "0 space $ %")
"""What the digit keys type in the layer of symbols."""


_TYPED = frozenset("".join(keys for layer in _LAYERS.values() for keys in layer.values()).encode())


def can_type(passphrase: bytes) -> bool:
    """Return whether the panel's keys can type a passphrase."""
    return len(passphrase) <= MAX_BYTES and _TYPED.issuperset(passphrase)


def next_layer(key: str, layer: str) -> str:
    """Return the layer that A (upper, lower) or B (symbols, letters) leads to."""
    if key == "A":
        return UPPER if layer == LOWER else LOWER
    return LOWER if layer == SYMBOLS else SYMBOLS


class TextEntry:
    """The text and digits modes of an entry.

    Args:
        text: The buffer that all modes share.
    """

    __slots__ = ("_down", "_layer", "_pending", "_text", "_turn", "_typed_at")

    def __init__(self, text: SecretText) -> None:
        self._text = text
        self._layer = LOWER
        self._pending: str | None = None
        self._turn = 0
        self._typed_at: float | None = None
        self._down: str | None = None

    @property
    def layer(self) -> str:
        """Which characters the keys type: LOWER, UPPER, SYMBOLS or DIGITS."""
        return self._layer

    def use(self, layer: str) -> None:
        """Fix the character in work and change the layer."""
        self._pending = None
        self._layer = layer

    def press(self, key: str, now: float) -> bool:
        """Take a digit key; False when the character does not fit."""
        self._down = None  # whatever was down: a key that comes down again came up, heard or not
        self.settle(now)
        cycle = _LAYERS[self._layer][key]
        self._down = key
        if self._pending == key:
            self._turn = (self._turn + 1) % len(cycle)
            self._swap_last(cycle[self._turn])
        elif self._text.append(cycle[0]):
            self._turn = 0
            self._pending = key if len(cycle) > 1 else None
        else:
            return False
        self._typed_at = now
        return True

    def hold(self, key: str, now: float) -> bool:
        """Take a digit key held: its digit stands for what its press typed; False when it typed nothing."""
        if self._pending != key:
            return False
        self._swap_last(key)
        self._pending = None
        self._typed_at = now
        return True

    def release(self, key: str, now: float) -> bool:
        """Take a key's release; True when the last character is masked by it."""
        if key != self._down:
            return False
        was_visible = self.visible(now)
        self._down = None
        self.settle(now)
        return was_visible and not self.visible(now)

    def delete(self) -> bool:
        """Take back the last character; False when there is none."""
        self._fix()
        if not len(self._text):
            return False
        self._text.cut(len(self._text) - 1)
        return True

    def delete_word(self) -> bool:
        """Take back all characters behind the last space; False when there are none."""
        self._fix()
        spans = self._text.spans()
        if not spans or spans[-1][1] != len(self._text):
            return False
        self._text.cut(spans[-1][0])
        return True

    def settle(self, now: float) -> None:
        """Fix the character in work when its second is over and its key is up."""
        if self._pending is not None and not self.visible(now):
            self._pending = None

    def visible(self, now: float) -> bool:
        """Tell whether the last character may be shown."""
        if self._typed_at is None:
            return False
        turning = self._pending is not None and self._pending == self._down
        return turning or now < self._typed_at + REVEAL_S

    def next_change(self, now: float) -> float | None:
        """Return when the last character will be masked without a key, None when no such time is known."""
        if self._typed_at is None or now >= self._typed_at + REVEAL_S:
            return None
        return self._typed_at + REVEAL_S

    def wipe(self) -> None:
        """Forget what is in work; the buffer is wiped by its owner."""
        self._fix()
        self._down = None
        self._layer = LOWER

    def _fix(self) -> None:
        """Let the last character be neither turned over nor shown."""
        self._pending = None
        self._typed_at = None

    def _swap_last(self, character: str) -> None:
        """Put another character in place of the last one."""
        end = len(self._text)
        self._text.replace(end - 1, end, character)

    def __repr__(self) -> str:
        return f"TextEntry(layer={self._layer!r}, redacted)"
