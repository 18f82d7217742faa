"""How JSON and msgpack from outside become values: the one place where either is decoded.

Rules:
1. A format is a type. Nothing is decoded into "whatever stands there", so nothing is deeper than its type but
   what the library passes over: an unknown key's value, a version's other keys.
2. The size is compared with the format's bound first.
3. Whatever is wrong (a key, a type, bad UTF-8, a nesting that the library refuses to descend) is one
   exception. Its text says what and where; it has no cause, which could quote more.

Bounds of texts and counts stand in the types; that bytes are canonical is for each format to compare.
"""

from collections.abc import Callable
from typing import Any, Final, TypeVar

import msgspec

T = TypeVar("T")
_MAX_TEXT: Final = 200  # a key of a megabyte is not repeated


class DecodingError(ValueError):
    """The bytes are not of the format; whoever knows what they should be says so with a code."""


def json_decoder(kind: type[T], max_bytes: int) -> Callable[[bytes], T]:
    """Return what decodes JSON of a type.

    Args:
        kind: The type, with its bounds.
        max_bytes: Refused above this, before anything is decoded.

    Returns:
        Bytes -> value; it raises DecodingError.
    """
    return _refusing(msgspec.json.Decoder(kind).decode, max_bytes)


def msgpack_decoder(kind: Any, max_bytes: int) -> Callable[[bytes], Any]:
    """Return what decodes msgpack of a type or union; as `json_decoder`."""
    return _refusing(msgspec.msgpack.Decoder(kind).decode, max_bytes)


def _refusing(decode: Callable[[bytes], T], max_bytes: int) -> Callable[[bytes], T]:
    def decode_or_refuse(data: bytes) -> T:
        if len(data) > max_bytes:
            raise DecodingError(f"it has more than {max_bytes} bytes")
        try:
            return decode(data)
        except RecursionError:
            text = "it is nested too deeply"
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            text = str(error)[:_MAX_TEXT]
        raise DecodingError(text)

    return decode_or_refuse
