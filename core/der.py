"""DER (X.690) taken apart, as far as files of other people need it before a library reads them.

Rules: definite lengths in their one shortest form, nothing beyond the end; what breaks that is a ValueError.
What an element means is for whoever reads it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

INTEGER, OID, SEQUENCE, SET = 0x02, 0x06, 0x30, 0x31
CONSTRUCTED: Final = 0x20  # X.690 8.1.2
_LONG: Final = 0x80
_LONGEST_OID: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """One element.

    Args:
        tag: Its first octet.
        content: What is in it.
        whole: All its octets, tag and length included.
    """

    tag: int
    content: bytes
    whole: bytes

    def children(self) -> tuple["Element", ...]:
        """Return the elements in it.

        Raises:
            ValueError: It holds something else.
        """
        return tuple(read_elements(self.content))


def read_elements(der: bytes) -> Iterator[Element]:
    """Yield the elements that follow one another.

    Raises:
        ValueError: One is cut short, or its length is not in the shortest form (X.690 10.1).
    """
    offset = 0
    while offset < len(der):
        head = der[offset : offset + 2]
        if len(head) < 2:  # noqa: PLR2004  a tag and a length
            raise ValueError("a DER element is cut short")
        length, begin = head[1], offset + 2
        if length & _LONG:
            digits = der[begin : begin + (length & ~_LONG)]
            length = int.from_bytes(digits, "big")
            if not digits or digits[0] == 0 or length < _LONG:
                raise ValueError("a DER length is not in its shortest form")
            begin += len(digits)
        end = begin + length
        if end > len(der):
            raise ValueError("a DER element is cut short")
        yield Element(tag=head[0], content=der[begin:end], whole=der[offset:end])
        offset = end


def encode_element(tag: int, content: bytes) -> bytes:
    """Return DER of one element (X.690 8.1.3)."""
    length = len(content)
    if length < _LONG:
        return bytes([tag, length]) + content
    digits = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, _LONG | len(digits)]) + digits + content


def show_oid(content: bytes) -> str:
    """Return an object identifier in dots (X.690 8.19); of a very long one, its beginning."""
    arcs = [0]
    for octet in content[:_LONGEST_OID]:
        arcs[-1] = arcs[-1] << 7 | octet & 0x7F
        if not octet & 0x80:
            arcs.append(0)
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:-1])))
