"""What a receiver remembers: receiver.json in its folder, and the rules of order that follow from it.

Rules:
1. A folder belongs to one authority, the first whose archive was opened into it.
2. Pinned are the roots that a sealed manifest listed, live and not expired; a root once listed as revoked
   never counts again, whoever names it.
3. Archives are ordered by (incarnation, sequence) for each kind and name. Older is a rollback. The last one
   again, by the hash of its manifest, is open already and changes nothing. One whose list of earlier
   manifests lacks the last one that is remembered, or has another hash there, is a fork, whatever was missed
   between them. So is another one of the same sequence, and a second restore of an incarnation that has been
   replaced already. Holes are normal.
4. A CRL number never goes down.
5. Of each incarnation one box key is pinned, and none without a person's words (core.receive.seals).

The file is strict, bounded, and replaced whole.
"""

import hashlib
import warnings
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from msgspec import Meta, Struct, UnsetType

from core.archive.manifest import (
    ArchiveKind,
    Authority,
    Instant,
    Manifest,
    Name,
    PublicKeyHex,
    SequenceNumber,
    Sha256Hex,
    Uuid,
)
from core.crypto.recipients import refusing
from core.decoding import json_decoder
from core.errors import ArchiveForkError, ArchiveRollbackError, ArchiveTrustError, FileError
from core.files import read_bounded, replace
from core.plain_text import read_plain_text

RECEIVER_FILE: Final = "receiver.json"
MAX_RECEIVER_BYTES: Final = 16 * 1024 * 1024
MAX_ROOTS: Final = 10_000
"""Certificates of a file of roots, and roots that are remembered: centuries of yearly ones."""

_MAX_LISTED: Final = MAX_ROOTS


class Seen(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The last archive of one kind and name that was opened here, and the folder that holds it."""

    kind: ArchiveKind
    name: Name
    incarnation: Uuid
    sequence: SequenceNumber
    created: Instant
    manifest_sha256: Sha256Hex
    folder: Annotated[str, Meta(pattern=r"\A[a-z][a-z0-9-]{0,23}-[0-9]{6,10}-[0-9]{8}T[0-9]{6}Z\Z")]


class PinnedBox(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The box key that a person has accepted for an incarnation."""

    incarnation: Uuid
    key: PublicKeyHex


class SeenCrl(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The highest CRL number seen of one root."""

    root: Uuid
    number: Annotated[str, Meta(pattern=r"\A[0-9]{1,49}\Z")]  # up to 20 octets, RFC 5280 5.2.3


class Trust(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A receiver's memory.

    Args:
        authority: Whose archives these are; None before the first.
        incarnations: Accepted ones, the newest last.
        boxes: The box key of each of them that has one, the newest last; those of format 1 have none.
        roots: Pinned roots, PEM.
        revoked: SHA-256 of the DER of every root that was listed as revoked.
        crls: Highest CRL number of each root.
        seen: Last archive of each kind and name.
    """

    format: Literal["pism-receiver-v1"] = "pism-receiver-v1"
    authority: Authority | None = None
    incarnations: Annotated[tuple[Uuid, ...], Meta(max_length=_MAX_LISTED)] = ()
    boxes: Annotated[tuple[PinnedBox, ...], Meta(max_length=_MAX_LISTED)] = ()
    roots: Annotated[tuple[str, ...], Meta(max_length=_MAX_LISTED)] = ()
    revoked: Annotated[tuple[Sha256Hex, ...], Meta(max_length=_MAX_LISTED)] = ()
    crls: Annotated[tuple[SeenCrl, ...], Meta(max_length=_MAX_LISTED)] = ()
    seen: Annotated[tuple[Seen, ...], Meta(max_length=_MAX_LISTED)] = ()

    def pinned(self, extra: Iterable[x509.Certificate] = ()) -> frozenset[bytes]:
        """Return the DER of every root that is trusted: the remembered ones and `extra`, less the revoked."""
        remembered = load_roots("".join(self.roots).encode(), RECEIVER_FILE) if self.roots else ()
        ders = (root.public_bytes(Encoding.DER) for root in (*remembered, *extra))
        return frozenset(der for der in ders if hashlib.sha256(der).hexdigest() not in self.revoked)

    def box_of(self, incarnation: str) -> str | None:
        """Return the box key that is pinned for an incarnation, 64 hex digits; None where none is."""
        return next((box.key for box in self.boxes if box.incarnation == incarnation), None)

    def last(self, manifest: Manifest) -> Seen | None:
        """Return the last archive seen of the manifest's kind and name."""
        found = (item for item in self.seen if (item.kind, item.name) == (manifest.kind, manifest.name))
        return next(found, None)


_decode = json_decoder(Trust, MAX_RECEIVER_BYTES)


def load_roots(data: bytes, source: str) -> tuple[x509.Certificate, ...]:
    """Read roots to be trusted, PEM, one or more; what else the file holds is not trusted.

    Args:
        data: Contents of a file, such as ROOT.pem, roots.pem, or a signer with its root; at most 16 MiB
            and MAX_ROOTS certificates.
        source: Where it comes from, for the error's text.

    Raises:
        ArchiveTrustError: No root among what it holds (E-ARCHIVE-TRUST).
    """
    refusal = ArchiveTrustError(f"{source} holds no root certificates in PEM.")
    if len(data) > MAX_RECEIVER_BYTES:
        raise refusal
    with refusing(refusal), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a serial number that no root of ours has
        plain = read_plain_text(
            data, lambda what: ArchiveTrustError(f"{source} {what}."), to_pem="openssl x509"
        )
        if plain.count(b"-----BEGIN ") > MAX_ROOTS:
            raise ArchiveTrustError(f"{source} holds more than {MAX_ROOTS} certificates.")
        found = x509.load_pem_x509_certificates(plain)
        roots = tuple(certificate for certificate in found if _is_root(certificate))
    if not roots:
        raise refusal
    return roots


def _is_root(certificate: x509.Certificate) -> bool:
    if certificate.subject != certificate.issuer:
        return False
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (ValueError, x509.ExtensionNotFound):
        return False


def load_trust(folder: Path) -> Trust:
    """Return what is remembered in `folder`; nothing, if there is no receiver.json yet.

    Raises:
        ArchiveTrustError: The file is not to its format (E-ARCHIVE-TRUST).
        FileError: It cannot be read (E-FILE).
    """
    path = folder / RECEIVER_FILE
    if not path.exists():
        return Trust()
    data = read_bounded(path, MAX_RECEIVER_BYTES)
    with refusing(ArchiveTrustError(f"{path} is damaged: put back a copy, or begin in a new folder.")):
        trust = _decode(data)
        trust.pinned()
    return trust


def save_trust(folder: Path, trust: Trust) -> None:
    """Replace receiver.json, durably and in one step.

    Raises:
        FileError: It cannot be written (E-FILE).
    """
    data = msgspec.json.format(msgspec.json.encode(trust), indent=1) + b"\n"
    if len(data) > MAX_RECEIVER_BYTES:
        raise FileError(f"{RECEIVER_FILE} would be larger than {MAX_RECEIVER_BYTES} bytes.")
    replace(folder / RECEIVER_FILE, data)


def check_authority(trust: Trust, manifest: Manifest) -> None:
    """Refuse an archive of another authority than the folder's.

    Raises:
        ArchiveTrustError: It is of another (E-ARCHIVE-TRUST).
    """
    if trust.authority is not None and trust.authority.id != manifest.authority.id:
        raise ArchiveTrustError(
            f"This folder holds archives of {trust.authority.name}; this one is of {manifest.authority.name}."
        )


def is_open_already(trust: Trust, manifest: Manifest, manifest_sha256: str) -> bool:
    """Return whether an archive is the last one of its kind and name that was opened here."""
    last = trust.last(manifest)
    return last is not None and last.manifest_sha256 == manifest_sha256


def check_order(trust: Trust, manifest: Manifest, manifest_sha256: str) -> None:
    """Refuse what is older than, or does not continue, what was opened before; the same again is neither.

    Raises:
        ArchiveRollbackError: An older incarnation or sequence (E-ARCHIVE-ROLLBACK).
        ArchiveForkError: Another archive of the same sequence, or of another past (E-ARCHIVE-FORK).
    """
    if manifest.incarnation in trust.incarnations[:-1]:
        raise ArchiveRollbackError("The archive is of an incarnation that a restore has replaced.")
    if manifest.incarnation not in trust.incarnations and manifest.restored_from in trust.incarnations[:-1]:
        raise ArchiveForkError(
            "The archive is of a second restore of one incarnation; another restore of it is followed here."
        )
    last = trust.last(manifest)
    if last is None or last.incarnation != manifest.incarnation or last.manifest_sha256 == manifest_sha256:
        return
    what = f"{manifest.kind} {manifest.name} {manifest.sequence:06}"
    if manifest.sequence == last.sequence:
        raise ArchiveForkError(f"Another archive than this is already open here as {what}.")
    if manifest.sequence < last.sequence:
        raise ArchiveRollbackError(f"The archive is {what}; {last.sequence:06} was opened here before.")
    if not _continues(manifest, last):
        raise ArchiveForkError(
            f"{what} does not continue the archive {last.sequence:06} that was opened here."
        )


def _continues(manifest: Manifest, last: Seen) -> bool:
    """Return whether a later manifest names the last one that is remembered, as far as its format can."""
    if isinstance(manifest.earlier, UnsetType):
        is_next = manifest.sequence == last.sequence + 1
        return manifest.before == last.manifest_sha256 or not is_next
    earlier = {item.sequence: item.sha256 for item in manifest.earlier}
    return earlier.get(last.sequence) == last.manifest_sha256


def check_crl_numbers(trust: Trust, numbers: Mapping[str, int]) -> None:
    """Refuse CRLs older than those seen.

    Args:
        trust: The memory.
        numbers: CRL number of each root id.

    Raises:
        ArchiveRollbackError: A number went down (E-ARCHIVE-ROLLBACK).
    """
    for crl in trust.crls:
        if numbers.get(crl.root, int(crl.number)) < int(crl.number):
            raise ArchiveRollbackError(f"The CRL of root {crl.root} is older than the one seen before.")


def remember(
    trust: Trust,
    *,
    manifest: Manifest,
    manifest_sha256: str,
    roots: Mapping[str, x509.Certificate],
    crl_numbers: Mapping[str, int],
    folder: str,
    now: datetime,
) -> Trust:
    """Return the memory after an archive was opened.

    Args:
        trust: The memory before.
        manifest: Of the archive; sealed, and in order.
        manifest_sha256: Of its exact bytes.
        roots: Its roots by id.
        crl_numbers: CRL number of each root id.
        folder: Name of the folder that holds its members.
        now: Aware UTC; expired roots are no longer kept.
    """
    status = {entry.id: entry.status for entry in manifest.certificates}
    gone = {_sha256(root) for id_, root in roots.items() if status[id_] == "revoked"} | {*trust.revoked}
    kept = (
        {_sha256(root): root for root in load_roots("".join(trust.roots).encode(), "")} if trust.roots else {}
    )
    kept |= {_sha256(root): root for root in roots.values()}
    pinned = tuple(
        root.public_bytes(Encoding.PEM).decode()
        for digest, root in kept.items()
        if digest not in gone and root.not_valid_after_utc >= now
    )
    seen = Seen(
        kind=manifest.kind,
        name=manifest.name,
        incarnation=manifest.incarnation,
        sequence=manifest.sequence,
        created=manifest.created,
        manifest_sha256=manifest_sha256,
        folder=folder,
    )
    known = manifest.incarnation in trust.incarnations
    numbers = {crl.root: int(crl.number) for crl in trust.crls} | dict(crl_numbers)
    return Trust(
        authority=manifest.authority,
        incarnations=trust.incarnations if known else (*trust.incarnations, manifest.incarnation),
        boxes=_pin_box(trust, manifest),
        roots=pinned,
        revoked=tuple(sorted(gone)),
        crls=tuple(SeenCrl(root=id_, number=str(number)) for id_, number in numbers.items()),
        seen=(*(item for item in trust.seen if item != trust.last(manifest)), seen),
    )


def _pin_box(trust: Trust, manifest: Manifest) -> tuple[PinnedBox, ...]:
    if isinstance(manifest.box_key, UnsetType):
        return trust.boxes
    others = (box for box in trust.boxes if box.incarnation != manifest.incarnation)
    return (*others, PinnedBox(incarnation=manifest.incarnation, key=manifest.box_key))


def _sha256(root: x509.Certificate) -> str:
    return hashlib.sha256(root.public_bytes(Encoding.DER)).hexdigest()
