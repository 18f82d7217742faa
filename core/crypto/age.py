"""Streams into and out of age v1 files (https://age-encryption.org/v1), through pyrage.

Rules:
1. Memory stays flat in both directions.
2. What the caller's file or iterator raises comes back as itself, or as a FileError if it is the system's;
   pyrage would keep its text only.
3. Decrypted bytes are worth nothing until `decrypt_stream` has returned: a cut file gives its first part.
4. The header is bounded before pyrage reads it, the plaintext while it is written.
5. What pyrage does not know (core.crypto.hybrid, core.crypto.hardware) is a stanza of ours: pyrage encrypts
   to a throwaway key instead, and the header is written anew before a byte of it leaves; the other way round
   when a file is read. The payload is pyrage's in both directions.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

import pyrage

from core.crypto.age_header import MAGIC, MAX_HEADER_BYTES, Header, Throwaway, write_header
from core.crypto.hardware import YubikeyRecipient
from core.crypto.hybrid import HybridIdentity, HybridRecipient
from core.crypto.plugins import explain_plugin
from core.crypto.recipients import Recipient, refusing, to_age
from core.errors import (
    ArchiveDamagedError,
    ArchiveError,
    ArchiveIdentityError,
    ArchiveMemberError,
    CaError,
    FileError,
)

_Ours = HybridRecipient | YubikeyRecipient
CHUNK_BYTES: Final = 64 * 1024
_HEADER_END: Final = re.compile(rb"\n--- [^\n]*\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveDigest:
    """Length and SHA-256 (hex) of a file that was written."""

    size_bytes: int
    sha256: str


def encrypt_stream(chunks: Iterable[bytes], out: BinaryIO, recipients: Sequence[Recipient]) -> ArchiveDigest:
    """Encrypt what `chunks` yields to all `recipients`.

    Args:
        chunks: Of any length; read once.
        out: Written front to back, neither flushed nor closed. After an error what it holds has no valid end.
        recipients: At least one.

    Raises:
        ArchiveError: No recipient, or the library failed (E-ARCHIVE).
        FileError: `out` failed (E-FILE). Another error of `chunks` or `out` comes as it is.
    """
    if not recipients:
        raise ArchiveError("Nothing can be encrypted to nobody: a recipient is needed.")
    keys = [to_age(recipient) for recipient in recipients]
    ours = [key for key in keys if isinstance(key, _Ours)]
    source, sink = _Source(iter(chunks)), _Sink(out, None)
    try:
        with refusing(ArchiveError("The encryption failed.")):
            if ours:
                throwaway = Throwaway()
                theirs = [key for key in keys if not isinstance(key, _Ours)]
                rewriter = _HeaderRewriter(sink, throwaway, ours)
                pyrage.encrypt_io(source, rewriter, [throwaway.identity.to_public(), *theirs])
            else:
                pyrage.encrypt_io(source, sink, keys)
            sink.flush()
    except ArchiveError:
        _raise_first(source, sink)
        raise
    _raise_first(source, sink)  # pyrage passes over what its last, buffered write raises
    return ArchiveDigest(size_bytes=sink.size, sha256=sink.hash.hexdigest())


def decrypt_stream(source: BinaryIO, identities: Sequence[Any], out: BinaryIO, max_bytes: int) -> None:
    """Decrypt a whole age file into `out`.

    Args:
        source: Read front to back.
        identities: From core.crypto.identities.
        out: Gets the plaintext; to be thrown away after an error.
        max_bytes: Bound of the plaintext.

    Raises:
        ArchiveIdentityError: None of the identities opens it (E-ARCHIVE-IDENTITY).
        ArchiveDamagedError: Not an age file, cut, altered, with bytes after the end (E-ARCHIVE-DAMAGED).
        ArchiveMemberError: More than `max_bytes` (E-ARCHIVE-MEMBER).
        FileError: `source` or `out` failed (E-FILE).
    """
    unfit = ArchiveIdentityError("None of the identities opens this file, or its header was altered.")
    damaged = ArchiveDamagedError("The file was cut short or altered: its encryption does not hold.")
    ours = [identity for identity in identities if isinstance(identity, HybridIdentity)]
    theirs = [identity for identity in identities if not isinstance(identity, HybridIdentity)]
    reader, sink = _Source(_read(source)), _Sink(out, max_bytes)
    try:
        with refusing(damaged):
            head = reader.read(MAX_HEADER_BYTES)
            if ours:
                head, throwaway = _open_header(head, ours)
                theirs = [throwaway.identity] if throwaway else theirs
            if not theirs:
                raise unfit
            reader.put_back(head)
            try:
                pyrage.decrypt_io(reader, sink, theirs)
                sink.flush()
            except pyrage.DecryptError as error:
                if "No matching keys" in str(error):
                    raise unfit from None
                if told := explain_plugin(str(error)):
                    raise ArchiveIdentityError(told) from None
                raise
    except CaError:
        _raise_first(reader, sink)
        raise
    _raise_first(reader, sink)


def _open_header(head: bytes, identities: Sequence[HybridIdentity]) -> tuple[bytes, Throwaway | None]:
    """Return the first bytes of a file with a header for a throwaway key; as they are where no identity fits.

    Raises:
        ValueError: The header is not to its format, or its MAC does not hold.
    """
    header = Header.parse(head)
    for stanza in header.stanzas:
        for identity in identities:
            file_key = identity.unwrap(stanza)
            if file_key is None:
                continue
            if not header.is_under(file_key):
                raise ValueError("the MAC of the header does not hold")
            throwaway = Throwaway()
            return write_header([throwaway.put_in(file_key)], file_key) + head[header.size :], throwaway
    return head, None


def _read(source: BinaryIO) -> Iterator[bytes]:
    """Yield the file, first as much of it as a header may have, after a look at that."""
    head = b""
    while len(head) < MAX_HEADER_BYTES and (chunk := source.read(MAX_HEADER_BYTES - len(head))):
        head += chunk
    if not head.startswith(MAGIC):
        raise ArchiveDamagedError("This is not an age v1 file.")
    if b"\n--- " not in head:
        raise ArchiveDamagedError("The file was cut short or altered: its age header has no end.")
    yield head
    while chunk := source.read(CHUNK_BYTES):
        yield chunk


class _HeaderRewriter:
    """Takes what pyrage writes; the header leaves with our stanzas instead of the throwaway's.

    Args:
        sink: Where the file goes.
        throwaway: Whom pyrage encrypts to.
        recipients: Whose stanzas are put in.
    """

    def __init__(self, sink: "_Sink", throwaway: Throwaway, recipients: "Sequence[_Ours]") -> None:
        self._sink = sink
        self._throwaway = throwaway
        self._recipients = recipients
        self._head: bytearray | None = bytearray()

    def write(self, data: bytes) -> int:
        if self._head is None:
            return self._sink.write(data)
        self._head += data
        if _HEADER_END.search(self._head):
            head = bytes(self._head)
            header = Header.parse(head)
            file_key, others = self._throwaway.take_out(header.stanzas)
            ours = [recipient.wrap(file_key) for recipient in self._recipients]
            self._sink.write(write_header((*ours, *others), file_key) + head[header.size :])
            self._head = None
        return len(data)

    def flush(self) -> None:
        self._sink.flush()


class _Source:
    """Lets pyrage read from an iterator of chunks, and keeps what the iterator raised."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = memoryview(b"")
        self.error: BaseException | None = None

    def read(self, size: int) -> bytes:
        try:
            while not self._rest:
                self._rest = memoryview(next(self._chunks))
        except StopIteration:
            return b""
        except BaseException as error:
            self.error = error  # pyrage would keep its text only
            raise
        data, self._rest = bytes(self._rest[:size]), self._rest[size:]
        return data

    def put_back(self, data: bytes) -> None:
        """Have `data` read before all else."""
        self._rest = memoryview(data + bytes(self._rest))


class _Sink:
    """Lets pyrage write, counts and hashes, and keeps what the file raised."""

    def __init__(self, out: Any, max_bytes: int | None) -> None:
        self._out = out
        self._max_bytes = max_bytes
        self.size = 0
        self.hash = hashlib.sha256()
        self.error: BaseException | None = None

    def write(self, data: bytes) -> int:
        try:
            self._write_all(memoryview(data))
        except BaseException as error:
            self.error = error
            raise
        self.size += len(data)
        self.hash.update(data)
        return len(data)

    def _write_all(self, data: memoryview) -> None:
        if self._max_bytes is not None and self.size + len(data) > self._max_bytes:
            raise ArchiveMemberError(f"The file holds more than {self._max_bytes} bytes.")
        while data:  # an unbuffered file may take less
            data = data[self._out.write(data) :]

    def flush(self) -> None:
        try:
            self._out.flush()
        except BaseException as error:
            self.error = error
            raise


def _raise_first(source: _Source, sink: _Sink) -> None:
    for error, what in ((source.error, "read"), (sink.error, "written")):
        if isinstance(error, OSError):
            raise FileError(f"A file could not be {what}: {error.strerror}.") from error
        if error is not None:
            raise error
