"""The words of a drill on the panel, each rule by the shortest way."""

from core.api.requests import RecordDrill
from kiosk.entry.buffers import Purpose
from kiosk.machine.effects import StartEntry, WipeEntry
from kiosk.screens.page import Entry
from kiosk.work.drill import ReadDrill
from tests.kiosk.facts import DRILLED_STICK, DRILLS, HERE, OTHER, box, stick
from tests.kiosk.flows.steps import DONE, LEFT, Operator, unlock


def typing() -> Operator:
    return Operator(box(unlocked=True)).happen("#A")


def test_the_words_are_sent_from_their_buffer_and_wiped() -> None:
    operator = typing()
    assert StartEntry(Purpose.DRILL) in operator.effects
    operator.happen(DONE)
    assert operator.asked(RecordDrill) == {"words": Purpose.DRILL, "name": None}
    operator.answer(DRILLS[0])
    assert operator.title == "DRILL RECORDED"
    assert operator.lines == ("main-backup 000007 ok",)
    assert WipeEntry() in operator.effects


def test_wrong_words_may_be_corrected_and_are_counted_for_the_eye() -> None:
    operator = typing().happen(DONE).refuse("E-DRILL", "none waits")
    assert operator.lines[2] == "Nothing has changed"
    operator.forget().happen("#")
    assert operator.shown == Entry(purpose=Purpose.DRILL, again=True, refused=True)
    assert operator.effects[-1:] != [StartEntry(Purpose.DRILL)]
    assert WipeEntry() not in operator.effects
    assert operator.happen(DONE).refuse("E-DRILL", "none waits").lines[2] == "2 tries"
    assert operator.happen("*").title == "E-DRILL", "one press too many throws nothing away"
    assert WipeEntry() not in operator.effects
    assert operator.hold("*").title == "MENU"
    assert WipeEntry() in operator.effects


def test_another_refusal_is_said_as_it_is() -> None:
    assert typing().happen(DONE).refuse("E-STATE-DAMAGED", "x").title == "E-STATE-DAMAGED"


def test_words_that_are_left_lead_back_to_the_menu() -> None:
    assert typing().happen(LEFT).title == "MENU"


def test_a_stick_that_is_in_offers_to_be_read() -> None:
    operator = Operator(box(HERE, unlocked=True, ignored=HERE.identity)).happen("#A")
    assert operator.lines == ("A type six words", "B read PISM-ALL")
    assert operator.happen("*").title == "MENU"
    operator.happen("AB")
    assert operator.asked(ReadDrill) == {"stick": HERE}
    operator.answer(DRILLS)
    assert operator.lines == ("main-backup 000007 ok", "seco..f-all 000012 ok")
    typed = Operator(box(HERE, unlocked=True, ignored=HERE.identity)).happen("#AA")
    assert typed.shown == Entry(purpose=Purpose.DRILL)


def test_what_a_stick_cannot_give_is_said() -> None:
    operator = Operator(box(HERE, unlocked=True, ignored=HERE.identity)).happen("#AB")
    assert operator.refuse("E-STICK-MISSING", "no file").title == "E-STICK-MISSING"


def test_only_one_readable_stick_is_offered() -> None:
    exfat = stick("X", filesystem="exfat")
    for known in (box(exfat, unlocked=True, ignored=exfat.identity),):
        assert Operator(known).happen("#A").shown == Entry(purpose=Purpose.DRILL)


def test_a_stick_that_comes_or_goes_ends_the_choice() -> None:
    operator = Operator(box(HERE, unlocked=True, ignored=HERE.identity)).happen("#A")
    assert operator.put_in(OTHER).title == "E-STICK-TWO"


def test_many_drills_are_counted() -> None:
    operator = Operator(box(HERE, unlocked=True, ignored=HERE.identity)).happen("#AB").answer(DRILLS * 3)
    assert operator.lines[2] == "and 4 more"


def test_a_drill_stick_asks_unlocks_and_records_and_its_session_ends() -> None:
    operator = Operator(box(DRILLED_STICK))
    assert operator.title == "STICK PISM-DRILL asks"
    assert operator.lines == ("1 record a drill",)
    assert unlock(operator).asked(ReadDrill) == {"stick": DRILLED_STICK}
    assert operator.answer(DRILLS).title == "DRILL RECORDED"
    assert operator.box.session is None
    assert operator.happen("#").page.body.below == "Stick is not used"  # type: ignore[union-attr]


def test_a_session_that_was_open_stays_open_after_a_drill_stick() -> None:
    operator = unlock(Operator(box())).put_in(DRILLED_STICK).happen("#").answer(DRILLS)
    assert operator.title == "DRILL RECORDED"
    assert operator.happen("#").title == "UNLOCKED"


def test_a_drill_stick_that_is_refused_says_why_and_asks_again() -> None:
    for code in ("E-DRILL", "E-STICK-MISSING", "E-STICK-FORMAT", "E-STICK-GONE"):
        operator = unlock(Operator(box(DRILLED_STICK))).refuse(code, "why")
        assert (operator.title, operator.page.left) == (code, "#ok B QR D more")
        assert operator.happen("#").title == "STICK PISM-DRILL asks"
        assert operator.page.left == "#start"
