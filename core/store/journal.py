"""The journal: an append-only chain of hashes over everything the authority did.

Rules:
1. An entry's hash is SHA-256 over its canonical JSON without the hash: keys sorted, no spaces, UTF-8,
   whole numbers only. It names the hash before it; the first one names 64 zeros.
2. An entry also holds the hash of the state as it stands in the same transaction (core.store.state_hash), so
   an old page put back into the database no longer fits the last entry.
3. `prove` holds the last entry against that hash, and reads nothing that is over: what hangs on the hash is
   proven when it is read (core.store.blocks, core.store.entries).
4. `verify` walks from the first entry, reads every page, row and body, and works out all that is hashed.
5. A line of journal.jsonl is the canonical JSON with the hash, and a line feed.

A chain of hashes shows edits, not a rewrite of the whole: its head goes out with every archive.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

import msgspec

from core.decoding import DecodingError, json_decoder
from core.errors import JournalError
from core.times import format_time, parse_time

GENESIS = "0" * 64
MAX_LINE_BYTES = 4 << 20  # an entry of 10,000 certificate ids takes 400 KB
_ACT = re.compile(r"[a-z][a-z0-9-]{0,23}")
_HASH = re.compile(r"[0-9a-f]{64}")
_Plain = str | int | bool | None
_Row = _Plain | list[_Plain] | dict[str, _Plain]
Detail = dict[str, _Plain | list[_Row] | dict[str, _Row]]
"""What an act may say of itself: no fractions, and no deeper than a list of rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One act.

    Args:
        sequence: 1 for the first entry, then one more each.
        time: When, aware UTC, whole seconds.
        act: What, such as issue.
        detail: More about it, as `Detail`; never a secret.
        state: Hash of the state after the act, 64 hex digits.
        previous: Hash of the entry before, or 64 zeros.
        hash: Hash of this entry, 64 hex digits.
    """

    sequence: int
    time: datetime
    act: str
    detail: Mapping[str, Any]
    state: str
    previous: str
    hash: str


class Ledger(Protocol):
    """What the journal needs of the store that it is kept in (core.store.store)."""

    def last_entry(self) -> Entry | None:
        """Return the head of the chain."""

    def head(self) -> int:
        """Return the sequence that the store stands at."""

    def add_entry(self, entry: Entry) -> None:
        """Add an entry, in the caller's transaction."""

    def state_hash(self, entries: int | None = None) -> str:
        """Return the hash of the store as the entry after so many says it, or a new one."""

    def check_listed(self, entry: Entry) -> None:
        """Check that the last entry is listed as it is."""

    def check_all(self) -> None:
        """Read every page, row, body and entry, and work out what the store says of them."""


class _Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An entry as it is hashed."""

    sequence: int
    time: str
    act: str
    detail: Detail
    state: str
    previous: str


class _Line(_Body, frozen=True, forbid_unknown_fields=True):
    """An entry as it is exported."""

    hash: str


_decode_body = json_decoder(_Body, MAX_LINE_BYTES)
_decode_line = json_decoder(_Line, MAX_LINE_BYTES)
_encode = msgspec.json.Encoder(order="sorted").encode


def append(store: Ledger, act: str, detail: Mapping[str, Any], now: datetime) -> Entry:
    """Add an entry for an act to the chain, in the transaction that the caller holds.

    Args:
        store: The open store, in the transaction of the act itself, after its last change.
        act: Lower-case word, at most 24 characters.
        detail: As `Detail`, never a secret.
        now: Time of the act, aware UTC, whole seconds.

    Returns:
        The entry, which is the new head once the transaction is over.

    Raises:
        CaError: The store refuses (E-FILE, E-STATE-DAMAGED).
    """
    if not _ACT.fullmatch(act):
        raise ValueError(f"{act!r} is no name of an act")
    if now.utcoffset() != timedelta(0) or now.microsecond:
        raise ValueError("a journal time is UTC, in whole seconds")
    last = store.last_entry()
    body = _Body(
        sequence=last.sequence + 1 if last else 1,
        time=format_time(now),
        act=act,
        detail=dict(detail),
        state=store.state_hash(),
        previous=last.hash if last else GENESIS,
    )
    data = _encode(body)
    try:
        entry = _read_body(data, hashlib.sha256(data).digest())
    except DecodingError as error:
        raise ValueError(f"an entry cannot hold this detail: {error}") from error
    if encode_body(entry) != data:  # 1.0 is read as 1
        raise ValueError("an entry cannot hold this detail: it is read back otherwise")
    store.add_entry(entry)
    return entry


def prove(store: Ledger) -> Entry:
    """Prove that the store stands where its journal's last entry says, and that all it reads hangs on that.

    Args:
        store: The open store.

    Returns:
        The last entry.

    Raises:
        JournalError: The last entry is missing or altered, or does not fit the state (E-JOURNAL).
    """
    last = store.last_entry()
    if last is None:
        raise JournalError("the journal is empty")
    if store.head() != last.sequence:
        raise JournalError(f"the journal ends at entry {last.sequence}, the store is at {store.head()}")
    if store.state_hash(last.sequence - 1) != last.state:
        raise JournalError(f"the store is not in the state that journal entry {last.sequence} describes")
    store.check_listed(last)
    return last


def verify(store: Ledger) -> Entry:
    """Prove that the store is what its journal says, from the first entry to the last byte.

    Args:
        store: The open store.

    Returns:
        The last entry.

    Raises:
        JournalError: The chain is broken, or ends in an entry that does not fit the state (E-JOURNAL).
        StateDamagedError: A page, a row or a body is not what it was (E-STATE-DAMAGED).
    """
    store.check_all()
    return prove(store)


def encode_body(entry: Entry) -> bytes:
    """Return the canonical JSON that the entry's hash is over: all but the hash."""
    return _encode(_body_of(entry))


def _body_of(entry: Entry) -> _Body:
    return _Body(
        sequence=entry.sequence,
        time=format_time(entry.time),
        act=entry.act,
        detail=dict(entry.detail),
        state=entry.state,
        previous=entry.previous,
    )


def decode_body(data: bytes, digest: bytes) -> Entry:
    """Read an entry back as `encode_body` made it.

    Args:
        data: Canonical JSON without the hash.
        digest: The hash, 32 bytes.

    Returns:
        The entry.

    Raises:
        JournalError: Not such JSON, or another hash (E-JOURNAL).
    """
    if hashlib.sha256(data).digest() != digest:
        raise JournalError("a journal entry was altered: its hash does not fit")
    try:
        return _read_body(data, digest)
    except ValueError as error:
        raise JournalError("a journal entry is not to the format") from error


def encode_line(entry: Entry) -> bytes:
    """Return the entry's line of journal.jsonl: canonical JSON with the hash, and a line feed."""
    body = msgspec.structs.asdict(_body_of(entry))
    return _encode(_Line(**body, hash=entry.hash)) + b"\n"


def verify_lines(lines: Iterable[bytes]) -> Entry:
    """Prove that the lines of a journal.jsonl are one whole chain.

    Args:
        lines: All lines, each with or without its line feed; at most 4 MiB each.

    Returns:
        The last entry.

    Raises:
        JournalError: A line is not canonical, altered, missing or out of order, or there is none (E-JOURNAL).
    """
    last: Entry | None = None
    for entry in read_lines(lines):
        last = entry
    if last is None:
        raise JournalError("the journal is empty")
    return last


def read_lines(lines: Iterable[bytes]) -> Iterator[Entry]:
    """Yield the entries of a journal.jsonl, each seen to continue the one before it.

    Args:
        lines: As for `verify_lines`.

    Raises:
        JournalError: As `verify_lines`, but for an empty journal (E-JOURNAL).
    """
    last: Entry | None = None
    for count, line in enumerate(lines, 1):
        entry = _read_line(line.removesuffix(b"\n"), count)
        check_link(entry, last)
        yield entry
        last = entry


def _read_line(line: bytes, count: int) -> Entry:
    try:
        found = _decode_line(line)
        fields = msgspec.structs.asdict(found)
        digest = bytes.fromhex(fields.pop("hash"))
        body = _encode(_Body(**fields))
        # Compared whole, so a key twice, a space or a fraction cannot hide in it.
        if _encode(found) != line or not _HASH.fullmatch(found.hash):
            raise JournalError(f"journal line {count} is not canonical")
    except ValueError as error:
        raise JournalError(f"journal line {count} is not to the format: {error}") from error
    return decode_body(body, digest)


def _read_body(data: bytes, digest: bytes) -> Entry:
    body = _decode_body(data)
    if not (_ACT.fullmatch(body.act) and _HASH.fullmatch(body.state) and _HASH.fullmatch(body.previous)):
        raise ValueError("an entry's act, state or previous hash is malformed")
    fields = msgspec.structs.asdict(body) | {"time": parse_time(body.time)}
    return Entry(**fields, hash=digest.hex())


def check_link(entry: Entry, last: Entry | None) -> None:
    """Check that an entry follows the one before it.

    Args:
        entry: The entry.
        last: The one before; None: it is the first.

    Raises:
        JournalError: It does not (E-JOURNAL).
    """
    sequence, previous = (last.sequence + 1, last.hash) if last else (1, GENESIS)
    if entry.sequence != sequence:
        raise JournalError(f"journal entry {entry.sequence} stands where {sequence} is due")
    if entry.previous != previous:
        raise JournalError(f"journal entry {entry.sequence} does not continue the one before it")
