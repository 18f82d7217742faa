"""The buffer of a passphrase."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.entry.secret import MAX_BYTES, SecretText


def filled(text: str, max_bytes: int = MAX_BYTES) -> SecretText:
    secret = SecretText(max_bytes)
    assert secret.append(text)
    return secret


@pytest.mark.parametrize("size", [0, MAX_BYTES + 1])
def test_size_is_1_to_128(size: int) -> None:
    with pytest.raises(ValueError, match="1 to 128"):
        SecretText(size)


def test_takes_exactly_128_bytes() -> None:
    secret = filled("x" * 128)
    assert not secret.append("y")
    assert secret.copy() == b"x" * 128


@settings(deadline=None)
@given(
    st.text("ab ", max_size=20),
    st.integers(0, 20),
    st.integers(0, 20),
    st.text("cd ", max_size=12),
    st.integers(1, 30),
)
def test_replace_is_the_slice_of_a_string(old: str, start: int, end: int, new: str, room: int) -> None:
    start, end = sorted((min(start, len(old)), min(end, len(old))))
    room = max(room, len(old), 1)
    secret = filled(old, room)
    wanted = old[:start] + new + old[end:]
    fits = secret.replace(start, end, new)
    assert fits == (len(wanted) <= room)
    assert secret.text() == (wanted if fits else old)
    assert bytes(secret._bytes) == secret.copy() + bytes(room - len(secret))


@settings(deadline=None)
@given(st.text("a ", max_size=20))
def test_spans_are_the_words(text: str) -> None:
    secret = filled(text)
    assert [secret.text(*span) for span in secret.spans()] == text.split()


def test_what_is_cut_or_wiped_is_overwritten_in_place() -> None:
    secret = filled("correct horse")
    place = secret._bytes
    secret.cut(7)
    assert bytes(place) == b"correct" + bytes(121)
    secret.wipe()
    assert secret._bytes is place
    assert bytes(place) == bytes(128)
    assert len(secret) == 0


def test_repr_tells_the_length_only() -> None:
    assert repr(filled("horse")) == "SecretText(5 bytes, redacted)"
