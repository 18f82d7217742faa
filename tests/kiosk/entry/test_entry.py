"""An entry as a whole: modes, showing, strength, wiping, redaction."""

from hypothesis import given, settings
from hypothesis import strategies as st

from hw.ports import KEYS
from kiosk.entry.entry import Entry, Mode, Outcome
from kiosk.entry.words import fewest_keys


def type_words(entry: Entry, *words: str, now: float = 0.0) -> None:
    for word in words:
        for key in fewest_keys(word):
            now += 1
            entry.press(key, now)


def test_the_three_modes_type_into_one_text() -> None:
    entry = Entry()
    type_words(entry, "zoo")
    assert entry.view(9).mode is Mode.WORDS
    entry.press("C", 100)
    assert entry.view(100).mode is Mode.TEXT
    entry.press("0", 101)
    entry.press("C", 103)
    assert entry.view(103).mode is Mode.DIGITS
    entry.press("4", 104)
    entry.press("2", 105)
    assert entry.secret() == b"zoo 42"
    entry.press("C", 106)
    assert entry.view(106).line == "**_"
    type_words(entry, "able", now=107)
    assert entry.secret() == b"zoo 42 able"


def test_one_mode_has_no_mode_key() -> None:
    entry = Entry(modes=(Mode.WORDS,))
    assert entry.press("C", 0) is Outcome.NOTHING
    assert "C" not in dict(entry.view(99).choices)


def test_all_is_shown_while_the_key_is_held_and_no_longer() -> None:
    entry = Entry()
    type_words(entry, "zoo", "able")
    assert entry.view(50).shown is None
    assert entry.press("D", 50) is Outcome.CHANGED
    assert entry.view(51).shown == "zoo able"
    assert entry.release("A", 52) is Outcome.NOTHING
    assert entry.release("D", 53) is Outcome.CHANGED
    assert entry.view(53).shown is None


def test_any_other_key_ends_the_showing() -> None:
    entry = Entry()
    type_words(entry, "zoo")
    entry.press("D", 50)
    assert entry.press("1", 51) is Outcome.CHANGED
    assert entry.view(51).shown is None
    assert entry.release("D", 52) is Outcome.NOTHING


def test_strength_is_estimated_once_for_each_text() -> None:
    asked: list[str] = []

    def estimate(text: str) -> float:
        asked.append(text)
        return 11.7 * len(text.split())

    entry = Entry(estimate=estimate)
    assert entry.view(0).bits == 0
    type_words(entry, "zoo", "able")
    assert entry.view(50).bits == 23
    assert entry.view(51).bits == 23
    assert asked == ["", "zoo able"]
    assert Entry().view(0).bits is None


def test_wiping_begins_anew() -> None:
    entry = Entry()
    type_words(entry, "zoo")
    entry.press("2", 60)
    entry.press("*", 61)
    entry.press("C", 62)
    entry.press("D", 63)
    entry.wipe()
    assert entry.view(64) == Entry().view(64)
    assert entry.secret() == b""


def test_words_stay_editable_after_the_secret_was_taken() -> None:
    entry = Entry()
    type_words(entry, "zoo", "able")
    assert entry.press("#", 50) is Outcome.DONE
    taken = entry.secret()
    taken[:] = bytes(len(taken))
    assert entry.go_to(1)
    type_words(entry, "cat", now=60)
    assert entry.secret() == b"cat able"


def test_reprs_tell_no_content() -> None:
    entry = Entry()
    type_words(entry, "zoo")
    entry.press("2", 50)
    entry.press("2", 51)
    shown = repr(entry) + repr(entry.view(51)) + repr(entry._words) + repr(entry._typing) + repr(entry._text)
    for secret in ("zoo", "22", "able"):
        assert secret not in shown


def test_digits_that_were_deleted_leave_no_place_behind_them() -> None:
    entry = Entry()
    for now, key in enumerate("C1C*"):
        entry.press(key, now)
        entry.release(key, now)
    assert (entry.view(9.0).position, entry.view(9.0).count) == (1, 0)


def test_a_change_that_is_due_now_is_not_announced_again() -> None:
    entry = Entry(modes=(Mode.TEXT,))
    entry.press("1", 0.18488802634837304 + 1.1)
    entry.release("1", 0.18488802634837304 + 1.1)
    due = entry.next_change(0.18488802634837304 + 1.1)
    assert due is not None
    assert entry.next_change(due) is None
    assert "1" not in entry.view(due).line


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(KEYS), st.sampled_from(["tap", "hold", "roll"]), st.floats(0.01, 2.0)),
        max_size=80,
    ),
    st.integers(1, 40),
)
def test_any_keys_give_a_view_that_fits_and_a_text_within_bounds(
    strokes: list[tuple[str, str, float]], max_bytes: int
) -> None:
    entry = Entry(max_bytes=max_bytes)
    now = 0.0
    for key, how, pause in strokes:
        entry.press(key, now)
        if how == "hold":
            entry.held(key, now + pause)
        if how != "roll":
            entry.release(key, now + pause)
        now += pause
        view = entry.view(now)
        assert view.length == len(entry.secret()) <= max_bytes
        assert len(view.candidates) <= 4
        assert 1 <= view.position <= view.count + 1
        assert not (view.candidates and view.choices)
        assert view.line.count("*") == view.count or view.mode is not Mode.WORDS
        assert view.missing is None or not view.complete
        due = entry.next_change(now)
        assert due is None or now < due <= now + 4
    entry.wipe()
    assert bytes(entry._text._bytes) == bytes(max_bytes)
