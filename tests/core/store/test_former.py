"""core.store.former: a store of before is proven by its own rules, and then has the tables of now."""

import shutil
from pathlib import Path

import pytest

from core.errors import CaError, FileError
from core.store import journal
from core.store.database import FORMER_TABLES, Database
from core.store.folder import DATABASE, Folder
from core.store.former import FormerStore
from core.store.keyslots import open_slots
from core.store.store import Store, open_store

FIXTURES = Path(__file__).parents[2] / "fixtures"
RELEASED = FIXTURES / "0.1.0"
PASSPHRASE = (RELEASED / "passphrase").read_bytes().strip()


@pytest.fixture(scope="module")
def key() -> bytes:
    return open_slots((RELEASED / "state" / "store" / "keyslots.json").read_bytes(), PASSPHRASE)[0].master


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return _copy(RELEASED, tmp_path)


def _copy(source: Path, folder: Path) -> Path:
    copy = Path(shutil.copytree(source / "state", folder / "state"))
    for path in (copy, *copy.rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o600)
    return copy


def _database(state: Path, key: bytes) -> Database:
    return Database.open(state / "store" / DATABASE, key)


@pytest.mark.parametrize("name", ["0.1.0", "format-2"])
def test_the_first_opening_makes_the_tables_and_says_so_and_the_second_does_nothing(
    tmp_path: Path, name: str
) -> None:
    state, passphrase = (
        _copy(FIXTURES / name, tmp_path),
        (FIXTURES / name / "passphrase").read_bytes().strip(),
    )
    for _ in range(2):
        with open_store(state, passphrase) as store:
            last = journal.verify(store)
            *_, before, entry = store.entries()
            assert (entry.act, entry.detail, entry.time) == ("tables", {"version": 2}, before.time)
            assert entry == last
            assert store.count == len(store.certificates()) > 10
            assert len(store.acts()) == last.sequence


ALTERATIONS = {
    "record": "UPDATE certificate SET record = x'00' WHERE number = 5",
    "revocation gone": "UPDATE certificate SET revoked_at = NULL WHERE revoked_at IS NOT NULL",
    "row gone": "DELETE FROM certificate WHERE number = 3",
    "der": "UPDATE der SET body = x'00' WHERE number = 2",
    "key": "UPDATE private_key SET body = x'00' WHERE number = 1",
    "key too many": "INSERT INTO private_key VALUES (9999, x'00')",
    "fact": "UPDATE fact SET value = 'other' WHERE name = 'incarnation'",
    "entry": "UPDATE journal SET body = x'7b7d' WHERE sequence = 2",
    "entry gone": "DELETE FROM journal WHERE sequence = 2",
    "last entry gone": "DELETE FROM journal WHERE sequence = (SELECT max(sequence) FROM journal)",
    "journal gone": "DELETE FROM journal",
    "head": "PRAGMA user_version = 2",
}


@pytest.mark.parametrize("sql", ALTERATIONS.values(), ids=ALTERATIONS)
def test_one_that_was_altered_is_refused_and_stays_as_it_is(state: Path, key: bytes, sql: str) -> None:
    database = _database(state, key)
    database.run("PRAGMA foreign_keys = OFF")
    database.run(sql)
    before = (state / "store" / DATABASE).read_bytes()
    with pytest.raises(CaError) as raised:
        FormerStore(database).bring_up_to_date()
    database.close()
    assert raised.value.code in {"E-JOURNAL", "E-STATE-DAMAGED"}
    assert (state / "store" / DATABASE).read_bytes() == before


def test_where_no_room_is_left_it_stays_as_it_is(state: Path, key: bytes) -> None:
    database = _database(state, key)
    database.run(f"PRAGMA max_page_count = {database.number('PRAGMA page_count')}")
    before = (state / "store" / DATABASE).read_bytes()
    with pytest.raises(FileError, match="no space"):
        FormerStore(database).bring_up_to_date()
    database.close()
    assert (state / "store" / DATABASE).read_bytes() == before


def test_tables_of_one_version_under_the_number_of_the_other_are_damage(state: Path, key: bytes) -> None:
    database = _database(state, key)
    assert [sql for (sql,) in database.rows("SELECT sql FROM sqlite_master ORDER BY rowid")] == list(
        FORMER_TABLES
    )
    database.run("PRAGMA application_id = 0x50534D02")
    database.close()
    with pytest.raises(CaError) as raised:
        _database(state, key)
    assert raised.value.code == "E-STATE-DAMAGED"


def test_it_goes_on_as_a_store_of_this_version(state: Path, key: bytes) -> None:
    database = _database(state, key)
    FormerStore(database).bring_up_to_date()
    with Store(database, Folder.enter(state)) as store:
        (first, *_) = store.certificates("signer")
        with store.transaction():
            store.erase_keys([first.id])
            journal.append(store, "erase", {}, journal.prove(store).time)
        journal.verify(store)
