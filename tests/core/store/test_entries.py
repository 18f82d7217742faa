"""core.store.entries: an old entry is proven without those after it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import JournalError
from core.store import journal
from core.store.entries import time_of
from core.store.store import Store
from tests.core.opened import copy_state, found, issue, later, master_key, open_with

ENTRIES = 12


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    state = tmp_path_factory.mktemp("entries") / "state"
    found(state)
    key = master_key(state)
    with open_with(state, key) as store:
        for day in range(1, ENTRIES):
            with store.transaction():
                detail = {"name": f"n{day}"} if day % 2 else {"id": f"i{day}", "reason": "superseded"}
                journal.append(store, "export" if day % 2 else "revoke", detail, later(day))
    return state, key


@pytest.fixture
def store(founded: tuple[Path, bytes], tmp_path: Path) -> Iterator[Store]:
    with open_with(copy_state(founded[0], tmp_path / "state"), founded[1]) as store:
        yield store


def _alter(store: Store, sql: str) -> None:
    store._database.run(sql)


def test_the_list_says_of_each_entry_what_it_is(store: Store) -> None:
    acts = store.acts()
    assert [act.sequence for act in acts] == list(range(1, ENTRIES + 1))
    for act, entry in zip(acts, store.entries(), strict=True):
        assert (act.act, time_of(act), act.hash.hex()) == (entry.act, entry.time, entry.hash)
    assert [act.about for act in acts[:4]] == ["", "n1", "i2", "n3"]


def test_some_are_read_without_the_others(store: Store) -> None:
    acts = store.acts()
    wanted = (acts[2], acts[7], acts[-1])
    _alter(store, "UPDATE journal SET body = x'00' WHERE sequence = 5")
    assert [entry.sequence for entry in store.read_entries(wanted)] == [3, 8, ENTRIES]
    journal.prove(store)
    with pytest.raises(JournalError):
        list(store.read_entries(acts))
    with pytest.raises(JournalError):
        list(store.entries())


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE journal SET body = (SELECT body FROM journal WHERE sequence = 4) WHERE sequence = 3",
        "DELETE FROM journal WHERE sequence = 3",
    ],
)
def test_an_entry_that_is_not_the_one_listed_is_refused(store: Store, sql: str) -> None:
    acts = store.acts()
    _alter(store, sql)
    with pytest.raises(JournalError):
        list(store.read_entries(acts[2:3]))
    with pytest.raises(JournalError):
        list(store.entries())
    with pytest.raises(JournalError):
        journal.verify(store)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE act SET about = 'n9' WHERE sequence = 4",
        "UPDATE act SET act = 'issue' WHERE sequence = 1",
        "UPDATE act SET time = 0 WHERE sequence = 4",
        "UPDATE act SET hash = zeroblob(32) WHERE sequence = 4",
        "DELETE FROM act WHERE sequence = 4",
        "DELETE FROM act WHERE sequence = 12",
        "INSERT INTO act SELECT 13, time, act, about, hash, digest FROM act WHERE sequence = 12",
    ],
)
def test_a_list_that_was_altered_is_refused_before_it_is_used(store: Store, sql: str) -> None:
    _alter(store, sql)
    with pytest.raises(JournalError):
        store.acts()
    with pytest.raises(JournalError):
        journal.verify(store)


def test_a_list_that_was_worked_out_anew_from_altered_entries_fits_no_state(store: Store) -> None:
    entries = list(store.entries())
    _alter(store, "DELETE FROM act")
    for entry in entries[:3] + entries[4:]:
        if entry.sequence < 4:
            store.list_entry(entry)
    with pytest.raises(JournalError):
        journal.prove(store)


def test_a_chain_that_ends_early_is_refused(store: Store) -> None:
    _alter(store, "DELETE FROM journal WHERE sequence = 12")
    with pytest.raises(JournalError, match="ends at entry 11"):
        list(store.entries())


def test_an_issue_by_a_wrong_clock_is_found_by_the_list(store: Store) -> None:
    issue(store, [1, 2], later(400))
    issue(store, [3], later(50))
    _alter(store, "UPDATE journal SET body = x'00' WHERE sequence = 5")
    assert [item.lane for item in store.issued_after(later(100))] == [1, 2]
