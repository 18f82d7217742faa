"""A backup, opened and believed: what a restore and a drill both start from.

1. It passes the receiver's checks 1 to 11 (core.receive.opening), and it is a backup.
2. What only a backup has, state.json, is held against the manifest and the journal: each certificate that
   the journal issued is there, in that order, with its revocation; policy, incarnation, numbers and archives
   are those of both. Certificates that only the state holds are checked as the receiver checks the others.
3. A key is handed out only when a signature of it was verified with its certificate.

It writes nothing.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from msgspec import UnsetType

from core.archive.backup_state import State, StateCertificate, decode_state
from core.archive.container import JOURNAL_PATH, Archive
from core.archive.manifest import MAX_EARLIER, CertificateEntry, Manifest, file_of
from core.certificate import Certificate
from core.crypto.keys import PublicKey, encode_key
from core.crypto.recipients import refusing
from core.errors import ArchiveFormatError, ArchiveKindError, PolicyError
from core.issue.profile import common_name
from core.policy.policy import Policy, decode_policy
from core.progress import Report, report_nothing
from core.receive.certificates import Chains, check_certificate, read_certificates
from core.receive.opening import Source, check_archive, read_member_lines
from core.receive.private_keys import prove_key, read_passphrases
from core.receive.seals import Confirm, Question
from core.recovery.backup_journal import DRILLED, History, read_history
from core.store import journal
from core.store.records import BOX_SEED
from core.times import format_time

STATE_PATH = "state.json"
_TOKEN = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenBackup:
    """A backup whose every part was checked.

    Args:
        archive: Its members.
        manifest: What it says of itself.
        manifest_sha256: Of the exact bytes of manifest.json, 64 hex digits.
        policy: The policy that was approved when it was made.
        state: state.json.
        history: What its journal says.
        certificates: All that were ever issued, in issuing order, with their revocations.
        key_ids: Ids of those whose private keys are inside.
        sealed_by: The root whose seal was accepted, with its words.
    """

    archive: Archive
    manifest: Manifest
    manifest_sha256: str
    policy: Policy
    state: State
    history: History
    certificates: tuple[Certificate, ...]
    key_ids: frozenset[str]
    sealed_by: Question
    _files: Mapping[str, str]
    _ders: Mapping[str, bytes] = field(repr=False)
    _keys: Mapping[str, PublicKey] = field(repr=False)
    _passphrases: Mapping[str, str] = field(repr=False)

    def read_der(self, id_: str) -> bytes:
        """Return a certificate's DER."""
        if id_ in self._ders:
            return self._ders[id_]
        path = self._files[id_]
        return read_certificates(self.archive.read(path), path)[0].public_bytes(Encoding.DER)

    def prove_key(self, id_: str) -> bytes:
        """Return one of the private keys as PKCS#8 DER, not encrypted, once it was proven.

        Raises:
            ArchiveCertificateError: It is not its certificate's (E-ARCHIVE-CERT).
        """
        return encode_key(prove_key(self.archive, id_, self._passphrases[id_], self._keys[id_]))

    def read_entries(self) -> Iterator[journal.Entry]:
        """Yield the journal from its first entry."""
        return journal.read_lines(read_member_lines(self.archive, JOURNAL_PATH))


@contextmanager
def open_backup(
    source: Source,
    identities: Sequence[Any],
    trust: Sequence[x509.Certificate],
    confirm: Confirm | None,
    now: datetime,
    *,
    in_memory: bool = False,
    report: Report = report_nothing,
) -> Iterator[OpenBackup]:
    """Check a backup, whole, and keep it open for a block.

    Args:
        source: The archive.
        identities: From core.crypto.identities.
        trust: Roots to believe, from core.receive.trust.load_roots.
        confirm: Asked about the root, if it is none of `trust`; None refuses it.
        now: Aware UTC.
        in_memory: Unpack it into memory; else onto the disk, into an unlinked file.
        report: Told (keys checked, keys in all, what); may raise StoppedError.

    Yields:
        The backup.

    Raises:
        ArchiveKindError: It is an egress (E-ARCHIVE-KIND).
        ArchiveFormatError: state.json is not to its format, or does not agree with manifest and journal
            (E-ARCHIVE-FORMAT).
        ArchiveError: A check of the receiver failed; its class and code say which.
        JournalError: The journal is not one whole chain (E-JOURNAL).
        FileError: The archive cannot be read (E-FILE).
    """
    with check_archive(source, identities, trust, confirm, now, in_memory=in_memory, report=report) as (
        archive,
        checked,
    ):
        manifest = checked.received.manifest
        if manifest.kind != "backup":
            raise ArchiveKindError(f"The archive is the egress {manifest.name}, not a backup.")
        state = decode_state(archive.read(STATE_PATH))
        history = read_history(journal.read_lines(read_member_lines(archive, JOURNAL_PATH)))
        policy, certificates = check_state(state, manifest, checked.chains, history)
        passphrases = read_passphrases(archive, identities)
        yield OpenBackup(
            archive=archive,
            manifest=manifest,
            manifest_sha256=checked.received.manifest_sha256,
            policy=policy,
            state=state,
            history=history,
            certificates=certificates,
            key_ids=frozenset(passphrases),
            sealed_by=checked.received.sealed_by,
            _files={entry.id: entry.file for entry in manifest.certificates},
            _ders={item.id: item.der for item in state.certificates if item.der is not None},
            _keys=checked.chains.keys,
            _passphrases=passphrases,
        )


def check_state(
    state: State, manifest: Manifest, chains: Chains, history: History
) -> tuple[Policy, tuple[Certificate, ...]]:
    """Hold state.json against manifest, certificates and journal.

    Args:
        state: state.json, decoded.
        manifest: Sealed, of the same archive.
        chains: Its certificates, from core.receive.certificates.
        history: Its journal, from core.recovery.backup_journal.

    Returns:
        The policy, and all certificates in issuing order.

    Raises:
        ArchiveFormatError: They do not agree (E-ARCHIVE-FORMAT).
        ArchiveCertificateError: A certificate of the state does not fit (E-ARCHIVE-CERT).
    """
    policy = _check_facts(state, manifest, history)
    _check_archives(state, manifest, history)
    return policy, tuple(_check_certificates(state, manifest, chains, history))


def _check_facts(state: State, manifest: Manifest, history: History) -> Policy:
    facts = state.facts
    try:
        policy = decode_policy(facts.get("policy", "").encode())
    except PolicyError as error:
        raise ArchiveFormatError(f"The policy of state.json cannot be used: {error}") from error
    if {policy.sha256, history.policy_sha256} != {manifest.policy_sha256}:
        raise _disagreement("policy")
    authority = policy.authority
    if (authority.id, authority.name, authority.domain) != (
        manifest.authority.id,
        manifest.authority.name,
        manifest.authority.domain,
    ):
        raise _disagreement("authority")
    if manifest.name not in policy.backups:
        raise _disagreement("name of this backup")
    _check_box(facts, manifest, history)
    if {facts.get("incarnation"), history.incarnation} != {manifest.incarnation}:
        raise _disagreement("incarnation")
    if facts.get("restored_from") != manifest.restored_from:
        raise _disagreement("incarnation before it")
    drilled = {name: value for name, value in facts.items() if name.startswith(DRILLED)}
    if drilled != {f"{DRILLED}{name}": format_time(at) for name, at in history.drilled.items()}:
        raise _disagreement("drills")
    if not _TOKEN.fullmatch(facts.get("drill_token", "")):
        raise ArchiveFormatError("state.json holds no drill token of 32 bytes.")
    return policy


def _check_box(facts: Mapping[str, str], manifest: Manifest, history: History) -> None:
    if (None if isinstance(manifest.box_key, UnsetType) else manifest.box_key) != history.box_key:
        raise _disagreement("box key")
    if BOX_SEED in facts:
        raise ArchiveFormatError("state.json holds a private box key, which no backup may.")


def _check_archives(state: State, manifest: Manifest, history: History) -> None:
    archives = {(item.kind, item.name, item.sequence): item for item in state.archives}
    if len(archives) != len(state.archives) or history.archives != {
        key: item.manifest_sha256 for key, item in archives.items()
    }:
        raise _disagreement("archives that were made")
    if {key: item.written_at for key, item in archives.items() if item.written_at} != history.written:
        raise _disagreement("archives that were written")
    last = {(item.kind, item.name): item.last for item in state.sequences}
    if len(last) != len(state.sequences) or last.get(("backup", manifest.name)) != manifest.sequence:
        raise _disagreement("sequence of this backup")
    if any(last.get((kind, name), 0) < sequence for kind, name, sequence in archives):
        raise _disagreement("sequences")
    before = [key for key in archives if key[:2] == ("backup", manifest.name)]
    newest = max(before, default=None)
    previous = archives[newest].manifest_sha256 if newest else None
    if previous != manifest.before or (newest and newest[2] >= manifest.sequence):
        raise _disagreement("archive before this backup")
    if not isinstance(manifest.earlier, UnsetType):
        made = [(key[2], archives[key].manifest_sha256) for key in sorted(before)][-MAX_EARLIER:]
        if made != [(item.sequence, item.sha256) for item in manifest.earlier]:
            raise _disagreement("archives before this backup")


def _check_certificates(
    state: State, manifest: Manifest, chains: Chains, history: History
) -> Iterator[Certificate]:
    """Yield the records of the certificates, each checked."""
    listed = {entry.id: entry for entry in manifest.certificates}
    ids = {item.id for item in state.certificates}
    if len(ids) != len(state.certificates) or not listed.keys() <= ids:
        raise _disagreement("list of certificates")
    if len(ids) != len(history.issued):
        raise _disagreement("number of certificates")
    for item, (id_, sha256) in zip(state.certificates, history.issued, strict=True):
        entry = _check_unlisted(item, manifest, chains) if item.id not in listed else listed[item.id]
        if (item.id in listed) != (item.entry is None and item.der is None):
            raise _disagreement(f"certificate {item.id}")
        if (entry.id, entry.sha256) != (id_, sha256):
            raise _disagreement("order of issuing")
        revoked = None if item.revoked_at is None else (item.revoked_at, item.reason)
        if revoked != history.revoked.get(item.id) or (revoked is None and item.reason is not None):
            raise _disagreement(f"revocation of {item.id}")
        yield _make_record(entry, item)


def _check_unlisted(item: StateCertificate, manifest: Manifest, chains: Chains) -> CertificateEntry:
    """Check a certificate that stands in the state only: an expired signer, or a seal that was replaced."""
    refusal = ArchiveFormatError(f"state.json does not hold certificate {item.id} as it should.")
    entry, der = item.entry, item.der
    if entry is None or der is None or entry.id != item.id or entry.issuer not in chains.roots:
        raise refusal
    if entry.kind == "root" or isinstance(entry.key_file, str) or entry.file != file_of(entry):
        raise refusal
    named = (entry.class_name, entry.target, entry.lane)
    if (None in named) if entry.kind == "signer" else (named != (None, None, None)):
        raise refusal
    with refusing(refusal):
        certificate = x509.load_der_x509_certificate(der)
    if hashlib.sha256(der).hexdigest() != entry.sha256:
        raise refusal
    named_by_root = [name.value for name in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    if named_by_root != [
        common_name(entry.kind, f"{entry.class_name}/{entry.target}", entry.period, entry.lane)
    ]:
        raise refusal  # period and lane stand nowhere else
    check_certificate(entry, certificate, chains.roots[entry.issuer], manifest.created)
    return entry


def _make_record(entry: CertificateEntry, item: StateCertificate) -> Certificate:
    """Return what a store remembers of a certificate."""
    return Certificate(
        id=entry.id,
        kind=entry.kind,
        class_name=entry.class_name,
        target=entry.target,
        lane=entry.lane,
        period=entry.period,
        algorithm=entry.algorithm,
        issue_from=entry.issue_from,
        issue_until=entry.issue_until,
        not_before=entry.not_before,
        not_after=entry.not_after,
        serial=int(entry.serial, 16),
        issuer=entry.issuer,
        sha256=entry.sha256,
        revoked_at=item.revoked_at,
        reason=item.reason,
    )


def _disagreement(what: str) -> ArchiveFormatError:
    return ArchiveFormatError(f"state.json, manifest and journal do not agree on the {what}.")
