"""A passphrase in the making: bytes in one buffer that never moves and can be wiped.

Rules:
1. The buffer is allocated once at its greatest size, so growing leaves no copy behind.
2. What is cut off is overwritten at once.
3. Only ASCII goes in (that is all the keypad can type), so a byte is a character.

`text` and `copy` hand out content; strings made by `text` cannot be wiped and are for one frame only.
"""

import hmac

MAX_BYTES = 128
"""The longest passphrase that can be typed."""

_SPACE = 0x20


class SecretText:
    """At most `max_bytes` ASCII characters, wipeable; its repr tells only the length.

    Args:
        max_bytes: 1 to MAX_BYTES.
    """

    __slots__ = ("_bytes", "_length", "max_bytes")

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        if not 1 <= max_bytes <= MAX_BYTES:
            raise ValueError(f"a passphrase buffer holds 1 to {MAX_BYTES} bytes")
        self.max_bytes = max_bytes
        self._bytes = bytearray(max_bytes)
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def __repr__(self) -> str:
        return f"SecretText({self._length} bytes, redacted)"

    def replace(self, start: int, end: int, new: str) -> bool:
        """Put `new` where start..end stood.

        Returns:
            False, with nothing changed, when the result would not fit.
        """
        tail = self._length - end
        length = start + len(new) + tail
        if length > self.max_bytes:
            return False
        moved = self._bytes[end : self._length]
        self._bytes[start : start + len(new)] = new.encode("ascii")
        self._bytes[start + len(new) : length] = moved
        moved[:] = bytes(tail)
        self._blank(length)
        return True

    def append(self, new: str) -> bool:
        """Put `new` at the end; False when it does not fit."""
        return self.replace(self._length, self._length, new)

    def cut(self, length: int) -> None:
        """Keep the first `length` characters and overwrite the rest."""
        self._blank(length)

    def spans(self) -> tuple[tuple[int, int], ...]:
        """Return (start, end) of each word: of what stands between spaces."""
        spans: list[tuple[int, int]] = []
        start = 0
        for end in range(self._length + 1):
            if end == self._length or self._bytes[end] == _SPACE:
                if end > start:
                    spans.append((start, end))
                start = end + 1
        return tuple(spans)

    def text(self, start: int = 0, end: int | None = None) -> str:
        """Return start..end as a string, for one frame or one estimate."""
        return self._bytes[start : self._length if end is None else end].decode("ascii")

    def equals(self, other: bytearray) -> bool:
        """Tell whether the text is these bytes."""
        return hmac.compare_digest(memoryview(self._bytes)[: self._length], other)

    def copy(self) -> bytearray:
        """Return the bytes; the caller wipes them."""
        return self._bytes[: self._length]

    def wipe(self) -> None:
        """Overwrite everything."""
        self._blank(0)

    def _blank(self, length: int) -> None:
        """End at `length`; overwrite the rest of the buffer in place."""
        self._length = length
        self._bytes[length:] = bytes(self.max_bytes - length)
