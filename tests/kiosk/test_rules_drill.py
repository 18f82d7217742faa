"""The words of a drill on the panel, each rule by the shortest way."""

from dataclasses import replace

from hw.ports import StickInserted, StickRemoved
from kiosk import effects as fx
from kiosk import events as ev
from kiosk import states as st
from tests.kiosk.facts import DRILLS, HERE, LOCKED, OPEN, OTHER, stick, with_sticks
from tests.kiosk.steps import go

WRONG = ev.JobFailed("E-DRILL", "No recent backup waits for these words.")
TYPING = st.Entering(box=OPEN, purpose=fx.Purpose.DRILL)


def test_the_menu_leads_to_the_words_which_are_sent_and_wiped() -> None:
    state, done = go(st.Menu(box=OPEN, page=3), "A")
    assert state == replace(TYPING, box=state.box)
    assert fx.StartEntry(fx.Purpose.DRILL) in done
    state, done = go(state, ev.EntryFinished())
    assert isinstance(state, st.DrillChecking)
    assert fx.RecordDrill() in done
    assert fx.WipeEntry() not in done
    state, done = go(state, ev.DrillsRecorded(DRILLS[:1]))
    assert isinstance(state, st.Finished)
    assert state.lines == ("main-backup 000007 ok",)
    assert state.box.report is None  # the status is asked for anew
    assert fx.WipeEntry() in done


def test_a_locked_menu_offers_no_drill() -> None:
    assert go(st.Menu(box=LOCKED), "A")[0] == st.Menu(box=LOCKED)


def test_wrong_words_are_counted_for_the_eye_and_may_be_corrected() -> None:
    state, done = go(TYPING, ev.EntryFinished(), WRONG)
    assert state == st.DrillWrong(box=state.box, wrong=1)
    assert fx.WipeEntry() not in done
    state, done = go(state, "#")
    assert isinstance(state, st.Entering)
    assert fx.StartEntry(fx.Purpose.DRILL) not in done  # what was typed is still there
    state, _ = go(state, ev.EntryFinished(), WRONG)
    assert state == st.DrillWrong(box=state.box, wrong=2)
    state, done = go(state, "*")
    assert isinstance(state, st.Menu)
    assert fx.WipeEntry() in done


def test_wrong_words_do_not_count_as_a_wrong_passphrase_nor_lock_the_box() -> None:
    state, done = go(TYPING, *(ev.EntryFinished(), WRONG, "#") * 20)
    assert state.box.session is not None
    assert state.box.failed_attempts == 0
    assert not any(isinstance(effect, fx.CloseVault) for effect in done)


def test_another_fault_is_told_by_its_code() -> None:
    state, done = go(st.DrillChecking(box=OPEN), ev.JobFailed("E-STATE-DAMAGED", "damaged"))
    assert isinstance(state, st.Problem)
    assert fx.WipeEntry() in done


def test_an_entry_of_a_drill_that_is_left_leads_to_the_menu() -> None:
    assert isinstance(go(TYPING, ev.EntryLeft())[0], st.Menu)


def test_where_a_stick_is_in_it_may_bring_the_words() -> None:
    ignored = with_sticks(OPEN, HERE, ignored=HERE.identity)
    menu, _ = go(st.Menu(box=ignored), "A")
    assert menu == st.DrillMenu(box=menu.box, stick=HERE)
    state, done = go(menu, "B")
    assert done[-1] == fx.ReadDrill(HERE)
    assert go(state, "*")[0] == state  # it changes something: its answer is waited for
    told, _ = go(state, ev.DrillsRecorded(DRILLS))
    assert isinstance(told, st.Finished)
    assert len(told.lines) == 2
    assert isinstance(go(menu, "A")[0], st.Entering)
    assert isinstance(go(menu, "*")[0], st.Menu)
    assert isinstance(go(state, ev.JobFailed("E-STICK-GONE", "gone"))[0], st.Problem)


def test_a_stick_that_comes_or_goes_is_looked_at() -> None:
    menu = st.DrillMenu(box=with_sticks(OPEN, HERE), stick=HERE)
    assert isinstance(go(menu, StickRemoved(HERE.identity))[0], st.Home)
    assert isinstance(go(menu, StickInserted(OTHER))[0], st.TwoSticks)


def test_two_sticks_or_one_that_is_not_fat32_are_not_offered() -> None:
    for box in (with_sticks(OPEN, HERE, OTHER), with_sticks(OPEN, stick("X", filesystem="exfat"))):
        assert isinstance(go(st.Menu(box=box), "A")[0], st.Entering)


def test_more_drills_than_there_are_lines_are_counted() -> None:
    from kiosk.rules.drill import tell_drills

    told = tell_drills(OPEN, DRILLS * 3)
    assert isinstance(told, st.Finished)
    assert told.lines[2] == "and 4 more"
