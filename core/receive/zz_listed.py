"""The members of an archive, held against the list in its manifest (the receiver's checks 3 and 7)."""

import hashlib
from collections.abc import Iterator

from core.store import journal
from core.archive.container import Archive
from core.errors import ArchiveDamagedError, ArchiveMemberError
from core.archive.manifest import Manifest
from core.archive.zz_members import MANIFEST_PATH


def check_members(archive: Archive, manifest: Manifest) -> None:
    """Check that an archive holds just what its manifest lists, in that order (check 3).

    Raises:
        ArchiveMemberError: It does not (E-ARCHIVE-MEMBER).
    """
    wanted = [MANIFEST_PATH]
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
