"""core.store.journal: one canonical chain that binds the state."""

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import CaError, JournalError, StateDamagedError, StoppedError
from core.store import journal
from core.store.journal import GENESIS, Entry, decode_body, encode_body, encode_line, verify_lines
from core.store.store import Store
from tests.core.opened import NOW, copy_state, found, issue, later, make_issued, master_key, open_with


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    state = tmp_path_factory.mktemp("journal") / "state"
    found(state)
    key = master_key(state)
    with open_with(state, key) as store:
        issue(store, range(1, 301))
    return state, key


@pytest.fixture
def store(founded: tuple[Path, bytes], tmp_path: Path) -> Iterator[Store]:
    source, key = founded
    with open_with(copy_state(source, tmp_path / "state"), key) as store:
        yield store


def _append(store: Store, act: str = "unlock", now: datetime = NOW, **detail: Any) -> Entry:
    with store.transaction():
        return journal.append(store, act, detail, now)


def _alter(store: Store, sql: str, *values: object) -> None:
    """Change the database behind the store's back, as an old page does."""
    store._database._connection.execute(sql, values)


def test_an_entry_continues_the_chain(store: Store) -> None:
    before = store.last_entry()
    entry = _append(store, "unlock", later(1), failed=2)
    assert before is not None
    assert (entry.sequence, entry.previous) == (before.sequence + 1, before.hash)
    assert (entry.act, entry.time, entry.detail) == ("unlock", later(1), {"failed": 2})
    assert entry.state == store.state_hash(before.sequence)
    assert store.last_entry() == entry
    assert journal.verify(store) == entry
    assert list(store.entries())[-1] == entry


def test_the_first_entry_names_64_zeros(store: Store) -> None:
    first = next(store.entries())
    assert (first.sequence, first.previous, first.act) == (1, GENESIS, "init")


def test_the_hash_is_over_canonical_json_that_anyone_can_make(store: Store) -> None:
    entry = _append(
        store, "export", later(1), zeta=[1, {"b": None, "a": '\u00e9\u2028"\\\n\x7f'}], alpha=True
    )
    body = {
        "sequence": entry.sequence,
        "time": "2027-01-02T00:00:00Z",
        "act": "export",
        "detail": dict(entry.detail),
        "state": entry.state,
        "previous": entry.previous,
    }
    plain = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert encode_body(entry) == plain
    assert entry.hash == hashlib.sha256(plain).hexdigest()
    line = json.dumps(body | {"hash": entry.hash}, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert encode_line(entry) == line.encode() + b"\n"


PLAIN = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text()
ROW = PLAIN | st.lists(PLAIN, max_size=3) | st.dictionaries(st.text(), PLAIN, max_size=3)
JSON = PLAIN | st.lists(ROW, max_size=3) | st.dictionaries(st.text(), ROW, max_size=3)


@settings(max_examples=50)
@given(st.dictionaries(st.text(), JSON, max_size=4), st.datetimes(datetime(1970, 1, 1), datetime(9999, 1, 1)))  # noqa: DTZ001 (hypothesis wants naive bounds)
def test_lines_come_back_as_they_went(detail: dict[str, Any], at: datetime) -> None:
    body = Entry(
        sequence=1,
        time=at.replace(microsecond=0, tzinfo=UTC),
        act="export",
        detail=detail,
        state="ab" * 32,
        previous=GENESIS,
        hash="",
    )
    try:
        digest = hashlib.sha256(encode_body(body)).digest()
    except UnicodeEncodeError:
        return
    entry = decode_body(encode_body(body), digest)
    assert entry.detail == detail
    assert verify_lines([encode_line(entry)]) == entry


@pytest.mark.parametrize("act", ["", "Issue", "issue now", "1", "x" * 25])
def test_an_act_is_a_plain_word(store: Store, act: str) -> None:
    with pytest.raises(ValueError, match="no name"):
        _append(store, act)


@pytest.mark.parametrize(
    "now",
    [datetime(2027, 1, 1), NOW.replace(microsecond=1), NOW.astimezone(timezone(timedelta(hours=1)))],  # noqa: DTZ001 (the wrong thing)
)
def test_a_time_is_utc_in_whole_seconds(store: Store, now: datetime) -> None:
    with pytest.raises(ValueError, match="UTC"):
        _append(store, now=now)


@pytest.mark.parametrize("detail", [{"x": 1.0}, {"x": [{"y": 0.5}]}, {"x": (1.5,)}])
def test_a_detail_holds_no_fractions(store: Store, detail: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="cannot hold"):
        _append(store, **detail)


ALTERATIONS = {
    "policy": "UPDATE fact SET value = 'other' WHERE name = 'policy'",
    "fact gone": "DELETE FROM fact WHERE name = 'incarnation'",
    "revoked": "UPDATE certificate SET revoked_at = 1, reason = 'superseded' WHERE number = 299",
    "key erased": "UPDATE certificate SET key_sha256 = NULL WHERE number = 3",
    "record": "UPDATE certificate SET record = x'00' WHERE number = 5",
    "kind": "UPDATE certificate SET kind = 'root' WHERE number = 5",
    "sequence": "INSERT INTO sequence VALUES ('egress', 'main', 7)",
    "archive": "INSERT INTO archive VALUES ('egress', 'main', 7, 1, 'x', NULL)",
    "crl": "INSERT INTO crl VALUES ('root', 1, 1, 1, x'00')",
    "last entry gone": "DELETE FROM journal WHERE sequence = (SELECT max(sequence) FROM journal)",
    "first entry gone": "DELETE FROM journal WHERE sequence = 1",
    "middle entry gone": "DELETE FROM journal WHERE sequence = 2",
    "journal gone": "DELETE FROM journal",
    "entry altered": "UPDATE journal SET body = x'7b7d' WHERE sequence = 1",
    "entry's hash altered": "UPDATE journal SET hash = zeroblob(32) WHERE sequence = 2",
    "head": "PRAGMA user_version = 2",
    "der gone": "DELETE FROM der WHERE number = 7",
    "der altered": "UPDATE der SET body = x'00' WHERE number = 300",
    "key altered": "UPDATE private_key SET body = x'00' WHERE number = 300",
    "key gone": "DELETE FROM private_key WHERE number = 9",
    "two certificates gone": "DELETE FROM der WHERE number = 300",
    "other number": "UPDATE certificate SET number = 400 WHERE number = 300",
    "state of long ago": "UPDATE certificate SET sha256 = zeroblob(32) WHERE number = 12",
}


@pytest.mark.parametrize("sql", ALTERATIONS.values(), ids=ALTERATIONS)
def test_whatever_is_altered_is_noticed(store: Store, sql: str) -> None:
    _append(store)
    journal.verify(store)
    _alter(store, "PRAGMA foreign_keys = OFF")
    _alter(store, sql)
    with pytest.raises((JournalError, StateDamagedError)):
        journal.verify(store)


@pytest.mark.parametrize("table", ["der", "private_key"])
def test_a_body_without_a_certificate_is_noticed(store: Store, table: str) -> None:
    _alter(store, "PRAGMA foreign_keys = OFF")
    _alter(store, f"INSERT INTO {table} VALUES (301, x'00')")  # noqa: S608 (two constants)
    with pytest.raises(StateDamagedError, match="no certificate"):
        journal.verify(store)


def test_the_state_hash_after_a_batch_is_that_of_a_fresh_look(store: Store) -> None:
    for start in (301, 450, 513):
        issue(store, range(start, start + 30))
        with store.transaction():
            store.revoke(make_issued(start).certificate.id, later(1), "superseded")
            store.erase_keys([make_issued(start + 1).certificate.id, make_issued(2).certificate.id])
            journal.append(store, "revoke", {}, later(1))
        remembered = store.state_hash()
        store._forget()
        assert store.state_hash() == remembered
        journal.verify(store)
        assert store.state_hash() == remembered


def test_what_was_undone_is_forgotten(store: Store) -> None:
    before = store.state_hash()

    def stop() -> None:
        with store.transaction():
            store.add([make_issued(500)])
            journal.append(store, "issue", {}, NOW)
            raise StoppedError("by the operator")

    with pytest.raises(StoppedError):
        stop()
    assert store.state_hash() == before
    journal.verify(store)
    issue(store, [500])
    journal.verify(store)


def test_lines_of_the_whole_journal_are_proven(store: Store) -> None:
    for day in range(20):
        last = _append(store, now=later(day), day=day)
    lines = [encode_line(entry) for entry in store.entries()]
    assert verify_lines(lines) == last
    assert verify_lines(line.rstrip(b"\n") for line in lines) == last


def _lines(store: Store) -> list[bytes]:
    _append(store, now=later(1), words=["a", "b"])
    return [encode_line(entry) for entry in store.entries()]


def test_missing_doubled_or_swapped_lines_are_refused(store: Store) -> None:
    a, b, c = _lines(store)
    for lines in ([], [b, c], [a, c], [a, a, b], [a, c, b], [a, b, c, c]):
        with pytest.raises(JournalError):
            verify_lines(lines)


def test_any_altered_byte_of_a_line_is_refused(store: Store) -> None:
    *rest, last = _lines(store)
    for at in range(len(last) - 1):
        for bit in (1, 32):
            altered = last[:at] + bytes([last[at] ^ bit]) + last[at + 1 :]
            with pytest.raises(JournalError):
                verify_lines([*rest, altered])


@pytest.mark.parametrize(
    "change",
    [
        lambda line: b" " + line,
        lambda line: line + b"\n",
        lambda line: line.replace(b'"words":', b'"words": '),
        lambda line: line.replace(b'{"act":"unlock",', b'{"act":"unlock","act":"unlock",'),
        lambda line: line.replace(b'{"act":"unlock",', b'{"extra":1,"act":"unlock",'),
        lambda line: line.replace(b'["a","b"]', b'["a",1.0]'),
        lambda line: line.replace(b'"a"', b'"\\u0061"'),
        lambda line: line[:-1] + b"x" * (5 << 20),
        lambda _: b"",
        lambda _: b"[]",
        lambda _: b"\xff",
    ],
)
def test_a_line_in_another_form_is_refused(store: Store, change: Any) -> None:
    *rest, last = _lines(store)
    with pytest.raises(JournalError):
        verify_lines([*rest, change(last)])


@pytest.mark.parametrize(
    ("name", "value"), [("act", "NO"), ("state", "x"), ("previous", "00"), ("time", "today")]
)
def test_a_line_with_a_fitting_hash_but_malformed_is_refused(store: Store, name: str, value: str) -> None:
    first = json.loads(_lines(store)[0])
    del first["hash"]
    body = json.dumps(first | {name: value}, sort_keys=True, separators=(",", ":")).encode()
    digest = hashlib.sha256(body)
    with pytest.raises(JournalError):
        decode_body(body, digest.digest())
    line = json.dumps(json.loads(body) | {"hash": digest.hexdigest()}, sort_keys=True, separators=(",", ":"))
    with pytest.raises(JournalError):
        verify_lines([line.encode()])


def test_a_hash_in_capitals_is_refused(store: Store) -> None:
    first = _lines(store)[0]
    digest = json.loads(first)["hash"].encode()
    with pytest.raises(JournalError):
        verify_lines([first.replace(digest, digest.upper())])


def test_a_chain_that_does_not_continue_is_refused(store: Store) -> None:
    a, b, _ = _lines(store)
    other = json.loads(b) | {"previous": "11" * 32}
    del other["hash"]
    body = json.dumps(other, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    entry = decode_body(body, hashlib.sha256(body).digest())
    with pytest.raises(JournalError, match="does not continue"):
        verify_lines([a, encode_line(entry)])


def test_every_error_has_a_code() -> None:
    assert issubclass(JournalError, CaError)
    assert JournalError.code == "E-JOURNAL"
