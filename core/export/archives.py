"""Writing an egress or a backup: from the store to one encrypted archive (docs/archive-format.md).

1. The manifest comes first in the archive and knows the hash of all that follows, so everything is worked
   out twice: once to be hashed, once to be written. Every part but keys and passphrases can be made again and
   is the same each time; those, new at each encryption, wait in a `KeySpool`.
2. Memory stays flat: certificates and keys are read in small batches; only the manifest's bytes and the
   passphrases grow with the number of signers.
3. An egress takes signer keys only (core.archive.contents), and each key is compared with the public key of
   every root and seal before it is encrypted (core.crypto.pkcs8).
4. What was written is what was hashed: the second pass is compared with the first.

The caller holds the transaction, makes fresh CRLs before, journals and remembers the archive after.
"""

import hashlib
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import chain
from typing import BinaryIO, Final, TypeVar

from core.archive.backup_state import encode_state
from core.archive.box_key import BoxKey, load_box_key
from core.archive.container import (
    BOX_SIGNATURE_PATH,
    JOURNAL_PATH,
    MANIFEST_PATH,
    Member,
    make_member,
    write_archive,
)
from core.archive.contents import Changes, Contents, select_backup, select_egress, take_changes
from core.archive.extract import extract, may_concern
from core.archive.manifest import (
    MAX_EARLIER,
    ArchiveKind,
    Authority,
    Earlier,
    FileEntry,
    Manifest,
    archive_stem,
    encode_manifest,
    file_of,
    list_targets,
)
from core.archive.seal import Seal, load_seals
from core.certificate import Certificate, encode_pem
from core.crypto.age import encrypt_stream
from core.crypto.pkcs8 import KeySpool, hash_public_key
from core.crypto.recipients import Recipient, parse_recipient
from core.errors import ArchiveError, CheckError, ProbationError
from core.plan.coverage import next_visit_by
from core.policy.policy import Policy
from core.policy.probation import read_probation
from core.progress import Progress, Report
from core.store.journal import encode_line
from core.store.store import Store

Part = tuple[str, Iterable[bytes]]  # a tuple of pieces is at hand; anything else is made as it is read
SLICE_BYTES: Final = 64 * 1024
_DIGEST_BYTES: Final = 32
BATCH: Final = 100  # certificates that are in memory at a time
STEPS: Final = 200  # reports over a phase of an export
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """One archive, as written.

    Args:
        head: Its manifest without the lists of certificates and files.
        contents: Which certificates and keys it holds.
        changes: What is new since the archive of that kind and name before it.
        recipients: Whom it is encrypted to.
        seals: Those that signed it, for the receipt to be signed by, too.
        manifest_sha256: Of the exact bytes of manifest.json, 64 hex digits.
        archive_name: `<name>-<sequence>-<time>.tar.age`.
        archive_sha256: Of the age file, 64 hex digits.
        size_bytes: Of the age file.
    """

    head: Manifest
    contents: Contents
    changes: Changes
    recipients: tuple[Recipient, ...]
    seals: tuple[Seal, ...]
    manifest_sha256: str
    archive_name: str
    archive_sha256: str
    size_bytes: int


def write_egress(
    store: Store, policy: Policy, name: str, now: datetime, out: BinaryIO, *, report: Report
) -> Written:
    """Write the egress `name`: signers, their keys, never a root's.

    Args:
        store: Inside a transaction of the caller.
        policy: The approved policy.
        name: An egress of the policy.
        now: Aware UTC, whole seconds.
        out: Where the age file goes, front to back; not closed, not flushed.
        report: Told of seals, certificates, keys, and of files while the archive is written; may raise
            StoppedError.

    Returns:
        What was written.

    Raises:
        PolicyError: No such egress (E-POLICY).
        CheckError: A key is not its certificate's, or a root's; or nothing can seal (E-CHECK).
        FileError: No room for encrypted keys (E-FILE).
        StoppedError: From `report`; `out` is then no archive.
    """
    contents = select_contents(store, policy, "egress", name, now)
    return write_contents(store, policy, contents, now, out, report=report)


def write_backup(
    store: Store, policy: Policy, name: str, now: datetime, out: BinaryIO, *, report: Report
) -> Written:
    """Write the backup `name`: everything, root keys included. Arguments and errors as for `write_egress`.

    Raises:
        ProbationError: All of its keys wait (E-PROBATION).
    """
    contents = select_contents(store, policy, "backup", name, now)
    return write_contents(store, policy, contents, now, out, report=report)


def write_contents(
    store: Store, policy: Policy, contents: Contents, now: datetime, out: BinaryIO, *, report: Report
) -> Written:
    """Write the egress or backup that was selected.

    Args:
        store: Inside a transaction of the caller.
        policy: The approved policy.
        contents: From `select_contents`, in the same transaction and at the same time.
        now: Aware UTC, whole seconds.
        out: Where the age file goes, front to back; not closed, not flushed.
        report: As for `write_egress`.

    Raises:
        CaError: As for `write_egress` and `write_backup`.
    """
    if contents.kind == "backup":
        recipients, forbidden = _backup_recipients(store, policy, contents.name), frozenset[bytes]()
    else:
        recipients = _recipients(policy.egresses[contents.name].recipients)
        roots_and_seals = (*store.certificates("root"), *store.certificates("seal"))
        ders = store.ders(item.id for item in roots_and_seals)
        forbidden = frozenset(hash_public_key(der) for _, der in ders)
    return _Export(store, policy, contents, now, report).write(out, recipients, forbidden)


def _backup_recipients(store: Store, policy: Policy, name: str) -> tuple[Recipient, ...]:
    waiting = read_probation(store)
    taken = tuple(key for key in policy.backups[name].recipients if key not in waiting)
    if not taken:
        raise ProbationError(f"every key of backup {name} waits: the box was not off since they came")
    return _recipients(taken)


def select_contents(store: Store, policy: Policy, kind: ArchiveKind, name: str, now: datetime) -> Contents:
    """Return what an archive written now would contain.

    Args:
        store: Open.
        policy: The approved policy.
        kind: egress or backup.
        name: Of the policy.
        now: Aware UTC.

    Raises:
        PolicyError: The policy has no such name (E-POLICY).
    """
    select = select_egress if kind == "egress" else select_backup
    return select(policy, name, store.certificates(alive_at=now), store.key_ids(alive_at=now), now)


def _recipients(lines: Iterable[str]) -> tuple[Recipient, ...]:
    return tuple(parse_recipient(line, "the approved policy") for line in lines)


def tell_each(items: Iterable[T], total: int, what: str, report: Report) -> Iterator[T]:
    """Yield items, telling how many there were, STEPS times at most."""
    step = max(1, total // STEPS)
    for done, item in enumerate(items):
        if done % step == 0:
            report(Progress(done=done, total=total, what=what))
        yield item
    report(Progress(done=total, total=total, what=what))


def count_files(contents: Contents) -> int:
    """Return how many members an archive has: four and state.json, certificates, keys, signatures, CRLs."""
    return (
        len(("manifest.json", "box.sig", "passphrases.age", JOURNAL_PATH))
        + (contents.kind == "backup")
        + len(contents.certificates)
        + len(contents.key_ids)
        + len(contents.seals)
        + len(contents.roots)
    )


@dataclass(frozen=True, slots=True)
class _Export:
    """One export: what it is of, and the two passes over it."""

    store: Store
    policy: Policy
    contents: Contents
    now: datetime
    report: Report

    def write(self, out: BinaryIO, recipients: tuple[Recipient, ...], forbidden: frozenset[bytes]) -> Written:
        """Hash all parts, seal the manifest, write the same parts."""
        store, contents, now = self.store, self.contents, self.now
        seals, box_key = load_seals(store, contents.seals, self.report), load_box_key(store)
        changes = take_changes(store, self.policy, contents, now)
        head = self._make_head(box_key)
        parts = Parts(
            store=store,
            contents=contents,
            recipients=recipients,
            now=now,
            report=self.report,
        )
        hashed = _Hashed()
        with KeySpool(store.state_folder, forbidden) as spool:
            manifest = encode_manifest(head, contents.entries(now), hashed.entries(parts.encrypted(spool)))
            manifest_sha256 = hashlib.sha256(manifest).hexdigest()
            signatures = {seal.root_id: seal.sign(manifest) for seal in seals}
            members = hashed.members(parts.again(spool), manifest, box_key.sign(manifest), signatures)
            members = tell_each(members, count_files(contents), "file", self.report)
            digest = write_archive(out, members, recipients, now)
        hashed.require_same()
        return Written(
            head=head,
            contents=contents,
            changes=changes,
            recipients=recipients,
            seals=seals,
            manifest_sha256=manifest_sha256,
            archive_name=f"{archive_stem(head)}.tar.age",
            archive_sha256=digest.sha256,
            size_bytes=digest.size_bytes,
        )

    def _make_head(self, box_key: BoxKey) -> Manifest:
        """Return the manifest without its lists, and consume a sequence."""
        store, contents = self.store, self.contents
        last = store.last_entry()
        incarnation = store.fact("incarnation")
        if last is None or incarnation is None:
            raise CheckError("Rule archive-names-its-journal: the store has no journal or no incarnation.")
        place = (contents.kind, contents.name)
        before = [item for item in store.archives() if (item.kind, item.name) == place]  # numbers rise
        authority = self.policy.authority
        return Manifest(
            authority=Authority(id=authority.id, name=authority.name, domain=authority.domain),
            incarnation=incarnation,
            restored_from=store.fact("restored_from"),
            kind=contents.kind,
            name=contents.name,
            sequence=store.take_sequence(contents.kind, contents.name),
            created=self.now,
            earlier=tuple(
                Earlier(sequence=item.sequence, sha256=item.manifest_sha256) for item in before[-MAX_EARLIER:]
            ),
            targets=list_targets(contents.entries(self.now)),
            box_key=box_key.public,
            policy_sha256=self.policy.sha256,
            journal_head=last.hash,
            next_visit_by=next_visit_by(
                self.policy, store.certificates(alive_at=self.now), store.crls(), self.now
            ),
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
        self, parts: Iterable[Part], manifest: bytes, box_signature: bytes, signatures: dict[str, bytes]
    ) -> Iterator[Member]:
        """Yield manifest, parts and signatures as an archive holds them."""
        view = memoryview(manifest)
        slices = (bytes(view[start : start + SLICE_BYTES]) for start in range(0, len(view), SLICE_BYTES))
        yield Member(path=MANIFEST_PATH, size=len(view), open=lambda: slices)
        yield make_member(BOX_SIGNATURE_PATH, box_signature)
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


class Parts:
    """What the members of one archive are made of.

    Args:
        store: Inside the caller's transaction.
        contents: Which certificates and keys.
        recipients: Whom the passphrases are encrypted to.
        now: Aware UTC time of the archive.
        report: Told of certificates and keys; may raise StoppedError.
    """

    def __init__(
        self,
        *,
        store: Store,
        contents: Contents,
        recipients: Sequence[Recipient],
        now: datetime,
        report: Report,
    ) -> None:
        self._store = store
        self._contents = contents
        self._recipients = recipients
        self._now = now
        self._report = report
        self._with_keys = contents.with_keys()
        self._public = bytearray()  # SHA-256 of the public keys of the signers with keys, one after the other
        self._passphrases = b""
        ids = [item.id for item in (*contents.roots, *contents.seals)]
        self._ders = dict(store.ders(ids))
        self._pems = {id_: encode_pem(der) for id_, der in self._ders.items()}

    def encrypted(self, spool: KeySpool) -> Iterator[Part]:
        """Yield all parts, encrypting keys and passphrases on the way."""
        number = len(self._contents.certificates)
        yield from self._telling(self._certificates(self._note_public_key), number, "certificate")
        yield from self._encrypt_keys(spool)
        passphrases = io.BytesIO()
        encrypt_stream((spool.passphrases(),), passphrases, self._recipients)
        self._passphrases = passphrases.getvalue()
        yield from self._rest()

    def again(self, spool: KeySpool) -> Iterator[Part]:
        """Yield the same parts with the same bytes; after `encrypted` has ended."""
        yield from self._certificates(_ignore)
        paths = (f"keys/{item.id}.pem" for item in self._with_keys)
        yield from ((path, (pem,)) for path, pem in zip(paths, spool.read(), strict=True))
        yield from self._rest()

    def _certificates(self, note: Callable[[Certificate, bytes], None]) -> Iterator[Part]:
        for item in chain(self._contents.seals, self._contents.roots):
            yield file_of(item), (self._pems[item.id],)
        for batch in _batches(self._contents.signers):
            ders = dict(self._store.ders([item.id for item in batch]))
            for item in batch:
                note(item, ders[item.id])
                yield file_of(item), (encode_pem(ders[item.id]) + self._pems[item.issuer],)

    def _telling(self, items: Iterable[T], total: int, what: str) -> Iterator[T]:
        return tell_each(items, total, what, self._report)

    def _note_public_key(self, signer: Certificate, der: bytes) -> None:
        if signer.id in self._contents.key_ids:
            self._public += hash_public_key(der)

    def _encrypt_keys(self, spool: KeySpool) -> Iterator[Part]:
        # Told as they are read: that takes longer with RSA than encrypting, which comes in batches.
        pems = spool.encrypt(self._telling(self._read_keys(), len(self._with_keys), "key"))
        for item, pem in zip(self._with_keys, pems, strict=True):
            yield f"keys/{item.id}.pem", (pem,)

    def _read_keys(self) -> Iterator[tuple[Certificate, bytes, bytes]]:
        """Yield each certificate with the digest of its public key, and its private key."""
        digests = _split(self._public)
        for batch in _batches(self._with_keys):
            keys = dict(self._store.keys([item.id for item in batch]))
            for item in batch:
                der = self._ders.get(item.id)
                yield item, hash_public_key(der) if der else next(digests), keys.pop(item.id)

    def _rest(self) -> Iterator[Part]:
        yield "passphrases.age", (self._passphrases,)
        crls = {crl.issuer: crl.der for crl in self._store.crls()}
        for root in self._contents.roots:  # each has one from the day it is made (design 3, Revocation)
            yield f"crls/{root.id}.crl", (crls[root.id],)
        yield JOURNAL_PATH, journal_lines(self._store, self._contents)
        if self._contents.kind == "backup":
            yield "state.json", encode_state(self._store, self._contents, self._now)


def journal_lines(store: Store, contents: Contents) -> Iterator[bytes]:
    """Yield what an archive carries of the journal: a backup all of it, an egress what concerns it."""
    if contents.kind == "backup":
        return map(encode_line, store.entries())
    ids = frozenset(item.id for item in contents.certificates)
    issues = store.entries_of(item.id for item in contents.certificates)
    told = may_concern(store.acts(), contents.name, ids, issues)
    return extract(store.read_entries(told), contents.name, ids)


def _split(digests: bytearray) -> Iterator[bytes]:
    """Yield the SHA-256 values that stand one after the other."""
    return (bytes(digests[at : at + _DIGEST_BYTES]) for at in range(0, len(digests), _DIGEST_BYTES))


def _ignore(signer: Certificate, der: bytes) -> None:
    """Take note of nothing."""


def _batches(certificates: Sequence[Certificate]) -> Iterator[Sequence[Certificate]]:
    return (certificates[start : start + BATCH] for start in range(0, len(certificates), BATCH))
