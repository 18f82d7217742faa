"""Old, foreign and damaged pages of store.db are never taken for the truth."""

from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import JournalError, StateDamagedError
from core.store import journal
from core.store.folder import DATABASE
from core.store.store import Store
from tests.core.opened import copy_state, found, issue, later, make_issued, master_key, open_with

PAGE = 4096


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    """Return a state with 600 signers, and its key."""
    state = tmp_path_factory.mktemp("pages") / "state"
    found(state)
    key = master_key(state)
    with open_with(state, key) as store:
        for start in range(1, 601, 150):
            issue(store, range(start, start + 150))
    return state, key


def _verify(state: Path, key: bytes) -> None:
    with open_with(state, key) as store:
        journal.verify(store)


def _unlock(store: Store) -> None:
    journal.append(store, "unlock", {}, later(1))


def _revoke(store: Store) -> None:
    store.revoke(make_issued(170).certificate.id, later(2), "superseded")
    journal.append(store, "revoke", {}, later(2))


def _erase(store: Store) -> None:
    store.erase_keys(make_issued(number).certificate.id for number in range(1, 500))
    journal.append(store, "erase", {}, later(2))


def _add(store: Store) -> None:
    store.add(make_issued(number) for number in range(601, 701))
    journal.append(store, "issue", {}, later(2))


def _records(store: Store) -> None:
    store.set_fact("policy", '{"policy":2}' * 2000)
    store.take_sequence("egress", "main")
    journal.append(store, "policy", {}, later(3))


def _all(store: Store) -> None:
    for act in (_erase, _add, _revoke, _records, _unlock):
        act(store)


@pytest.mark.parametrize("act", [_unlock, _revoke, _erase, _add, _records, _all])
def test_every_single_old_page_is_noticed(
    earlier: tuple[Path, bytes], tmp_path: Path, act: Callable[[Store], None]
) -> None:
    source, key = earlier
    state = copy_state(source, tmp_path / "state")
    database = state / "store" / DATABASE
    old = database.read_bytes()
    with open_with(state, key) as store, store.transaction():
        act(store)
    new = database.read_bytes()
    _verify(state, key)
    both = range(0, min(len(old), len(new)), PAGE)
    differing = [at for at in both if old[at : at + PAGE] != new[at : at + PAGE]]
    assert len(differing) > 1
    silent = []
    for at in differing:
        database.write_bytes(new[:at] + old[at : at + PAGE] + new[at + PAGE :])
        try:
            _verify(state, key)
        except (StateDamagedError, JournalError):
            continue
        silent.append(at // PAGE + 1)
    assert silent == []


def test_pages_that_changed_places_are_noticed(earlier: tuple[Path, bytes], tmp_path: Path) -> None:
    source, key = earlier
    state = copy_state(source, tmp_path / "state")
    database = state / "store" / DATABASE
    data = database.read_bytes()
    for at in range(PAGE, len(data) - PAGE, 7 * PAGE):
        database.write_bytes(
            data[:at] + data[at + PAGE : at + 2 * PAGE] + data[at : at + PAGE] + data[at + 2 * PAGE :]
        )
        with pytest.raises(StateDamagedError):
            _verify(state, key)


def test_a_flipped_bit_in_a_page_is_noticed(earlier: tuple[Path, bytes], tmp_path: Path) -> None:
    source, key = earlier
    state = copy_state(source, tmp_path / "state")
    database = state / "store" / DATABASE
    data = database.read_bytes()
    for page, start in enumerate(range(0, len(data), 3 * PAGE)):
        at = start + (page * 37) % PAGE
        database.write_bytes(data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :])
        with pytest.raises(StateDamagedError):
            _verify(state, key)


def test_a_cut_or_longer_database_is_noticed(earlier: tuple[Path, bytes], tmp_path: Path) -> None:
    source, key = earlier
    state = copy_state(source, tmp_path / "state")
    database = state / "store" / DATABASE
    data = database.read_bytes()
    cuts = [
        data[:size]
        for size in (0, 1, 512, PAGE - 1, PAGE, PAGE + 1, 5 * PAGE, len(data) - PAGE, len(data) - 1)
    ]
    for altered in (*cuts, data + b"x", bytes(len(data))):
        database.write_bytes(altered)
        with pytest.raises(StateDamagedError):
            _verify(state, key)


def test_pages_after_the_end_are_cut_off(earlier: tuple[Path, bytes], tmp_path: Path) -> None:
    # SQLite cuts off pages that were set free when the commit is over: a kill in between leaves them.
    source, key = earlier
    state = copy_state(source, tmp_path / "state")
    database = state / "store" / DATABASE
    data = database.read_bytes()
    database.write_bytes(data + data[-2 * PAGE :])
    _verify(state, key)
    assert database.read_bytes() == data


def test_another_database_under_the_same_key_is_noticed(earlier: tuple[Path, bytes], tmp_path: Path) -> None:
    source, key = earlier
    state = copy_state(source, tmp_path / "state")
    other = tmp_path / "other"
    found(other)
    (state / "store" / DATABASE).write_bytes((other / "store" / DATABASE).read_bytes())
    with pytest.raises(StateDamagedError):
        _verify(state, key)
