"""What the status pages vouch for."""

from msgspec.structs import replace

from kiosk.flows.status import archive_page
from tests.kiosk.facts import REPORT, archive, box
from tests.kiosk.flows.steps import Operator

EXPORT = archive("egress", "main-kudo", 5)


def test_an_archive_that_is_on_no_stick_is_not_called_written_because_an_earlier_one_is() -> None:
    body = archive_page(replace(EXPORT, written_sequence=4), "", due=False).body
    assert body == ("egress  000005", "only 000004 written")


def test_an_archive_that_was_seen_on_a_stick_has_its_date() -> None:
    assert archive_page(EXPORT, "", due=False).body == (
        "egress  000005",
        f"written {EXPORT.written:%Y-%m-%d}",
    )
    never = replace(EXPORT, written=None, written_sequence=None)
    assert archive_page(never, "", due=False).body == ("egress  000005", "not on a stick yet")


def test_the_words_of_the_box_come_first_and_then_each_root_on_four_pages() -> None:
    operator = Operator(box(unlocked=True)).happen("#4").answer(REPORT)
    assert (operator.title, operator.page.mark) == ("THIS BOX'S WORDS", "1/2")
    assert operator.happen("D").page.mark == "2/2"
    assert operator.happen("D").page.mark == "1/2"
    assert operator.happen("D#").title == "ROOT 2026"
    assert operator.happen("DDDD").title == "ROOT 2026"
    assert operator.happen("#").title == "ROOT 2027"
    assert (operator.happen("#").title, operator.page.mark) == ("THIS BOX'S WORDS", "1/2")
    assert operator.happen("*").title == "MENU"
