"""Streams into and out of age v1 files (https://age-encryption.org/v1), through pyrage.

Rules:
1. Memory stays flat in both directions.
2. What the caller's file or iterator raises comes back as itself, or as a FileError if it is the system's;
   pyrage would keep its text only.
3. Decrypted bytes are worth nothing until `decrypt_stream` has returned: a cut file gives its first part.
4. The header is bounded before pyrage reads it, the plaintext while it is written.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

import pyrage

from core.crypto.recipients import Recipient, refusing, to_age
from core.errors import (
    ArchiveDamagedError,
    ArchiveError,
    ArchiveIdentityError,
    ArchiveMemberError,
    CaError,
    FileError,
)

CHUNK_BYTES: Final = 64 * 1024
MAX_HEADER_BYTES: Final = 64 * 1024
MAGIC: Final = b"age-encryption.org/v1\n"


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
    source, sink = _Source(iter(chunks)), _Sink(out, None)
    try:
        with refusing(ArchiveError("The encryption failed.")):
            pyrage.encrypt_io(source, sink, keys)
            sink.flush()
    except ArchiveError:
        _raise_first(source, sink)
        raise
    return ArchiveDigest(size_bytes=sink.size, sha256=sink.hash.hexdigest())


def decrypt_stream(source: BinaryIO, identities: Sequence[Any], out: BinaryIO, max_bytes: int) -> None:
    """Decrypt a whole age file into `out`.

    Args:
        source: Read front to back.
        identities: pyrage's, from core.crypto.identities.
        out: Gets the plaintext; to be thrown away after an error.
        max_bytes: Bound of the plaintext.

    Raises:
        ArchiveIdentityError: None of the identities opens it (E-ARCHIVE-IDENTITY).
        ArchiveDamagedError: Not an age file, cut, altered, with bytes after the end (E-ARCHIVE-DAMAGED).
        ArchiveMemberError: More than `max_bytes` (E-ARCHIVE-MEMBER).
        FileError: `source` or `out` failed (E-FILE).
    """
    reader, sink = _Source(_bounded(source)), _Sink(out, max_bytes)
    unfit = ArchiveIdentityError("None of the identities opens this file, or its header was altered.")
    damaged = ArchiveDamagedError("The file was cut short or altered: its encryption does not hold.")
    try:
        with refusing(damaged):
            try:
                pyrage.decrypt_io(reader, sink, identities)
                sink.flush()
            except pyrage.DecryptError as error:
                if "No matching keys" in str(error):
                    raise unfit from None
                raise
    except CaError:
        _raise_first(reader, sink)
        raise


def _bounded(source: BinaryIO) -> Iterator[bytes]:
    """Yield the file after a look at its header."""
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
