"""Bytes and JSON made wrong at random, as an attacker or a bug would."""

import json
from collections.abc import Callable, Iterator, MutableMapping, MutableSequence
from random import Random
from typing import Any, Final

NUMBERS: Final = (
    0,
    1,
    -1,
    255,
    256,
    1 << 15,
    1 << 31,
    (1 << 32) - 1,
    1 << 53,
    1 << 63,
    1 << 64,
    -(1 << 63),
    10**40,
)
TEXTS: Final = (
    *(
        "",
        " ",
        "\0",
        "\x1b[2J",
        "\u202eNUR",
        "../../etc/passwd",
        "/",
        "'",
        '"',
        "%s%n",
        "x" * 300,
        "é" * 70_000,
    ),
    *("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2027-02-30T00:00:00Z", "1970-01-01T00:00:00Z"),
    *("0" * 64, "f" * 64, "F" * 64, "00000000-0000-0000-0000-000000000000", "-1", "9" * 30, "1e400", "null"),
)
VALUES: Final = (*NUMBERS, *TEXTS, None, True, False, 1.5, 1e308, [], {}, [[]], [None], {"": None})
_DEPTHS: Final = (50, 1000, 100_000)


def mutate_bytes(random: Random, data: bytes) -> bytes:
    """Return bytes that differ in one to four places."""
    changed = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        at = random.randrange(len(changed) + 1)
        until = min(len(changed), at + random.choice((1, 1, 2, 4, 8, 64, 1024)))
        match random.randrange(7):
            case 0 if at < len(changed):
                changed[at] ^= 1 << random.randrange(8)
            case 1:
                changed[at:until] = random.randbytes(until - at)
            case 2:
                changed[at:until] = random.choice((b"\0", b"\xff")) * (until - at)
            case 3:
                del changed[at:until]
            case 4:
                changed[at:at] = random.randbytes(until - at)
            case 5:
                changed[at:at] = changed[at:until] * random.choice((1, 2, 50))
            case _:
                del changed[at:]
    return bytes(changed)


def mutate_json(random: Random, data: bytes) -> bytes:
    """Return compact JSON that differs in one to three values, keys or entries, its keys in their order."""
    holder: dict[str, Any] = {"": json.loads(data)}
    for _ in range(random.choice((1, 1, 2, 3))):
        if places := list(_places(holder)):  # else all of it is deleted
            _mutate_at(random, *random.choice(places))
    text = json.dumps(holder.get(""), separators=(",", ":"), ensure_ascii=random.random() < 0.5)
    if random.random() < 0.05:
        depth = random.choice(_DEPTHS)
        text = text.replace('""', "[" * depth + "]" * depth, 1)
    return text.encode("utf-8", "surrogatepass")


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each container with each of its keys or places."""
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from _places(value[key])


def _mutate_at(random: Random, place: Any, key: Any) -> None:
    value = place[key]
    edits: list[Callable[[], object]] = [
        lambda: place.__setitem__(key, random.choice(VALUES)),
        lambda: place.__setitem__(key, _near(random, value)),
        lambda: place.__delitem__(key),
    ]
    if isinstance(place, MutableSequence):
        other = random.randrange(len(place))
        edits += [
            lambda: place.insert(other, value),
            lambda: place.insert(other, place.pop(key)),
            lambda: place.extend([value] * random.choice((1, 10, 2000))),
        ]
    if isinstance(place, MutableMapping):
        other_key = random.choice(list(place))
        edits += [
            lambda: place.__setitem__(random.choice(("", "x", "__proto__", "format", key.upper())), value),
            lambda: place.__setitem__(other_key, value),
        ]
    random.choice(edits)()


def _near(random: Random, value: Any) -> Any:
    """Return a value of the same type that is a little different."""
    match value:
        case bool() | None:
            return random.choice(VALUES)
        case int() | float():
            return value + random.choice((1, -1, 1000, -value, value))
        case str() if value:
            at = random.randrange(len(value))
            return value[:at] + random.choice(("", "0", "f", "z", "-", "\0", "é", value)) + value[at + 1 :]
        case list() | dict():
            return type(value)()
        case _:
            return random.choice(VALUES)
