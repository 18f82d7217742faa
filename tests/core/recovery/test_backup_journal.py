"""What a journal says was done."""

from typing import Any

import pytest

from core.errors import ArchiveFormatError, JournalError
from core.recovery.backup_journal import count_issued, read_history
from core.store.journal import Entry
from tests.builders import utc

ID, OTHER = "00000001-0000-4000-8000-000000000000", "00000002-0000-4000-8000-000000000000"
A, B = "a" * 64, "b" * 64


def entries(*acts: tuple[str, dict[str, Any]]) -> list[Entry]:
    return [
        Entry(
            sequence=number,
            time=utc(f"2027-01-{number:02}"),
            act=act,
            detail=detail,
            state="0" * 64,
            previous="0" * 64,
            hash="0" * 64,
        )
        for number, (act, detail) in enumerate(acts, 1)
    ]


def test_the_acts_that_a_state_follows_from_are_read() -> None:
    given = entries(
        ("init", {"authority": OTHER, "policy": A, "incarnation": ID}),
        ("unlock", {"failed": 0}),
        ("issue", {"certificates": [[ID, A], [OTHER, B]]}),
        ("revoke", {"id": OTHER, "kind": "signer", "reason": "superseded"}),
        ("export", {"name": "main", "sequence": 1, "manifest": A, "archive": B}),
        ("written", {"kind": "egress", "name": "main", "sequence": 1, "where": "PISM-ALL"}),
        ("written", {"kind": "egress", "name": "main", "sequence": 1, "where": "again"}),
        ("backup", {"name": "main", "sequence": 1, "manifest": B, "archive": B}),
        ("policy", {"policy": B, "changes": []}),
        ("drill", {"name": "main", "sequence": 1}),
        (
            "restore",
            {"name": "main", "sequence": 2, "manifest": A, "incarnation": OTHER, "restored_from": ID},
        ),
    )
    history = read_history(given)
    assert history.issued == ((ID, A), (OTHER, B))
    assert history.revoked == {OTHER: (utc("2027-01-04"), "superseded")}
    assert history.archives == {("egress", "main", 1): A, ("backup", "main", 1): B, ("backup", "main", 2): A}
    assert history.written == {
        ("egress", "main", 1): utc("2027-01-06"),
        ("backup", "main", 2): utc("2027-01-11"),
    }
    assert history.drilled == {"main": utc("2027-01-10")}
    assert (history.policy_sha256, history.incarnation) == (B, OTHER)
    assert history.last == given[-1]
    assert [count_issued(entry) for entry in given] == [0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0]


@pytest.mark.parametrize(
    ("act", "detail"),
    [
        ("init", {}),
        ("init", {"policy": "", "incarnation": ID}),
        ("issue", {"certificates": [[ID]]}),
        ("issue", {"certificates": 1}),
        ("revoke", {"id": ID}),
        ("export", {"name": "main", "sequence": 0, "manifest": A}),
        ("backup", {"name": "Main", "sequence": 1, "manifest": A}),
        ("written", {"kind": "other", "name": "main", "sequence": 1}),
        ("policy", {"policy": None}),
        ("drill", {}),
        ("restore", {"name": "main", "sequence": 1, "manifest": A}),
    ],
)
def test_refuses_an_entry_that_does_not_say_what_it_should(act: str, detail: dict[str, Any]) -> None:
    with pytest.raises(ArchiveFormatError, match=f"entry 1 does not say what {act} should"):
        read_history(entries((act, detail)))


def test_refuses_an_empty_journal() -> None:
    with pytest.raises(JournalError):
        read_history([])
