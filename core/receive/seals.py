"""Which seal of an archive is believed (the receiver's checks 4 and 5).

1. A seal counts only under a root whose bytes are pinned. Without any trust yet, every root of the archive
   is a candidate, and the operator is asked about the one that is found.
2. A root that the manifest or the memory calls revoked seals nothing, nor does an expired one.
3. The root's own CRL must be in the archive, and must not list the seal.
4. The signature is over the exact bytes of the manifest.
5. A root that the operator gives vouches for the first archive of a folder. It does not for a new incarnation
   of an authority that is followed already: who restored a stolen backup has its roots, too. That one is
   followed when the operator names it, or says yes to its words.

What a seal's certificate must be is core.archive.seal's.
"""

import hashlib
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from core.archive.container import Archive
from core.archive.manifest import CertificateEntry, Manifest
from core.archive.seal import accept_seal
from core.crypto.keys import verify_bytes
from core.crypto.recipients import fingerprint_words
from core.errors import (
    ArchiveDateError,
    ArchiveError,
    ArchiveSealError,
    ArchiveTrustError,
    CheckError,
)
from core.receive.certificates import read_certificates, read_crl
from core.receive.trust import Trust

MAX_AHEAD: Final = timedelta(days=1)  # a box whose clock runs a little fast


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The root whose seal fits, as an operator compares it with the box.

    Args:
        authority_name: Of the manifest.
        authority_id: Its UUID.
        incarnation: The archive's.
        restored_from: The incarnation before, or None.
        root_id: UUID of the root.
        root_period: Name of its issuing period, such as 2026, as a box's screens show it.
        root_sha256: Of its DER, 64 hex digits.
        root_words: The same as 12 words.
        certificate: The root.
        is_known: The authority's archives were opened here before: only the incarnation is new.
    """

    authority_name: str
    authority_id: str
    incarnation: str
    restored_from: str | None
    root_id: str
    root_period: str
    root_sha256: str
    root_words: tuple[str, ...]
    certificate: x509.Certificate = field(repr=False)
    is_known: bool = False


def find_seal(
    archive: Archive,
    manifest: Manifest,
    manifest_bytes: bytes,
    *,
    pinned: frozenset[bytes] | None,
    revoked: Collection[str],
    now: datetime,
) -> Question:
    """Return the root of a seal that is believed.

    Args:
        archive: Its seals, roots and CRLs are read.
        manifest: The manifest, decoded.
        manifest_bytes: Its exact bytes.
        pinned: DER of the trusted roots; None if nothing is trusted yet.
        revoked: SHA-256 of roots that were once listed as revoked.
        now: Aware UTC.

    Raises:
        ArchiveDateError: The archive was made after now (E-ARCHIVE-DATE).
        ArchiveSealError: There is none (E-ARCHIVE-SEAL).
    """
    if manifest.created > now + MAX_AHEAD:
        raise ArchiveDateError(
            f"The archive says it was made at {manifest.created:%Y-%m-%d %H:%M}, after now."
        )
    why = "it has no seal under a root that is trusted here"
    for root_entry, root in _roots(archive, manifest):
        der = root.public_bytes(Encoding.DER)
        digest = hashlib.sha256(der).hexdigest()
        if (pinned is not None and der not in pinned) or digest in revoked:
            continue
        if root_entry.status == "revoked" or now > root.not_valid_after_utc:
            why = "the trusted root that sealed it is revoked or expired"
            continue
        try:
            _check_seal(archive, manifest, manifest_bytes, root_entry.id, root)
        except ArchiveError as error:
            why = f"{error}".rstrip(".")
            continue
        return Question(
            authority_name=manifest.authority.name,
            authority_id=manifest.authority.id,
            incarnation=manifest.incarnation,
            restored_from=manifest.restored_from,
            root_id=root_entry.id,
            root_period=root_entry.period,
            root_sha256=digest,
            root_words=fingerprint_words(bytes.fromhex(digest)),
            certificate=root,
        )
    raise ArchiveSealError(f"No seal of this archive is believed: {why}.")


def _roots(archive: Archive, manifest: Manifest) -> Iterator[tuple[CertificateEntry, x509.Certificate]]:
    """Yield the roots that have a seal, the one in use first: its words are those that a box shows."""
    sealed = {entry.issuer for entry in manifest.certificates if entry.kind == "seal"}
    entries = [entry for entry in manifest.certificates if entry.kind == "root" and entry.id in sealed]
    for entry in sorted(entries, key=lambda entry: entry.status != "active"):
        try:
            certificates = read_certificates(archive.read(entry.file), entry.file)
        except ArchiveError:
            continue
        yield entry, certificates[0]


def _check_seal(
    archive: Archive, manifest: Manifest, manifest_bytes: bytes, root_id: str, root: x509.Certificate
) -> None:
    crl = read_crl(archive, root_id, root)
    path = f"seals/{root_id}/seal.pem"
    certificates = read_certificates(archive.read(path), path)
    der = certificates[0].public_bytes(Encoding.DER)
    key = accept_seal(der, root, crl.serials, manifest.created)
    signature = archive.read(f"seals/{root_id}/manifest.sig")
    try:
        verify_bytes(key, signature, manifest_bytes)
    except CheckError:
        raise ArchiveSealError(f"The signature under root {root_id} is not over this manifest.") from None


def check_trust(
    memory: Trust,
    seal: Question,
    trust: Sequence[x509.Certificate],
    follow: str | None,
    confirm: Callable[[Question], bool] | None,
) -> None:
    """Refuse a first root or a new incarnation that nobody vouches for (rule 5).

    Args:
        memory: Of the folder.
        seal: The root whose seal fits, pinned, given, or of nobody's yet.
        trust: Roots that the operator gave.
        follow: The new incarnation that the operator named, a UUID.
        confirm: Template when neither says enough; None refuses.

    Raises:
        ArchiveTrustError: Not confirmed (E-ARCHIVE-TRUST).
    """
    is_first = memory.authority is None
    if is_first and seal.certificate in trust:
        return
    if not is_first and seal.incarnation in (*memory.incarnations, follow):
        return
    if confirm is not None and confirm(replace(seal, is_known=not is_first)):
        return
    what = f"root {seal.root_id}" if is_first else f"incarnation {seal.incarnation}"
    raise ArchiveTrustError(f"The {what} of {seal.authority_name} is new here and was not confirmed.")
