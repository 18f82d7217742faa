"""What the journal of a backup says was done: enough of it to hold the backup's state against.

The journal is a chain of its own, so what it says and what state.json says must agree. Entries that a restore
does not depend on are passed over, whatever stands in them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Struct

from core.archive.extract import Issued, Revoked
from core.archive.manifest import ArchiveKind, Name, PublicKeyHex, SequenceNumber, Sha256Hex, Uuid
from core.errors import ArchiveFormatError, JournalError
from core.store.journal import Entry

DRILLED: Final = "drilled "
"""With a backup's name: the fact that says when it was drilled last."""

ArchiveKey = tuple[str, str, int]  # kind, name, sequence
_T = TypeVar("_T")


class _Founded(Struct):
    policy: Sha256Hex
    incarnation: Uuid
    box_key: PublicKeyHex | None = None  # not in format 1


class _BoxKeyMade(Struct):
    box_key: PublicKeyHex


class _Approved(Struct):
    policy: Sha256Hex


class _Sealed(Struct):
    name: Name
    sequence: SequenceNumber
    manifest: Sha256Hex


class _Placed(Struct):
    kind: ArchiveKind
    name: Name
    sequence: SequenceNumber


class _Drilled(Struct):
    name: Name


class _Restored(_Sealed):
    incarnation: Uuid
    box_key: PublicKeyHex | None = None  # not in format 1


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The acts of a journal that its state follows from.

    Args:
        issued: Id and SHA-256 of the DER of every certificate, in issuing order.
        revoked: Id -> when and why.
        archives: Kind, name and sequence of every archive -> SHA-256 of its manifest.
        written: The same -> when it was first seen to stand somewhere.
        drilled: Name of a backup -> when it was drilled last.
        policy_sha256: Of the policy that was approved last, or None.
        incarnation: That the journal ends in, or None.
        box_key: Its public box key, 64 hex digits, or None: in format 1 there was none.
        last: The last entry.
    """

    issued: tuple[tuple[str, str], ...]
    revoked: Mapping[str, tuple[datetime, str]]
    archives: Mapping[ArchiveKey, str]
    written: Mapping[ArchiveKey, datetime]
    drilled: Mapping[str, datetime]
    policy_sha256: str | None
    incarnation: str | None
    box_key: str | None
    last: Entry


def read_history(entries: Iterable[Entry]) -> History:
    """Return what a journal says was done.

    Args:
        entries: All of them, from core.store.journal.read_lines.

    Raises:
        ArchiveFormatError: An entry does not say what its act should (E-ARCHIVE-FORMAT).
        JournalError: The journal is empty, or as `entries` (E-JOURNAL).
    """
    reader = _Reader()
    last: Entry | None = None
    for entry in entries:
        try:
            reader.read(entry)
        except msgspec.MsgspecError as error:
            raise ArchiveFormatError(
                f"The journal's entry {entry.sequence} does not say what {entry.act} should: {error}."
            ) from error
        last = entry
    if last is None:
        raise JournalError("the journal is empty")
    return History(
        issued=tuple(reader.issued),
        revoked=reader.revoked,
        archives=reader.archives,
        written=reader.written,
        drilled=reader.drilled,
        policy_sha256=reader.policy_sha256,
        incarnation=reader.incarnation,
        box_key=reader.box_key,
        last=last,
    )


def count_issued(entry: Entry) -> int:
    """Return how many certificates an entry issued; entries are of a journal that `read_history` took."""
    return len(entry.detail["certificates"]) if entry.act == "issue" else 0


class _Reader:
    """Takes entries in their order."""

    def __init__(self) -> None:
        self.issued: list[tuple[str, str]] = []
        self.revoked: dict[str, tuple[datetime, str]] = {}
        self.archives: dict[ArchiveKey, str] = {}
        self.written: dict[ArchiveKey, datetime] = {}
        self.drilled: dict[str, datetime] = {}
        self.policy_sha256: str | None = None
        self.incarnation: str | None = None
        self.box_key: str | None = None

    def read(self, entry: Entry) -> None:
        match entry.act:
            case "issue":
                self.issued += _convert(entry, Issued).certificates
            case "revoke":
                revoked = _convert(entry, Revoked)
                self.revoked[revoked.id] = (entry.time, revoked.reason)
            case "export" | "backup" | "restore":
                self._read_archive(entry)
            case "written":
                placed = _convert(entry, _Placed)
                self.written.setdefault((placed.kind, placed.name, placed.sequence), entry.time)
            case "drill":
                self.drilled[_convert(entry, _Drilled).name] = entry.time
            case "init":
                founded = _convert(entry, _Founded)
                self.policy_sha256, self.incarnation = founded.policy, founded.incarnation
                self.box_key = founded.box_key
            case "box-key":
                self.box_key = _convert(entry, _BoxKeyMade).box_key
            case "policy":
                self.policy_sha256 = _convert(entry, _Approved).policy

    def _read_archive(self, entry: Entry) -> None:
        """Take note of an archive: one that was made, or the backup that a restore brought along."""
        sealed = _convert(entry, _Sealed)
        key = (_KINDS[entry.act], sealed.name, sealed.sequence)
        self.archives[key] = sealed.manifest
        if entry.act == "restore":
            self.written[key] = entry.time
            restored = _convert(entry, _Restored)
            self.incarnation, self.box_key = restored.incarnation, restored.box_key


_KINDS: Final = {"export": "egress", "backup": "backup", "restore": "backup"}


def _convert(entry: Entry, kind: type[_T]) -> _T:
    detail: dict[str, Any] = dict(entry.detail)
    return msgspec.convert(detail, kind)
