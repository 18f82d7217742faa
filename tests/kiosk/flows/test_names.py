"""Names are whole wherever something is confirmed: two that differ never make the same page."""

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as some
from msgspec.structs import replace as change

from kiosk.flows import last_visit, recipients, requests, rescue, revoke, stick_job
from kiosk.screens.page import Page
from kiosk.work.job import StepDone
from tests.kiosk.facts import BACKUP, HERE, REPORT, REQUESTS, RESULTS, SESSION, box, recipient
from tests.kiosk.samples import shown

NAMES = some.from_regex(r"[a-z][a-z0-9-]{0,23}", fullmatch=True)
ENDS = some.tuples(NAMES, some.sampled_from(("1", "2", "-a", "-b", "north1", "north2")))
"""Names that differ at their end, where one would cut them."""
SIMILAR = some.one_of(NAMES, ENDS.map(lambda both: both[0][: 24 - len(both[1])] + both[1]))


def texts(pages: Any) -> tuple[str, ...]:
    """Return what is read off pages, title and rows."""
    read = []
    for page in pages:
        assert isinstance(page, Page)
        assert isinstance(page.body, tuple)
        assert all(len(row) <= 21 for row in page.body)
        assert len(page.body) <= 4
        read.append(page.title + "\n" + "\n".join(page.body))
    return tuple(read)


def confirming(class_name: str, target: str) -> tuple[tuple[str, ...], ...]:
    """Return every confirming page about class and target, or about a destination named like the target."""
    path = f"{class_name}/{target}"
    known = box(HERE)
    known.session = change(SESSION, sticks={"PISM-ALL": (f"export {target}",)})
    step = StepDone(step=f"backup {target}", name=target, sequence=1, sha256="3f" * 32)
    done = replace(RESULTS, steps=(step,))
    avatar = revoke.list_revocable(REPORT, "infrastructure/avatars")[0]
    return (
        texts(revoke.confirm_pages(path, avatar, "superseded")),
        texts([requests.asked_page(change(REQUESTS[0], class_name=class_name, target=target), "1/1")]),
    ), (
        texts([shown(stick_job.stick_asks(known, HERE))]),
        texts(last_visit.result_pages(done, "SAFE TO REMOVE")),
        texts(rescue.confirm_pages(change(BACKUP, name=target))),
        texts(recipients.key_pages([recipient("backup", target, f"keys/{target}.pub", is_new=True)])[:1]),
    )


@given(SIMILAR, SIMILAR, SIMILAR, SIMILAR)
def test_two_names_never_make_the_same_confirming_page(first: str, one: str, second: str, other: str) -> None:
    of_targets, of_destinations = confirming(first, one)
    of_other_targets, of_other_destinations = confirming(second, other)
    if (first, one) != (second, other):
        assert all(a != b for a, b in zip(of_targets, of_other_targets, strict=True))
    if one != other:
        assert all(a != b for a, b in zip(of_destinations, of_other_destinations, strict=True))
