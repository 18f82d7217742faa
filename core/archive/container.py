"""The container of an archive: a POSIX tar inside an age v1 file (docs/archive-format.md, "The container").

Which members there may be, and the way of their bytes out and in; what they say is for
core.archive.manifest and core.receive.opening.

Members:
1. A path is one of the table's; nothing absolute, no `..`, no folder of its own fits.
2. They come in the order of the table, manifest.json first; none comes twice. Each seal.pem is followed by
   the manifest.sig of the same root; no signature stands alone. Size and count are bounded.
3. Writer and reader hold every member against these rules.

Writing:
4. Memory stays flat: pyrage pulls the tar from a generator, which pulls each member in chunks.
5. The same members give the same tar: ustar headers, owner 0, mode 0600, one time for all.
6. If a member or the output fails, that very error leaves here, and what was written has no valid end.

Reading:
7. The whole file is decrypted to its authenticated end, into an unlinked file, before a byte of it is
   looked at: a cut age file gives plaintext before its error.
8. Members are regular files: no links, devices, folders, extended headers, sparse files. Nothing but zeros
   up to the end of the record follows the last one.
"""

import os
import re
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, Self, cast

from core.archive.box_key import SIGNATURE_BYTES
from core.crypto.age import CHUNK_BYTES, ArchiveDigest, decrypt_stream, encrypt_stream
from core.crypto.recipients import Recipient
from core.errors import ArchiveDamagedError, ArchiveError, ArchiveMemberError, FileError

_KIB, _MIB = 1024, 1024**2

MAX_MEMBERS: Final = 400_000
MANIFEST_PATH: Final = "manifest.json"
BOX_SIGNATURE_PATH: Final = "box.sig"
JOURNAL_PATH: Final = "journal.jsonl"
_ID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_NAME = r"[a-z][a-z0-9-]{0,23}"
_MEMBERS: Final = tuple(
    (re.compile(path), max_bytes)
    for path, max_bytes in (
        (r"manifest\.json", 128 * _MIB),
        (r"box\.sig", SIGNATURE_BYTES),
        (rf"seals/{_ID}/(?:seal\.pem|manifest\.sig)", 64 * _KIB),
        (rf"roots/{_ID}\.pem", 64 * _KIB),
        (rf"signers/{_NAME}/{_NAME}/{_ID}\.pem", 128 * _KIB),
        (rf"keys/{_ID}\.pem", 64 * _KIB),
        (r"passphrases\.age", 64 * _MIB),
        (rf"crls/{_ID}\.crl", 64 * _MIB),
        (r"journal\.jsonl", 1024 * _MIB),
        (r"state\.json", 1024 * _MIB),
    )
)

BLOCK_BYTES: Final = 512
RECORD_BYTES: Final = 20 * BLOCK_BYTES  # POSIX pax, "ustar Interchange Format": the file ends on a record
MAX_ARCHIVE_BYTES: Final = 4 * 1024**3
_TYPE_OFFSET: Final = 156  # of typeflag, in a ustar header
_NAME_FIELD: Final = slice(0, 100)
_LAST_MTIME: Final = 8**11 - 1  # ustar has eleven octal digits: 2242-03-16T12:56:31Z
_SIZE: Final = slice(124, 136)
_CHECKSUM: Final = slice(148, 156)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One file to put into an archive.

    Args:
        path: Where it stands in the tar; one of the allowed paths.
        size: Its exact length in bytes.
        open: Gives its bytes in chunks of any length, `size` together; called once, in its turn.
    """

    path: str
    size: int
    open: Callable[[], Iterable[bytes]]


def make_member(path: str, data: bytes) -> Member:
    """Return a member whose bytes are at hand."""
    return Member(path=path, size=len(data), open=lambda: (data,))


class MemberOrder:
    """Holds each path against the table, in the order in which they come."""

    def __init__(self) -> None:
        self._row = 0
        self._last = ""
        self._seen: set[str] = set()

    def admit(self, path: str, size: int) -> None:
        """Take the next member.

        Raises:
            ArchiveMemberError: It breaks a rule of this module (E-ARCHIVE-MEMBER).
        """
        row = next((n for n, (rule, _) in enumerate(_MEMBERS) if rule.fullmatch(path)), None)
        if row is None:
            raise ArchiveMemberError(f"The archive holds a member that has no place in it: {path[:100]!r}.")
        if not 0 <= size <= _MEMBERS[row][1]:
            raise ArchiveMemberError(f"The member {path} is larger than {_MEMBERS[row][1]} bytes.")
        if path in self._seen:
            raise ArchiveMemberError(f"The archive holds {path} twice.")
        if row < self._row or (not self._seen and row):
            raise ArchiveMemberError(f"The member {path} is not in its place.")
        # manifest.sig follows its own seal.pem, and nothing else does.
        seal, signature = "/seal.pem", "/manifest.sig"
        wanted = self._last.removesuffix(seal) + signature if self._last.endswith(seal) else None
        if (wanted is not None or path.endswith(signature)) and path != wanted:
            raise ArchiveMemberError(
                f"The member {path} is not in its place: a seal and its signature are a pair."
            )
        if len(self._seen) >= MAX_MEMBERS:
            raise ArchiveMemberError(f"The archive holds more than {MAX_MEMBERS} members.")
        self._row, self._last = row, path
        self._seen.add(path)


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


@lru_cache(maxsize=1)
def _header_maker(mtime: int) -> Callable[[str, int], bytes]:
    """Return a function from path and size to a ustar header: the library's, with three fields filled in."""
    info = tarfile.TarInfo()
    info.mtime, info.mode = min(mtime, _LAST_MTIME), 0o600
    blank = info.tobuf(tarfile.USTAR_FORMAT, "ascii", "strict")
    front, middle, end = (
        blank[_NAME_FIELD.stop : _SIZE.start],
        blank[_SIZE.stop : _CHECKSUM.start],
        blank[_CHECKSUM.stop :],
    )
    # POSIX pax, "ustar Interchange Format": the sum of all bytes, its own eight taken as spaces.
    constant = sum(front) + sum(middle) + sum(end) + 8 * ord(" ")

    def make(path: str, size: int) -> bytes:
        name, digits = path.encode("ascii"), b"%011o\0" % size
        checksum = b"%06o\0 " % (constant + sum(name) + sum(digits))
        return b"".join((name.ljust(_NAME_FIELD.stop, b"\0"), front, digits, middle, checksum, end))

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
    # Owner, mode, padding of a field: one member has one header, so nothing can hide in it.
    mtime = int(header.mtime)
    if not 0 <= mtime <= _LAST_MTIME or _header_maker(mtime)(header.name, header.size) != block:
        raise ArchiveMemberError(f"The tar header of {header.name[:100]!r} is not in its one form.")
    return header.name, header.size


# Path, largest size. A member's row never comes before the row of the one in front of it.
