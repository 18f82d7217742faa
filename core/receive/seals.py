"""Which seal and which box key of an archive are believed (the receiver's checks 4 and 5).

1. A seal counts only under a root whose bytes are pinned. Without any trust yet, every root of the archive
   is a candidate, and the operator is asked about the one that is found.
2. A root that the manifest or the memory calls revoked seals nothing, nor does an expired one.
3. The root's own CRL must be in the archive, and must not list the seal.
4. The signature is over the exact bytes of the manifest; so is that of the box key which the manifest names.
5. A receiver follows a box whose key is pinned for that incarnation. Any other, the first one too, is
   followed when a person has read its words off the panel: gives them, or says yes to them. Roots vouch for
   no box, whoever names them: who has a backup and its recipient's key has the roots' keys, too.
6. Format 1 names no box key. It is believed as it was: a given root vouches for the first archive of a
   folder, a person for a new incarnation; and not any more where a box key is pinned.
7. What is only looked at, drilled or restored may be of a box that is gone: a given root is enough there.

What a seal's certificate must be is core.archive.seal's.
"""

import hashlib
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from msgspec import UnsetType

from core.archive.box_key import box_words, check_box_signature
from core.archive.container import BOX_SIGNATURE_PATH, Archive
from core.archive.manifest import CertificateEntry, Manifest
from core.archive.seal import accept_seal
from core.crypto.keys import verify_bytes
from core.crypto.recipients import fingerprint_words
from core.errors import (
    ArchiveBoxError,
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
    """The root whose seal fits, and the box that signed, as an operator compares them with the panel.

    Args:
        authority_name: Of the manifest.
        authority_id: Its UUID.
        incarnation: The archive's.
        restored_from: The incarnation before, or None.
        root_id: UUID of the root.
        root_period: Name of its issuing period, such as 2026, as a box's screens show it.
        root_sha256: Of its DER, 64 hex digits.
        root_words: The same as 12 words.
        box_key: That signed, its public key, 64 hex digits; None in format 1.
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
    box_key: str | None
    certificate: x509.Certificate = field(repr=False)
    is_known: bool = False

    @property
    def box_words(self) -> tuple[str, ...]:
        """The 12 words of the box key, as the panel shows them; none in format 1."""
        return () if self.box_key is None else box_words(self.box_key)


Confirm = Callable[[Question], bool]


def find_seal(
    archive: Archive,
    manifest: Manifest,
    manifest_bytes: bytes,
    *,
    pinned: frozenset[bytes] | None,
    revoked: Collection[str],
    now: datetime,
) -> Question:
    """Return the root of a seal that is believed, once the box key's own signature was found good.

    Args:
        archive: Its seals, roots and CRLs are read.
        manifest: The manifest, decoded.
        manifest_bytes: Its exact bytes.
        pinned: DER of the trusted roots; None if nothing is trusted yet.
        revoked: SHA-256 of roots that were once listed as revoked.
        now: Aware UTC.

    Raises:
        ArchiveDateError: The archive was made after now (E-ARCHIVE-DATE).
        ArchiveSealError: There is none, or the box key did not sign (E-ARCHIVE-SEAL).
    """
    box_key = None if isinstance(manifest.box_key, UnsetType) else manifest.box_key
    if box_key is not None:
        check_box_signature(box_key, archive.read(BOX_SIGNATURE_PATH), manifest_bytes)
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
            box_key=box_key,
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


def check_followed(
    memory: Trust,
    seal: Question,
    *,
    trust: Sequence[x509.Certificate],
    accepted: Sequence[str] | None,
    confirm: Confirm | None,
) -> None:
    """Refuse a box that nobody vouches for; in format 1, a first root or a new incarnation (rules 5, 6).

    Args:
        memory: Of the folder.
        seal: The root whose seal fits, pinned, given, or of nobody's yet; and the box that signed.
        trust: Roots that the operator gave.
        accepted: The box's words, as the operator read them off the panel; None: none were given.
        confirm: Asked when nothing else says enough; None refuses.

    Raises:
        ArchiveBoxError: Another box key than is pinned or was given, or none (E-ARCHIVE-BOX).
        ArchiveTrustError: In format 1, not confirmed (E-ARCHIVE-TRUST).
    """
    is_known = memory.authority is not None
    refusal = ArchiveTrustError(
        f"The incarnation {seal.incarnation} of {seal.authority_name} is new here and was not confirmed."
        if is_known
        else f"The root {seal.root_id} of {seal.authority_name} is new here and was not confirmed."
    )
    if _are_words_of(seal, accepted):
        return
    if seal.box_key is not None:
        if memory.box_of(seal.incarnation) == seal.box_key:
            return
        refusal = ArchiveBoxError(
            f"The box of {seal.authority_name} that made this archive is not one that was accepted here."
        )
    elif memory.boxes:
        raise ArchiveBoxError("The archive is of format 1, which lacks the box key that is pinned here.")
    elif seal.incarnation in memory.incarnations or (not is_known and seal.certificate in trust):
        return
    if confirm is None or not confirm(replace(seal, is_known=is_known)):
        raise refusal


def check_vouched(
    seal: Question,
    *,
    trust: Sequence[x509.Certificate],
    accepted: Sequence[str] | None,
    confirm: Confirm | None,
) -> None:
    """Refuse what is only looked at, drilled or restored, if nobody vouches for its root or box (rule 7).

    Arguments as for `check_followed`.

    Raises:
        ArchiveBoxError: Words were given, and are another box's (E-ARCHIVE-BOX).
        ArchiveTrustError: Nobody does (E-ARCHIVE-TRUST).
    """
    if _are_words_of(seal, accepted) or seal.certificate in trust:
        return
    whose = "the box" if seal.box_key is not None else f"the root {seal.root_id}"  # what a question shows
    if confirm is None:
        raise ArchiveTrustError(
            f"The archive of {seal.authority_name} is sealed under no root that is trusted here, and nobody"
            f" was there to compare the words of {whose}."
        )
    if not confirm(seal):
        raise ArchiveTrustError(f"Nobody confirmed the words of {whose} of {seal.authority_name}.")


def _are_words_of(seal: Question, accepted: Sequence[str] | None) -> bool:
    """Return whether words were given; they must be those of the box that signed."""
    if accepted is None:
        return False
    if seal.box_key is None:
        raise ArchiveBoxError("The archive is of format 1, which lacks the box key that words are of.")
    if tuple(accepted) != seal.box_words:
        raise ArchiveBoxError("The words that were given are not those of the box that made this archive.")
    return True
