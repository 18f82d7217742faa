"""The buffers of what is typed."""

import pytest

from kiosk.entry.buffers import (
    HOLD_S,
    Entries,
    EntryChanged,
    EntryFinished,
    EntryLeft,
    EntryNews,
    ProposalView,
    Purpose,
)
from kiosk.entry.words import fewest_keys, keys_of
from tests.kiosk.live import OTHER_WORDS, PASSPHRASE, WORDS, make_entries, type_words


def type_keys(entries: Entries, keys: str) -> EntryNews | None:
    event = None
    for key in keys:
        event = entries.feed(key, 0.0, down=True)
        entries.feed(key, 0.0, down=False)
    return event


def test_without_an_entry_keys_and_time_do_nothing() -> None:
    entries = make_entries()
    assert entries.feed("5", 0.0, down=True) is None
    assert entries.tick(5.0) is None
    assert entries.next_change_s(0.0) is None
    assert entries.entry_view(0.0) is None
    assert entries.proposal_view() is None


def test_an_unlock_gives_the_canonical_passphrase() -> None:
    entries = make_entries()
    assert type_words(entries, Purpose.UNLOCK) == EntryFinished()
    assert entries.for_request(Purpose.UNLOCK) == PASSPHRASE


def test_a_dead_key_changes_nothing() -> None:
    entries = make_entries()
    entries.start(Purpose.UNLOCK)
    assert entries.feed("2", 0.0, down=True) == EntryChanged()
    assert entries.feed("1", 0.0, down=True) is None


def test_an_empty_entry_is_left_by_the_back_key() -> None:
    entries = make_entries()
    entries.start(Purpose.UNLOCK)
    assert entries.feed("*", 0.0, down=True) == EntryLeft()


def test_proposed_words_are_typed_back() -> None:
    entries = make_entries()
    entries.propose()
    view = entries.proposal_view()
    assert view is not None
    assert WORDS[0] not in repr(view)
    assert type_words(entries, Purpose.REPEAT) == EntryFinished(same=True)
    assert entries.for_request(Purpose.REPEAT) == PASSPHRASE


def test_other_words_than_proposed_are_not_the_same() -> None:
    entries = make_entries()
    entries.propose()
    assert type_words(entries, Purpose.REPEAT, OTHER_WORDS) == EntryChanged()
    assert said(entries) == (1, True)


def test_the_proposed_words_stay_until_others_are_wanted() -> None:
    drawn = iter([WORDS, OTHER_WORDS])
    entries = Entries(propose=lambda: next(drawn), estimate=lambda _text: 99.0)
    entries.propose()
    entries.propose()
    assert entries.proposal_view() == ProposalView(WORDS)
    entries.propose(others=True)
    assert entries.proposal_view() == ProposalView(OTHER_WORDS)


def test_ones_own_passphrase_is_held_against_itself_though_words_were_proposed_before() -> None:
    entries = make_entries()
    entries.propose()
    assert type_words(entries, Purpose.CHOOSE, OTHER_WORDS) == EntryFinished()
    assert type_words(entries, Purpose.REPEAT, OTHER_WORDS) == EntryFinished(same=True)
    assert type_words(entries, Purpose.REPEAT) == EntryFinished(same=False)


def test_proposed_words_are_held_against_themselves_though_ones_own_was_begun_before() -> None:
    entries = make_entries()
    entries.propose()
    type_words(entries, Purpose.CHOOSE, OTHER_WORDS)
    entries.propose()
    assert type_words(entries, Purpose.REPEAT) == EntryFinished(same=True)
    assert entries.for_request(Purpose.REPEAT) == PASSPHRASE


def test_the_word_that_differs_is_pointed_out_until_all_are_right() -> None:
    entries = make_entries()
    entries.propose()
    wrong = ("zoo", *WORDS[1:3], "zone", *WORDS[4:])
    assert type_words(entries, Purpose.REPEAT, wrong) == EntryChanged()
    assert said(entries) == (1, True)
    assert enter(entries, WORDS[0]) == EntryChanged()
    assert said(entries) == (4, True)
    assert enter(entries, WORDS[3]) == EntryFinished()
    assert entries.for_request(Purpose.REPEAT) == PASSPHRASE


def test_the_words_can_be_looked_at_again_before_one_is_corrected() -> None:
    entries = make_entries()
    entries.propose()
    type_words(entries, Purpose.REPEAT, (*WORDS[:5], "zoo", *WORDS[6:]))
    assert entries.feed("*", 90.0, down=True) == EntryLeft()
    entries.correct(Purpose.REPEAT, refused=False)
    assert said(entries) == (6, True)
    assert enter(entries, WORDS[5]) == EntryFinished()


def test_a_word_before_the_one_that_differs_can_be_deleted_and_typed_again() -> None:
    entries = make_entries()
    entries.propose()
    type_words(entries, Purpose.REPEAT, (*WORDS[:5], "zoo", *WORDS[6:]))
    for at_s, key in enumerate("A*", 90):
        assert entries.feed(key, float(at_s), down=True) == EntryChanged()
    assert said(entries) == (5, False)
    assert enter(entries, WORDS[4]) == EntryChanged()
    assert said(entries) == (6, True)


def test_an_unlock_halts_at_its_third_word_and_goes_on_where_it_was() -> None:
    entries = make_entries()
    entries.start(Purpose.UNLOCK)
    assert enter(entries, WORDS[0]) == EntryChanged()
    assert enter(entries, WORDS[1], 100.0) == EntryChanged()
    assert enter(entries, WORDS[2], 200.0) == EntryFinished(begun=True)
    assert entries.for_request(Purpose.UNLOCK) == " ".join(WORDS[:3]).encode()
    entries.resume(Purpose.UNLOCK)
    assert enter(entries, WORDS[3], 300.0) == EntryChanged()
    view = entries.entry_view(400.0)
    assert view is not None
    assert (view.position, view.count) == (5, 4)


def test_an_unlock_halts_again_when_one_of_its_first_words_was_corrected() -> None:
    entries = make_entries()
    entries.start(Purpose.UNLOCK)
    for number, word in enumerate(("zoo", *WORDS[1:3])):
        news = enter(entries, word, 100.0 * number)
    assert news == EntryFinished(begun=True)
    entries.resume(Purpose.UNLOCK)
    for at_s, key in enumerate("AAA", 400):
        assert entries.feed(key, float(at_s), down=True) == EntryChanged()
    assert enter(entries, WORDS[0], 500.0) == EntryChanged()
    assert entries.feed("B", 600.0, down=True) == EntryChanged()
    assert entries.feed("B", 601.0, down=True) == EntryFinished(begun=True)
    assert entries.for_request(Purpose.UNLOCK) == " ".join(WORDS[:3]).encode()


def test_an_unlock_does_not_halt_while_one_of_its_first_words_is_missing() -> None:
    entries = make_entries()
    type_words(entries, Purpose.UNLOCK, WORDS[:4])
    for at_s, key in enumerate("AAA*B", 400):
        assert entries.feed(key, float(at_s), down=True) == EntryChanged()
    assert enter(entries, WORDS[2], 500.0) == EntryChanged()
    view = entries.entry_view(600.0)
    assert view is not None
    assert (view.line, view.missing) == ("*-*_*", 2)


def test_a_key_after_the_halt_is_the_next_words_own() -> None:
    """Without a pause, and though the word before would have gone on with it."""
    entries = make_entries()
    entries.start(Purpose.UNLOCK)
    for number, word in enumerate((WORDS[0], WORDS[1], "abandon")):
        news = enter(entries, word, 100.0 * number)
    assert news == EntryFinished(begun=True)
    entries.resume(Purpose.UNLOCK)
    entries.feed(keys_of("abandon")[len(fewest_keys("abandon"))], 205.0, down=True)
    view = entries.entry_view(205.0)
    assert view is not None
    assert view.typed


def test_no_other_entry_halts() -> None:
    for purpose in (Purpose.CURRENT, Purpose.CHOOSE, Purpose.IDENTITY):
        entries = make_entries()
        entries.start(purpose)
        for number, word in enumerate(WORDS[:4]):
            assert enter(entries, word, 100.0 * number) == EntryChanged()


def test_a_refused_passphrase_is_corrected_from_its_last_word_and_not_tried_unchanged() -> None:
    entries = make_entries()
    type_words(entries, Purpose.UNLOCK)
    entries.correct(Purpose.UNLOCK, refused=True)
    view = entries.entry_view(90.0)
    assert view is not None
    assert (view.position, view.count, view.unchanged) == (8, 8, False)
    assert entries.feed("#", 91.0, down=True) == EntryChanged()
    view = entries.entry_view(91.0)
    assert view is not None
    assert view.unchanged
    assert enter(entries, WORDS[7]) == EntryChanged(), "the same word again"
    assert entries.feed("#", 200.0, down=True) == EntryChanged()
    entries.feed("A", 201.0, down=True)
    assert enter(entries, "zoo", 300.0) == EntryChanged()
    assert entries.feed("#", 400.0, down=True) == EntryFinished()


def test_what_was_not_tried_may_be_tried_as_it_stands() -> None:
    entries = make_entries()
    type_words(entries, Purpose.UNLOCK)
    entries.correct(Purpose.UNLOCK, refused=False)
    assert entries.feed("#", 91.0, down=True) == EntryFinished()


def test_a_refused_text_is_not_tried_unchanged_either() -> None:
    entries = make_entries()
    entries.start(Purpose.IDENTITY)
    for at_s, key in enumerate("C2#"):
        entries.feed(key, 9.0 * at_s, down=True)
        entries.feed(key, 9.0 * at_s, down=False)
    entries.correct(Purpose.IDENTITY, refused=True)
    assert entries.feed("#", 90.0, down=True) == EntryChanged()
    entries.feed("2", 91.0, down=True)
    assert entries.feed("#", 95.0, down=True) == EntryFinished()


def test_the_key_after_a_word_was_pointed_out_is_its_own() -> None:
    """At once, and though the last word would have gone on with it."""
    words = (*WORDS[:7], "abandon")
    entries = make_entries(words)
    entries.propose()
    type_words(entries, Purpose.REPEAT, ("zoo", *words[1:7]))
    at_s = 500.0
    for key in fewest_keys("abandon"):
        entries.feed(key, at_s, down=True)
    assert said(entries) == (1, True)
    entries.feed(keys_of("abandon")[len(fewest_keys("abandon"))], at_s + 0.1, down=True)
    view = entries.entry_view(at_s + 0.1)
    assert view is not None
    assert view.typed


def said(entries: Entries) -> tuple[int, bool]:
    """Return which word is in work, and whether it is said to differ."""
    view = entries.entry_view(1e9)
    assert view is not None
    return view.position, view.differs


def enter(entries: Entries, word: str, start_s: float = 100.0) -> EntryNews | None:
    """Type one word."""
    news = None
    for at_s, key in enumerate(fewest_keys(word)):
        news = entries.feed(key, start_s + at_s, down=True)
    return news


def test_a_chosen_passphrase_must_be_typed_twice_alike() -> None:
    entries = make_entries()
    assert type_words(entries, Purpose.CHOOSE) == EntryFinished()
    assert type_words(entries, Purpose.REPEAT) == EntryFinished(same=True)
    assert type_words(entries, Purpose.REPEAT, OTHER_WORDS) == EntryFinished(same=False)


def test_a_weak_choice_never_finishes() -> None:
    entries = make_entries()
    assert type_words(entries, Purpose.CHOOSE, WORDS[:2]) == EntryChanged()


def test_spaces_alone_finish_nothing() -> None:
    entries = make_entries()
    entries.start(Purpose.UNLOCK)
    for number, key in enumerate("C00"):  # text; two spaces
        entries.feed(key, 5.0 * number, down=True)
        entries.feed(key, 5.0 * number, down=False)
    assert entries.feed("#", 30.0, down=True) is None
    view = entries.entry_view(31.0)
    assert view is not None
    assert (view.length, view.complete) == (2, False)


def test_six_words_of_a_drill_are_typed_and_kept_until_they_are_wiped() -> None:
    entries = make_entries()
    assert type_words(entries, Purpose.DRILL, WORDS[:5]) is None
    assert enter(entries, WORDS[5]) == EntryFinished(), "the last word ends the entry"
    assert entries.for_request(Purpose.DRILL) == " ".join(WORDS[:6])
    assert entries.feed("2", 211.0, down=True) is None  # no seventh


def test_a_date_is_digits_and_shown_and_must_be_typed_twice_alike() -> None:
    entries = make_entries()
    entries.start(Purpose.DATE)
    assert type_keys(entries, "02702011200") == EntryFinished(text="202702011200")
    entries.start(Purpose.DATE_AGAIN)
    assert type_keys(entries, "02702011200") == EntryFinished(same=True, text="202702011200")
    entries.start(Purpose.DATE_AGAIN)
    assert type_keys(entries, "02702011201") == EntryFinished(same=False, text="202702011201")
    entries.correct(Purpose.DATE_AGAIN, refused=False)
    assert type_keys(entries, "*0") == EntryFinished(same=True, text="202702011200")


def test_beginning_again_forgets_what_was_typed() -> None:
    entries = make_entries()
    type_words(entries, Purpose.UNLOCK)
    entries.start(Purpose.UNLOCK)
    assert entries.feed("#", 0.0, down=True) in (None, EntryChanged())


def test_a_key_kept_down_becomes_a_held_one_once() -> None:
    entries = make_entries()
    entries.start(Purpose.UNLOCK)
    for key in keys_of(WORDS[0])[:3]:
        entries.feed(key, 1.0, down=True)
        entries.feed(key, 1.0, down=False)
    typed = entries.entry_view(1.0)
    entries.feed("*", 2.0, down=True)  # a letter back
    assert entries.next_change_s(2.0) == pytest.approx(2.0 + HOLD_S)
    assert entries.tick(2.0 + HOLD_S) == EntryChanged()  # held: all letters back
    entries.feed("*", 2.7, down=False)
    assert entries.entry_view(2.7) != typed
    assert entries.feed("*", 3.0, down=True) == EntryLeft()


def test_time_alone_draws_again() -> None:
    entries = make_entries()
    entries.start(Purpose.IDENTITY)
    for at_s, key in enumerate("C2"):  # the last letter is seen for a second
        entries.feed(key, float(at_s), down=True)
        entries.feed(key, float(at_s), down=False)
    change_s = entries.next_change_s(1.0)
    assert change_s is not None
    assert entries.tick(change_s) == EntryChanged()


def test_after_the_last_change_nothing_wakes_the_loop() -> None:
    entries = make_entries()
    entries.start(Purpose.UNLOCK)
    entries.feed("2", 0.0, down=True)
    entries.feed("2", 0.0, down=False)
    now_s, ticks = 0.0, 0
    while (change_s := entries.next_change_s(now_s)) is not None:
        assert change_s > now_s
        now_s, ticks = change_s, ticks + 1
        entries.tick(now_s)
        assert ticks < 5


def test_wiping_leaves_nothing() -> None:
    entries = make_entries()
    entries.propose()
    type_words(entries, Purpose.UNLOCK)
    type_words(entries, Purpose.REPEAT)
    buffers = tuple(entries._buffers.values())
    entries.wipe()
    assert all(not buffer.secret() for buffer in buffers)
    assert entries.entry_view(0.0) is None
    assert entries.proposal_view() is None
    with pytest.raises(KeyError):
        entries.for_request(Purpose.UNLOCK)


def test_no_repr_shows_a_secret() -> None:
    entries = make_entries()
    entries.propose()
    type_words(entries, Purpose.UNLOCK)
    assert repr(entries) == "Entries(redacted)"


def test_a_keys_passphrase_is_taken_as_it_was_typed() -> None:
    entries = make_entries()
    type_words(entries, Purpose.IDENTITY, WORDS[:2])
    assert entries.for_request(Purpose.IDENTITY) == " ".join(WORDS[:2]).encode()
    entries.start(Purpose.IDENTITY)
    for at_s, key in enumerate("C02"):
        entries.feed(key, 9.0 * at_s, down=True)
        entries.feed(key, 9.0 * at_s, down=False)
    assert entries.for_request(Purpose.IDENTITY) == b" a"
