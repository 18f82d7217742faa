"""The receipt: what an archive holds and what has changed, in the clear and sealed, without any secret.

1. Canonical JSON {"receipt": {...}, "seals": [...]}; each seal signs the exact bytes of the value of
   "receipt", as they stand in the file (docs/archive-format.md, "The receipt").
2. It names the SHA-256 of the archive, of its manifest, and of its sidecars.
3. What changed since the archive before follows from dates, and from how many certificates had been issued
   by then, which the store remembers with each export as the fact "exported <kind> <name>".
4. It is believed if any one seal is of a trusted root and fits.
5. It tells whether a state is older than what the world has seen (design 3, Journal). A whole state folder
   put back passes every check inside the box: it is what it was. But receipts travel. One that is sealed
   under a root of ours, of our own incarnation, with a number that this store never gave out, or gave to
   another archive, proves that a later state existed. Receipts of others, and what is no receipt, prove
   nothing.

It decides nothing about contents.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Annotated, Final, Literal

import msgspec
from cryptography import x509
from msgspec import UNSET, Meta, Struct, UnsetType

from core.api.results import Paper, ReceiptChecked
from core.archive.contents import Changes
from core.archive.manifest import (
    MAX_CERTIFICATES,
    ArchiveKind,
    Authority,
    CertificateEntry,
    EarlierList,
    Instant,
    Name,
    SequenceNumber,
    Sha256Hex,
    Uuid,
    join_entries,
    require_past,
    require_printable,
)
from core.archive.seal import Seal, accept_seal
from core.crypto.keys import verify_bytes
from core.crypto.recipients import RecipientKind
from core.decoding import DecodingError, json_decoder
from core.errors import ArchiveError, ArchiveFormatError, ArchiveSealError, IssueError, StateOldError
from core.export.archives import Written
from core.store.store import Store

RECEIPT_FORMAT: Final = "pism-receipt-v2"
RECEIPT_FORMAT_1: Final = "pism-receipt-v1"
MAX_RECEIPT_BYTES: Final = 128 * 1024 * 1024
_NO_CERTIFICATES = b'"certificates":[]'
FileName = Annotated[str, Meta(min_length=1, max_length=128)]
Ids = Annotated[tuple[Uuid, ...], Meta(max_length=MAX_CERTIFICATES)]
Size = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Count = Annotated[int, Meta(ge=0, le=MAX_CERTIFICATES)]


class _Strict(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a receipt: every key must be there, no other may."""


class NamedFile(_Strict, frozen=True, kw_only=True):
    """A file beside the receipt: name, size in bytes, SHA-256 in hex."""

    file: FileName
    size: Size
    sha256: Sha256Hex

    def __post_init__(self) -> None:
        require_printable(self.file)


class NamedRecipient(_Strict, frozen=True, kw_only=True):
    """Whom the archive is encrypted to; `words` are its fingerprint, to compare aloud."""

    kind: RecipientKind
    fingerprint: Annotated[str, Meta(max_length=128)]
    words: Annotated[str, Meta(max_length=256)]

    def __post_init__(self) -> None:
        require_printable(self.fingerprint, self.words)


class Counts(_Strict, frozen=True, kw_only=True):
    """How many certificates of each kind the archive holds, and how many private keys."""

    roots: Count
    seals: Count
    signers: Count
    keys: Count


class Changed(_Strict, frozen=True, kw_only=True):
    """Ids of what was issued, revoked, and ended since the archive before; `since` null: there is none."""

    since: Instant | None
    issued: Ids
    revoked: Ids
    ended: Ids


class Receipt(_Strict, frozen=True, kw_only=True):
    """What the seals sign."""

    format: Literal["pism-receipt-v1", "pism-receipt-v2"] = RECEIPT_FORMAT
    authority: Authority
    incarnation: Uuid
    restored_from: Uuid | None
    kind: ArchiveKind
    name: Name
    sequence: SequenceNumber
    created: Instant
    previous: Sha256Hex | UnsetType | None = UNSET
    earlier: EarlierList | UnsetType = UNSET
    policy_sha256: Sha256Hex
    journal_head: Sha256Hex
    next_visit_by: Instant
    archive: NamedFile
    manifest_sha256: Sha256Hex
    papers: Annotated[tuple[NamedFile, ...], Meta(max_length=1000)]
    recipients: Annotated[tuple[NamedRecipient, ...], Meta(max_length=100)]
    counts: Counts
    changed: Changed
    certificates: Annotated[tuple[CertificateEntry, ...], Meta(max_length=MAX_CERTIFICATES)] = ()

    def __post_init__(self) -> None:
        require_past(self.sequence, self.previous, self.earlier, is_format_1=self.format == RECEIPT_FORMAT_1)


class ReceiptSeal(_Strict, frozen=True, kw_only=True):
    """One signature, the seal's certificate with it."""

    root: Uuid
    certificate: Annotated[bytes, Meta(max_length=64 * 1024)]  # DER; base64 in JSON
    signature: Annotated[bytes, Meta(max_length=64 * 1024)]


class _Envelope(_Strict, frozen=True, kw_only=True):
    receipt: Receipt
    seals: Annotated[tuple[ReceiptSeal, ...], Meta(min_length=1, max_length=1000)]


_ENCODE = msgspec.json.Encoder(order="sorted").encode
_decode = json_decoder(_Envelope, MAX_RECEIPT_BYTES)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedRoot:
    """A root whose seals count.

    Args:
        certificate: The root.
        revoked_serials: Serial numbers that it has revoked.
    """

    certificate: x509.Certificate
    revoked_serials: frozenset[int] = frozenset()


def receipt_stem(written: Written) -> str:
    """Return the name of receipt and report without its ending: pism-receipt-<name>-<sequence>."""
    return f"pism-receipt-{written.head.name}-{written.head.sequence:06}"


def make_receipt(written: Written, sidecars: Iterable[NamedFile], seals: Iterable[Seal]) -> bytes:
    """Return the sealed receipt of an archive.

    Args:
        written: The archive.
        sidecars: The other files that go beside it.
        seals: The seals that signed its manifest.
    """
    head, contents, now = written.head, written.contents, written.head.created
    receipt = Receipt(
        authority=head.authority,
        incarnation=head.incarnation,
        restored_from=head.restored_from,
        kind=head.kind,
        name=head.name,
        sequence=head.sequence,
        created=head.created,
        earlier=head.earlier,
        policy_sha256=head.policy_sha256,
        journal_head=head.journal_head,
        next_visit_by=head.next_visit_by,
        archive=NamedFile(file=written.archive_name, size=written.size_bytes, sha256=written.archive_sha256),
        manifest_sha256=written.manifest_sha256,
        papers=tuple(sidecars),
        recipients=tuple(
            NamedRecipient(kind=item.kind, fingerprint=item.fingerprint, words=" ".join(item.words))
            for item in written.recipients
        ),
        counts=Counts(
            roots=len(contents.roots),
            seals=len(contents.seals),
            signers=len(contents.signers),
            keys=len(contents.key_ids),
        ),
        changed=_changed(written.changes),
    )
    # Entry by entry, as in core.archive.manifest.
    before, after = _ENCODE(receipt).split(_NO_CERTIFICATES)
    data = BytesIO()
    data.write(before + _NO_CERTIFICATES[:-1])
    data.writelines(join_entries(contents.entries(now)))
    data.write(b"]" + after)
    signed = data.getvalue()
    signatures = tuple(
        ReceiptSeal(root=seal.root_id, certificate=seal.der, signature=seal.sign(signed)) for seal in seals
    )
    return b'{"receipt":%b,"seals":%b}' % (signed, _ENCODE(signatures))


def _changed(changes: Changes) -> Changed:
    return Changed(
        since=changes.since,
        issued=tuple(item.id for item in changes.issued),
        revoked=tuple(item.id for item in changes.revoked),
        ended=tuple(item.id for item in changes.ended),
    )


def verify_receipt(data: bytes, roots: Mapping[str, TrustedRoot]) -> Receipt:
    """Return what a receipt says, if a trusted root's seal signs it.

    Args:
        data: The file, from a stick that nobody vouches for.
        roots: The roots whose seals count, by UUID.

    Raises:
        ArchiveFormatError: Too large, another version, not to the format or not canonical (E-ARCHIVE-FORMAT).
        ArchiveSealError: No seal of one of `roots` fits (E-ARCHIVE-SEAL).
    """
    try:
        envelope = _decode(data)
    except DecodingError as error:
        raise ArchiveFormatError(f"The receipt is not to the format {RECEIPT_FORMAT}: {error}.") from error
    receipt = envelope.receipt
    signed = _ENCODE(receipt)
    if b'{"receipt":%b,"seals":%b}' % (signed, _ENCODE(envelope.seals)) != data:
        raise ArchiveFormatError("The receipt is not in its canonical form.")
    refusals = []
    for seal in envelope.seals:
        if seal.root not in roots:
            continue
        root = roots[seal.root]
        try:
            key = accept_seal(seal.certificate, root.certificate, root.revoked_serials, receipt.created)
            verify_bytes(key, seal.signature, signed)
        except (ArchiveSealError, IssueError) as error:
            refusals.append(str(error))
        else:
            return receipt
    raise ArchiveSealError(" ".join(["No seal of a trusted root fits the receipt.", *refusals]))


def check_receipt(store: Store, data: bytes) -> ReceiptChecked:
    """Compare a receipt from a stick with what this store remembers.

    Args:
        store: Open.
        data: The file, from a stick that nobody vouches for.

    Returns:
        What it is, and the papers that it names where a root of ours seals it.

    Raises:
        StateOldError: The receipt is ours and later than anything here, or of another archive than the one
            that has its number here (E-STATE-OLD).
    """
    try:
        receipt = verify_receipt(data, _trusted_roots(store))
    except ArchiveError:
        return ReceiptChecked(is_ours=False, papers=())
    papers = tuple(Paper(path=paper.file, sha256=paper.sha256) for paper in receipt.papers)
    if receipt.incarnation != store.fact("incarnation"):
        return ReceiptChecked(is_ours=False, papers=papers)
    given = {(item.kind, item.name): item.last for item in store.sequences()}
    last = given.get((receipt.kind, receipt.name), 0)
    what = f"the stick holds the receipt of {receipt.kind} {receipt.name} {receipt.sequence:06}"
    if receipt.sequence > last:
        raise StateOldError(f"{what}; the last one known here is {last:06}")
    made = {(item.kind, item.name, item.sequence): item.manifest_sha256 for item in store.archives()}
    if made.get((receipt.kind, receipt.name, receipt.sequence)) != receipt.manifest_sha256:
        raise StateOldError(f"{what}, which is not the archive of that number that is known here")
    return ReceiptChecked(is_ours=True, papers=papers)


def _trusted_roots(store: Store) -> dict[str, TrustedRoot]:
    """Return all roots of the store with the serials that each has revoked."""
    certificates = store.certificates()
    roots = [item for item in certificates if item.kind == "root"]
    ders = dict(store.ders([root.id for root in roots]))
    return {
        root.id: TrustedRoot(
            certificate=x509.load_der_x509_certificate(ders[root.id]),
            revoked_serials=frozenset(
                item.serial for item in certificates if item.issuer == root.id and item.revoked_at is not None
            ),
        )
        for root in roots
    }
