"""The menu and what only reads: status, recipients, roots, journal, self-test, a wrong stick."""

from dataclasses import replace

from msgspec.structs import replace as change

from core.api.requests import AskStatus
from kiosk.flows.flow import KEYS_IN_ORDER
from kiosk.flows.menu import all_items
from kiosk.screens.page import PATTERNS, Keys, Pixels, QrCode
from kiosk.work.devices import FormatStick
from kiosk.work.health import Finding
from kiosk.work.self_test import RunSelfTest
from tests.kiosk.facts import HERE, REPORT, RESULTS, box, stick
from tests.kiosk.flows.steps import Operator

HOLIDAYS = stick("HOLIDAYS")


def test_every_key_of_the_menu_picks_its_line_from_any_page() -> None:
    keys = [item.key for item in all_items()]
    assert keys == sorted(keys, key=KEYS_IN_ORDER.index)
    for item in all_items():
        operator = Operator(box(unlocked=True)).happen("#DD", item.key)
        assert operator.title != "MENU", item


def test_locked_menu_offers_no_secret_function() -> None:
    operator = Operator(box()).happen("D12345678A")
    assert operator.title == "MENU"
    assert not operator.orders
    assert operator.happen("9").title == "Keys"


def test_the_menu_is_left_by_a_key_or_a_stick() -> None:
    assert Operator(box(unlocked=True)).happen("#*").title == "UNLOCKED"
    assert Operator(box(unlocked=True)).happen("#").put_in(HERE).title == "STICK PISM-ALL asks"


def test_status_turns_its_pages_and_leads_back() -> None:
    operator = Operator(box(unlocked=True)).happen("#1")
    assert operator.asked(AskStatus) == {}
    operator.answer(REPORT)
    assert [operator.page.mark, operator.happen("#").page.mark, operator.happen("D").page.mark] == [
        "1/6",
        "2/6",
        "3/6",
    ]
    assert operator.happen("####").page.mark == "1/6"
    assert operator.happen("*").title == "MENU"
    assert operator.happen("1").answer(REPORT).put_in(HERE).title == "STICK PISM-ALL asks"


def test_a_question_can_be_left() -> None:
    assert Operator(box(unlocked=True)).happen("#1*").title == "MENU"


def test_a_refused_question_is_said() -> None:
    assert Operator(box(unlocked=True)).happen("#1").refuse("E-FILE", "x").title == "E-FILE"


def test_roots_are_read_as_hex_as_words_and_by_a_camera() -> None:
    operator = Operator(box(unlocked=True)).happen("#4").answer(REPORT).happen("#")
    assert operator.page.mark == "1/2"
    assert operator.happen("DDD").title == operator.page.body.text  # type: ignore[union-attr]
    assert isinstance(operator.page.body, QrCode)
    first = operator.page.body
    assert operator.happen("#").page.body != first
    assert isinstance(operator.page.body, QrCode)
    assert operator.happen("##").title == "ROOT 2026"
    assert operator.happen("*").title == "MENU"


def test_only_live_roots_are_shown() -> None:
    revoked = change(REPORT, roots=(change(REPORT.roots[0], status="revoked"),))
    operator = Operator(box(unlocked=True)).happen("#4").answer(revoked)
    assert operator.happen("#").title == "THIS BOX'S WORDS"
    assert operator.happen("#D*").title == "MENU"


def test_recipients_and_journal_are_words() -> None:
    assert Operator(box(unlocked=True)).happen("#3").answer(REPORT).happen("#").page.mark == "2/9"
    assert Operator(box(unlocked=True)).happen("#5").answer(REPORT).page.left == "#next no 412"


def test_number_and_hash_of_the_journal_and_the_next_visit_are_for_a_camera_too() -> None:
    operator = Operator(box(unlocked=True)).happen("#5").answer(REPORT).happen("##")
    assert isinstance(operator.page.body, QrCode)
    assert operator.page.body.text == f"412 {REPORT.journal_head.upper()}"
    operator.happen("#")
    assert isinstance(operator.page.body, QrCode)
    assert operator.page.body.text == "PISM NEXT VISIT BY 2027-02-01"
    assert operator.happen("*").title == "MENU"


def test_an_error_is_for_a_camera_too_and_any_key_leads_back_to_it() -> None:
    operator = Operator(box(unlocked=True)).happen("#1").refuse("E-FILE", "word " * 30).happen("DB")
    assert isinstance(operator.page.body, QrCode)
    assert operator.page.body.text.startswith("E-FILE: ")
    for key in "#*BD":
        assert operator.happen(key).title == "E-FILE"
        operator.happen("B")


def test_self_test_goes_on_when_every_key_was_seen() -> None:
    operator = Operator(box(unlocked=True)).happen("#9123A456B789C*0")
    assert operator.page.body == Keys(
        seen="123A456B789C*0", beside=("Press", "each key", "14 of 16", "Hold *", "to go on")
    )
    operator.happen("#D")
    assert [operator.page.body, *(operator.happen("5").page.body for _ in range(3))] == [
        Pixels(pattern=pattern) for pattern in PATTERNS
    ]
    operator.happen("5")
    assert operator.asked(RunSelfTest) == {}
    operator.answer(tuple(Finding(name=f"part {n}", good=True) for n in range(4)))
    assert operator.page.mark == "1/2"
    assert operator.happen("#*").title == "MENU"


def test_a_held_key_goes_on_without_the_others() -> None:
    assert Operator(box(unlocked=True)).happen("#9").hold("*").page.body == Pixels(pattern="lit")


def test_a_wrong_stick_may_be_erased_and_named() -> None:
    operator = Operator(box(HOLIDAYS)).happen("A")
    assert operator.title == "ERASE AND NAME IT"
    assert operator.happen("C").lines == ("HOLIDAYS 32 GB", "All on it is lost.", "Then: PISM-ALL")
    assert not operator.orders
    operator.hold("#")
    assert operator.asked(FormatStick) == {"stick": HOLIDAYS, "label": "PISM-ALL"}
    assert operator.title == "ERASING"
    assert operator.answer(replace(HOLIDAYS, label="PISM-ALL")).title == "STICK PISM-ALL asks"


def test_a_stick_without_a_job_is_only_made() -> None:
    operator = Operator(box(HOLIDAYS)).happen("AC").hold("#").put_in(replace(HERE, identity="x"))
    assert operator.answer(replace(HOLIDAYS, label="PISM-ALL")).lines == ("It is PISM-ALL now",)


def test_erasing_is_left_by_key_and_by_any_stick() -> None:
    assert Operator(box(HOLIDAYS)).happen("A*").title == "NOT A PiSM STICK"
    assert Operator(box(HOLIDAYS)).happen("AC*").title == "NOT A PiSM STICK"
    assert Operator(box(HOLIDAYS)).happen("AC").pull(HOLIDAYS).title == "LOCKED"
    assert Operator(box(HOLIDAYS)).happen("AC").hold("#").refuse("E-STICK-IO").title == "E-STICK-IO"


def test_a_wrong_stick_is_left_or_the_menu_opened() -> None:
    assert Operator(box(HOLIDAYS)).happen("*").title == "LOCKED"
    assert Operator(box(HOLIDAYS)).happen("D").title == "MENU"


def test_where_no_label_is_known_nothing_can_be_erased() -> None:
    known = box(HOLIDAYS)
    known.settings = replace(known.settings, sticks=())
    assert Operator(known).happen("A").title == "NOT A PiSM STICK"


def test_an_error_turns_its_pages_round() -> None:
    operator = Operator(box(unlocked=True)).happen("#1").refuse("E-FILE", "word " * 30)
    first = operator.page
    assert operator.happen("D").page != first
    assert operator.happen("DD").page == first
    assert operator.happen("#").title == "MENU"


def test_an_act_leads_back_to_the_menu_that_it_was_begun_from() -> None:
    operator = Operator(box(unlocked=True)).happen("#DD2").answer(RESULTS)
    assert operator.title == "TOP-UP DONE"
    assert operator.happen("#").page.mark == "3/5", "and to the page that was open"
    assert operator.happen("*").title == "UNLOCKED"


def test_a_stick_that_came_during_an_act_is_looked_at_first() -> None:
    operator = Operator(box(unlocked=True)).happen("#2").put_in(HERE).answer(RESULTS).happen("#")
    assert operator.title == "STICK PISM-ALL asks"


def test_one_key_too_many_does_not_lock() -> None:
    operator = Operator(box(unlocked=True)).happen("#4").answer(REPORT).happen("****")
    assert operator.title == "UNLOCKED"
    assert operator.hold("*").title == "LOCKED"


def test_unlocked_does_not_ask_for_a_stick_while_one_is_in() -> None:
    operator = Operator(box(HERE, unlocked=True)).happen("*")
    assert operator.lines[-1] == "Stick is not used"
    assert operator.pull(HERE).lines[-1] == "Put in a stick, or #"
