"""The container of an archive: a POSIX tar inside an age v1 file (docs/archive-format.md, "The container").

Owns: writing members in a stream, and reading them back by rule. Which members there may be is in
core.archive.zz_members; what they say is for core.archive.manifest and core.receive.opening.

Writing:
1. Memory stays flat: pyrage pulls the tar from a generator, which pulls each member in chunks.
2. The same members give the same tar: ustar headers, owner 0, mode 0600, one time for all.
3. If a member or the output fails, that very error leaves here, and what was written has no valid end.

Reading:
4. The whole file is decrypted to its authenticated end, into an unlinked file, before a byte of it is
   looked at: a cut age file gives plaintext before its error.
5. Members are regular files, in the paths, order and sizes of core.archive.zz_members: no links, devices, folders,
   extended headers, sparse files. Nothing but zeros up to the end of the record follows the last one.
"""

import os
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, Self, cast

from core.crypto.age import CHUNK_BYTES, ArchiveDigest, decrypt_stream, encrypt_stream
from core.errors import ArchiveDamagedError, ArchiveError, ArchiveMemberError, FileError
from core.archive.zz_members import Member, MemberOrder, make_member
from core.crypto.recipients import Recipient

__all__ = ["Archive", "ArchiveDigest", "Member", "make_member", "read_archive", "write_archive"]

BLOCK_BYTES: Final = 512
RECORD_BYTES: Final = 20 * BLOCK_BYTES  # POSIX pax, "ustar Interchange Format": the file ends on a record
MAX_ARCHIVE_BYTES: Final = 4 * 1024**3
_TYPE_OFFSET: Final = 156  # of typeflag, in a ustar header
_NAME: Final = slice(0, 100)
_LAST_MTIME: Final = 8**11 - 1  # ustar has eleven octal digits: 2242-03-16T12:56:31Z
_SIZE: Final = slice(124, 136)
_CHECKSUM: Final = slice(148, 156)


def write_archive(
    out: BinaryIO, members: Iterable[Member], recipients: Sequence[Recipient], created: datetime
) -> ArchiveDigest:
    """Write `members` as a tar encrypted to all `recipients`.

    Args:
        out: Where the age file goes; written front to back, not closed. After an error what it holds is to
            be thrown away: it has no valid end.
        members: In the order of the table; read once, lazily.
        recipients: At least one.
        created: Aware UTC; the time of every member.

    Raises:
        ArchiveMemberError: A path, an order or a size that a reader would refuse (E-ARCHIVE-MEMBER).
        ArchiveError: No recipient, or the library failed (E-ARCHIVE).
        FileError: `out` failed (E-FILE). What else a member or `out` raises comes through as it is.
    """
    return encrypt_stream(_tar(members, int(created.timestamp())), out, recipients)


def _tar(members: Iterable[Member], mtime: int) -> Iterator[bytes]:
    """Yield the tar in pieces of about 64 KiB: most members are small, and each piece costs a call."""
    piece = bytearray()
    for block in _blocks(members, mtime):
        piece += block
        if len(piece) >= CHUNK_BYTES:
            yield bytes(piece)
            piece.clear()
    yield bytes(piece)


def _blocks(members: Iterable[Member], mtime: int) -> Iterator[bytes]:
    order = MemberOrder()
    make_header = _header_maker(mtime)
    total = 0
    for member in members:
        order.admit(member.path, member.size)
        yield make_header(member.path, member.size)
        left = member.size
        for chunk in member.open():
            left -= len(chunk)
            if left < 0:
                break
            yield chunk
        if left:
            raise ArchiveMemberError(f"The member {member.path} is not of the size that was said.")
        yield bytes(-member.size % BLOCK_BYTES)
        total += BLOCK_BYTES + member.size + -member.size % BLOCK_BYTES
    total += 2 * BLOCK_BYTES
    yield bytes(2 * BLOCK_BYTES + -total % RECORD_BYTES)


def _header_maker(mtime: int) -> Callable[[str, int], bytes]:
    """Return a function from path and size to a ustar header: the library's, with three fields filled in."""
    info = tarfile.TarInfo()
    info.mtime, info.mode = min(mtime, _LAST_MTIME), 0o600
    blank = info.tobuf(tarfile.USTAR_FORMAT, "ascii", "strict")
    front, middle, end = (
        blank[_NAME.stop : _SIZE.start],
        blank[_SIZE.stop : _CHECKSUM.start],
        blank[_CHECKSUM.stop :],
    )
    # POSIX pax, "ustar Interchange Format": the sum of all bytes, its own eight taken as spaces.
    constant = sum(front) + sum(middle) + sum(end) + 8 * ord(" ")

    def make(path: str, size: int) -> bytes:
        name, digits = path.encode("ascii"), b"%011o\0" % size
        checksum = b"%06o\0 " % (constant + sum(name) + sum(digits))
        return b"".join((name.ljust(_NAME.stop, b"\0"), front, digits, middle, checksum, end))

    return make


class Archive:
    """A decrypted archive: its members, in order, in an unlinked file.

    Use it as a context manager, or close it.

    Args:
        spool: The whole tar; closed with the archive.
        members: Path -> (offset, size), in the order of the tar.
    """

    def __init__(self, spool: BinaryIO, members: dict[str, tuple[int, int]]) -> None:
        self._spool = spool
        self._members = members

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the unlinked file back to the disk."""
        self._spool.close()

    @property
    def paths(self) -> tuple[str, ...]:
        """Every member's path, in order."""
        return tuple(self._members)

    def size(self, path: str) -> int:
        """Return a member's length in bytes.

        Raises:
            ArchiveMemberError: There is no such member (E-ARCHIVE-MEMBER).
        """
        return self._find(path)[1]

    def chunks(self, path: str) -> Iterator[bytes]:
        """Yield a member's bytes in chunks of at most 64 KiB.

        Raises:
            ArchiveMemberError: There is no such member (E-ARCHIVE-MEMBER).
        """
        offset, left = self._find(path)
        while left:
            self._spool.seek(offset)
            chunk = self._spool.read(min(left, CHUNK_BYTES))
            if not chunk:
                raise ArchiveError("The unpacked archive was cut short on this machine's disk.")
            offset, left = offset + len(chunk), left - len(chunk)
            yield chunk

    def read(self, path: str) -> bytes:
        """Return a member whole; its size is bounded by its row of the table.

        Raises:
            ArchiveMemberError: There is no such member (E-ARCHIVE-MEMBER).
        """
        return b"".join(self.chunks(path))

    def _find(self, path: str) -> tuple[int, int]:
        if path not in self._members:
            raise ArchiveMemberError(f"The archive has no {path}.")
        return self._members[path]


def read_archive(
    source: BinaryIO,
    identities: Sequence[Any],
    *,
    folder: Path | None = None,
    in_memory: bool = False,
    max_bytes: int = MAX_ARCHIVE_BYTES,
) -> Archive:
    """Decrypt an archive and find its members; believe nothing that they say.

    Args:
        source: The age file, read front to back.
        identities: From core.crypto.identities.
        folder: Where the unlinked file lies; the system's place for temporary files by default.
        in_memory: It lies in memory, where nobody finds it when the power goes.
        max_bytes: Bound of the decrypted tar.

    Raises:
        ArchiveIdentityError: None of the identities opens it (E-ARCHIVE-IDENTITY).
        ArchiveDamagedError: Not an age file, cut, altered, with bytes after the end (E-ARCHIVE-DAMAGED).
        ArchiveMemberError: A member breaks a rule (E-ARCHIVE-MEMBER).
        FileError: The source or the disk fails (E-FILE).
    """
    try:
        if in_memory:
            spool = cast("BinaryIO", os.fdopen(os.memfd_create("archive"), "w+b"))
        else:
            spool = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  the Archive closes it
    except OSError as error:
        raise FileError(f"There is no place to unpack the archive: {error.strerror}.") from error
    try:
        decrypt_stream(source, identities, spool, max_bytes)
        return Archive(spool, dict(_find_members(spool)))
    except BaseException:
        spool.close()
        raise


def _find_members(tar: BinaryIO) -> Iterator[tuple[str, tuple[int, int]]]:
    total = tar.seek(0, os.SEEK_END)
    order = MemberOrder()
    offset = 0
    while True:
        tar.seek(offset)
        block = tar.read(BLOCK_BYTES)
        if len(block) < BLOCK_BYTES:
            raise ArchiveDamagedError("The tar inside the archive has no end.")
        if not any(block):
            break
        path, size = _read_header(block)
        order.admit(path, size)
        start = offset + BLOCK_BYTES
        offset = start + size + -size % BLOCK_BYTES
        if offset > total:
            raise ArchiveDamagedError("The tar inside the archive is cut short.")
        tar.seek(start + size)
        if any(tar.read(offset - start - size)):
            raise ArchiveMemberError(f"The member {path} is not padded with zeros.")
        yield path, (start, size)
    tar.seek(offset)
    rest = tar.read(RECORD_BYTES + 1)
    end = offset + 2 * BLOCK_BYTES
    if any(rest) or len(rest) < 2 * BLOCK_BYTES or total > end + -end % RECORD_BYTES:
        raise ArchiveDamagedError("Something follows the last member of the archive, or its end is missing.")


def _read_header(block: bytes) -> tuple[str, int]:
    try:
        # The type as it stands: the library turns an old folder's "0" into a folder by its name.
        regular = block[_TYPE_OFFSET : _TYPE_OFFSET + 1] in (tarfile.REGTYPE, tarfile.AREGTYPE)
        header = tarfile.TarInfo.frombuf(block, "ascii", "strict")
    except (tarfile.HeaderError, UnicodeDecodeError, ValueError):
        raise ArchiveMemberError("The archive holds a tar header that cannot be read.") from None
    if not (regular and header.isreg()) or header.linkname:
        raise ArchiveMemberError(f"The archive holds something that is no plain file: {header.name[:100]!r}.")
    return header.name, header.size
