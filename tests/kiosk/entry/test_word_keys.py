"""The word list under telephone keys."""

import pytest
from mnemonic import Mnemonic

from kiosk.entry.words import continues, fewest_keys, find_candidates, find_only, keys_of

WORDS = Mnemonic("english").wordlist


def test_all_2048_words_are_reached_in_4_5_presses_on_average_and_6_at_most() -> None:
    presses = []
    for word in WORDS:
        keys = fewest_keys(word)
        digits, pick = keys.rstrip("ABCD"), keys[-1]
        assert find_only(digits) == word or find_candidates(digits)["ABCD".index(pick)] == word
        presses.append(len(keys))
    assert len(presses) == 2048
    assert round(sum(presses) / len(presses), 2) == 4.49
    assert max(presses) == 6


def test_no_word_is_the_only_one_while_another_begins_with_it() -> None:
    for word in WORDS:
        begun = [other for other in WORDS if keys_of(other).startswith(keys_of(word))]
        assert find_only(keys_of(word)) == (word if begun == [word] else "")


def test_candidates_appear_at_four_words_or_at_exactly_the_typed_length() -> None:
    for word in WORDS:
        code = keys_of(word)
        for length in range(1, len(code) + 1):
            typed = code[:length]
            begun = [other for other in WORDS if keys_of(other[:length]) == typed and len(other) >= length]
            offered = find_candidates(typed)
            if len(begun) <= 4:
                assert sorted(offered) == sorted(begun)
            else:
                assert sorted(offered) == sorted(w for w in begun if len(w) == length)
            assert len(offered) <= 4
        if word > "am":  # the rule is the same for all; the first hundred words suffice
            break


def test_nothing_typed_offers_nothing() -> None:
    assert find_candidates("") == ()


def test_words_spelled_out_come_first() -> None:
    assert find_candidates("228")[0] in {"act", "cat"}


@pytest.mark.parametrize(("typed", "possible"), [("2", True), ("99", False), ("1", False), ("2253", True)])
def test_continues(typed: str, *, possible: bool) -> None:
    assert continues(typed) is possible


def test_a_word_that_is_not_in_the_list_is_refused() -> None:
    with pytest.raises(ValueError, match="not a word"):
        fewest_keys("pism")
