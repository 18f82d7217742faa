"""What a receiver's folder holds (core.receive.folder): its signers, roots and CRLs, as one view.

Rules:
1. Only archives that receiver.json remembers count, each by the very manifest that was checked, and each
   member by the hash that this manifest names: what was changed in the folder afterwards is refused.
2. What one archive calls revoked is revoked in all of them, and so is everything under such a root.
3. A signer that several archives hold is the one of the newest.
4. A private key is decrypted when it is asked for, proven by a signature, and kept nowhere.

It writes nothing; which signer is the right one is server.signers'.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

from cryptography import x509
from msgspec import UnsetType

from core.archive.container import MANIFEST_PATH
from core.archive.manifest import MAX_MANIFEST_BYTES, CertificateEntry, Manifest, decode_manifest
from core.crypto.keys import PrivateKey, PublicKey
from core.errors import ArchiveDamagedError, ArchiveMemberError, SignerMissingError
from core.files import read_bounded
from core.receive.certificates import read_certificates
from core.receive.private_keys import prove_key, read_passphrases
from core.receive.trust import Trust, load_trust
from server.signers import Signer


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedArchive:
    """One archive as it was opened into a folder.

    Args:
        folder: The folder with its members.
        manifest: What it says of itself.
    """

    folder: Path
    manifest: Manifest

    def read(self, path: str, /) -> bytes:
        """Return a whole member, held against its hash (rule 1).

        Raises:
            ArchiveMemberError: There is no such member (E-ARCHIVE-MEMBER).
            ArchiveDamagedError: It is not what the manifest names (E-ARCHIVE-DAMAGED).
            FileError: It cannot be read (E-FILE).
        """
        entry = next((file for file in self.manifest.files if file.path == path), None)
        if entry is None:
            raise ArchiveMemberError(f"{self.folder.name} has no {path}.")
        data = read_bounded(self.folder / path, entry.size, follow=False)
        if hashlib.sha256(data).hexdigest() != entry.sha256:
            raise ArchiveDamagedError(f"{self.folder / path} was changed after it was opened.")
        return data


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """A root of the opened archives.

    Args:
        id: Its UUID.
        period: Name of its issuing period, such as 2027.
        issue_from: First instant at which it signs.
        is_revoked: Whether an archive calls it so.
        certificate: Itself.
    """

    id: str
    period: str
    issue_from: datetime
    is_revoked: bool
    certificate: x509.Certificate

    def is_trusted(self, now: datetime) -> bool:
        """Return whether to trust it at `now`, or to have it ready: live, and not expired."""
        return not self.is_revoked and now <= self.certificate.not_valid_after_utc


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """All that was opened into one receiver's folder.

    Args:
        trust: What the receiver remembers.
        archives: The newest egress of each name, oldest first.
        signers: Each once, as the newest archive has it, the revoked ones too.
        roots: All of them, by the start of their issuing period.
    """

    trust: Trust
    archives: tuple[OpenedArchive, ...]
    signers: tuple[Signer, ...]
    roots: tuple[Root, ...]

    def trusted_roots(self, now: datetime) -> tuple[Root, ...]:
        """Return the roots to trust at `now`, those to come among them: live, and not expired."""
        return tuple(root for root in self.roots if root.is_trusted(now))

    def read_chain(self, signer: Signer) -> tuple[x509.Certificate, x509.Certificate]:
        """Return a signer's certificate and its root's.

        Raises:
            CaError: A member is missing or was changed (E-ARCHIVE-MEMBER, E-ARCHIVE-DAMAGED, E-FILE).
        """
        class_name, target = signer.target.split("/")
        path = f"signers/{class_name}/{target}/{signer.id}.pem"
        own, root = read_certificates(self._archive_of(signer).read(path), path)
        return own, root

    def read_key(self, signer: Signer, identities: Sequence[Any]) -> PrivateKey:
        """Return a signer's private key, proven against its certificate.

        Args:
            signer: One that has its key in the archive.
            identities: From core.crypto.identities.

        Raises:
            CaError: The identity does not fit (E-ARCHIVE-IDENTITY), the key is another one's
                (E-ARCHIVE-CERT), or a member was changed (E-ARCHIVE-DAMAGED).
        """
        archive = self._archive_of(signer)
        passphrase = read_passphrases(archive, identities)[signer.id]
        public = cast("PublicKey", self.read_chain(signer)[0].public_key())
        return prove_key(archive, signer.id, passphrase, public)

    def _archive_of(self, signer: Signer) -> OpenedArchive:
        return next(item for item in self.archives if item.folder.name == signer.archive)


def read_opened(out: Path) -> Opened:
    """Read what was opened into a receiver's folder.

    Args:
        out: The folder that `pism open --out` or `pism server take` fills.

    Raises:
        SignerMissingError: No egress was opened there (E-SIGNER-MISSING).
        CaError: Its memory or a manifest is damaged (E-ARCHIVE-TRUST, E-ARCHIVE-DAMAGED, E-FILE).
    """
    trust = load_trust(out)
    archives: list[OpenedArchive] = []
    for seen in sorted(trust.seen, key=lambda seen: seen.created):
        if seen.kind == "egress":
            folder = out / seen.folder
            data = read_bounded(folder / MANIFEST_PATH, MAX_MANIFEST_BYTES, follow=False)
            if hashlib.sha256(data).hexdigest() != seen.manifest_sha256:
                raise ArchiveDamagedError(f"{folder / MANIFEST_PATH} was changed after it was opened.")
            archives.append(OpenedArchive(folder=folder, manifest=decode_manifest(data)))
    if not archives:
        raise SignerMissingError(f"no egress archive was opened into {out}")
    entries = [(archive, entry) for archive in archives for entry in archive.manifest.certificates]
    revoked = {entry.id for _, entry in entries if entry.status == "revoked" or entry.sha256 in trust.revoked}
    return Opened(
        trust=trust,
        archives=tuple(archives),
        signers=_signers(entries, revoked),
        roots=_roots(entries, revoked),
    )


def _signers(
    entries: Sequence[tuple[OpenedArchive, CertificateEntry]], revoked: set[str]
) -> tuple[Signer, ...]:
    found: dict[str, Signer] = {}
    for archive, entry in entries:
        if entry.kind != "signer" or entry.lane is None:
            continue
        signer = Signer(
            id=entry.id,
            target=f"{entry.class_name}/{entry.target}",
            lane=entry.lane,
            period=entry.period,
            algorithm=entry.algorithm,
            issue_from=entry.issue_from,
            issue_until=entry.issue_until,
            not_before=entry.not_before,
            not_after=entry.not_after,
            leaf_lifetime=_leaf_lifetime(archive.manifest, entry),
            root=entry.issuer,
            is_revoked=entry.id in revoked or entry.issuer in revoked,
            has_key=isinstance(entry.key_file, str),
            archive=archive.folder.name,
            archive_created=archive.manifest.created,
        )
        found[entry.id] = signer
    return tuple(found.values())


def _leaf_lifetime(manifest: Manifest, entry: CertificateEntry) -> timedelta:
    """Return how long a leaf may live: what the manifest says, never longer than the signer's own tail."""
    tail = max(timedelta(), entry.not_after + timedelta(seconds=1) - entry.issue_until)
    if isinstance(manifest.targets, UnsetType):  # format 1
        return tail
    own = (entry.class_name, entry.target)
    days = next(each.leaf_lifetime_days for each in manifest.targets if (each.class_name, each.target) == own)
    return min(tail, timedelta(days=days))


def _roots(entries: Sequence[tuple[OpenedArchive, CertificateEntry]], revoked: set[str]) -> tuple[Root, ...]:
    found: dict[str, Root] = {}
    for archive, entry in entries:
        if entry.kind == "root" and entry.id not in found:
            found[entry.id] = Root(
                id=entry.id,
                period=entry.period,
                issue_from=entry.issue_from,
                is_revoked=entry.id in revoked,
                certificate=read_certificates(archive.read(entry.file), entry.file)[0],
            )
    return tuple(sorted(found.values(), key=lambda root: (root.issue_from, root.id)))
