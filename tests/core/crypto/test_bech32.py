import pyrage
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.crypto import bech32
from tests.core.crypto.test_recipients import bech32 as encode_from_the_text

# BIP-173, "Test vectors": valid and invalid ones; those that a bound of 90 characters refuses are not age's.
VALID = (
    "A12UEL5L",
    "a12uel5l",
    "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5tgs",
    "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw",
    "?1ezyfcl",
)
INVALID = (
    "pzry9x0s0muk", "1pzry9x0s0muk", "x1b4n0q5v", "li1dgmt3", "A1G7SGD8", "10a06t8", "1qzzfhee", "", "1",
    "a12UEL5L", "\u212b12uel5l", "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxx",
)  # fmt: skip


@pytest.mark.parametrize("text", VALID)
def test_the_vectors_of_bip_173_are_read(text: str) -> None:
    prefix, data = bech32.decode(text)
    assert bech32.encode(prefix, data) == text.lower()


@pytest.mark.parametrize("text", INVALID)
def test_what_bip_173_calls_invalid_is_refused_without_being_quoted(text: str) -> None:
    with pytest.raises(ValueError, match=r"^(not Bech32|a wrong letter, or a wrong checksum)$"):
        bech32.decode(text)


@given(st.binary(min_size=1, max_size=100))
def test_what_is_written_is_read_back_and_any_other_letter_is_noticed(data: bytes) -> None:
    text = bech32.encode("age", data)
    assert text == encode_from_the_text("age", data)
    assert bech32.decode(text) == ("age", data)
    for place in range(4, len(text)):
        other = "q" if text[place] != "q" else "p"
        with pytest.raises(ValueError, match="checksum"):
            bech32.decode(text[:place] + other + text[place + 1 :])


def test_spare_bits_that_are_not_zero_are_refused() -> None:
    with pytest.raises(ValueError, match="spare"):
        bech32.decode(encode_from_the_text("age", bytes(32), spare="0001"))


def test_it_is_what_pyrage_writes() -> None:
    identity = pyrage.x25519.Identity.generate()
    for text in (str(identity), str(identity.to_public())):
        prefix, data = bech32.decode(text)
        assert len(data) == 32
        assert bech32.encode(prefix, data) == text.lower()
