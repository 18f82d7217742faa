"""core.store and the tables below it: what goes in comes out, or nothing does."""

import base64
import os
import resource
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.serialization import Encoding, load_der_private_key

from core import journal
from core.certificate import Certificate
from core.crl import Crl
from core.database import Database
from core.errors import (
    CaError,
    FileError,
    IssueError,
    PassphraseWrongError,
    StateDamagedError,
    StateExistsError,
    StateLockedError,
    StateMissingError,
    StateModeError,
    StoppedError,
)
from core.folder import DATABASE, KEYSLOTS
from core.issue import Issued, issue_root, issue_signer, load_signing
from core.keyslots import add_slot, count_slots, make_slots, open_slots
from core.policy import encode_policy
from core.progress import Progress
from core.store import ArchiveRecord, Sequence, Store, create_store, is_provisioned, open_store
from tests.authority_store import ignore_progress
from tests.builders import make_gap, make_policy, make_root, make_root_gap, utc
from tests.core.opened import (
    COST,
    NOW,
    PASSPHRASE,
    copy_state,
    found,
    issue,
    later,
    make_issued,
    master_key,
    open_with,
)

OTHER = b"another passphrase"


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    state = tmp_path_factory.mktemp("store") / "state"
    found(state)
    key = master_key(state)
    with open_with(state, key) as store:
        issue(store, range(1, 21))
    return state, key


@pytest.fixture
def state(founded: tuple[Path, bytes], tmp_path: Path) -> Path:
    return copy_state(founded[0], tmp_path / "state")


@pytest.fixture
def store(founded: tuple[Path, bytes], state: Path) -> Iterator[Store]:
    with open_with(state, founded[1]) as store:
        yield store


def _end(store: Store) -> None:
    journal.append(store, "issue", {}, NOW)


def _cert(number: int) -> Certificate:
    return make_issued(number).certificate


class TestCertificates:
    def test_come_back_as_they_went_in_issuing_order(self, store: Store) -> None:
        assert store.certificates() == tuple(_cert(number) for number in range(1, 21))

    def test_of_every_kind_come_back(self, store: Store) -> None:
        root = replace(make_root(number=99), serial=(1 << 159) - 1, sha256=_cert(99).sha256)
        seal = replace(make_root(number=98), kind="seal", revoked_at=later(3), reason="superseded")
        with store.transaction():
            store.add([Issued(certificate=root, der=make_issued(99).der, key=b"k")])
            store.add([Issued(certificate=seal, der=b"der", key=b"l")])
            _end(store)
        assert store.certificates("root") == (root,)
        assert store.certificates("seal") == (seal,)
        assert len(store.certificates("signer")) == 20
        assert store.certificates()[20:] == (root, seal)

    def test_bodies_and_keys_come_back_in_the_order_asked(self, store: Store) -> None:
        ids = [_cert(number).id for number in (7, 3, 7, 20)]
        wanted = [make_issued(number) for number in (7, 3, 7, 20)]
        assert list(store.ders(ids)) == [(each.certificate.id, each.der) for each in wanted]
        assert list(store.keys(ids)) == [(each.certificate.id, each.key) for each in wanted]

    def test_without_a_key_have_none(self, store: Store) -> None:
        with store.transaction():
            store.add([replace(make_issued(30), key=b"")])
            _end(store)
        assert _cert(30).id not in store.key_ids()
        with pytest.raises(StateDamagedError):
            list(store.keys([_cert(30).id]))
        journal.verify(store)

    def test_cannot_be_added_twice(self, store: Store) -> None:
        for batch in ([make_issued(5)], [make_issued(30), make_issued(30)]):
            with pytest.raises(IssueError), store.transaction():
                store.add(batch)
        assert len(store.certificates()) == 20

    def test_a_refused_batch_leaves_the_numbers_as_they_were(self, store: Store) -> None:
        with store.transaction():
            with pytest.raises(IssueError):
                store.add([make_issued(30), make_issued(5)])
            store.add([make_issued(31)])
            _end(store)
        journal.verify(store)
        assert store.certificates()[-1] == _cert(31)

    def test_erased_keys_are_gone_from_the_database_itself(
        self, store: Store, founded: tuple[Path, bytes]
    ) -> None:
        gone = [_cert(number).id for number in range(1, 11)]
        with store.transaction():
            store.erase_keys(gone)
            store.erase_keys(gone[:1])
            _end(store)
        assert store.key_ids() == {_cert(number).id for number in range(11, 21)}
        with pytest.raises(StateDamagedError):
            list(store.keys(gone))
        journal.verify(store)
        pages = _in_the_clear(store._database.path, founded[1])
        assert make_issued(15).key in pages
        assert make_issued(15).der[:300] in pages
        for number in range(1, 11):
            assert make_issued(number).key not in pages

    def test_are_revoked_once(self, store: Store) -> None:
        with store.transaction():
            store.revoke(_cert(4).id, later(9), "keyCompromise")
            _end(store)
        revoked = store.certificates()[3]
        assert (revoked.revoked_at, revoked.reason) == (later(9), "keyCompromise")
        with pytest.raises(IssueError, match="revoked already"), store.transaction():
            store.revoke(_cert(4).id, later(10), "superseded")

    def test_issued_by_a_wrong_clock_are_found(self, store: Store) -> None:
        issue(store, [21, 22], later(400))
        issue(store, [23], later(5))
        assert [each.lane for each in store.issued_after(later(10))] == [21, 22]
        assert [each.lane for each in store.issued_after(later(1))] == [21, 22, 23]
        assert store.issued_after(later(400)) == ()

    def test_a_body_that_was_altered_is_not_handed_out(self, store: Store) -> None:
        for table in ("der", "private_key"):
            store._database.run(f"UPDATE {table} SET body = x'00' WHERE number = 6")  # noqa: S608 (constants)
        for read in (store.ders, store.keys):
            with pytest.raises(StateDamagedError):
                list(read([_cert(5).id, _cert(6).id]))


def _in_the_clear(path: Path, key: bytes) -> bytes:
    """Return every page of a database, its free space too, decrypted as SQLCipher 4 does it."""
    data, plain = path.read_bytes(), b""
    for at in range(0, len(data), 4096):
        page = data[at : at + 4096]
        secret, vector = page[16 if at == 0 else 0 : 4016], page[4016:4032]
        plain += Cipher(algorithms.AES256(key), modes.CBC(vector)).decryptor().update(secret)
    return plain


class TestRecords:
    def test_facts_are_kept_and_replaced(self, store: Store) -> None:
        assert store.fact("drill_token") is None
        with store.transaction():
            store.set_fact("drill_token", "one")
            store.set_fact("incarnation", "second")
            _end(store)
        assert store.facts() == {"drill_token": "one", "incarnation": "second", "policy": '{"policy":1}'}
        assert store.fact("incarnation") == "second"

    def test_sequences_rise_per_kind_and_name_and_never_come_twice(self, store: Store) -> None:
        with store.transaction():
            taken = [
                store.take_sequence(*each) for each in [("egress", "a"), ("egress", "a"), ("backup", "a")]
            ]
            _end(store)
        assert taken == [1, 2, 1]
        assert store.sequences() == (
            Sequence(kind="backup", name="a", last=1),
            Sequence(kind="egress", name="a", last=2),
        )

    def test_archives_are_remembered_and_marked_written_once(self, store: Store) -> None:
        one = ArchiveRecord(kind="egress", name="a", sequence=1, created=NOW, manifest_sha256="ab" * 32)
        two = replace(one, sequence=2, written_at=later(1))
        with store.transaction():
            store.add_archive(two)
            store.add_archive(one)
            store.mark_written("egress", "a", 1, later(2))
            store.mark_written("egress", "a", 1, later(3))
            _end(store)
        assert store.archives() == (replace(one, written_at=later(2)), two)
        with pytest.raises(IssueError), store.transaction():
            store.mark_written("backup", "a", 1, later(2))

    def test_the_latest_crl_of_each_root_is_kept(self, store: Store) -> None:
        first = Crl(issuer="r", number=5, this_update=NOW, next_update=later(90), der=b"one")
        second = replace(first, number=6, this_update=later(1), der=b"two")
        other = replace(first, issuer="a")
        with store.transaction():
            for crl in (first, second, other):
                store.put_crl(crl)
            _end(store)
        assert store.crls() == (other, second)
        for number in (5, 6):
            with pytest.raises(IssueError, match="not newer"), store.transaction():
                store.put_crl(replace(first, number=number))


class TestTransactions:
    def test_a_change_without_a_journal_entry_is_undone(self, store: Store) -> None:
        with pytest.raises(RuntimeError, match="without a journal entry"), store.transaction():
            store.set_fact("policy", "other")
        assert store.fact("policy") == '{"policy":1}'
        journal.verify(store)

    def test_a_change_after_the_last_entry_is_undone(self, store: Store) -> None:
        def change() -> None:
            with store.transaction():
                _end(store)
                store.set_fact("policy", "other")

        with pytest.raises(RuntimeError, match="without a journal entry"):
            change()
        journal.verify(store)

    def test_there_is_no_change_outside_of_one(self, store: Store) -> None:
        with pytest.raises(RuntimeError, match="inside a transaction"):
            store.set_fact("policy", "other")
        with pytest.raises(RuntimeError, match="inside a transaction"):
            _end(store)

    def test_one_does_not_hold_another(self, store: Store) -> None:
        with store.transaction(), pytest.raises(RuntimeError, match="open already"), store.transaction():
            pass

    def test_reading_needs_no_entry(self, store: Store) -> None:
        with store.transaction():
            assert store.fact("policy")

    def test_an_entry_describes_the_state_that_it_is_written_with(self, store: Store) -> None:
        last = store.last_entry()
        assert last is not None
        with pytest.raises(RuntimeError, match="must describe"), store.transaction():
            store.add_entry(replace(last, sequence=last.sequence + 1, state="00" * 32))

    def test_a_full_disk_undoes_all_and_says_so(self, store: Store) -> None:
        pages = store._database.number("PRAGMA page_count")
        store._database.run(f"PRAGMA max_page_count = {pages + 2}")
        with pytest.raises(FileError, match="no space"):
            issue(store, range(100, 600))
        journal.verify(store)
        assert len(store.certificates()) == 20
        store._database.run("PRAGMA max_page_count = 100000")
        issue(store, range(100, 600))
        journal.verify(store)


class TestPassphrase:
    def test_the_right_one_opens_and_a_wrong_one_does_not(self, state: Path) -> None:
        with open_store(state, PASSPHRASE) as store:
            journal.verify(store)
        with pytest.raises(PassphraseWrongError):
            open_store(state, OTHER)
        open_store(state, PASSPHRASE).close()  # the failed one gave the lock back

    def test_is_looked_at_only_after_the_attempt_is_counted(self, state: Path) -> None:
        (state / "store" / KEYSLOTS).write_bytes(b"garbage, not yet looked at")

        def count() -> None:
            with pytest.raises(StateLockedError):
                open_store(state, PASSPHRASE)
            raise FileError("not counted")

        with pytest.raises(FileError, match="not counted"):
            open_store(state, PASSPHRASE, count)

    def test_is_changed_in_one_step(self, state: Path) -> None:
        with open_store(state, PASSPHRASE, lambda: None) as store:
            with pytest.raises(PassphraseWrongError):
                store.change_passphrase(OTHER, OTHER, COST)
            store.change_passphrase(PASSPHRASE, OTHER, COST)
        with pytest.raises(PassphraseWrongError):
            open_store(state, PASSPHRASE)
        open_store(state, OTHER).close()


def rekey(store: Store, passphrase: bytes = PASSPHRASE, progress: Progress = ignore_progress) -> None:
    store.rekey(passphrase, COST, lambda copy: journal.append(copy, "rekeyed", {}, NOW), progress)


class TestRekey:
    def test_encrypts_everything_under_a_new_key(self, state: Path, founded: tuple[Path, bytes]) -> None:
        with open_store(state, PASSPHRASE) as store:
            before = store.certificates(), store.state_hash()
            with pytest.raises(PassphraseWrongError):
                rekey(store, OTHER)
            told: list[tuple[int, int, str]] = []
            rekey(store, progress=lambda *word: told.append(word))
            assert (store.certificates(), store.state_hash()) == before
            assert store.last_entry().act == "rekeyed"
            assert told == [(done, 3, "re-encryption") for done in range(4)]
            issue(store, [50])
        with pytest.raises(StateDamagedError):
            open_with(state, founded[1])
        assert master_key(state) != founded[1]
        with open_store(state, PASSPHRASE) as store:
            journal.verify(store)
            assert len(store.certificates()) == 21
        assert _names(state / "store") == [KEYSLOTS, DATABASE]
        assert count_slots((state / "store" / KEYSLOTS).read_bytes()) == 1

    def test_waits_for_the_end_of_a_transaction(self, store: Store) -> None:
        with store.transaction(), pytest.raises(RuntimeError, match="open"):
            rekey(store)

    def test_that_fails_leaves_the_store_as_it_was(self, state: Path) -> None:
        slots = (state / "store" / KEYSLOTS).read_bytes()
        with open_store(state, PASSPHRASE) as store:
            (state / "store" / "store.db.new").mkdir()
            with pytest.raises(FileError):
                rekey(store)
            (state / "store" / "store.db.new").rmdir()
            # A copy that differs never takes the store's place.
            store.state_hash()
            store._database.run("UPDATE certificate SET revoked_at = 1 WHERE number = 3")
            with pytest.raises(StateDamagedError, match="differs"):
                rekey(store)
            store._database.run("DELETE FROM der WHERE number = 3")
            with pytest.raises(StateDamagedError, match="missing or altered"):
                rekey(store)
        assert (state / "store" / KEYSLOTS).read_bytes() == slots
        assert _names(state / "store") == [KEYSLOTS, DATABASE]

    @pytest.mark.parametrize("at", range(4))
    def test_that_is_stopped_leaves_the_store_as_it_was(self, state: Path, at: int) -> None:
        slots = (state / "store" / KEYSLOTS).read_bytes()

        def stop(done: int, _total: int, _what: str) -> None:
            if done == at:
                raise StoppedError("enough")

        with open_store(state, PASSPHRASE) as store:
            before = store.last_entry()
            with pytest.raises(StoppedError):
                rekey(store, progress=stop)
            assert store.last_entry() == before
            issue(store, [50])
        assert (state / "store" / KEYSLOTS).read_bytes() == slots
        assert _names(state / "store") == [KEYSLOTS, DATABASE]

    @pytest.mark.parametrize("first", [True, False])
    def test_that_was_interrupted_leaves_the_key_that_fits(self, state: Path, *, first: bool) -> None:
        path = state / "store" / KEYSLOTS
        one, other = path.read_bytes(), os.urandom(32)
        if first:
            both = add_slot(one, other, PASSPHRASE, COST)
        else:
            both = make_slots([other, master_key(state)], PASSPHRASE, COST)
        path.write_bytes(both)
        (state / "store" / "store.db.new").write_bytes(b"half")
        with open_store(state, PASSPHRASE) as store:
            journal.verify(store)
        assert [slot.master == other for slot in open_slots(path.read_bytes(), PASSPHRASE)] == [False]
        assert _names(state / "store") == [KEYSLOTS, DATABASE]


def _names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


class TestMaking:
    def test_makes_a_folder_for_its_owner_only(self, tmp_path: Path) -> None:
        state = tmp_path / "state"
        former = os.umask(0)
        try:
            found(state)
        finally:
            os.umask(former)
        assert _names(state) == ["lock", "store"]
        modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in (state, *state.rglob("*"))}
        assert modes == {"state": 0o700, "store": 0o700, "lock": 0o600, KEYSLOTS: 0o600, DATABASE: 0o600}
        assert is_provisioned(state)

    def test_uses_an_empty_folder_and_clears_what_a_dead_maker_left(self, tmp_path: Path) -> None:
        (tmp_path / "state" / "store.new-1234").mkdir(parents=True)
        (tmp_path / "state").chmod(0o700)
        (tmp_path / "state" / "store.new-1234" / "x").write_bytes(b"x")
        (tmp_path / "state" / "attempts.json.1234.part").write_bytes(b"x")
        (tmp_path / "state" / "store.new-link").symlink_to(tmp_path)
        (tmp_path / "state" / "store.new-file").write_bytes(b"x")
        found(tmp_path / "state")
        assert _names(tmp_path / "state") == ["lock", "store"]

    def test_never_overwrites(self, state: Path, founded: tuple[Path, bytes]) -> None:
        before = (state / "store" / DATABASE).read_bytes()
        with pytest.raises(StateExistsError):
            found(state)
        assert (state / "store" / DATABASE).read_bytes() == before

    def test_refuses_a_folder_that_holds_something_else(self, tmp_path: Path) -> None:
        (tmp_path / "state").mkdir(mode=0o700)
        (tmp_path / "state" / "letter").write_bytes(b"x")
        with pytest.raises(StateExistsError, match="letter"):
            found(tmp_path / "state")
        assert _names(tmp_path / "state") == ["letter"]

    @pytest.mark.parametrize("error", [KeyError("bug"), FileError("no space"), KeyboardInterrupt()])
    def test_leaves_nothing_behind_when_it_fails(self, tmp_path: Path, error: BaseException) -> None:
        def fail() -> None:
            with create_store(tmp_path / "state", PASSPHRASE, COST):
                raise error

        with pytest.raises(type(error)):
            fail()
        assert _names(tmp_path) == []

    def test_leaves_a_folder_that_was_there(self, tmp_path: Path) -> None:
        (tmp_path / "state").mkdir(mode=0o700)
        with (
            pytest.raises(RuntimeError, match="begins with a journal entry"),
            _make_empty(tmp_path / "state"),
        ):
            pass
        assert _names(tmp_path / "state") == ["lock"]

    def test_needs_a_parent(self, tmp_path: Path) -> None:
        with pytest.raises(FileError):
            found(tmp_path / "no" / "state")

    def test_a_store_that_appears_meanwhile_is_not_overwritten(self, tmp_path: Path) -> None:
        state = tmp_path / "state"

        def make() -> None:
            with create_store(state, PASSPHRASE, COST) as store, store.transaction():
                journal.append(store, "init", {}, NOW)
                (state / "store").mkdir()
                (state / "store" / "other").write_bytes(b"x")

        with pytest.raises(FileError, match="into place"):
            make()
        assert _names(state / "store") == ["other"]

    def test_of_two_makers_one_wins(self, tmp_path: Path) -> None:
        with pytest.raises(StateLockedError), _make_empty(tmp_path / "state"):
            found(tmp_path / "state")


def _make_empty(state: Path):  # type: ignore[no-untyped-def]  # noqa: ANN202 (a context manager of Store)
    return create_store(state, PASSPHRASE, COST)


class TestFolder:
    def test_no_descriptor_left_is_said(self, state: Path) -> None:
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, limits[1]))
        try:
            with pytest.raises(FileError, match="Too many open files"):
                open_store(state, PASSPHRASE)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)

    def test_what_cannot_be_swept_is_said(self, state: Path) -> None:
        (state / "store" / "store.db.new").mkdir()
        with pytest.raises(FileError, match="cannot clean"):
            open_store(state, PASSPHRASE)
        (state / "store" / "store.db.new").rmdir()
        open_store(state, PASSPHRASE).close()

    def test_a_missing_state_is_said(self, tmp_path: Path) -> None:
        (tmp_path / "empty").mkdir(mode=0o700)
        for name in ("empty", "missing"):
            assert not is_provisioned(tmp_path / name)
            with pytest.raises(StateMissingError):
                open_store(tmp_path / name, PASSPHRASE)

    def test_two_processes_cannot_open_one_state(self, store: Store, state: Path) -> None:
        program = "import sys, pathlib, core.store as s; s.open_store(pathlib.Path(sys.argv[1]), b'x')"
        done = subprocess.run(
            [sys.executable, "-c", program, str(state)],
            check=False,
            capture_output=True,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        assert "StateLockedError" in done.stderr

    def test_closing_twice_is_harmless(self, state: Path, founded: tuple[Path, bytes]) -> None:
        store = open_with(state, founded[1])
        store.close()
        store.close()
        open_with(state, founded[1]).close()

    @pytest.mark.parametrize("mode", [0o701, 0o710, 0o750, 0o777, 0o500, 0o600])
    @pytest.mark.parametrize("name", [".", "store"])
    def test_open_modes_are_refused(self, state: Path, name: str, mode: int) -> None:
        (state / name).chmod(mode)
        with pytest.raises(StateModeError):
            open_store(state, PASSPHRASE)
        (state / name).chmod(0o700)

    @pytest.mark.parametrize("name", ["lock", "store/store.db", "store/keyslots.json"])
    def test_open_files_are_refused(self, state: Path, name: str) -> None:
        (state / name).chmod(0o640)
        with pytest.raises(StateModeError):
            open_store(state, PASSPHRASE)

    @pytest.mark.parametrize("name", [".", "store", "lock", "store/store.db", "store/keyslots.json"])
    def test_links_are_refused(self, state: Path, name: str) -> None:
        path = state / name if name != "." else state
        path.rename(state.parent / "elsewhere")
        path.symlink_to(state.parent / "elsewhere")
        with pytest.raises(StateModeError):
            open_store(state, PASSPHRASE)

    @pytest.mark.parametrize("name", ["lock", "store/store.db", "store/keyslots.json"])
    def test_folders_in_place_of_files_are_refused(self, state: Path, name: str) -> None:
        (state / name).unlink()
        (state / name).mkdir(mode=0o700)
        with pytest.raises(StateModeError):
            open_store(state, PASSPHRASE)

    @pytest.mark.parametrize("name", [".", "store", "store/store.db"])
    def test_another_owner_is_refused(self, state: Path, name: str) -> None:
        if os.geteuid() == 0:  # only root can give a file away; others meet one that is root's
            os.chown(state / name, 12345, -1)
        else:
            state = Path("/")
        with pytest.raises(StateModeError, match="belongs to user"):
            open_store(state, PASSPHRASE)

    def test_a_file_in_place_of_a_folder_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "state").write_bytes(b"")
        with pytest.raises(StateModeError):
            open_store(tmp_path / "state", PASSPHRASE)
        with pytest.raises(StateModeError):
            open_store(tmp_path / "state" / "below", PASSPHRASE)

    @pytest.mark.parametrize("name", [DATABASE, KEYSLOTS])
    def test_a_missing_file_is_damage_and_never_new(self, state: Path, name: str) -> None:
        (state / "store" / name).unlink()
        with pytest.raises(StateDamagedError):
            open_store(state, PASSPHRASE)
        assert not (state / "store" / name).exists()

    def test_keyslots_too_large_are_damage(self, state: Path) -> None:
        (state / "store" / KEYSLOTS).write_bytes(b" " * 9000)
        with pytest.raises(StateDamagedError):
            open_store(state, PASSPHRASE)


class TestDatabase:
    def test_a_key_has_32_bytes(self, tmp_path: Path) -> None:
        with pytest.raises(AssertionError):
            Database.create(tmp_path / "x", b"short")

    def test_a_database_without_our_tables_is_damage(self, state: Path, founded: tuple[Path, bytes]) -> None:
        path = state / "store" / DATABASE
        for sql in (
            "CREATE TABLE more (x)",
            "DROP TABLE more",
            "DROP TABLE archive",
            "PRAGMA application_id = 7",
        ):
            database = Database(path, founded[1])
            database.run(sql)
            database.close()
            if sql != "DROP TABLE more":
                with pytest.raises(StateDamagedError, match="tables"):
                    Database.open(path, founded[1])

    def test_a_taken_name_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "x").write_bytes(b"")
        with pytest.raises(FileError):
            Database.create(tmp_path / "x", bytes(32))

    def test_a_database_that_cannot_be_filled_is_closed(self, tmp_path: Path) -> None:
        (tmp_path / "x-journal").mkdir()  # no journal can be written
        with pytest.raises(CaError):
            Database.create(tmp_path / "x", bytes(32))

    def test_another_connection_that_writes_is_said(self, store: Store, founded: tuple[Path, bytes]) -> None:
        other = Database(store._database.path, founded[1])
        with other.transaction(), pytest.raises(StateLockedError):
            issue(store, [70])
        other.close()

    def test_a_file_that_the_system_does_not_open_is_said(self, tmp_path: Path) -> None:
        with pytest.raises(FileError):
            Database(tmp_path / "missing", bytes(32))

    def test_settings_are_as_designed(self, store: Store) -> None:
        wanted = {
            "cipher_memory_security": 1,
            "synchronous": 3,
            "secure_delete": 1,
            "foreign_keys": 1,
            "temp_store": 2,
            "auto_vacuum": 1,
            "trusted_schema": 0,
        }
        for name, value in wanted.items():
            found = store._database.row(f"PRAGMA {name}")
            assert found is not None
            assert int(found[0]) == value, name
        assert store._database.row("PRAGMA journal_mode") == ("delete",)


def test_nothing_in_the_folder_can_be_read_without_the_passphrase(tmp_path: Path) -> None:
    policy = make_policy()
    now = utc("2027-01-01")
    root = issue_root(policy, make_root_gap(), now)
    signing = load_signing(root.certificate, root.der, root.key)
    signers = [issue_signer(policy, make_gap(lane=lane), signing, now) for lane in range(1, 6)]
    state = tmp_path / "state"
    with create_store(state, PASSPHRASE, COST) as store, store.transaction():
        store.set_fact("policy", encode_policy(policy).decode())
        store.add([root, *signers])
        journal.append(store, "issue", {"ids": [each.certificate.id for each in signers]}, now)
    words = [
        "Example Virtual Worlds",
        "worlds.example",
        "services",
        "mongo",
        "main-kudo",
        "ed25519",
        "signer",
    ]
    words += [
        "2027",
        "20270101",
        "01/01/2027",
        "Jan 2027",
        "270101",
        "1798761600",
        "CERTIFICATE",
        "PRIVATE KEY",
    ]
    bodies = []
    for each in (root, *signers):
        certificate = x509.load_der_x509_certificate(each.der)
        raw = load_der_private_key(each.key, None).private_bytes_raw()  # type: ignore[union-attr]  # ed25519
        bodies += [
            each.der,
            each.key,
            raw,
            each.certificate.id.encode(),
            bytes.fromhex(each.certificate.sha256),
        ]
        bodies += [certificate.public_bytes(Encoding.PEM)[30:90], f"{each.certificate.serial:x}".encode()]
    for body in tuple(bodies):
        # All three alignments of base64, and hex in both cases.
        bodies += [base64.b64encode(body[start:])[4:40] for start in range(3)]
        bodies += [body.hex().encode(), body.hex().upper().encode()]
    texts = [each.lower().encode(coding) for each in words for coding in ("utf-8", "utf-16-le")]
    with open_store(state, PASSPHRASE) as opened, opened.transaction():
        opened.add([issue_signer(policy, make_gap(lane=9), signing, now)])
        journal.append(opened, "issue", {}, now)
        opened._database._connection.execute("PRAGMA cache_spill = 1")
        _search(state, bodies, texts)  # with the journal of a transaction beside
    _search(state, bodies, texts)


def _search(state: Path, bodies: list[bytes], texts: list[bytes]) -> None:
    files = [each for each in state.rglob("*") if each.is_file()]
    assert len(files) >= 3
    for file in files:
        data = file.read_bytes()
        lower = data.lower() + str(file.relative_to(state)).encode()
        assert not [body for body in bodies if body in data], file
        # keyslots.json holds hex digits at random, where a short number may come up.
        assert not [text for text in texts if text in lower and not (text.isdigit() and len(text) < 8)], file


def test_twenty_years_of_visits_open_and_verify(state: Path, founded: tuple[Path, bytes]) -> None:
    number = 100
    with open_with(state, founded[1]) as store:
        for visit in range(80):
            now = later(91 * visit)
            with store.transaction():
                journal.append(store, "unlock", {}, now)
            issue(store, range(number, number + 250), now)
            with store.transaction():
                store.erase_keys(
                    _cert(each).id for each in range(max(number - 500, 100), max(number - 250, 100))
                )
                sequence = store.take_sequence("egress", "main")
                store.add_archive(
                    ArchiveRecord(
                        kind="egress", name="main", sequence=sequence, created=now, manifest_sha256="00" * 32
                    )
                )
                journal.append(store, "export", {"sequence": sequence}, now)
            number += 250
    with open_with(state, founded[1]) as store:
        last = journal.verify(store)
        assert last.time == later(91 * 79)
        assert len(store.certificates()) == 20 + 80 * 250
        assert len(store.key_ids()) == 20 + 2 * 250
