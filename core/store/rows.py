"""A certificate's row in the store: what is kept of it, and how it is read back.

Rows keep the order of issuing by their numbers, from 1 without a hole.
"""

import hashlib
import sys
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

import msgspec

from core.certificate import Certificate, Issued, Kind
from core.decoding import json_decoder


class Row(NamedTuple):
    """A row of the table `certificate`.

    Args:
        number: Its place in the order of issuing.
        id: UUID.
        kind: root, signer or seal.
        record: What else is remembered, one JSON array.
        entry: Sequence of the journal entry that issued it.
        sha256: Of the DER.
        key_sha256: Of the private key; None where there is none, or none any more.
        revoked_at: Unix seconds, or None.
        reason: RFC 5280 5.3.1 reason name, or None.
    """

    number: int
    id: str
    kind: Kind
    record: bytes
    entry: int
    sha256: bytes
    key_sha256: bytes | None
    revoked_at: int | None
    reason: str | None

    @property
    def not_after(self) -> int:
        """The last second of its validity, Unix seconds."""
        return _decode_record(self.record).not_after


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


def make_row(number: int, issued: Issued, entry: int) -> Row:
    """Return the row of a certificate that is issued.

    Args:
        number: The next one.
        issued: The certificate; an empty key means that the key was never here.
        entry: Sequence of the journal entry that tells of it.
    """
    certificate, key = issued.certificate, issued.key
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
    return Row(
        number=number,
        id=certificate.id,
        kind=certificate.kind,
        record=_encode_record(record),
        entry=entry,
        sha256=bytes.fromhex(certificate.sha256),
        key_sha256=hashlib.sha256(key).digest() if key else None,
        revoked_at=None if certificate.revoked_at is None else int(certificate.revoked_at.timestamp()),
        reason=certificate.reason,
    )


def read_row(row: Row) -> Certificate:
    """Return what is remembered of a certificate."""
    class_name, target, lane, period, algorithm, *times, serial, issuer = _decode_record(row.record)
    issue_from, issue_until, not_before, not_after = map(_instant, times)
    # The same names and instants return thousands of times, an id with each reading: each is kept once.
    return Certificate(
        id=sys.intern(row.id),
        kind=row.kind,
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
        sha256=row.sha256.hex(),
        revoked_at=None if row.revoked_at is None else _instant(row.revoked_at),
        reason=row.reason,
    )


@lru_cache(maxsize=4096)
def _instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
