"""state.json of a backup: what a restore wants beside the other members, so that it goes on as the old box.

1. Canonical JSON, as manifest.json is; of format "pism-state-v1".
2. Every certificate that was ever issued stands in it, in issuing order. One that the manifest lists too is
   named by id; of any other (expired, or a seal that was replaced) the entry and the DER stand here.
3. Facts (policy, incarnation, drill token...), sequences as this backup leaves them, and the records of
   archives before it. Journal, CRLs, other certificates and keys are members of their own.
4. It is made piece by piece, since certificates that ended add up over the years.

core.recovery.backup holds it against the journal, core.recovery.restore carries it over.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from core.archive.contents import Contents
from core.archive.manifest import (
    ArchiveKind,
    CertificateEntry,
    Instant,
    Name,
    SequenceNumber,
    Sha256Hex,
    Uuid,
    make_entry,
)
from core.certificate import Certificate
from core.decoding import DecodingError, json_decoder
from core.errors import ArchiveFormatError

if TYPE_CHECKING:
    from core.store.store import Store


STATE_FORMAT: Final = "pism-state-v1"
MAX_STATE_BYTES: Final = 1024 * 1024 * 1024


class StateCertificate(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One certificate; `entry` and `der` only where the manifest does not list it."""

    id: Uuid
    revoked_at: Instant | None = None
    reason: Annotated[str, Meta(pattern=r"\A[A-Za-z]{1,32}\Z")] | None = None
    entry: CertificateEntry | None = None
    der: Annotated[bytes, Meta(max_length=64 * 1024)] | None = None


class StateArchive(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One archive that was exported before."""

    kind: ArchiveKind
    name: Name
    sequence: SequenceNumber
    created: Instant
    manifest_sha256: Sha256Hex
    written_at: Instant | None


class StateSequence(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The last number that was taken for an egress or backup, or for anything else that is counted."""

    kind: Annotated[str, Meta(min_length=1, max_length=32)]
    name: Annotated[str, Meta(min_length=1, max_length=64)]
    last: SequenceNumber


class State(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of state.json."""

    format: Literal["pism-state-v1"] = STATE_FORMAT
    facts: dict[str, str]
    sequences: tuple[StateSequence, ...]
    archives: tuple[StateArchive, ...]
    certificates: tuple[StateCertificate, ...]


_ENCODE = msgspec.json.Encoder(order="sorted").encode
_decode = json_decoder(State, MAX_STATE_BYTES)


def encode_state(store: "Store", contents: Contents, now: datetime) -> Iterator[bytes]:
    """Yield state.json in pieces; every certificate that was ever issued is read.

    Args:
        store: Inside the transaction of the backup, after its sequence was taken.
        contents: What else the backup holds.
        now: Aware UTC time of the backup.
    """
    archives = tuple(
        StateArchive(
            kind=item.kind,
            name=item.name,
            sequence=item.sequence,
            created=item.created,
            manifest_sha256=item.manifest_sha256,
            written_at=item.written_at,
        )
        for item in store.archives()
    )
    sequences = tuple(
        StateSequence(kind=item.kind, name=item.name, last=item.last) for item in store.sequences()
    )
    yield b'{"archives":' + _ENCODE(archives) + b',"certificates":['
    listed = frozenset(item.id for item in contents.certificates)
    comma = b""
    for item, der in store.each_der(unless=listed):
        yield comma + _ENCODE(_state_of(item, der, contents, now))
        comma = b","
    yield b'],"facts":' + _ENCODE(store.facts()) + b',"format":' + _ENCODE(STATE_FORMAT)
    yield b',"sequences":' + _ENCODE(sequences) + b"}"


def _state_of(
    certificate: Certificate, der: bytes | None, contents: Contents, now: datetime
) -> StateCertificate:
    entry = make_entry(certificate, contents.status(certificate, now), with_key=False)
    return StateCertificate(
        id=certificate.id,
        revoked_at=certificate.revoked_at,
        reason=certificate.reason,
        entry=None if der is None else entry,
        der=der,
    )


def decode_state(data: bytes) -> State:
    """Return what state.json says; its hash was compared with the manifest's before.

    Raises:
        ArchiveFormatError: Too large, another version, not to the format or not canonical (E-ARCHIVE-FORMAT).
    """
    try:
        state = _decode(data)
    except DecodingError as error:
        raise ArchiveFormatError(f"state.json is not to the format {STATE_FORMAT}: {error}.") from error
    if _ENCODE(state) != data:
        raise ArchiveFormatError("state.json is not in its canonical form.")
    return state
