"""What cannot be seen is refused in names, and escaped where it is repeated."""

import itertools
import json
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.archive.manifest import decode_manifest, encode_manifest
from core.errors import ArchiveFormatError, ConfigError
from core.export.receipt import verify_receipt
from core.policy.config import parse_config
from core.printable import escape, escape_json, is_printable
from tests.core.archive.test_manifest import make_manifest
from tests.core.test_released import FORMAT_1

SHIPPED = Path(__file__).parents[2] / "config.yaml"

UNSEEN = {
    "escape": "\x1b[8m",
    "C1": "\x9b8m",
    "bell": "\a",
    "delete": "\x7f",
    "new line": "\n",
    "line separator": "\u2028",
    "right to left": "\u202e",
    "isolate": "\u2066",
    "zero width": "\u200b",
    "joiner": "\u200d",
    "soft hyphen": "\xad",
    "byte order mark": "\ufeff",
    "filler": "\u3164",
    "variant": "\ufe0f",
    "blank of Braille": "\u2800",
    "another space": "\u2003",
    "unassigned": "\u0378",
    "private": "\ue000",
    "tag": "\U000e0041",
}
"""What hides, turns round or forges text on a terminal."""


@pytest.mark.parametrize("hidden", UNSEEN.values(), ids=UNSEEN)
def test_what_cannot_be_seen_is_not_printable_and_is_escaped(hidden: str) -> None:
    assert not is_printable(f"a{hidden}b")
    assert is_printable(escape(f"a{hidden}b"))
    assert escape(hidden[0]).isascii()


@pytest.mark.parametrize(
    "text", ["", "Example Virtual Worlds", "Ωmega Wörlds", "世界", "a-b_c.d e", "e\u0301"]
)
def test_what_can_be_seen_stays(text: str) -> None:
    assert is_printable(text)
    assert escape(text) == text


@given(st.text())
def test_nothing_that_a_terminal_obeys_is_left(text: str) -> None:
    assert all(unicodedata.category(char)[0] != "C" for char in escape(text))


@given(st.text())
def test_escaped_json_says_the_same(text: str) -> None:
    data = escape_json(json.dumps({"a": text}, ensure_ascii=False, indent=1).encode())
    assert json.loads(data) == {"a": text}
    assert is_printable(data.decode().replace("\n", ""))


def leaves(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the place of every text in decoded JSON."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from leaves(inner, (*path, number))
    elif isinstance(value, str):
        yield path


def hide_in(data: bytes, path: tuple[str | int, ...], hidden: str) -> bytes:
    """Return canonical JSON with something hidden in one of its texts."""
    value = json.loads(data)
    inner = value
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] += hidden
    return msgspec.json.encode(value, order="sorted")


def every_text(data: bytes) -> list[bytes]:
    """Return the JSON as often as it has texts, each time with something else hidden in the next one."""
    places = list(leaves(json.loads(data)))
    assert places
    hidden = itertools.cycle(UNSEEN.values())
    return [hide_in(data, place, next(hidden)) for place in places]


def test_no_text_of_a_manifest_holds_what_cannot_be_seen() -> None:
    for data in every_text(encode_manifest(make_manifest())):
        with pytest.raises(ArchiveFormatError):
            decode_manifest(data)


def test_no_text_of_a_receipt_holds_what_cannot_be_seen(released: bytes) -> None:
    for data in every_text(released):
        with pytest.raises(ArchiveFormatError):
            verify_receipt(data, {})


@pytest.fixture
def released() -> bytes:
    return next(FORMAT_1.archives.glob("pism-receipt-*.json")).read_bytes()


@pytest.mark.parametrize("hidden", UNSEEN.values(), ids=UNSEEN)
def test_no_name_of_an_authority_holds_what_cannot_be_seen(hidden: str) -> None:
    for place in (("authority", "name"), ("authority", "domain")):
        with pytest.raises(ArchiveFormatError):
            decode_manifest(hide_in(encode_manifest(make_manifest()), place, hidden))


@pytest.mark.parametrize("hidden", UNSEEN.values(), ids=UNSEEN)
def test_no_text_of_the_config_holds_what_cannot_be_seen(hidden: str) -> None:
    text = SHIPPED.read_text(encoding="utf-8")
    value = text.partition("name: ")[2].partition(",")[0]
    written = json.dumps(f"{value}{hidden}x")
    with pytest.raises(ConfigError):
        parse_config(text.replace(value, written, 1).encode(), "config.yaml")
    if hidden != "\n":  # YAML reads it as a space
        with pytest.raises(ConfigError):
            parse_config(text.replace(value, f'"{value}{hidden}x"', 1).encode(), "config.yaml")
