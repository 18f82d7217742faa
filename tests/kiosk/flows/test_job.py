"""A stick's job, each rule by the shortest way."""

from dataclasses import replace

from msgspec.structs import replace as change

from core.api.requests import Unlock
from hw.ports import KeyPressed, Stick
from kiosk.flows.job import TOP_UP, result_lines
from kiosk.flows.machine import CloseVault, OpenVault, StopWork
from kiosk.screens.page import Entry, Work
from kiosk.work.job import RequestsFound, RunJob, StepDone
from tests.kiosk.facts import HALF, HERE, JOB, OTHER, REQUESTS, RESULTS, SESSION, box, stick
from tests.kiosk.flows.steps import DONE, HELD, LEFT, Hand, unlock

AGAIN = replace(HERE, identity="14:usb1")


def working() -> Hand:
    """Return a hand whose stick's job runs, in a session for it alone."""
    return unlock(Hand(box(HERE)))


def test_a_stick_opens_the_vault_early_and_its_job_starts_with_the_passphrase() -> None:
    hand = Hand(box())
    hand.machine.vault = hand.machine.vault.CLOSED
    hand.forget().put_in(HERE)
    assert OpenVault() in hand.effects
    hand.happen("#")
    assert isinstance(hand.shown, Entry)
    hand.happen(DONE)
    hand.asked(Unlock)
    hand.answer(SESSION)
    assert hand.asked(RunJob) == {"stick": HERE, "steps": JOB, "approved": None}
    assert isinstance(hand.shown, Work)


def test_all_written_is_safe_to_remove_and_the_session_ends_with_the_job() -> None:
    hand = working().answer(RESULTS)
    assert hand.title == "SAFE TO REMOVE"
    assert hand.lines == result_lines(RESULTS)[:3]
    assert CloseVault() in hand.effects
    assert hand.box.session is None
    assert hand.happen("D").lines == result_lines(RESULTS)[3:]
    assert hand.pull(HERE).title == "LOCKED"


def test_a_session_that_was_open_stays_open() -> None:
    hand = unlock(Hand(box())).put_in(HERE)
    assert hand.page.left == "#start"
    hand.happen("#").answer(RESULTS)
    assert hand.title == "SAFE TO REMOVE"
    assert hand.box.session is not None
    assert hand.pull(HERE).title == "UNLOCKED"


def test_steps_that_differ_from_what_was_promised_are_shown_first() -> None:
    hand = Hand(box(HERE)).happen("#", DONE)
    hand.answer(change(SESSION, sticks={"PISM-ALL": ("top-up", "export main-kudo")}))
    assert hand.title == "STICK PISM-ALL asks"
    assert hand.lines == ("1 top-up", "2 export main-kudo")
    assert len(hand.orders) == 1
    hand.happen("#")
    assert hand.asked(RunJob)["steps"] == ("top-up", "export main-kudo")
    hand.answer(RESULTS[:2])
    assert hand.box.session is None, "it was opened for this stick"


def test_a_label_that_is_pinned_no_more_starts_nothing() -> None:
    hand = Hand(box(HERE)).happen("#", DONE).answer(change(SESSION, sticks={}))
    assert hand.title == "NOT A PiSM STICK"


def test_an_ignored_stick_is_left_until_it_was_out() -> None:
    hand = Hand(box(HERE)).happen("*")
    assert hand.page.body.below == "Stick is not used"  # type: ignore[union-attr]
    assert hand.pull(HERE).put_in(HERE).title == "STICK PISM-ALL asks"


def test_more_than_three_steps_are_pages() -> None:
    many = Hand(box(stick("PISM-MANY")))
    assert many.page.right == "*skip"
    assert many.happen("D").lines == ("4 backup main-backup",)
    assert many.happen("D").lines[0] == "1 top-up"


def test_progress_is_shown_and_a_held_key_stops_at_the_next_commit() -> None:
    hand = working().progress(HALF, step=2)
    assert isinstance(hand.shown, Work)
    assert (hand.shown.progress, hand.shown.step) == (HALF, 2)
    assert StopWork() not in hand.happen("*").effects
    assert hand.hold("*").effects.count(StopWork()) == 1
    assert isinstance(hand.shown, Work)
    assert hand.shown.stopping
    hand.hold("*")
    assert hand.effects.count(StopWork()) == 1
    hand.refuse("E-STOPPED")
    assert hand.title == "STOPPED"


def test_a_stick_pulled_early_is_put_in_again_and_the_same_job_goes_on() -> None:
    hand = working().pull(HERE)
    assert isinstance(hand.shown, Work), "the work itself says when it missed the stick"
    hand.refuse("E-STICK-GONE", "gone")
    assert hand.title == "E-STICK-GONE"
    assert hand.put_in(OTHER).lines == ("This one is", "PISM-EXPORT", "Put in PISM-ALL")
    assert hand.pull(OTHER).lines[0] == "Pulled too early."
    hand.put_in(AGAIN)
    assert hand.asked(RunJob) == {"stick": AGAIN, "steps": JOB, "approved": None}
    assert hand.answer(RESULTS).title == "SAFE TO REMOVE"


def test_a_stick_that_is_back_before_the_work_missed_it_goes_on_at_once() -> None:
    hand = working().pull(HERE).put_in(AGAIN).refuse("E-STICK-GONE", "gone")
    assert hand.asked(RunJob)["stick"] == AGAIN


def test_giving_up_a_pulled_stick_ends_its_session() -> None:
    hand = working().pull(HERE).refuse("E-STICK-GONE", "gone").happen("*")
    assert hand.title == "LOCKED"
    kept = unlock(Hand(box())).put_in(HERE).happen("#").pull(HERE).refuse("E-STICK-GONE").happen("*")
    assert kept.title == "UNLOCKED"


def test_a_second_stick_is_not_touched_and_one_has_to_go() -> None:
    hand = working().put_in(OTHER)
    assert isinstance(hand.shown, Work)
    hand.answer(RESULTS)
    assert hand.title == "E-STICK-TWO"
    assert hand.lines[0] == "The job is done, all"
    assert hand.pull(OTHER).title == "SAFE TO REMOVE"
    other = working().put_in(OTHER).answer(RESULTS).pull(HERE)
    assert other.title == "PISM-EXPORT asks"


def test_two_sticks_at_rest_wait_until_one_is_left() -> None:
    third: Stick = stick("PISM-BACKUP", identity="18:usb3")
    hand = Hand(box(HERE, OTHER))
    assert hand.title == "E-STICK-TWO"
    assert hand.put_in(third).pull(HERE).title == "E-STICK-TWO"
    assert hand.pull(third).title == "PISM-EXPORT asks"


def test_what_is_safe_to_remove_stays_said_when_the_session_ends_by_itself() -> None:
    hand = unlock(Hand(box())).put_in(HERE).happen("#").answer(RESULTS).forget().lock_by_idleness()
    assert hand.title == "SAFE TO REMOVE"
    assert CloseVault() in hand.effects


def test_a_stick_pulled_after_all_was_written_is_no_fault() -> None:
    hand = working().pull(HERE).answer(RESULTS)
    assert hand.title == "DONE"
    assert hand.happen("#").title == "LOCKED"


def test_what_a_job_is_refused_for_is_said() -> None:
    assert working().refuse("E-STICK-FULL", "full").title == "E-STICK-FULL"


def test_a_top_up_needs_no_stick() -> None:
    hand = Hand(box(unlocked=True)).happen("#2")
    assert hand.asked(RunJob) == {"stick": None, "steps": TOP_UP, "approved": None}
    told = hand.answer((StepDone(step="top-up", issued=3, late_roots=1),))
    assert told.lines == ("3 signed", "Export them soon", "Give out roots today")
    nothing = Hand(box(unlocked=True)).happen("#2").answer((StepDone(step="top-up"),))
    assert nothing.lines == ("Nothing was due",)


def test_requests_on_the_stick_are_approved_one_by_one_at_a_held_key() -> None:
    hand = working().answer(RequestsFound(REQUESTS))
    assert hand.title == "SIGN A KEY?"
    assert hand.hold("#").title == "KEY SHA-256", "the key that opened the page does not approve"
    assert hand.hold("#").title == "SIGN A KEY?"
    assert hand.page.mark == "2/3"
    hand.happen("*")
    assert hand.title == "E-REQUEST-TARGET"
    hand.happen("#")
    assert hand.asked(RunJob) == {"stick": HERE, "steps": JOB, "approved": ("a" * 64,)}
    assert hand.answer(RESULTS).title == "SAFE TO REMOVE"


def test_a_key_that_went_down_before_the_fingerprint_was_shown_approves_nothing() -> None:
    hand = working().answer(RequestsFound(REQUESTS[:1])).happen(KeyPressed("#"), HELD)
    assert hand.title == "KEY SHA-256"
    hand.happen("*")
    assert hand.asked(RunJob)["approved"] == ()


def test_nobody_there_locks_and_nothing_is_signed() -> None:
    hand = working().answer(RequestsFound(REQUESTS)).hold("#").forget().lock_by_idleness()
    assert hand.title == "STICK PISM-ALL asks"
    assert CloseVault() in hand.effects
    assert not hand.orders


def test_requests_whose_stick_went_are_shown_anew() -> None:
    hand = working().answer(RequestsFound(REQUESTS)).hold("#").hold("#").put_in(OTHER)
    assert hand.title == "SIGN A KEY?", "a second stick is not touched"
    hand.pull(OTHER).pull(HERE)
    assert hand.title == "E-STICK-GONE"
    assert hand.put_in(AGAIN).asked(RunJob) == {"stick": AGAIN, "steps": JOB, "approved": None}


def test_an_entry_that_is_left_asks_for_the_stick_again() -> None:
    assert Hand(box(HERE)).happen("#", LEFT).title == "STICK PISM-ALL asks"
