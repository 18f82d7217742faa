"""The receipt: what an archive holds and what has changed, in the clear and sealed, without any secret.

1. Canonical JSON {"box": "...", "receipt": {...}, "seals": [...]}; the box key and each seal sign the exact
   bytes of the value of "receipt", as they stand in the file (docs/archive-format.md, "The receipt").
2. It names the SHA-256 of the archive, of its manifest, and of its sidecars.
3. What changed since the archive before follows from dates, and from how many certificates had been issued
   by then, which the store remembers with each export as the fact "exported <kind> <name>".
4. It is believed if any one seal is of a trusted root and fits, and the box key that it names has signed it.
5. It tells whether a state is older than what the world has seen (design 3, Journal). A whole state folder
   put back passes every check inside the box: it is what it was. But receipts travel. One that our own box
   key signed, with a number that this store never gave out, or gave to another archive, proves that a later
   state existed. Receipts of others, and what is no receipt, prove nothing.
6. One that is sealed as ours without our box key proves nothing about our state, but that somebody else has
   our roots' keys, or a seal's: whoever has a backup and its recipient's key could write it. That is told.

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
from core.archive.box_key import BoxKey, check_box_signature, load_box_key
from core.archive.contents import Changes
from core.archive.manifest import (
    MAX_CERTIFICATES,
    ArchiveKind,
    Authority,
    CertificateEntry,
    EarlierList,
    Instant,
    Name,
    PublicKeyHex,
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
from core.errors import (
    ArchiveError,
    ArchiveFormatError,
    ArchiveSealError,
    IssueError,
    StateForgedError,
    StateOldError,
)
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
    box_key: PublicKeyHex | UnsetType = UNSET
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
        is_format_1 = self.format == RECEIPT_FORMAT_1
        require_past(self.sequence, self.previous, self.earlier, is_format_1=is_format_1)
        if (self.box_key is UNSET) is not is_format_1:
            raise ValueError("format 2 has `box_key`")


class ReceiptSeal(_Strict, frozen=True, kw_only=True):
    """One signature, the seal's certificate with it."""

    root: Uuid
    certificate: Annotated[bytes, Meta(max_length=64 * 1024)]  # DER; base64 in JSON
    signature: Annotated[bytes, Meta(max_length=64 * 1024)]


class _Envelope(_Strict, frozen=True, kw_only=True):
    box: Annotated[bytes, Meta(max_length=64)] | UnsetType = UNSET  # base64 in JSON
    receipt: Receipt
    seals: Annotated[tuple[ReceiptSeal, ...], Meta(min_length=1, max_length=1000)]

    def __post_init__(self) -> None:
        if (self.box is UNSET) is not (self.receipt.box_key is UNSET):
            raise ValueError("format 2 has `box`")


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


def make_receipt(
    written: Written, sidecars: Iterable[NamedFile], seals: Iterable[Seal], box_key: BoxKey
) -> bytes:
    """Return the sealed receipt of an archive.

    Args:
        written: The archive.
        sidecars: The other files that go beside it.
        seals: The seals that signed its manifest.
        box_key: That signed it, too.
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
        box_key=box_key.public,
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
    return _join(box_key.sign(signed), signed, signatures)


def _join(box: bytes | UnsetType, signed: bytes, seals: tuple[ReceiptSeal, ...]) -> bytes:
    """Return the file: the signature of the box key, where there is one, the receipt's bytes, the seals."""
    own = b"" if isinstance(box, UnsetType) else b'"box":%b,' % _ENCODE(box)
    return b'{%b"receipt":%b,"seals":%b}' % (own, signed, _ENCODE(seals))


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
        ArchiveSealError: No seal of one of `roots` fits, or not the box key's signature (E-ARCHIVE-SEAL).
    """
    try:
        envelope = _decode(data)
    except DecodingError as error:
        raise ArchiveFormatError(f"The receipt is not to the format {RECEIPT_FORMAT}: {error}.") from error
    receipt = envelope.receipt
    signed = _ENCODE(receipt)
    if _join(envelope.box, signed, envelope.seals) != data:
        raise ArchiveFormatError("The receipt is not in its canonical form.")
    if not isinstance(envelope.box, UnsetType) and not isinstance(receipt.box_key, UnsetType):
        check_box_signature(receipt.box_key, envelope.box, signed)
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
        StateForgedError: It is sealed as ours, and not by our box key (E-STATE-FORGED).
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
    made = {(item.kind, item.name, item.sequence): item.manifest_sha256 for item in store.archives()}
    is_known = made.get((receipt.kind, receipt.name, receipt.sequence)) == receipt.manifest_sha256
    what = f"the stick holds the receipt of {receipt.kind} {receipt.name} {receipt.sequence:06}"
    if receipt.box_key != load_box_key(store).public and not (receipt.box_key is UNSET and is_known):
        raise StateForgedError(f"{what}, sealed as this box's, and not signed by its box key")
    given = {(item.kind, item.name): item.last for item in store.sequences()}
    last = given.get((receipt.kind, receipt.name), 0)
    if receipt.sequence > last:
        raise StateOldError(f"{what}; the last one known here is {last:06}")
    if not is_known:
        raise StateOldError(f"{what}, which is not the archive of that number that is known here")
    return ReceiptChecked(is_ours=True, papers=papers)


def _trusted_roots(store: Store) -> dict[str, TrustedRoot]:
    """Return all roots of the store with the serials of the seals that each has revoked."""
    roots, seals = store.certificates("root"), store.certificates("seal")
    ders = dict(store.ders([root.id for root in roots]))
    return {
        root.id: TrustedRoot(
            certificate=x509.load_der_x509_certificate(ders[root.id]),
            revoked_serials=frozenset(
                item.serial for item in seals if item.issuer == root.id and item.revoked_at is not None
            ),
        )
        for root in roots
    }
