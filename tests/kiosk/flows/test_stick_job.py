"""A stick's job, each rule by the shortest way."""

from dataclasses import replace

from msgspec.structs import replace as change

from core.api.requests import Unlock
from hw.ports import KeyPressed, Stick
from kiosk.flows.top_up import TOP_UP
from kiosk.machine.effects import CloseVault, OpenVault, StopWork
from kiosk.screens.page import Entry, Work
from kiosk.work.job import RequestsFound, RunJob, StepDone
from kiosk.work.look import LookAtStick, StickLooked
from kiosk.work.worker import Answer
from tests.kiosk.facts import HALF, HERE, JOB, OTHER, REQUESTS, RESULTS, SESSION, SMALL, box, stick
from tests.kiosk.flows.steps import DONE, HELD, LEFT, Operator, unlock

AGAIN = replace(HERE, identity="14:usb1")


def working() -> Operator:
    """Return a operator whose stick's job runs, in a session for it alone."""
    return unlock(Operator(box(HERE)))


def test_a_stick_opens_the_vault_early_and_its_job_starts_with_the_passphrase() -> None:
    operator = Operator(box())
    operator.machine.vault = operator.machine.vault.CLOSED
    operator.forget().put_in(HERE)
    assert OpenVault() in operator.effects
    operator.happen("#")
    assert isinstance(operator.shown, Entry)
    operator.happen(DONE)
    operator.asked(Unlock)
    operator.answer(SESSION)
    assert operator.asked(RunJob) == {"stick": HERE, "steps": JOB, "approved": None}
    assert isinstance(operator.shown, Work)


def test_all_written_is_safe_to_remove_and_the_session_ends_with_the_job() -> None:
    operator = working().answer(RESULTS)
    assert operator.title == "SAFE TO REMOVE"
    assert CloseVault() in operator.effects
    assert operator.box.session is None
    assert operator.pull(HERE).happen("#").title == "LOCKED"


def test_a_write_protected_stick_says_so_before_a_passphrase_and_starts_nothing() -> None:
    locked = replace(HERE, read_only=True)
    for known in (box(locked), box(locked, unlocked=True)):
        operator = Operator(known)
        assert operator.title == "E-STICK-READONLY"
        assert operator.lines == ("PISM-ALL is LOCKED", "Slide its switch, put", "it in again")
        operator.happen("#D").hold("#")
        assert operator.title == "E-STICK-READONLY"
        assert not operator.orders
        operator.pull(locked).put_in(AGAIN)
        assert operator.title == "STICK PISM-ALL asks"


def test_the_look_tells_that_a_stick_is_write_protected_where_the_system_had_not() -> None:
    operator = Operator(box(HERE))
    assert operator.asked(LookAtStick) == {"stick": HERE, "steps": JOB}
    operator.answer(StickLooked(read_only=True))
    assert operator.title == "E-STICK-READONLY"
    assert operator.happen("*").page.body.below == "Stick is not used"  # type: ignore[union-attr]


def test_a_small_stick_is_told_with_both_sizes_and_gone_on_with_by_a_held_key_only() -> None:
    operator = Operator(box(HERE)).answer(SMALL)
    assert operator.title == "E-STICK-FULL"
    assert operator.lines == ("Needs about 9.1 MB", "has 2.0 MB free", "Make room on a PC")
    assert operator.happen("#").title == "E-STICK-FULL"
    operator.hold("#").happen(DONE).answer(SESSION)
    assert operator.asked(RunJob)["steps"] == JOB
    assert Operator(box(HERE)).answer(SMALL).happen("*").title != "E-STICK-FULL"


def test_the_page_waits_for_no_look_and_keys_mean_the_same_meanwhile() -> None:
    operator = Operator(box(stick("PISM-MANY")))
    assert operator.lines[0] == "1 top-up"
    assert operator.happen("D").lines[0] == "3 export"
    operator.asked(LookAtStick)
    operator.answer(StickLooked())
    assert operator.lines[0] == "3 export", "what was seen changes no page that it does not hinder"
    assert operator.happen("D").lines[0] == "4 backup main-backup"
    assert isinstance(operator.happen("#").shown, Entry)
    late = Operator(box(HERE)).happen("#")
    late.happen(Answer(late.orders[0].ticket, SMALL))
    assert isinstance(late.shown, Entry), "an answer that comes too late is dropped"
    pulled = Operator(box(HERE)).pull(HERE)
    pulled.answer(SMALL)
    assert pulled.title == "LOCKED"
    assert Operator(box(HERE)).refuse("E-STICK-IO", "dying").title == "STICK PISM-ALL asks"


def test_a_stick_that_gets_no_archive_is_not_looked_at() -> None:
    for label in ("PISM-CONFIG", "PISM-DRILL"):
        operator = Operator(box(replace(stick(label), read_only=True)))
        assert operator.title.endswith(f"{label} asks")
        assert not operator.orders
    assert not Operator(box(HERE, unlocked=True)).orders, "an unlocked box knows better when the job begins"


def test_a_session_that_was_open_stays_open() -> None:
    operator = unlock(Operator(box())).put_in(HERE)
    assert operator.page.left == "#start"
    operator.happen("#").answer(RESULTS)
    assert operator.title == "SAFE TO REMOVE"
    assert operator.box.session is not None
    assert operator.pull(HERE).happen("#").title == "UNLOCKED"


def test_steps_that_differ_from_what_was_promised_are_shown_first() -> None:
    operator = Operator(box(HERE)).happen("#", DONE)
    operator.answer(change(SESSION, sticks={"PISM-ALL": ("top-up", "export main-kudo")}))
    assert operator.title == "STICK PISM-ALL asks"
    assert operator.lines == ("1 top-up", "2 export main-kudo")
    assert [order.request for order in operator.orders] == [LookAtStick, Unlock]
    operator.happen("#")
    assert operator.asked(RunJob)["steps"] == ("top-up", "export main-kudo")
    operator.answer(RESULTS)
    assert operator.box.session is None, "it was opened for this stick"


def test_a_label_that_is_pinned_no_more_starts_nothing() -> None:
    operator = Operator(box(HERE)).happen("#", DONE).answer(change(SESSION, sticks={}))
    assert operator.title == "NOT A PiSM STICK"


def test_an_ignored_stick_is_left_until_it_was_out() -> None:
    operator = Operator(box(HERE)).happen("*")
    assert operator.page.body.below == "Stick is not used"  # type: ignore[union-attr]
    assert operator.pull(HERE).put_in(HERE).title == "STICK PISM-ALL asks"


def test_steps_that_do_not_fit_on_one_page_are_pages_and_no_name_is_cut() -> None:
    many = Operator(box(stick("PISM-MANY")))
    assert many.page.right == "*leave"
    assert many.happen("D").lines == ("3 export", "infrastructure-of-lon", "don")
    assert many.happen("D").lines == ("4 backup main-backup",)
    assert many.happen("D").lines[0] == "1 top-up"


def test_progress_is_shown_and_a_held_key_stops_at_the_next_commit() -> None:
    operator = working().progress(HALF, step=2)
    assert isinstance(operator.shown, Work)
    assert (operator.shown.progress, operator.shown.step) == (HALF, 2)
    assert StopWork() not in operator.happen("*").effects
    assert operator.hold("*").effects.count(StopWork()) == 1
    assert isinstance(operator.shown, Work)
    assert operator.shown.stopping
    operator.hold("*")
    assert operator.effects.count(StopWork()) == 1
    operator.refuse("E-STOPPED")
    assert operator.title == "STOPPED"


def test_a_stick_pulled_early_is_put_in_again_and_the_same_job_goes_on() -> None:
    operator = working().pull(HERE)
    assert isinstance(operator.shown, Work), "the work itself says when it missed the stick"
    operator.refuse("E-STICK-GONE", "gone")
    assert operator.title == "E-STICK-GONE"
    assert operator.put_in(OTHER).lines == ("This one is", "PISM-EXPORT", "Put in PISM-ALL")
    assert operator.pull(OTHER).lines[0] == "Pulled too early."
    operator.put_in(AGAIN)
    assert operator.asked(RunJob) == {"stick": AGAIN, "steps": JOB, "approved": None}
    assert operator.answer(RESULTS).title == "SAFE TO REMOVE"


def test_a_stick_that_is_back_before_the_work_missed_it_goes_on_at_once() -> None:
    operator = working().pull(HERE).put_in(AGAIN).refuse("E-STICK-GONE", "gone")
    assert operator.asked(RunJob)["stick"] == AGAIN


def test_giving_up_a_pulled_stick_ends_its_session() -> None:
    operator = working().pull(HERE).refuse("E-STICK-GONE", "gone").happen("*")
    assert operator.title == "E-STICK-GONE", "one press drops no session"
    assert operator.hold("*").title == "LOCKED"
    kept = unlock(Operator(box())).put_in(HERE).happen("#").pull(HERE).refuse("E-STICK-GONE").hold("*")
    assert kept.title == "UNLOCKED"


def test_a_second_stick_is_not_touched_and_one_has_to_go() -> None:
    operator = working().put_in(OTHER)
    assert isinstance(operator.shown, Work)
    operator.answer(RESULTS)
    assert operator.title == "E-STICK-TWO"
    assert operator.lines[0] == "The job is done, all"
    assert operator.pull(OTHER).title == "SAFE TO REMOVE"
    other = working().put_in(OTHER).answer(RESULTS).pull(HERE)
    assert other.title == "PISM-EXPORT asks"


def test_two_sticks_at_rest_wait_until_one_is_left() -> None:
    third: Stick = stick("PISM-BACKUP", identity="18:usb3")
    operator = Operator(box(HERE, OTHER))
    assert operator.title == "E-STICK-TWO"
    assert operator.put_in(third).pull(HERE).title == "E-STICK-TWO"
    assert operator.pull(third).title == "PISM-EXPORT asks"


def test_a_stick_pulled_after_all_was_written_is_no_fault() -> None:
    operator = working().pull(HERE).answer(RESULTS)
    assert operator.title == "STICK IS OUT"
    assert operator.happen("#").title == "LOCKED"


def test_what_a_job_is_refused_for_is_said() -> None:
    assert working().refuse("E-STICK-FULL", "full").title == "E-STICK-FULL"


def test_a_top_up_needs_no_stick() -> None:
    operator = Operator(box(unlocked=True)).happen("#2")
    assert operator.asked(RunJob) == {"stick": None, "steps": TOP_UP, "approved": None}
    late = StepDone(step="top-up", issued=3, late_roots=1)
    told = operator.answer(replace(RESULTS, steps=(late,)))
    assert told.lines == ("Give out roots today", "3 signed", "Export them soon")
    due = replace(RESULTS, steps=(StepDone(step="top-up"),))
    nothing = Operator(box(unlocked=True)).happen("#2").answer(due)
    assert nothing.lines == ("Nothing was due",)


def test_requests_on_the_stick_are_approved_one_by_one_at_a_held_key() -> None:
    operator = working().answer(RequestsFound(REQUESTS))
    assert operator.title == "SIGN A KEY?"
    assert operator.hold("#").title == "KEY SHA-256", "the key that opened the page does not approve"
    assert operator.hold("#").title == "SIGN A KEY?"
    assert operator.page.mark == "2/3"
    operator.happen("*")
    assert operator.title == "E-REQUEST-TARGET"
    operator.happen("#")
    assert operator.asked(RunJob) == {"stick": HERE, "steps": JOB, "approved": ("a" * 64,)}
    assert operator.answer(RESULTS).title == "SAFE TO REMOVE"


def test_a_key_that_went_down_before_the_fingerprint_was_shown_approves_nothing() -> None:
    operator = working().answer(RequestsFound(REQUESTS[:1])).happen(KeyPressed("#"), HELD)
    assert operator.title == "KEY SHA-256"
    operator.happen("*")
    assert operator.asked(RunJob)["approved"] == ()


def test_nobody_there_locks_and_nothing_is_signed() -> None:
    operator = working().answer(RequestsFound(REQUESTS)).hold("#").forget().lock_by_idleness()
    assert operator.title == "STICK PISM-ALL asks"
    assert CloseVault() in operator.effects
    assert [order.request for order in operator.orders] == [LookAtStick]


def test_requests_whose_stick_went_are_shown_anew() -> None:
    operator = working().answer(RequestsFound(REQUESTS)).hold("#").hold("#").put_in(OTHER)
    assert operator.title == "SIGN A KEY?", "a second stick is not touched"
    operator.pull(OTHER).pull(HERE)
    assert operator.title == "E-STICK-GONE"
    assert operator.put_in(AGAIN).asked(RunJob) == {"stick": AGAIN, "steps": JOB, "approved": None}


def test_an_entry_that_is_left_asks_for_the_stick_again() -> None:
    assert Operator(box(HERE)).happen("#", LEFT).title == "STICK PISM-ALL asks"
