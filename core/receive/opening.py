"""Opening and verifying an archive: the receiver's side, without any hardware.

Every archive goes through these checks, in this order; the first that fails refuses it. Nothing is
written before the last one, and nothing is left behind by a refusal.

 1. Decryption: an identity fits, and the whole file decrypts to its authenticated end (core.crypto.age).
 2. Members: plain files by rule, nothing after the end (core.archive.container).
 3. Manifest: format, canonical bytes, bounds (core.archive.manifest); the members are exactly those it lists.
 4. Seal: made directly under a pinned root, not on that root's CRL, over the manifest's exact bytes, not
    later than a day from now; and the box key that the manifest names has signed the same bytes
    (core.receive.seals).
 5. Trust: the box key is pinned, or a person accepts it by its words (core.receive.seals, also for format 1).
 6. Order: newer than, and continuing, what was opened before, or that very archive; no older CRL
    (core.receive.trust).
 7. Files: every size and SHA-256 of the manifest.
 8. Certificates: each is its entry's, under its own root, nested in it, and of its kind
    (core.receive.certificates).
 9. CRLs: each is its root's and agrees with the manifest (core.receive.certificates).
10. Keys: each opens with its passphrase and belongs to its certificate; no egress holds a root's key
    (core.receive.private_keys).
11. Journal: an egress has what concerns its certificates (core.archive.extract), a backup and format 1 one
    whole chain (core.store.journal); either ends in the manifest's head.
12. Place: the tree is written, the memory replaced, the links pointed (core.receive.folder); only when
    opening. The archive that is open already goes through all checks, too, and changes nothing: its tree must
    hold the same bytes, and one that was removed is written again.

state.json of a backup is hashed here; core.recovery.backup reads it.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from cryptography import x509
from msgspec import UNSET

from core.archive.container import BOX_SIGNATURE_PATH, JOURNAL_PATH, MANIFEST_PATH, Archive, read_archive
from core.archive.extract import check_extract
from core.archive.manifest import FORMAT_1, Manifest, archive_stem, decode_manifest
from core.errors import ArchiveDamagedError, ArchiveMemberError, ArchiveTrustError, JournalError
from core.progress import Report, report_nothing
from core.receive.certificates import Chains, check_certificates, check_crls
from core.receive.folder import filing, lock_folder, make_folder, point_links, write_tree
from core.receive.private_keys import check_keys
from core.receive.seals import Confirm, Question, check_followed, check_vouched, find_seal
from core.receive.trust import (
    Trust,
    check_authority,
    check_crl_numbers,
    check_order,
    is_open_already,
    load_trust,
    remember,
    save_trust,
)
from core.store import journal

Source = Path | BinaryIO
"""An archive: its path, or an open file that is read from its beginning and left open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """An archive that passed every check.

    Args:
        manifest: What it says of itself.
        manifest_sha256: Of the exact bytes of manifest.json, 64 hex digits.
        sealed_by: The pinned root whose seal was accepted, and the box that signed, with their words.
        key_count: How many private keys are inside.
        folder: Where its members are; None if it was only verified.
        was_open: It was open there already: what is remembered stays as it was.
    """

    manifest: Manifest
    manifest_sha256: str
    sealed_by: Question
    key_count: int
    folder: Path | None = None
    was_open: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What the checks 1 to 11 came to.

    Args:
        received: The archive, in short.
        chains: Its roots and public keys.
        crl_numbers: CRL number of each root id.
    """

    received: Received
    chains: Chains
    crl_numbers: dict[str, int]


def verify_archive(
    source: Path,
    identities: Sequence[Any],
    trust: Sequence[x509.Certificate],
    now: datetime,
    report: Report = report_nothing,
    *,
    accept_box: Sequence[str] | None = None,
) -> Received:
    """Run checks 1 to 11 on an archive; write nothing, remember nothing.

    Args:
        source: The archive.
        identities: From core.crypto.identities.
        trust: Roots to believe, from core.receive.trust.load_roots.
        now: Aware UTC.
        report: Told (keys checked, keys in all, what); may raise StoppedError.
        accept_box: Words of the box that made it, 12 of them; then `trust` may be empty.

    Raises:
        ArchiveError: A check failed; its class and code say which.
        JournalError: Check 11 failed (E-JOURNAL).
        FileError: The archive cannot be read (E-FILE).
    """
    checking = check_archive(source, identities, trust, None, now, report=report, accept_box=accept_box)
    with checking as (_, checked):
        return checked.received


@contextmanager
def check_archive(
    source: Source,
    identities: Sequence[Any],
    trust: Sequence[x509.Certificate],
    confirm: Confirm | None,
    now: datetime,
    *,
    in_memory: bool = False,
    report: Report = report_nothing,
    accept_box: Sequence[str] | None = None,
) -> Iterator[tuple[Archive, Checked]]:
    """Run checks 1 to 11 on an archive, and keep it open for a block that reads what is inside.

    Arguments and errors as for `verify_archive`.

    Args:
        source: The archive.
        identities: From core.crypto.identities.
        trust: Roots to believe.
        confirm: Asked about the root, if it is none of `trust`; None refuses it.
        now: Aware UTC.
        in_memory: Unpack it into memory; else onto the disk, into an unlinked file.
        report: Told (keys checked, keys in all, what); may raise StoppedError.
        accept_box: Words of the box that made it, if they are known.

    Yields:
        The archive, and what the checks came to.
    """
    with _open(source, identities, None, in_memory=in_memory) as archive:
        checked = _check(
            archive,
            identities,
            memory=Trust(),
            trust=trust,
            believe=partial(check_vouched, trust=trust, accepted=accept_box, confirm=confirm),
            now=now,
            report=report,
        )
        yield archive, checked


def open_archive(  # noqa: PLR0917  in the order of the command line
    source: Path,
    identities: Sequence[Any],
    trust: Sequence[x509.Certificate],
    out: Path,
    confirm: Confirm | None,
    now: datetime,
    *,
    accept_box: Sequence[str] | None = None,
    report: Report = report_nothing,
) -> Received:
    """Run all checks on an archive and place its members in `out`, or leave `out` as it was.

    Args:
        source: The archive.
        identities: From core.crypto.identities.
        trust: Roots to believe beside those remembered in `out`, from core.receive.trust.load_roots.
        out: The receiver's folder; made if it is missing. See core.receive.folder for what is in it.
        confirm: Asked before a box is followed whose key is not pinned; None refuses it.
        now: Aware UTC.
        accept_box: Words of the box to follow without being asked, 12 of them, read off its panel.
        report: Told (keys checked, keys in all, what); may raise StoppedError, which leaves `out` as it was.

    Raises:
        ArchiveError: A check failed; its class and code say which.
        JournalError: Check 11 failed (E-JOURNAL).
        FileError: The archive cannot be read, or the tree not written (E-FILE).
    """
    with ExitStack() as stack:
        memory = Trust()
        is_new = not out.exists()
        if not is_new:
            stack.enter_context(lock_folder(out))
            memory = load_trust(out)
            if memory.seen:
                point_links(out, memory)
        archive = stack.enter_context(_open(source, identities, None if is_new else out))
        checked = _check(
            archive,
            identities,
            memory=memory,
            trust=trust,
            believe=partial(check_followed, memory, trust=trust, accepted=accept_box, confirm=confirm),
            now=now,
            report=report,
        )
        # 12. Place.
        if is_new:
            make_folder(out)
            stack.enter_context(lock_folder(out))
            if load_trust(out) != memory:
                raise ArchiveTrustError(f"Another process opened an archive into {out}; try again.")
        received = checked.received
        manifest = received.manifest
        name = archive_stem(manifest)
        received = replace(received, folder=write_tree(archive, out, name))
        if received.was_open:
            return received
        memory = remember(
            memory,
            manifest=manifest,
            manifest_sha256=received.manifest_sha256,
            roots=checked.chains.roots,
            crl_numbers=checked.crl_numbers,
            folder=name,
            now=now,
        )
        save_trust(out, memory)
        point_links(out, memory)
        return received


def _open(
    source: Source, identities: Sequence[Any], folder: Path | None, *, in_memory: bool = False
) -> Archive:
    # 1. Decryption, and 2. Members.
    name = source if isinstance(source, Path) else "the archive"
    with (
        filing(f"Opening {name}"),
        source.open("rb") if isinstance(source, Path) else nullcontext(source) as file,
    ):
        file.seek(0)
        return read_archive(file, identities, folder=folder, in_memory=in_memory)


def _check(
    archive: Archive,
    identities: Sequence[Any],
    *,
    memory: Trust,
    trust: Sequence[x509.Certificate],
    believe: Callable[[Question], None],
    now: datetime,
    report: Report,
) -> Checked:
    # 3. Manifest. Its bytes are the ones that are sealed: they are never encoded again.
    manifest_bytes = archive.read(MANIFEST_PATH)
    manifest = decode_manifest(manifest_bytes)
    manifest_sha256 = hashlib.sha256(manifest_bytes).hexdigest()
    check_members(archive, manifest)
    # 4. Seal.
    check_authority(memory, manifest)
    pinned = memory.pinned(trust)
    has_trust = bool(trust) or memory.authority is not None
    seal = find_seal(
        archive,
        manifest,
        manifest_bytes,
        pinned=pinned if has_trust else None,
        revoked=memory.revoked,
        now=now,
    )
    # 5. Trust.
    believe(seal)
    # 6. Order. CRLs follow as soon as they are read.
    check_order(memory, manifest, manifest_sha256)
    was_open = is_open_already(memory, manifest, manifest_sha256)
    # 7. Files.
    check_files(archive, manifest)
    # 8. Certificates.
    chains = check_certificates(archive, manifest)
    # 9. CRLs.
    crl_numbers = check_crls(archive, manifest, chains)
    if not was_open:  # what came after it under another name may have had newer ones
        check_crl_numbers(memory, crl_numbers)
    # 10. Keys.
    key_count = check_keys(archive, manifest, chains.keys, identities, report)
    # 11. Journal.
    check_journal(archive, manifest)
    received = Received(
        manifest=manifest,
        manifest_sha256=manifest_sha256,
        sealed_by=seal,
        key_count=key_count,
        was_open=was_open,
    )
    return Checked(received=received, chains=chains, crl_numbers=crl_numbers)


def check_members(archive: Archive, manifest: Manifest) -> None:
    """Check that an archive holds just what its manifest lists, in that order (check 3).

    Raises:
        ArchiveMemberError: It does not (E-ARCHIVE-MEMBER).
    """
    wanted = [MANIFEST_PATH] if manifest.box_key is UNSET else [MANIFEST_PATH, BOX_SIGNATURE_PATH]
    for entry in manifest.files:
        wanted.append(entry.path)
        if entry.path.endswith("/seal.pem"):
            wanted.append(entry.path.removesuffix("seal.pem") + "manifest.sig")
    if archive.paths != tuple(wanted):
        strange = sorted(set(archive.paths) ^ set(wanted)) or ["their order"]
        raise ArchiveMemberError(f"The archive does not hold what its manifest lists: {strange[0]}.")


def check_files(archive: Archive, manifest: Manifest) -> None:
    """Check every size and SHA-256 of the manifest (check 7).

    Raises:
        ArchiveDamagedError: One is another (E-ARCHIVE-DAMAGED).
    """
    for entry in manifest.files:
        digest = hashlib.sha256()
        for chunk in archive.chunks(entry.path):
            digest.update(chunk)
        if archive.size(entry.path) != entry.size or digest.hexdigest() != entry.sha256:
            raise ArchiveDamagedError(f"{entry.path} is not the file that the manifest names.")


def check_journal(archive: Archive, manifest: Manifest) -> None:
    """Check what an archive carries of the journal (check 11): an egress an extract, a backup all of it.

    Raises:
        JournalError: It is not whole, or does not end in the manifest's head (E-JOURNAL).
    """
    lines = read_member_lines(archive, JOURNAL_PATH)
    if manifest.kind == "egress" and manifest.format != FORMAT_1:
        check_extract(lines, manifest)
    elif journal.verify_lines(lines).hash != manifest.journal_head:
        raise JournalError("the archive's journal does not end in the entry that its manifest names")


def read_member_lines(archive: Archive, path: str) -> Iterator[bytes]:
    """Yield the lines of a member; an endless one is cut where the journal refuses it.

    Args:
        archive: The archive.
        path: Of a member.
    """
    rest = b""
    for chunk in archive.chunks(path):
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines
        if len(rest) > journal.MAX_LINE_BYTES:
            break
    if rest:
        yield rest
