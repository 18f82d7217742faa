"""Writing an egress or a backup: from the store to one encrypted archive (docs/archive-format.md).

1. The manifest comes first in the archive and knows the hash of all that follows, so everything is worked
   out twice: once to be hashed, once to be written. Keys, new at each encryption, wait in a `KeySpool`.
2. Only the manifest's bytes and the passphrases grow with the number of signers.
3. An egress asks the store for signer keys only (core.archive.contents), and each key is compared with the public
   key of every root and seal before it is encrypted (core.crypto.zz_keyspool).
4. What was written is what was hashed: the second pass is compared with the first.

The caller holds the transaction, makes fresh CRLs before, journals and remembers the archive after.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import BinaryIO, Final

from core.archive.container import write_archive
from core.certificate import Certificate
from core.export.zz_changes import Changes, take_changes
from core.archive.contents import Contents, select_backup, select_egress
from core.errors import ArchiveError, CheckError
from core.crypto.zz_keyspool import KeySpool, hash_public_key
from core.archive.manifest import Authority, FileEntry, Manifest, archive_stem, encode_manifest
from core.archive.zz_members import MANIFEST_PATH, Member, make_member
from core.export.zz_parts import Part, Parts
from core.plan.gaps import next_visit_by
from core.policy.policy import Policy
from core.progress import Progress
from core.crypto.recipients import Recipient, parse_recipient
from core.archive.seal import load_seals
from core.store.store import Store

SLICE_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """One archive, as written.

    Args:
        head: Its manifest without the lists of certificates and files.
        contents: Which certificates and keys it holds.
        changes: What is new since the archive of that kind and name before it.
        recipients: Whom it is encrypted to.
        manifest_sha256: Of the exact bytes of manifest.json, 64 hex digits.
        archive_name: `<name>-<sequence>-<time>.tar.age`.
        archive_sha256: Of the age file, 64 hex digits.
        size_bytes: Of the age file.
    """

    head: Manifest
    contents: Contents
    changes: Changes
    recipients: tuple[Recipient, ...]
    manifest_sha256: str
    archive_name: str
    archive_sha256: str
    size_bytes: int


def write_egress(
    store: Store, policy: Policy, name: str, now: datetime, out: BinaryIO, *, progress: Progress
) -> Written:
    """Write the egress `name`: signers, their keys, never a root's.

    Args:
        store: Inside a transaction of the caller.
        policy: The approved policy.
        name: An egress of the policy.
        now: Aware UTC, whole seconds.
        out: Where the age file goes, front to back; not closed, not flushed.
        progress: Told (keys done, keys in all, what); may raise StoppedError.

    Returns:
        What was written.

    Raises:
        PolicyError: No such egress (E-POLICY).
        CheckError: A key is not its certificate's, or a root's; or nothing can seal (E-CHECK).
        FileError: No room for encrypted keys (E-FILE).
        StoppedError: From `progress`; `out` is then no archive.
    """
    issued = store.certificates()
    contents = select_egress(policy, name, issued, store.key_ids(), now)
    roots_and_seals = [item.id for item in issued if item.kind != "signer"]
    forbidden = frozenset(hash_public_key(der) for _, der in store.ders(roots_and_seals))
    recipients = _recipients(policy.egresses[name].recipients)
    export = _Export(store, policy, contents, issued, now, progress)
    return export.write(out, recipients, forbidden)


def write_backup(
    store: Store, policy: Policy, name: str, now: datetime, out: BinaryIO, *, progress: Progress
) -> Written:
    """Write the backup `name`: everything, root keys included. Arguments and errors as for `write_egress`."""
    issued = store.certificates()
    contents = select_backup(policy, name, issued, store.key_ids(), now)
    recipients = _recipients(policy.backups[name].recipients)
    return _Export(store, policy, contents, issued, now, progress).write(out, recipients, frozenset())


def _recipients(lines: Iterable[str]) -> tuple[Recipient, ...]:
    return tuple(parse_recipient(line, "the approved policy") for line in lines)


@dataclass(frozen=True, slots=True)
class _Export:
    """One export: what it is of, and the two passes over it."""

    store: Store
    policy: Policy
    contents: Contents
    issued: tuple[Certificate, ...]
    now: datetime
    progress: Progress

    def write(self, out: BinaryIO, recipients: tuple[Recipient, ...], forbidden: frozenset[bytes]) -> Written:
        """Hash all parts, seal the manifest, write the same parts."""
        store, contents, now = self.store, self.contents, self.now
        seals = load_seals(store, contents.seals)
        changes = take_changes(store, self.policy, contents, self.issued, now)
        head = self._make_head()
        parts = Parts(
            store=store,
            contents=contents,
            issued=self.issued,
            recipients=recipients,
            now=now,
            progress=self.progress,
        )
        hashed = _Hashed()
        with KeySpool(store.state_folder, forbidden) as spool:
            manifest = encode_manifest(head, contents.entries(now), hashed.entries(parts.encrypted(spool)))
            manifest_sha256 = hashlib.sha256(manifest).hexdigest()
            signatures = {seal.root_id: seal.sign(manifest) for seal in seals}
            members = hashed.members(parts.again(spool), manifest, signatures)
            digest = write_archive(out, members, recipients, now)
        hashed.require_same()
        return Written(
            head=head,
            contents=contents,
            changes=changes,
            recipients=recipients,
            manifest_sha256=manifest_sha256,
            archive_name=f"{archive_stem(head)}.tar.age",
            archive_sha256=digest.sha256,
            size_bytes=digest.size_bytes,
        )

    def _make_head(self) -> Manifest:
        """Return the manifest without its lists, and consume a sequence."""
        store, contents = self.store, self.contents
        last = store.last_entry()
        incarnation = store.fact("incarnation")
        if last is None or incarnation is None:
            raise CheckError("Rule archive-names-its-journal: the store has no journal or no incarnation.")
        place = (contents.kind, contents.name)
        before = [item for item in store.archives() if (item.kind, item.name) == place]
        previous = max(before, key=lambda item: item.sequence, default=None)
        authority = self.policy.authority
        return Manifest(
            authority=Authority(id=authority.id, name=authority.name, domain=authority.domain),
            incarnation=incarnation,
            restored_from=store.fact("restored_from"),
            kind=contents.kind,
            name=contents.name,
            sequence=store.take_sequence(contents.kind, contents.name),
            created=self.now,
            previous=previous.manifest_sha256 if previous else None,
            policy_sha256=self.policy.sha256,
            journal_head=last.hash,
            next_visit_by=next_visit_by(self.policy, self.issued, store.crls(), self.now),
        )


class _Hashed:
    """Hashes the parts when they are worked out, and again when they are written."""

    def __init__(self) -> None:
        self._first, self._second = hashlib.sha256(), hashlib.sha256()
        self._sizes: dict[str, int] = {}

    def entries(self, parts: Iterable[Part]) -> Iterator[FileEntry]:
        """Yield how the manifest lists each part; remember the size of those made as they are read."""
        for path, pieces in parts:
            size, digest = 0, hashlib.sha256()
            for piece in pieces:
                size += len(piece)
                digest.update(piece)
                self._first.update(piece)
            if not isinstance(pieces, tuple):
                self._sizes[path] = size
            yield FileEntry(path=path, size=size, sha256=digest.hexdigest())

    def members(
        self, parts: Iterable[Part], manifest: bytes, signatures: dict[str, bytes]
    ) -> Iterator[Member]:
        """Yield manifest, parts and signatures as an archive holds them."""
        view = memoryview(manifest)
        slices = (bytes(view[start : start + SLICE_BYTES]) for start in range(0, len(view), SLICE_BYTES))
        yield Member(path=MANIFEST_PATH, size=len(view), open=lambda: slices)
        for path, pieces in parts:
            size = sum(map(len, pieces)) if isinstance(pieces, tuple) else self._sizes[path]
            yield Member(path=path, size=size, open=partial(self._read, pieces))
            folder, _, file = path.rpartition("/")
            if file == "seal.pem":
                yield make_member(f"{folder}/manifest.sig", signatures[folder.removeprefix("seals/")])

    def _read(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self._second.update(piece)
            yield piece

    def require_same(self) -> None:
        """Refuse an archive whose parts are not those of its manifest."""
        if self._first.digest() != self._second.digest():
            raise ArchiveError("What was written is not what was hashed: memory or disk is faulty.")
