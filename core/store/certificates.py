"""Certificates in the store: their records, DER bodies and private keys.

Rules:
1. Rows keep the order of issuing; they are never removed, and only revocation and the erasing of a key
   change them.
2. A body is checked against the SHA-256 in its row whenever it is read.
3. An erased key is overwritten in the database (secure_delete); its certificate stays.
"""

import hashlib
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from core.certificate import Certificate, Issued, Kind
from core.decoding import json_decoder
from core.errors import IssueError, StateDamagedError
from core.store.state_hash import Rows


class _Record(NamedTuple):
    """What is kept as one JSON array; times are Unix seconds, the serial number is hex."""

    class_name: str | None
    target: str | None
    lane: int | None
    period: str
    algorithm: str
    issue_from: int
    issue_until: int
    not_before: int
    not_after: int
    serial: str
    issuer: str


_decode_record = json_decoder(_Record, 4096)
_encode_record = msgspec.json.Encoder().encode


class CertificateRows(Rows):
    """The part of the store that holds certificates and keys."""

    __slots__ = ()

    def add(self, issued: Iterable[Issued]) -> None:
        """Keep certificates with their keys.

        Args:
            issued: In issuing order; an empty key means that the key was never here.

        Raises:
            IssueError: An id is there already (E-ISSUE).
            CaError: The database refuses.
        """
        self._change()
        known, fresh = self._numbers(), dict[str, int]()
        entry = self.head() + 1
        rows, ders, keys = [], [], []
        for item in issued:
            each = item.certificate.id
            if each in known or each in fresh:
                raise IssueError(f"certificate {each} is in the store already")
            number = fresh[each] = len(known) + len(fresh) + 1
            rows.append((number, *_row(item.certificate, item.key, entry)))
            ders.append((number, item.der))
            if item.key:
                keys.append((number, item.key))
        self._database.run_many("INSERT INTO certificate VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        self._database.run_many("INSERT INTO der VALUES (?, ?)", ders)
        self._database.run_many("INSERT INTO private_key VALUES (?, ?)", keys)
        known.update(fresh)
        for number in fresh.values():
            self._hash.changed(number)

    def certificates(self, kind: Kind | None = None) -> tuple[Certificate, ...]:
        """Return what is remembered of the certificates.

        Args:
            kind: Only these, or all.

        Returns:
            Records in issuing order.

        Raises:
            CaError: The database refuses.
        """
        rows = self._database.rows(
            "SELECT id, kind, record, sha256, revoked_at, reason FROM certificate"
            " WHERE kind = ifnull(?, kind) ORDER BY number",
            (kind,),
        )
        return tuple(_certificate(row) for row in rows)

    def ders(self, ids: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Yield the DER bodies of certificates.

        Args:
            ids: Known ids, in any order.

        Yields:
            Id and DER, in the order of `ids`.

        Raises:
            StateDamagedError: A body is missing or altered (E-STATE-DAMAGED).
        """
        yield from self._bodies(
            ids, "SELECT sha256, body FROM certificate LEFT JOIN der USING (number) WHERE number = ?"
        )

    def keys(self, ids: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Yield private keys; each is secret.

        Args:
            ids: Ids out of `key_ids()`, in any order.

        Yields:
            Id and PKCS#8 DER, in the order of `ids`.

        Raises:
            StateDamagedError: A key is missing or altered (E-STATE-DAMAGED).
        """
        yield from self._bodies(
            ids,
            "SELECT key_sha256, body FROM certificate LEFT JOIN private_key USING (number) WHERE number = ?",
        )

    def key_ids(self) -> frozenset[str]:
        """Return the ids of certificates whose key is here.

        Returns:
            Ids of roots, signers and seals.

        Raises:
            CaError: The database refuses.
        """
        return frozenset(
            found
            for (found,) in self._database.rows("SELECT id FROM certificate WHERE key_sha256 IS NOT NULL")
        )

    def key_digests(self) -> Iterator[tuple[str, bytes]]:
        """Yield the SHA-256 of every private key that is here; no key is read.

        Yields:
            Id and digest, in order of id.

        Raises:
            CaError: The database refuses.
        """
        yield from self._database.rows(
            "SELECT id, key_sha256 FROM certificate WHERE key_sha256 IS NOT NULL ORDER BY id"
        )

    def erase_keys(self, ids: Iterable[str]) -> None:
        """Destroy private keys; their certificates stay.

        Args:
            ids: Known ids; a key that is gone already is no error.

        Raises:
            CaError: The database refuses.
        """
        self._change()
        numbers = self._numbers()
        rows = [(numbers[each],) for each in ids]
        self._database.run_many("DELETE FROM private_key WHERE number = ?", rows)
        self._database.run_many("UPDATE certificate SET key_sha256 = NULL WHERE number = ?", rows)
        for (number,) in rows:
            self._hash.changed(number)

    def revoke(self, each: str, at: datetime, reason: str) -> None:
        """Mark a certificate as revoked; CRLs are made elsewhere.

        Args:
            each: Its id.
            at: When, aware UTC, whole seconds.
            reason: RFC 5280 5.3.1 reason name.

        Raises:
            IssueError: It is revoked already (E-ISSUE).
            CaError: The database refuses.
        """
        self._change()
        number = self._numbers()[each]
        changed = self._database.run(
            "UPDATE certificate SET revoked_at = ?, reason = ? WHERE number = ? AND revoked_at IS NULL",
            (int(at.timestamp()), reason, number),
        )
        if not changed:
            raise IssueError(f"certificate {each} is revoked already")
        self._hash.changed(number)

    def _bodies(self, ids: Iterable[str], query: str) -> Iterator[tuple[str, bytes]]:
        numbers = self._numbers()
        for each in ids:
            digest, body = self._database.row(query, (numbers[each],)) or (None, None)
            if body is None or hashlib.sha256(body).digest() != digest:
                raise StateDamagedError(f"the store's copy of {each} is missing or altered")
            yield each, body

    def _numbers(self) -> dict[str, int]:
        """Return the row number of each certificate id, read once."""
        if not self._ids:
            self._ids.update(
                (each, number) for number, each in self._database.rows("SELECT number, id FROM certificate")
            )
        return self._ids


def _row(certificate: Certificate, key: bytes, entry: int) -> tuple[Any, ...]:
    """Return the columns of a certificate's row, but for its number."""
    record = _Record(
        certificate.class_name,
        certificate.target,
        certificate.lane,
        certificate.period,
        certificate.algorithm,
        int(certificate.issue_from.timestamp()),
        int(certificate.issue_until.timestamp()),
        int(certificate.not_before.timestamp()),
        int(certificate.not_after.timestamp()),
        f"{certificate.serial:x}",
        certificate.issuer,
    )
    return (
        certificate.id,
        certificate.kind,
        _encode_record(record),
        entry,
        bytes.fromhex(certificate.sha256),
        hashlib.sha256(key).digest() if key else None,
        certificate.revoked_at and int(certificate.revoked_at.timestamp()),
        certificate.reason,
    )


def _certificate(row: tuple[Any, ...]) -> Certificate:
    each, kind, record, sha256, revoked_at, reason = row
    class_name, target, lane, period, algorithm, *times, serial, issuer = _decode_record(record)
    issue_from, issue_until, not_before, not_after = map(_instant, times)
    # The same few names and instants return thousands of times: kept once, they cost no memory.
    return Certificate(
        id=each,
        kind=kind,
        class_name=class_name and sys.intern(class_name),
        target=target and sys.intern(target),
        lane=lane,
        period=sys.intern(period),
        algorithm=sys.intern(algorithm),
        issue_from=issue_from,
        issue_until=issue_until,
        not_before=not_before,
        not_after=not_after,
        serial=int(serial, 16),
        issuer=sys.intern(issuer),
        sha256=sha256.hex(),
        revoked_at=None if revoked_at is None else _instant(revoked_at),
        reason=reason,
    )


@lru_cache(maxsize=4096)
def _instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
