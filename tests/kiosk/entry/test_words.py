"""The words mode of an entry."""

import secrets

from hypothesis import given, settings
from hypothesis import strategies as st
from mnemonic import Mnemonic

from kiosk.entry.entry import CHOICES_AFTER_S, Entry, Mode, Outcome
from kiosk.entry.words import fewest_keys

WORDS = Mnemonic("english").wordlist


def pressed(entry: Entry, keys: str, *, start: float = 0.0, step: float = 1.0) -> list[Outcome]:
    return [entry.press(key, start + number * step) for number, key in enumerate(keys)]


def keys_for(*words: str) -> str:
    return "".join(fewest_keys(word) for word in words)


def typed_in(*words: str, total: int | None = None) -> Entry:
    entry = Entry(total=total)
    pressed(entry, keys_for(*words))
    return entry


def line(entry: Entry) -> str:
    return entry.view(1e9).line


def test_eight_words_are_typed_back_in_five_presses_a_word_and_the_last_ends_the_entry() -> None:
    counts = []
    for _ in range(200):
        words = [secrets.choice(WORDS) for _ in range(8)]
        keys = keys_for(*words)
        entry = Entry(modes=(Mode.WORDS,), total=8)
        assert pressed(entry, keys)[-1] is Outcome.DONE
        assert entry.secret().decode() == " ".join(words)
        counts.append(len(keys))
    assert sum(counts) / len(counts) <= 5 * 8
    assert max(counts) <= 6 * 8


def test_impossible_keys_do_nothing() -> None:
    entry = Entry()
    assert pressed(entry, "019") == [Outcome.NOTHING, Outcome.NOTHING, Outcome.CHANGED]
    assert pressed(entry, "90199")[-1] is Outcome.NOTHING
    before = entry.view(0)
    for key in "01" + "9":
        assert entry.press(key, 0) is Outcome.NOTHING
    assert entry.view(0) == before


def test_a_word_enters_by_itself_when_it_is_the_only_one_left() -> None:
    entry = Entry()
    pressed(entry, "2226")  # abandon, account, bacon
    assert len(entry.secret()) == 0
    pressed(entry, "3", start=4)
    assert entry.secret() == b"abandon"
    assert entry.view(4).typed == ""


def test_a_word_that_others_begin_with_waits_until_it_is_picked() -> None:
    entry = Entry()
    pressed(entry, "228")  # act, and action, actor, actress, actual; cat, and catalog ...
    assert len(entry.secret()) == 0
    assert "act" in entry.view(3).candidates
    pressed(entry, "ABCD"[entry.view(3).candidates.index("act")], start=9)
    assert entry.secret() == b"act"


def test_what_fingers_still_mean_for_a_word_that_entered_by_itself_means_nothing() -> None:
    entry = Entry()
    pressed(entry, "22263", step=0.1)  # abandon
    assert pressed(entry, "66", start=0.8, step=0.4) == [Outcome.NOTHING] * 2
    assert entry.view(2).typed == ""
    for key in "ABCD#":
        other = Entry()
        pressed(other, "22263", step=0.1)
        assert other.press(key, 0.8) is Outcome.NOTHING
        assert other.secret() == b"abandon"
    assert entry.press("6", 1.3) is Outcome.CHANGED, "it has no third n"


def test_another_letter_or_a_later_one_begins_the_next_word() -> None:
    entry = Entry()
    pressed(entry, "22263", step=0.1)
    assert entry.press("2", 0.5) is Outcome.CHANGED  # abandon does not go on so
    assert entry.view(1).typed == "2"
    entry = Entry()
    pressed(entry, "22263", step=0.1)
    assert entry.press("6", 0.91) is Outcome.CHANGED


def test_hash_picks_the_sole_candidate_and_then_does_not_finish_at_once() -> None:
    entry = Entry()
    pressed(entry, "966")
    assert entry.view(5).candidates == ("zoo",)  # and wood, world, worry ... begin so
    assert entry.press("#", 10.0) is Outcome.CHANGED
    assert entry.press("#", 10.4) is Outcome.NOTHING
    assert entry.press("#", 10.5) is Outcome.DONE


def test_hash_picks_nothing_while_two_candidates_stand() -> None:
    entry = Entry()
    pressed(entry, "2253")
    assert len(entry.view(5).candidates) > 1
    assert entry.press("#", 10.0) is Outcome.NOTHING


def test_a_candidate_key_pressed_twice_picks_once_and_does_nothing_more() -> None:
    entry = Entry()
    digits, key = "228", "A"
    pressed(entry, digits, step=0.1)
    assert entry.press(key, 2.0) is Outcome.CHANGED
    view = entry.view(2.0)
    assert entry.press(key, 2.3) is Outcome.NOTHING
    assert entry.view(2.3) == view


def test_a_candidate_key_without_a_candidate_does_nothing() -> None:
    entry = Entry()
    pressed(entry, "222")
    assert [entry.press(key, 9) for key in "BCD"] == [Outcome.NOTHING] * 3


def test_hash_finishes_only_the_number_of_words_that_is_wanted() -> None:
    entry = Entry(total=2)
    assert entry.press("#", 0) is Outcome.NOTHING
    pressed(entry, keys_for("zoo"))
    assert entry.press("#", 100) is Outcome.NOTHING
    pressed(entry, keys_for("able"), start=200)
    assert entry.view(290).complete
    assert entry.press("2", 300) is Outcome.NOTHING
    assert entry.press("#", 301) is Outcome.DONE


def test_half_a_word_is_never_finished() -> None:
    entry = typed_in("zoo")
    entry.press("2", 100)
    assert entry.press("#", 101) is Outcome.NOTHING


def test_star_takes_back_letters_then_words_then_leaves() -> None:
    entry = typed_in("zoo", "able")
    pressed(entry, "22", start=100)
    assert pressed(entry, "**", start=200) == [Outcome.CHANGED] * 2
    assert entry.secret() == b"zoo able"
    assert entry.press("*", 300) is Outcome.CHANGED
    assert entry.secret() == b"zoo"
    assert pressed(entry, "**", start=400) == [Outcome.CHANGED, Outcome.LEAVE]


def test_star_held_takes_back_all_letters_of_the_word_in_work_and_no_word() -> None:
    entry = typed_in("zoo")
    pressed(entry, "2253", start=100)
    entry.press("*", 200)
    assert entry.held("*", 202) is Outcome.CHANGED
    assert entry.held("*", 203) is Outcome.NOTHING
    assert entry.view(203).typed == ""
    assert entry.secret() == b"zoo"


def test_a_word_picked_at_the_place_of_another_replaces_it() -> None:
    entry = typed_in("zoo", "able", "cat", total=3)
    assert line(entry) == "***_"
    assert entry.view(0).position == 3
    pressed(entry, "AA", start=100)
    assert line(entry) == "*_**"
    assert entry.view(0).position == 2
    pressed(entry, keys_for("ladder"), start=200)
    assert entry.secret() == b"zoo ladder cat"
    assert line(entry) == "**_*"


def test_a_word_that_is_deleted_is_seen_to_be_gone() -> None:
    entry = typed_in("zoo", "able", "cat", "ladder")
    assert entry.go_to(3)
    assert (line(entry), entry.view(0).missing) == ("**_**", None)
    assert entry.press("*", 100) is Outcome.CHANGED
    assert (line(entry), entry.view(0).missing) == ("**_*", 3)
    entry.press("D", 101)
    assert entry.view(101).shown == "zoo able - ladder"


def test_the_words_behind_a_deleted_one_keep_their_numbers_and_it_is_typed_where_it_was() -> None:
    entry = typed_in("zoo", "able", "cat")
    assert entry.go_to(2)
    assert entry.press("*", 100) is Outcome.CHANGED
    assert entry.secret() == b"zoo cat"
    pressed(entry, "B", start=150)
    assert (line(entry), entry.view(0).position) == ("*-_*", 3)
    pressed(entry, "A", start=160)
    pressed(entry, keys_for("ladder"), start=200)
    assert entry.secret() == b"zoo ladder cat"


def test_as_many_words_as_were_deleted_in_the_middle_are_typed_there_and_none_behind_is_lost() -> None:
    words = ("zoo", "able", "cat", "ladder", "damp", "scissors", "blue", "credit")
    for first in range(1, 8):
        for count in range(1, 8 - first):
            entry = typed_in(*words)
            entry.go_to(first + count)
            pressed(entry, "*" * count, start=100)
            assert (entry.view(0).position, entry.view(0).count) == (first + 1, 8 - count)
            pressed(entry, keys_for(*words[first : first + count]), start=200)
            assert entry.secret().decode() == " ".join(words), (first, count)
            assert entry.view(0).missing is None


def test_nothing_is_done_while_a_word_is_missing() -> None:
    entry = typed_in("zoo", "able", "cat", "ladder")
    entry.go_to(2)
    entry.press("*", 100)
    pressed(entry, "BB", start=110)
    pressed(entry, keys_for("damp"), start=120)
    assert (line(entry), entry.view(0).complete, entry.view(0).missing) == ("*-**_", False, 2)
    assert entry.press("#", 200) is Outcome.NOTHING
    assert entry.press("C", 201) is Outcome.NOTHING, "text would move the words"
    assert "C" not in dict(entry.view(300).choices)
    pressed(entry, "AAA", start=310)
    pressed(entry, keys_for("able"), start=320)
    assert entry.press("#", 400) is Outcome.DONE
    assert entry.secret() == b"zoo able cat damp"


def test_of_a_known_number_the_last_missing_word_ends_the_entry() -> None:
    entry = typed_in("zoo", "able", "cat", total=4)
    entry.go_to(1)
    pressed(entry, "*", start=100)
    pressed(entry, "BBB", start=110)
    assert pressed(entry, keys_for("damp"), start=120)[-1] is Outcome.CHANGED
    assert (line(entry), entry.view(0).position) == ("_***", 1), "there is no fifth"
    assert pressed(entry, keys_for("zone"), start=150)[-1] is Outcome.DONE
    assert entry.secret() == b"zone able cat damp"


def test_deleting_goes_on_before_a_gap_and_out_of_the_entry() -> None:
    entry = typed_in("zoo", "able", "cat")
    entry.go_to(2)
    pressed(entry, "**", start=100)
    assert entry.secret() == b"cat"
    assert line(entry) == "_-*"
    assert entry.press("*", 200) is Outcome.CHANGED
    assert (line(entry), entry.view(0).missing) == ("_", None)
    assert entry.press("*", 201) is Outcome.LEAVE


def test_where_the_last_words_are_gone_none_before_them_is_missing() -> None:
    entry = typed_in("zoo", "able", "cat")
    entry.go_to(2)
    entry.press("*", 100)
    entry.press("B", 101)
    entry.press("*", 102)
    assert (line(entry), entry.view(0).missing, entry.view(0).complete) == ("*_", None, True)


def test_a_and_b_go_through_the_words_and_stop_at_both_ends() -> None:
    entry = typed_in("zoo", "able")
    assert [entry.press("B", 100), entry.press("A", 101), entry.press("A", 102), entry.press("A", 103)] == [
        Outcome.NOTHING,
        Outcome.CHANGED,
        Outcome.CHANGED,
        Outcome.NOTHING,
    ]
    assert entry.view(0).position == 1
    assert entry.press("B", 104) is Outcome.CHANGED
    assert dict(entry.view(200).choices)["B"] == "after"
    entry.press("B", 300)
    assert dict(entry.view(400).choices)["A"] == "before"


def test_a_word_that_does_not_fit_is_refused() -> None:
    entry = Entry(max_bytes=8)
    pressed(entry, keys_for("zoo"))
    keys = fewest_keys("ladder")
    pressed(entry, keys, start=100)
    assert entry.secret() == b"zoo"
    assert entry.view(200).candidates == ("ladder",), "it waits for room"
    assert entry.press("A", 200) is Outcome.NOTHING


def test_there_is_no_place_beyond_the_words() -> None:
    entry = typed_in("zoo")
    assert not entry.go_to(0)
    assert not entry.go_to(3)
    assert not entry.go_to(2)  # it stands there
    assert Entry(modes=(Mode.TEXT,)).go_to(1) is False


def test_spaces_typed_as_text_become_the_one_space_between_words() -> None:
    entry = Entry(modes=(Mode.TEXT, Mode.WORDS))
    pressed(entry, "0")
    entry.press("C", 5)
    assert entry.press("*", 6) is Outcome.CHANGED
    assert entry.press("*", 7) is Outcome.LEAVE
    entry.press("C", 8)
    pressed(entry, "2", start=10)
    pressed(entry, "00", start=20, step=2.0)
    entry.press("C", 30)
    pressed(entry, keys_for("zoo"), start=40)
    assert entry.secret() == b"a zoo"


def test_the_names_of_choices_come_up_in_a_pause_and_not_between_words() -> None:
    entry = Entry()
    assert entry.next_change(0.0) is None
    assert dict(entry.view(0.0).choices)["C"] == "text"
    pressed(entry, keys_for("zoo"), start=10.0, step=0.1)
    at = 10.0 + 0.1 * (len(keys_for("zoo")) - 1)
    assert entry.view(at).choices == (("A", ""), ("B", ""), ("C", ""), ("D", ""))
    due = entry.next_change(at)
    assert due == at + CHOICES_AFTER_S
    assert entry.view(due).choices == (("A", "before"), ("C", "text"), ("D", "hold see"))
    assert entry.next_change(due) is None
    entry.press("2", due + 1)
    assert entry.next_change(due + 1) is None
    assert entry.view(due + 99).choices == (("A", ""), ("B", ""), ("C", ""), ("D", ""))


def test_that_hash_would_finish_is_said_at_once() -> None:
    entry = typed_in("zoo", total=2)
    assert not entry.view(1e9).complete
    entry = Entry()
    pressed(entry, keys_for("zoo"), start=10.0, step=0.1)
    assert entry.view(10.3).complete
    pressed(entry, keys_for("able"), start=20.0, step=0.1)
    assert entry.view(20.5).complete
    pressed(entry, "**", start=30.0, step=0.1)
    assert not entry.view(99.0).complete


def test_that_hash_would_finish_is_not_said_while_a_word_is_half_typed() -> None:
    entry = typed_in("zoo")
    assert entry.view(50.0).complete
    entry.press("7", 100.0)
    assert not entry.view(100.0).complete
    assert entry.press("#", 101.0) is Outcome.NOTHING


@settings(deadline=None)
@given(st.lists(st.sampled_from("0123456789ABCD*#"), max_size=60), st.randoms(use_true_random=False))
def test_any_keys_leave_single_spaces_and_whole_words(keys: list[str], random: object) -> None:
    entry = Entry(modes=(Mode.WORDS,))
    for number, key in enumerate(keys):
        entry.press(key, float(number))
        entry.release(key, number + 0.1)
    text = entry.secret().decode()
    assert text == " ".join(text.split())
    assert set(text.split()) <= set(WORDS)
    assert entry.view(99).count == len(text.split())
    assert entry.view(99).line.count("*") == len(text.split())
