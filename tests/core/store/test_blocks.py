"""core.store.blocks: what is read is proven, what is over is not read, and nothing altered is taken over."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from core.certificate import Issued
from core.errors import JournalError, StateDamagedError
from core.store import journal
from core.store.database import Database
from core.store.folder import DATABASE, Folder
from core.store.store import Store
from tests.builders import make_root
from tests.core.opened import NOW, copy_state, found, later, make_issued, master_key

ROWS = 4


def _issued(number: int, ends: datetime, **fields: object) -> Issued:
    return make_issued(number, issue_from=NOW, issue_until=ends, not_before=NOW, not_after=ends, **fields)


def _add(store: Store, *issued: Issued) -> None:
    with store.transaction():
        store.add(issued)
        journal.append(store, "issue", {}, NOW)


def _root(number: int) -> Issued:
    made = make_issued(number)
    certificate = make_root(number=number, sha256=made.certificate.sha256, not_after=later(9000))
    return Issued(certificate=certificate, der=made.der, key=made.key)


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    """Blocks of four: a root, eight signers that end on day 10, a root, six that end on day 500."""
    state = tmp_path_factory.mktemp("blocks") / "state"
    found(state)
    key = master_key(state)
    with _open(state, key) as store:
        _add(store, _root(1), *(_issued(number, later(10)) for number in range(2, 10)))
        _add(store, _root(10), *(_issued(number, later(500)) for number in range(11, 17)))
    return state, key


def _open(state: Path, key: bytes) -> Store:
    return Store(Database.open(state / "store" / DATABASE, key), Folder.enter(state), ROWS)


@pytest.fixture
def store(founded: tuple[Path, bytes], tmp_path: Path) -> Iterator[Store]:
    with _open(copy_state(founded[0], tmp_path / "state"), founded[1]) as store:
        yield store


def _alter(store: Store, sql: str) -> None:
    """Change the database behind the store's back, as an old page does."""
    store._database.run("PRAGMA foreign_keys = OFF")
    store._database.run(sql)
    store._forget()


OVER = (2, 9)  # the rows that are over on day 100
ALIVE = (11, 16)


def test_a_block_is_of_signers_or_of_roots_and_is_filled_before_the_next(store: Store) -> None:
    shapes = [(block.first, block.last, block.signers) for block in store._blocks.summaries()]
    assert shapes == [(1, 1, 0), (2, 5, 1), (6, 9, 1), (10, 10, 0), (11, 14, 1), (15, 16, 1)]
    _add(store, *(_issued(number, later(500)) for number in range(17, 22)))
    shapes = [(block.first, block.last) for block in store._blocks.summaries()]
    assert shapes[5:] == [(15, 18), (19, 21)]
    journal.verify(store)


def test_the_summary_says_what_decides_without_the_rows(store: Store) -> None:
    gone, revoked = (make_issued(number).certificate.id for number in (3, 4))
    with store.transaction():
        store.erase_keys([gone])
        store.revoke(revoked, later(3), "superseded")
        journal.append(store, "erase", {}, later(3))
    block = store._blocks.summaries()[1]
    assert (block.not_after, block.keys, block.revoked) == (int(later(10).timestamp()), 3, 1)
    assert (block.revoked_at, block.first_entry, block.last_entry) == (int(later(3).timestamp()), 2, 2)
    journal.verify(store)


def test_what_is_over_is_not_read_and_the_whole_look_still_sees_it(store: Store) -> None:
    alive, counts = store.certificates(alive_at=later(100)), store.counts(later(100))
    _alter(store, "UPDATE certificate SET record = x'00' WHERE number BETWEEN 2 AND 9")
    journal.prove(store)
    assert store.certificates(alive_at=later(100)) == alive
    assert store.counts(later(100)) == counts == {"root active": 2, "signer expired": 8, "signer active": 6}
    for read in (store.certificates, lambda: store.certificates(alive_at=later(5)), store.key_ids):
        with pytest.raises(StateDamagedError):
            read()
    with pytest.raises(StateDamagedError):
        journal.verify(store)


ALTERED = {
    "revocation gone": "UPDATE certificate SET revoked_at = NULL, reason = NULL WHERE number = 12",
    "key": "UPDATE certificate SET key_sha256 = zeroblob(32) WHERE number = 13",
    "row gone": "DELETE FROM certificate WHERE number = 14",
    "last row gone": "DELETE FROM certificate WHERE number = 16",
    "other hash": "UPDATE certificate SET sha256 = zeroblob(32) WHERE number = 15",
    "other entry": "UPDATE certificate SET entry = 1 WHERE number = 11",
}


@pytest.fixture
def revoked(store: Store) -> Store:
    with store.transaction():
        store.revoke(make_issued(12).certificate.id, later(1), "keyCompromise")
        journal.append(store, "revoke", {}, later(1))
    return store


@pytest.mark.parametrize("sql", ALTERED.values(), ids=ALTERED)
def test_a_row_is_proven_before_it_is_used(revoked: Store, sql: str) -> None:
    _alter(revoked, sql)
    journal.prove(revoked)
    with pytest.raises(StateDamagedError, match="missing or altered"):
        revoked.certificates(alive_at=later(100))


@pytest.mark.parametrize("sql", ALTERED.values(), ids=ALTERED)
def test_what_was_altered_is_never_taken_over_by_a_change(revoked: Store, sql: str) -> None:
    ids = {number: make_issued(number).certificate.id for number in range(11, 18)}
    revoked.certificates()  # so that where each stands is known
    numbers = dict(revoked._numbers)
    _alter(revoked, sql)
    revoked._numbers.update(numbers)

    def change() -> None:
        with revoked.transaction():
            revoked.revoke(ids[11], later(2), "superseded")
            revoked.erase_keys([ids[15]])
            revoked.add([_issued(17, later(500))])
            journal.append(revoked, "all", {}, later(2))

    with pytest.raises(StateDamagedError):
        change()
    with pytest.raises(StateDamagedError):
        journal.verify(revoked)


SUMMARIES = {
    "ended early": "UPDATE block SET not_after = 1 WHERE first = 11",
    "no keys": "UPDATE block SET keys = 0 WHERE first = 2",
    "nothing revoked": "UPDATE block SET revoked = 1, revoked_at = 1 WHERE first = 11",
    "gone": "DELETE FROM block WHERE first = 6",
    "last gone": "DELETE FROM block WHERE first = 15",
    "other digest": "UPDATE block SET digest = zeroblob(32) WHERE first = 2",
    "other entries": "UPDATE block SET first_entry = 1 WHERE first = 11",
    "all gone": "DELETE FROM block",
    "listed otherwise": "UPDATE act SET hash = zeroblob(32) WHERE sequence = 3",
    "list's digest": "UPDATE act SET digest = zeroblob(32) WHERE sequence = 2",
    "list's end gone": "DELETE FROM act WHERE sequence = 3",
    "list's middle gone": "DELETE FROM act WHERE sequence = 2",
}


@pytest.mark.parametrize("sql", SUMMARIES.values(), ids=SUMMARIES)
def test_a_summary_is_proven_with_the_last_entry(store: Store, sql: str) -> None:
    journal.prove(store)
    _alter(store, sql)
    with pytest.raises(JournalError):
        journal.prove(store)
    with pytest.raises((JournalError, StateDamagedError)):
        journal.verify(store)


def test_an_old_summary_does_not_hide_what_was_done_since(store: Store) -> None:
    old = store._database.row("SELECT digest FROM block WHERE first = 11")
    assert old is not None
    with store.transaction():
        store.revoke(make_issued(12).certificate.id, later(1), "keyCompromise")
        journal.append(store, "revoke", {}, later(1))
    store._database.run("UPDATE block SET digest = ?, revoked = 0, revoked_at = 0 WHERE first = 11", old)
    store._forget()
    with pytest.raises(JournalError):
        journal.prove(store)


def test_no_certificate_stands_beyond_the_summaries(store: Store) -> None:
    _alter(store, "INSERT INTO certificate SELECT 17, 'x', kind, record, 3, sha256, NULL, NULL, NULL"
                  " FROM certificate WHERE number = 16")  # fmt: skip
    journal.prove(store)
    assert store.count == 16
    assert store.find("x") is None
    with pytest.raises(StateDamagedError, match="no certificate has"):
        journal.verify(store)
    with pytest.raises(StateDamagedError):
        _add(store, _issued(18, later(500)))


def test_one_is_found_by_its_id_however_old(store: Store) -> None:
    for number in (1, 2, 9, 10, 16):
        found = store.find(
            make_issued(number).certificate.id if number not in {1, 10} else _root(number).certificate.id
        )
        assert found is not None
        assert found.serial == 4096 + number
    assert store.find("00000000-0000-4000-8000-000000000000") is None


def test_a_root_is_found_without_a_look_at_signers(store: Store) -> None:
    _alter(store, "UPDATE certificate SET record = x'00' WHERE kind = 'signer'")
    for number in (1, 10):
        assert dict(store.ders([_root(number).certificate.id])) == {
            _root(number).certificate.id: _root(number).der
        }
    with pytest.raises(StateDamagedError):
        store.find(make_issued(16).certificate.id)


def test_keys_of_signers_that_are_over_are_found_to_be_erased(store: Store) -> None:
    over = tuple(make_issued(number).certificate.id for number in range(2, 10))
    assert store.past_use(later(100)) == over
    assert not set(over) & store.key_ids(alive_at=later(100))
    with store.transaction():
        store.erase_keys(over)
        journal.append(store, "erase", {}, later(100))
    assert store.past_use(later(100)) == ()
    _alter(store, "UPDATE certificate SET record = x'00' WHERE number BETWEEN 2 AND 9")
    assert store.past_use(later(100)) == ()
    assert store.past_use(later(501)) == tuple(make_issued(number).certificate.id for number in range(11, 17))


def test_what_an_entry_issued_is_found_by_the_entry(store: Store) -> None:
    first = store.issued_by({2})
    assert [item.serial - 4096 for item in first] == [1, *range(2, 10)]
    assert store.entries_of(item.id for item in first) == {2}
    assert store.issued_by(()) == ()
    _alter(store, "UPDATE certificate SET record = x'00' WHERE number = 3")
    assert [item.serial - 4096 for item in store.issued_by({3})] == [10, *range(11, 17)]


def test_a_store_of_one_block_a_certificate_is_the_same_store(
    founded: tuple[Path, bytes], tmp_path: Path
) -> None:
    state = copy_state(founded[0], tmp_path / "state")
    with _open(state, founded[1]) as store:
        issued = store.certificates()
    with Store(Database.open(state / "store" / DATABASE, founded[1]), Folder.enter(state)) as wide:
        assert wide.certificates() == issued
        _add(wide, _issued(17, later(500)))
        journal.verify(wide)
        assert wide._blocks.summaries()[-1].first == 15
        assert replace(issued[0]) == wide.certificates()[0]
