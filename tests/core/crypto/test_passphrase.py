"""core.crypto.passphrase: one canonical form, an honest estimate, random proposals."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.crypto.passphrase import (
    ASKED_BITS,
    MAX_CHARACTERS,
    canonical,
    estimate_bits,
    propose_words,
    require_strong,
)
from core.errors import PassphraseWeakError


@pytest.mark.parametrize(
    ("typed", "form"),
    [
        ("one two", "one two"),
        ("  one   two  ", "one two"),
        ("one\u00a0\u3000two\u2003", "one two"),  # other spaces
        ("\ufb01ne", "fine"),  # the ligature fi
        ("e\u0301", "\u00e9"),  # a letter and its accent
        ("\uff21\uff22", "AB"),  # full-width letters
        ("Case stays", "Case stays"),
    ],
)
def test_there_is_one_canonical_form(typed: str, form: str) -> None:
    assert canonical(typed) == form.encode()


@pytest.mark.parametrize(
    "character",
    [
        "\t",
        "\n",
        "\r",
        "\0",
        "\x1b",
        "\x7f",
        "\x85",
        "\u200b",
        "\u202e",
        "\u2028",
        "\u2029",
        "\ud800",
        "\ue000",
        "\u0378",
    ],
)
def test_refuses_what_cannot_be_seen(character: str) -> None:
    with pytest.raises(PassphraseWeakError, match="cannot be seen"):
        canonical(f"one {character} two")


@pytest.mark.parametrize("typed", ["", " ", "\u00a0\u2003"])
def test_refuses_an_empty_passphrase(typed: str) -> None:
    with pytest.raises(PassphraseWeakError, match="empty"):
        canonical(typed)
    assert estimate_bits(typed) == 0


@pytest.mark.parametrize("typed", ["x" * (MAX_CHARACTERS + 1), "\ufdfa" * 20])  # the second grows to 360
def test_refuses_more_than_256_characters(typed: str) -> None:
    with pytest.raises(PassphraseWeakError, match="at most 256"):
        canonical(typed)
    assert canonical("x" * MAX_CHARACTERS)


@given(st.text(max_size=60))
def test_the_canonical_form_is_its_own(typed: str) -> None:
    try:
        form = canonical(typed).decode()
    except PassphraseWeakError:
        return
    assert canonical(form).decode() == form
    assert unicodedata.is_normalized("NFKC", form)
    assert form == form.strip()
    assert "  " not in form
    assert estimate_bits(typed) >= 0


@pytest.mark.parametrize(
    ("typed", "bits"),
    [
        ("zoo", 11),
        ("zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo", 11),
        ("Zoo  ABANDON", 22),
        ("legal winner thank year wave sausage worth useful", 88),
    ],
)
def test_words_of_the_list_count_eleven_bits_each_once(typed: str, bits: int) -> None:
    assert estimate_bits(typed) == bits


@pytest.mark.parametrize(
    "typed",
    [
        "abandon ability able about above absent",
        "zoo zone zero zebra youth young you",
        "To be, or not to be: that is the question.",
        "it was the best of times it was the worst of times",
        "to-be-or-not-to-be-that-is-the-question",
        "deadbeefcafebabe",
        "deadbeefdeadbeef",
        "0123456789abcdef",
        "3141592653589793",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a",
    ],
)
def test_what_is_known_or_follows_a_rule_is_weak(typed: str) -> None:
    assert estimate_bits(typed) < 64


def test_neighbours_in_the_list_count_once() -> None:
    assert estimate_bits("abandon ability able about above absent") == 11
    assert estimate_bits("about able zoo") == 22


@pytest.mark.parametrize("typed", ["3f9b07c1d4e8a26b", "9C41E7B05DA832F6", "c3a91f7e0b5d2864"])
def test_sixteen_random_hexadecimal_digits_are_64_bits(typed: str) -> None:
    assert require_strong(typed) == 64


@pytest.mark.parametrize("typed", ["Gr\u00f6\u00dfe \u00fcber alles 4711 und mehr", "v7#Qm!2xL9@wZ4&k" * 9])
def test_what_no_keypad_can_type_is_refused(typed: str) -> None:
    with pytest.raises(PassphraseWeakError, match="cannot type") as raised:
        require_strong(typed)
    assert typed not in str(raised.value)


def test_other_texts_are_estimated() -> None:
    assert estimate_bits("password") < 10
    assert estimate_bits("qwertyuiopqwertyuiop") < 30
    assert estimate_bits("v7#Qm!2xL9@wZ4&kR8%t") > 64


def test_the_estimate_of_a_long_text_is_bounded() -> None:
    text = "v7#Qm!2xL9@wZ4&kR8%t" * 12
    assert estimate_bits(text) == estimate_bits(text[:72])


@pytest.mark.parametrize(
    "typed", ["correct horse", "zoo abandon bicycle canvas dolphin", "11111111111111111111111"]
)
def test_refuses_under_64_bits_without_repeating_it(typed: str) -> None:
    with pytest.raises(PassphraseWeakError, match="bits") as raised:
        require_strong(typed)
    assert typed not in str(raised.value)
    assert raised.value.code == "E-PASSPHRASE-WEAK"


def test_six_words_are_enough_and_eight_are_what_is_asked() -> None:
    assert require_strong("zoo abandon bicycle canvas dolphin elegant") == 66
    assert require_strong(" ".join(propose_words())) == 88 >= ASKED_BITS


def test_proposes_different_words_each_time() -> None:
    proposals = {propose_words() for _ in range(20)}
    assert len(proposals) == 20
    assert all(len(set(words)) == 8 for words in proposals)
    assert len(propose_words(12)) == 12
