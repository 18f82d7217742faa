"""core.store.store and the tables below it: what goes in comes out, or nothing does."""

from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from core.certificate import Certificate, Crl, Issued
from core.errors import (
    FileError,
    IssueError,
    StateDamagedError,
)
from core.store import journal
from core.store.records import ArchiveRecord, Sequence
from core.store.store import Store
from tests.builders import make_root
from tests.core.opened import (
    NOW,
    issue,
    later,
    make_issued,
)


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
        assert len(store.certificates()) == 20
        for batch in ([make_issued(5)], [make_issued(30), make_issued(30)]):
            with pytest.raises(IssueError), store.transaction():
                store.add(batch)
        assert len(store.certificates()) == 20

    def test_a_refused_batch_leaves_the_numbers_as_they_were(self, store: Store) -> None:
        with store.transaction():
            with pytest.raises(IssueError):
                store.add([make_issued(30), make_issued(30)])
            store.add([make_issued(31)])
            _end(store)
        journal.verify(store)
        assert store.certificates()[-1] == _cert(31)

    def test_erased_keys_are_gone_from_the_database_itself(
        self, store: Store, laid: tuple[Path, bytes]
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
        pages = _in_the_clear(store._database.path, laid[1])
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
