"""journal.jsonl of an egress: of the journal its head, and what concerns the egress.

A journal tells of every target, so whoever gets an egress is not given all of it (issue and name of everybody
else's signers, backups, drills). The rules of an extract:

1. A line is the canonical JSON of an entry's sequence, time, act and hash, and of its detail what concerns
   the egress; then a line feed. Numbers rise; holes are everybody else's.
2. Of the box: its founding, its restores, its keys and its corrected clocks. Of the egress: the issue of each
   of its certificates, once; the revocation of each that is revoked; its own archives.
3. The last line is the journal's last entry, whatever that is, perhaps without detail. Its hash is the head.

An extract is no chain: what is left out cannot be hashed again. It is one of the files that seal and box key
sign for, and the hash of each line is the one that the box's own journal has, to compare an account by.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Final, TypeVar

import msgspec
from msgspec import Meta, Struct

from core.archive.manifest import Instant, Manifest, Sha256Hex, Uuid
from core.decoding import DecodingError, json_decoder
from core.errors import JournalError
from core.store.entries import Act
from core.store.journal import MAX_LINE_BYTES, Detail, Entry

T = TypeVar("T")


class Issued(Struct):
    """What the detail of an `issue` says: id and SHA-256 of the DER of each certificate."""

    certificates: tuple[tuple[Uuid, Sha256Hex], ...]


class Revoked(Struct):
    """What the detail of a `revoke` says."""

    id: Uuid
    reason: Annotated[str, Meta(pattern=r"\A[A-Za-z]{1,32}\Z")]


class _Line(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An entry, without what does not concern the egress."""

    sequence: Annotated[int, Meta(ge=1)]
    time: Instant
    act: Annotated[str, Meta(pattern=r"\A[a-z][a-z0-9-]{0,23}\Z")]
    detail: Detail
    hash: Sha256Hex


_OF_THE_BOX: Final = {
    "init": ("incarnation", "box_key"),
    "box-key": ("box_key",),
    "restore": ("incarnation", "box_key", "restored_from"),
    "clock": ("last",),
}
_OF_CERTIFICATES: Final = ("certificates", "requests")  # lists of an `issue` that go row by row
_encode = msgspec.json.Encoder(order="sorted").encode
_decode = json_decoder(_Line, MAX_LINE_BYTES)


def may_concern(
    acts: Sequence[Act], name: str, ids: frozenset[str], issues: Collection[int]
) -> Iterator[Act]:
    """Yield, of the list of a journal's entries, those that an extract needs.

    Args:
        acts: The whole list.
        name: Of the egress.
        ids: Of the certificates that it lists.
        issues: Sequences of the entries that issued these.
    """
    for act in acts:
        match act.act:
            case "issue":
                is_ours = act.sequence in issues
            case "revoke":
                is_ours = act.about in ids
            case "export" | "written":
                is_ours = act.about == name
            case _:
                is_ours = act.act in _OF_THE_BOX
        if is_ours or act is acts[-1]:
            yield act


def extract(entries: Iterable[Entry], name: str, ids: frozenset[str]) -> Iterator[bytes]:
    """Yield the lines that concern an egress.

    Args:
        entries: The whole journal from its first entry, or at least those of `may_concern`.
        name: Of the egress.
        ids: Of the certificates that it lists.
    """
    last: Entry | None = None
    is_told = True
    for entry in entries:
        detail = _concerning(entry, name, ids)
        last, is_told = entry, detail is not None
        if detail is not None:
            yield _encode_line(entry, detail)
    if last is not None and not is_told:
        yield _encode_line(last, {})


def _concerning(entry: Entry, name: str, ids: frozenset[str]) -> dict[str, Any] | None:
    """Return what concerns the egress of an entry's detail, or None."""
    detail = entry.detail
    match entry.act:
        case "issue":
            return _of_issue(detail, ids)
        case "revoke" if detail.get("id") in ids:
            return dict(detail)
        case "export" if detail.get("name") == name:
            return dict(detail)
        case "written" if (detail.get("kind"), detail.get("name")) == ("egress", name):
            return dict(detail)
        case act if act in _OF_THE_BOX:
            return {key: detail[key] for key in _OF_THE_BOX[act] if key in detail}
    return None


def _of_issue(detail: Mapping[str, Any], ids: frozenset[str]) -> dict[str, Any] | None:
    """Return the lists of an `issue`, each with the rows of `ids` only."""
    is_ours = [pair[0] in ids for pair in detail.get("certificates", ())]
    if not any(is_ours):
        return None
    return {
        key: [row for row, ours in zip(detail[key], is_ours, strict=True) if ours]
        for key in _OF_CERTIFICATES
        if key in detail
    }


def _encode_line(entry: Entry, detail: dict[str, Any]) -> bytes:
    line = _Line(sequence=entry.sequence, time=entry.time, act=entry.act, detail=detail, hash=entry.hash)
    return _encode(line) + b"\n"


def check_extract(lines: Iterable[bytes], manifest: Manifest) -> None:
    """Check that lines are the extract of an egress.

    Args:
        lines: All of journal.jsonl, without their line feeds.
        manifest: Of the egress.

    Raises:
        JournalError: A line is not to the format or out of order, a certificate's issue or revocation is
            missing or another's is there, or the last line is not the manifest's head (E-JOURNAL).
    """
    issued: dict[str, str] = {}
    revoked: set[str] = set()
    sequence, head = 0, ""
    for line in lines:
        found = _read_line(line, sequence)
        sequence, head = found.sequence, found.hash
        if found.act == "issue" and found.detail:
            pairs = _convert(found, Issued).certificates
            if not issued.keys().isdisjoint(id_ for id_, _ in pairs):
                raise JournalError(f"journal entry {sequence} issues what was issued before")
            issued.update(pairs)
        elif found.act == "revoke" and found.detail:
            revoked.add(_convert(found, Revoked).id)
    if head != manifest.journal_head:
        raise JournalError("the archive's journal does not end in the entry that its manifest names")
    listed = manifest.certificates
    if issued != {entry.id: entry.sha256 for entry in listed}:
        raise JournalError("the archive's journal did not issue just what its manifest lists")
    gone = {entry.id for entry in listed if not revoked.isdisjoint((entry.id, entry.issuer))}
    if gone != {entry.id for entry in listed if entry.status == "revoked"} or not revoked <= issued.keys():
        raise JournalError("the archive's journal did not revoke just what its manifest calls revoked")


def _convert(line: _Line, kind: type[T]) -> T:
    try:
        return msgspec.convert(line.detail, kind)
    except msgspec.ValidationError as error:
        raise JournalError(
            f"journal entry {line.sequence} does not say what {line.act} should: {error}"
        ) from error


def _read_line(line: bytes, before: int) -> _Line:
    try:
        found = _decode(line)
    except DecodingError as error:
        raise JournalError(f"the line after journal entry {before} is not to the format: {error}") from error
    if _encode(found) != line or found.time.microsecond or found.time.utcoffset():
        raise JournalError(f"the line after journal entry {before} is not canonical")
    if found.sequence <= before:
        raise JournalError(f"journal entry {found.sequence} stands after {before}")
    return found
