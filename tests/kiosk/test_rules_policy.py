"""A policy that a stick brings, each rule by the shortest way."""

from dataclasses import replace

from hw.ports import StickInserted, StickRemoved
from kiosk import effects as fx
from kiosk import events as ev
from kiosk import states as st
from kiosk.review import count_review_pages, source_lines
from tests.kiosk.facts import (
    BRINGING,
    BROUGHT,
    FACTORY,
    HERE,
    LOCKED,
    OPEN,
    PROPOSAL,
    SESSION,
    TABLE,
    TROUBLE,
    with_sticks,
)
from tests.kiosk.steps import go, hold

GONE = ev.JobFailed("E-STICK-GONE", "gone")


def asked(done: tuple[fx.Effect, ...]) -> list[fx.Effect]:
    """Return what was asked of the vault or of a stick."""
    asks = (fx.AskPolicy, fx.AskStickPolicy, fx.ApprovePolicy, fx.RunJob)
    return [effect for effect in done if isinstance(effect, asks)]


def reading(box: st.Box = OPEN) -> st.Asking:
    return st.Asking(box=with_sticks(box, BRINGING), topic=st.Topic.STICK_POLICY)


def test_a_locked_box_says_what_the_stick_brings_and_reads_it_after_the_unlock() -> None:
    state, _ = go(st.Locked(box=LOCKED), StickInserted(BRINGING))
    assert isinstance(state, st.StickAsks)
    state, done = go(state, "#", ev.EntryFinished(), ev.Unlocked(SESSION))
    assert state == st.Asking(box=state.box, topic=st.Topic.STICK_POLICY)
    assert done[-1] == fx.AskStickPolicy(BRINGING)
    assert not state.box.single_job


def test_an_unlocked_box_reads_it_at_a_key() -> None:
    state, done = go(st.StickAsks(box=with_sticks(OPEN, BRINGING)), "#")
    assert isinstance(state, st.Asking)
    assert asked(done) == [fx.AskStickPolicy(BRINGING)]


def test_nothing_is_read_while_the_clock_is_not_believed() -> None:
    checking = st.Checking(box=with_sticks(LOCKED, BRINGING), stick=BRINGING.identity)
    state, done = go(checking, ev.ClockWrong(TROUBLE.code, TROUBLE.now, TROUBLE.last, SESSION))
    assert isinstance(state, st.ClockIsWrong)
    assert asked(done) == []


def test_another_stick_than_the_one_that_was_unlocked_for_is_looked_at_anew() -> None:
    swapped = replace(BRINGING, identity="77:usb1")
    checking = st.Checking(box=with_sticks(LOCKED, swapped), stick=BRINGING.identity)
    assert isinstance(go(checking, ev.Unlocked(SESSION))[0], st.StickAsks)


def test_its_differences_and_recipients_are_shown_and_approved_by_a_held_key() -> None:
    state, _ = go(reading(), ev.PolicyProposal(BROUGHT))
    assert isinstance(state, st.Review)
    assert state.box.ignored == BRINGING.identity
    pages = count_review_pages(BROUGHT)
    assert pages == 1 + 2 + 2 * len(BROUGHT.recipients)
    last, done = go(state, "#" * (pages - 1))
    assert asked(done) == []
    state, done = go(last, *hold("#"))
    assert fx.ApprovePolicy() in done
    renewed = replace(SESSION, sticks=TABLE[:1])
    state, _ = go(state, ev.Unlocked(renewed))
    assert isinstance(state, st.Finished)
    home, _ = go(state, "#")
    assert isinstance(home, st.Home)  # the stick was served
    locked, _ = go(home, "*")
    assert locked.box.settings.sticks == TABLE[:1]


def test_what_it_says_of_the_boxs_own_sections_comes_first() -> None:
    assert source_lines(BROUGHT) == (
        "Example Virtual Wor..",
        "2 differences",
        "hardware: not taken",
        "kiosk: not taken",
    )
    assert source_lines(replace(PROPOSAL, source="PISM-CONFIG", authority="W")) == ("W", "2 recipients")
    assert source_lines(PROPOSAL) == ()


def test_it_is_not_approved_by_leaving_it() -> None:
    review = st.Review(box=with_sticks(OPEN, BRINGING, ignored=BRINGING.identity), proposal=BROUGHT)
    state, done = go(review, "*")
    assert isinstance(state, st.Home)
    assert asked(done) == []


def test_what_says_the_same_is_done_at_a_key() -> None:
    same = replace(BROUGHT, differences=())
    state, done = go(reading(), ev.PolicyProposal(same), "#" * count_review_pages(same))
    assert isinstance(state, st.Home)
    assert asked(done) == []


def test_a_refusal_is_shown_and_the_stick_may_come_back_corrected() -> None:
    state, _ = go(reading(), ev.JobFailed("E-CONFIG-KEY", "config.yaml line 17, more: this key is unknown"))
    assert isinstance(state, st.Problem)
    assert isinstance(go(state, "#")[0], st.StickAsks)


def test_a_stick_that_was_pulled_while_it_was_read_is_said() -> None:
    state, _ = go(reading(), StickRemoved(BRINGING.identity), GONE)
    assert state == st.Problem(box=state.box, code="E-STICK-GONE", text="gone")
    assert isinstance(go(state, "#")[0], st.Home)


def test_a_stick_that_was_pulled_after_it_was_read_is_not_missed() -> None:
    state, _ = go(reading(), StickRemoved(BRINGING.identity), ev.PolicyProposal(BROUGHT))
    assert isinstance(state, st.Review)
    assert state.box.ignored == ""
    state, _ = go(reading(), ev.PolicyProposal(BROUGHT), StickRemoved(BRINGING.identity))
    state, done = go(state, "#" * (count_review_pages(BROUGHT) - 1), *hold("#"))
    assert fx.ApprovePolicy() in done


def test_reading_cannot_be_left_so_that_one_stick_never_answers_for_another() -> None:
    asking = reading()
    assert go(asking, "*")[0] == asking
    setup = st.Asking(box=with_sticks(FACTORY, BRINGING), topic=st.Topic.SETUP_STICK)
    assert go(setup, "*")[0] == setup


def test_an_empty_box_is_set_up_with_the_policy_of_the_stick() -> None:
    state, _ = go(st.Welcome(box=FACTORY), StickInserted(BRINGING), "#", ev.ClockRead(TROUBLE.last))
    state, done = go(state, "#")
    assert asked(done) == [fx.AskStickPolicy(BRINGING)]
    brought = replace(BROUGHT, differences=())
    state, done = go(state, ev.PolicyProposal(brought), "#" * count_review_pages(brought))
    assert isinstance(state, st.ChoosePassphrase)
    creating = st.Creating(box=state.box)
    state, _ = go(creating, ev.Created(TABLE[:1]), "#")
    assert isinstance(state, st.Locked)  # and does not ask for it again
    assert state.box.settings.sticks == TABLE[:1]


def test_an_empty_box_takes_the_policy_of_a_stick_only_if_it_is_alone() -> None:
    confirm = st.ConfirmDate(box=with_sticks(FACTORY, BRINGING, HERE), now=TROUBLE.last)
    state, done = go(confirm, "#")
    assert isinstance(state, st.Problem)
    assert state.code == "E-STICK-TWO"
    assert asked(done) == []
    other = st.ConfirmDate(box=with_sticks(FACTORY, HERE), now=TROUBLE.last)
    assert asked(go(other, "#")[1]) == [fx.AskPolicy()]


def test_the_locked_table_is_that_of_the_last_session_and_its_note_is_gone() -> None:
    noted = replace(OPEN.settings, note="Stick list was bad", sticks=())
    state, _ = go(st.Home(box=replace(OPEN, settings=noted)), "*")
    assert isinstance(state, st.Locked)
    assert state.box.settings == replace(noted, sticks=SESSION.sticks, note="")


def test_a_policy_stick_is_never_a_label_to_be_given() -> None:
    from kiosk.rules.sticks import labels

    assert "PISM-CONFIG" not in labels(OPEN)


def test_steps_that_changed_since_the_box_was_locked_are_shown_before_they_run() -> None:
    renewed = replace(SESSION, sticks=(("PISM-ALL", ("top-up",)),))
    checking = st.Checking(box=with_sticks(LOCKED, HERE), stick=HERE.identity)
    state, done = go(checking, ev.Unlocked(renewed))
    assert isinstance(state, st.StickAsks)
    assert asked(done) == []
