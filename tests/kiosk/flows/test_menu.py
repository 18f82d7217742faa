"""The menu and what only reads: status, recipients, roots, journal, self-test, a wrong stick."""

from dataclasses import replace

from msgspec.structs import replace as change

from core.api.requests import AskStatus
from kiosk.flows.menu import all_items
from kiosk.screens.page import PATTERNS, Keys, Pixels, QrCode
from kiosk.work.self_test import Finding, RunSelfTest
from kiosk.work.sticks import FormatStick
from tests.kiosk.facts import HERE, REPORT, box, stick
from tests.kiosk.flows.steps import Hand

HOLIDAYS = stick("HOLIDAYS")


def test_every_key_of_the_menu_picks_its_line_from_any_page() -> None:
    assert [item.key for item in all_items()] == list("1234567890A")
    for item in all_items():
        hand = Hand(box(unlocked=True)).happen("#DD", item.key)
        assert hand.title != "MENU", item


def test_locked_menu_offers_no_secret_function() -> None:
    hand = Hand(box()).happen("D12345678A")
    assert hand.title == "MENU"
    assert not hand.orders
    assert hand.happen("9").title == "Keys"


def test_the_menu_is_left_by_a_key_or_a_stick() -> None:
    assert Hand(box(unlocked=True)).happen("#*").title == "UNLOCKED"
    assert Hand(box(unlocked=True)).happen("#").put_in(HERE).title == "STICK PISM-ALL asks"


def test_status_turns_its_pages_and_leads_back() -> None:
    hand = Hand(box(unlocked=True)).happen("#1")
    assert hand.asked(AskStatus) == {}
    hand.answer(REPORT)
    assert [hand.page.mark, hand.happen("#").page.mark, hand.happen("D").page.mark] == ["1/6", "2/6", "3/6"]
    assert hand.happen("####").page.mark == "1/6"
    assert hand.happen("*").title == "MENU"
    assert hand.happen("1").answer(REPORT).put_in(HERE).title == "STICK PISM-ALL asks"


def test_a_question_can_be_left() -> None:
    assert Hand(box(unlocked=True)).happen("#1*").title == "UNLOCKED"


def test_a_refused_question_is_said() -> None:
    assert Hand(box(unlocked=True)).happen("#1").refuse("E-FILE", "x").title == "E-FILE"


def test_roots_are_read_as_hex_as_words_and_by_a_camera() -> None:
    hand = Hand(box(unlocked=True)).happen("#4").answer(REPORT)
    assert hand.page.mark == "1/2"
    assert hand.happen("DDD").title == hand.page.body.text  # type: ignore[union-attr]
    assert isinstance(hand.page.body, QrCode)
    assert hand.happen("#").page.body != hand.happen("#").page.body
    assert hand.happen("D").title == "ROOT 2026"
    assert hand.happen("*").title == "MENU"


def test_only_live_roots_are_shown() -> None:
    revoked = change(REPORT, roots=(change(REPORT.roots[0], status="revoked"),))
    hand = Hand(box(unlocked=True)).happen("#4").answer(revoked)
    assert hand.lines == ("There are none",)
    assert hand.happen("#D*").title == "MENU"


def test_recipients_and_journal_are_words() -> None:
    assert Hand(box(unlocked=True)).happen("#3").answer(REPORT).happen("#").page.mark == "2/2"
    assert Hand(box(unlocked=True)).happen("#5").answer(REPORT).page.left == "#next no 412"


def test_self_test_goes_on_when_every_key_was_seen() -> None:
    hand = Hand(box(unlocked=True)).happen("#9123A456B789C*0")
    assert hand.page.body == Keys(
        seen="123A456B789C*0", beside=("Press", "each key", "14 of 16", "Hold *", "to go on")
    )
    hand.happen("#D")
    assert [hand.page.body, *(hand.happen("5").page.body for _ in range(3))] == [
        Pixels(pattern=pattern) for pattern in PATTERNS
    ]
    hand.happen("5")
    assert hand.asked(RunSelfTest) == {}
    hand.answer(tuple(Finding(name=f"part {n}", good=True) for n in range(4)))
    assert hand.page.mark == "1/2"
    assert hand.happen("#*").title == "MENU"


def test_a_held_key_goes_on_without_the_others() -> None:
    assert Hand(box(unlocked=True)).happen("#9").hold("*").page.body == Pixels(pattern="lit")


def test_a_wrong_stick_may_be_erased_and_named() -> None:
    hand = Hand(box(HOLIDAYS)).happen("A")
    assert hand.title == "ERASE AND NAME IT"
    assert hand.happen("C").lines == ("HOLIDAYS 31.9 GB", "All on it is lost.", "Then: PISM-ALL")
    assert not hand.orders
    hand.hold("#")
    assert hand.asked(FormatStick) == {"stick": HOLIDAYS, "label": "PISM-ALL"}
    assert hand.title == "ERASING"
    assert hand.answer(replace(HOLIDAYS, label="PISM-ALL")).title == "STICK PISM-ALL asks"


def test_a_stick_without_a_job_is_only_made() -> None:
    hand = Hand(box(HOLIDAYS)).happen("AC").hold("#").put_in(replace(HERE, identity="x"))
    assert hand.answer(replace(HOLIDAYS, label="PISM-ALL")).lines == ("It is PISM-ALL now",)


def test_erasing_is_left_by_key_and_by_any_stick() -> None:
    assert Hand(box(HOLIDAYS)).happen("A*").title == "NOT A PiSM STICK"
    assert Hand(box(HOLIDAYS)).happen("AC*").title == "NOT A PiSM STICK"
    assert Hand(box(HOLIDAYS)).happen("AC").pull(HOLIDAYS).title == "LOCKED"
    assert Hand(box(HOLIDAYS)).happen("AC").hold("#").refuse("E-STICK-IO").title == "E-STICK-IO"


def test_a_wrong_stick_is_left_or_the_menu_opened() -> None:
    assert Hand(box(HOLIDAYS)).happen("*").title == "LOCKED"
    assert Hand(box(HOLIDAYS)).happen("D").title == "MENU"


def test_where_no_label_is_known_nothing_can_be_erased() -> None:
    known = box(HOLIDAYS)
    known.settings = replace(known.settings, sticks=())
    assert Hand(known).happen("A").title == "NOT A PiSM STICK"


def test_an_error_turns_its_pages_round() -> None:
    hand = Hand(box(unlocked=True)).happen("#1").refuse("E-FILE", "word " * 30)
    first = hand.page
    assert hand.happen("D").page != first
    assert hand.happen("DD").page == first
    assert hand.happen("#").title == "UNLOCKED"
