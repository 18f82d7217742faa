"""manifest.json: what an archive says about itself (docs/archive-format.md, "The manifest").

It owns the manifest's types, its canonical bytes and the strict way back from bytes.

1. One manifest has one encoding: JSON with sorted keys, no white space, UTF-8, RFC 3339 UTC times in whole
   seconds (a subset of RFC 8785). Bytes that decode but would encode differently are refused.
2. Sizes, counts and lengths are bounded before anything is built from them.
3. Every manifest lists the earlier ones of its kind and name by hash, so that a receiver finds the last one
   that it remembers, whatever it missed. Format 1 named only the one before; it is read, not written.
4. It says of each target how long a leaf may live, so that nobody has to work it out from dates: it follows
   from the certificates, as the list of files does.
5. It names the public key of the box that made it, which signs it beside the seals (core.archive.box_key).
6. The list of files follows from the certificates: no path is free, none may be missing. An egress can
   name no key but a signer's.

Seals, hashes of members and the dates of certificates are for the receiver to judge (core.receive.opening).
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from io import BytesIO
from typing import Annotated, Final, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from core.certificate import Certificate, Kind, Status
from core.decoding import DecodingError, json_decoder
from core.errors import ArchiveFormatError
from core.printable import is_printable
from core.times import format_time_compact

FORMAT: Final = "pism-archive-v2"
FORMAT_1: Final = "pism-archive-v1"
MAX_EARLIER: Final = 10_000  # the newest; an entry has about 95 bytes, so the whole list just under 1 MB
MAX_MANIFEST_BYTES: Final = 128 * 1024 * 1024
MAX_CERTIFICATES: Final = 100_000
MAX_FILE_BYTES: Final = 1024 * 1024 * 1024
ArchiveKind = Literal["egress", "backup"]
Sha256Hex = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]
Uuid = Annotated[str, Meta(pattern=r"\A[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z")]
Name = Annotated[str, Meta(pattern=r"\A[a-z][a-z0-9-]{0,23}\Z")]
Instant = Annotated[datetime, Meta(tz=True)]
MemberPath = Annotated[str, Meta(pattern=r"\A[a-z0-9./-]{1,160}\Z")]
Text = Annotated[str, Meta(min_length=1, max_length=256)]
PublicKeyHex = Sha256Hex  # of Ed25519: 32 bytes, RFC 8032 5.1.5
SequenceNumber = Annotated[int, Meta(ge=1, le=2**31 - 1)]


def require_printable(*texts: str) -> None:
    """Refuse what would hide, or change, what stands beside it (core.printable)."""
    if not all(map(is_printable, texts)):
        raise ValueError("a text holds a character that cannot be seen")


def _require_whole_seconds(*instants: datetime) -> None:
    if any(instant.microsecond for instant in instants):
        raise ValueError("times are whole seconds")


class Authority(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose archive it is: the three names of config.yaml that never change."""

    id: Uuid
    name: Text
    domain: Text

    def __post_init__(self) -> None:
        require_printable(self.name, self.domain)


class FileEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One member beside manifest.json and its signatures: path, size in bytes, SHA-256 in hex."""

    path: MemberPath
    size: Annotated[int, Meta(ge=0, le=MAX_FILE_BYTES)]
    sha256: Sha256Hex


class CertificateEntry(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"class_name": "class"}
):
    """One certificate as an archive lists it; `status` is what it was at the manifest's `created`.

    Class, target and lane are null for roots and seals. `key_file` stands only where the key is inside.
    """

    id: Uuid
    kind: Kind
    class_name: Name | None
    target: Name | None
    lane: Annotated[int, Meta(ge=1, le=1_000_000)] | None
    period: Annotated[str, Meta(pattern=r"\A[0-9]{4}[0-9.-]{0,12}\Z")]
    algorithm: Annotated[str, Meta(pattern=r"\A[a-z0-9]{1,16}\Z")]
    issue_from: Instant
    issue_until: Instant
    not_before: Instant
    not_after: Instant
    serial: Annotated[str, Meta(pattern=r"\A[0-9a-f]{40}\Z")]
    issuer: Uuid
    file: MemberPath
    sha256: Sha256Hex
    key_file: MemberPath | UnsetType = UNSET
    status: Status

    def __post_init__(self) -> None:
        _require_whole_seconds(self.issue_from, self.issue_until, self.not_before, self.not_after)


class Earlier(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A manifest of the same kind and name that was sealed before: number, SHA-256 of its bytes in hex."""

    sequence: SequenceNumber
    sha256: Sha256Hex


class TargetEntry(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"class_name": "class"}
):
    """A target whose signers are inside, and the longest validity of a leaf that none of them outlives."""

    class_name: Name
    target: Name
    leaf_lifetime_days: Annotated[int, Meta(ge=0, le=1_000_000)]


EarlierList = Annotated[tuple[Earlier, ...], Meta(max_length=MAX_EARLIER)]


class Manifest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that a seal signs for: the members by hash, the certificates by date and lane.

    `earlier`, oldest first, `targets`, in order of the alphabet, and `box_key` stand in format 2; `previous`
    stood in format 1.
    """

    format: Literal["pism-archive-v1", "pism-archive-v2"] = FORMAT
    authority: Authority
    incarnation: Uuid
    restored_from: Uuid | None
    kind: ArchiveKind
    name: Name
    sequence: SequenceNumber
    created: Instant
    previous: Sha256Hex | UnsetType | None = UNSET
    earlier: EarlierList | UnsetType = UNSET
    targets: Annotated[tuple[TargetEntry, ...], Meta(max_length=MAX_CERTIFICATES)] | UnsetType = UNSET
    box_key: PublicKeyHex | UnsetType = UNSET
    policy_sha256: Sha256Hex
    journal_head: Sha256Hex
    next_visit_by: Instant
    certificates: Annotated[tuple[CertificateEntry, ...], Meta(max_length=MAX_CERTIFICATES)] = ()
    files: Annotated[tuple[FileEntry, ...], Meta(max_length=4 * MAX_CERTIFICATES)] = ()

    def __post_init__(self) -> None:
        _require_whole_seconds(self.created, self.next_visit_by)
        require_past(self.sequence, self.previous, self.earlier, is_format_1=self.format == FORMAT_1)
        if (self.targets is UNSET) is not (self.format == FORMAT_1):
            raise ValueError("format 2 has `targets`")
        if (self.box_key is UNSET) is not (self.format == FORMAT_1):
            raise ValueError("format 2 has `box_key`")

    @property
    def before(self) -> str | None:
        """SHA-256 of the manifest before this one of its kind and name, or None."""
        return last_before(self.previous, self.earlier)


def require_past(
    sequence: int,
    previous: str | UnsetType | None,
    earlier: tuple[Earlier, ...] | UnsetType,
    *,
    is_format_1: bool,
) -> None:
    """Refuse a manifest or receipt that does not name those before it as its format does.

    Raises:
        ValueError: Another format's key, or numbers that do not rise up to its own.
    """
    if (earlier is UNSET) is not is_format_1 or (previous is not UNSET) is not is_format_1:
        raise ValueError("format 1 has `previous`, format 2 has `earlier`")
    numbers = [] if isinstance(earlier, UnsetType) else [item.sequence for item in earlier]
    if numbers != sorted({*numbers}) or numbers[-1:] >= [sequence]:
        raise ValueError("earlier numbers rise, and are below its own")


def last_before(previous: str | UnsetType | None, earlier: tuple[Earlier, ...] | UnsetType) -> str | None:
    """Return the SHA-256 of the manifest before, from whichever key the format has."""
    if isinstance(earlier, UnsetType):
        return None if isinstance(previous, UnsetType) else previous
    return earlier[-1].sha256 if earlier else None


class _Version(Struct):
    """The one key that every version has."""

    format: Annotated[str, Meta(max_length=64)]


_ENCODER = msgspec.json.Encoder(order="sorted")
_decode = json_decoder(Manifest, MAX_MANIFEST_BYTES)
_decode_version = json_decoder(_Version, MAX_MANIFEST_BYTES)
_ONE_SECOND = timedelta(seconds=1)
_NO_CERTIFICATES = b'"certificates":[]'
_NO_FILES = b'"files":[]'


def file_of(certificate: Certificate | CertificateEntry) -> str:
    """Return the path of the member that holds `certificate`, from its other fields."""
    if certificate.kind == "root":
        return f"roots/{certificate.id}.pem"
    if certificate.kind == "seal":
        return f"seals/{certificate.issuer}/seal.pem"
    return f"signers/{certificate.class_name}/{certificate.target}/{certificate.id}.pem"


def archive_stem(manifest: Manifest) -> str:
    """Return the name of an archive's file without its ending, and of the folder it is opened into."""
    return f"{manifest.name}-{manifest.sequence:06}-{format_time_compact(manifest.created)}"


def make_entry(certificate: Certificate, status: Status, *, with_key: bool) -> CertificateEntry:
    """Return how an archive lists `certificate`.

    Args:
        certificate: The record of the store.
        status: What it is at the time of the archive; revoked too when its root is.
        with_key: Whether its private key is inside, at keys/<id>.pem.
    """
    return CertificateEntry(
        id=certificate.id,
        kind=certificate.kind,
        class_name=certificate.class_name,
        target=certificate.target,
        lane=certificate.lane,
        period=certificate.period,
        algorithm=certificate.algorithm,
        issue_from=certificate.issue_from,
        issue_until=certificate.issue_until,
        not_before=certificate.not_before,
        not_after=certificate.not_after,
        serial=f"{certificate.serial:040x}",
        issuer=certificate.issuer,
        file=file_of(certificate),
        sha256=certificate.sha256,
        key_file=f"keys/{certificate.id}.pem" if with_key else UNSET,
        status=status,
    )


def list_targets(certificates: Iterable[CertificateEntry]) -> tuple[TargetEntry, ...]:
    """Return what the manifest says of its targets, in order of class and target.

    A leaf may live as long as the shortest tail of the target's signers that sign or will: what is signed in
    the last second of an issuing period ends with its signer. Where none does, those that ended count.
    """
    tails: dict[tuple[str, str], dict[bool, int]] = {}
    for entry in certificates:
        if entry.class_name is None or entry.target is None:
            continue
        days = max(0, (entry.not_after + _ONE_SECOND - entry.issue_until).days)  # not_after is inclusive
        found = tails.setdefault((entry.class_name, entry.target), {})
        signs = entry.status in {"future", "active"}
        found[signs] = min(days, found.get(signs, days))
    return tuple(
        TargetEntry(
            class_name=place[0], target=place[1], leaf_lifetime_days=found.get(True, min(found.values()))
        )
        for place, found in sorted(tails.items())
    )


def encode_manifest(
    head: Manifest, certificates: Iterable[CertificateEntry] = (), files: Iterable[FileEntry] = ()
) -> bytes:
    """Return the canonical bytes of a manifest, built entry by entry so that only the bytes grow.

    Args:
        head: The manifest. Its own certificates and files are written when it has any; a head without
            them takes the two streams.
        certificates: Read once, whole, before the first of `files`.
        files: Read once; their sizes and hashes may be worked out while they are asked for.
    """
    bare = _ENCODER.encode(msgspec.structs.replace(head, certificates=(), files=()))
    # A quotation mark inside a JSON string is escaped, so each marker is found exactly once.
    before, rest = bare.split(_NO_CERTIFICATES)
    between, after = rest.split(_NO_FILES)
    data = BytesIO()  # unlike a bytearray, it gives its bytes away without a copy
    data.write(before + _NO_CERTIFICATES[:-1])
    data.writelines(join_entries(head.certificates or certificates))
    data.write(b"]" + between + _NO_FILES[:-1])
    data.writelines(join_entries(head.files or files))
    data.write(b"]" + after)
    return data.getvalue()


def join_entries(entries: Iterable[Struct]) -> Iterator[bytes]:
    """Yield the canonical bytes of a JSON array's entries, without its brackets."""
    comma = b""
    for entry in entries:
        yield comma + _ENCODER.encode(entry)
        comma = b","


def decode_manifest(data: bytes) -> Manifest:
    """Return the manifest in `data`, or refuse it.

    Args:
        data: The exact bytes of manifest.json; at most MAX_MANIFEST_BYTES.

    Raises:
        ArchiveFormatError: Another version, not canonical, out of bounds, or files that do not follow from
            the certificates (E-ARCHIVE-FORMAT).
    """
    try:
        version = _decode_version(data).format
    except DecodingError as error:
        raise ArchiveFormatError(f"The manifest is not JSON that names its format: {error}.") from error
    if version not in {FORMAT, FORMAT_1}:
        raise ArchiveFormatError(f"The manifest is of format {version!r}, not {FORMAT!r} or {FORMAT_1!r}.")
    try:
        manifest = _decode(data)
    except DecodingError as error:
        raise ArchiveFormatError(f"The manifest is not to the format: {error}.") from error
    if encode_manifest(manifest) != data:
        raise ArchiveFormatError("The manifest is not in its canonical form.")
    _check_certificates(manifest)
    if not isinstance(manifest.targets, UnsetType) and manifest.targets != list_targets(
        manifest.certificates
    ):
        raise ArchiveFormatError("The manifest's targets are not those of its signers.")
    _check_files(manifest)
    return manifest


def _check_certificates(manifest: Manifest) -> None:
    order = {"root": 0, "seal": 1, "signer": 2}
    kinds = [order[entry.kind] for entry in manifest.certificates]
    if kinds != sorted(kinds):
        raise ArchiveFormatError("The manifest does not list roots, then seals, then signers.")
    roots = {entry.id for entry in manifest.certificates if entry.kind == "root"}
    seen: set[str] = set()
    for entry in manifest.certificates:
        named = (entry.class_name, entry.target, entry.lane)
        if (None in named) if entry.kind == "signer" else (named != (None, None, None)):
            raise ArchiveFormatError(f"Class, target or lane of {entry.kind} {entry.id} is wrong.")
        if entry.issuer not in roots or (entry.kind == "root" and entry.issuer != entry.id):
            raise ArchiveFormatError(f"The issuer of {entry.kind} {entry.id} is not a root of the manifest.")
        if entry.key_file is not UNSET and entry.key_file != f"keys/{entry.id}.pem":
            raise ArchiveFormatError(f"The key file of {entry.kind} {entry.id} has another name.")
        if entry.key_file is not UNSET and manifest.kind == "egress" and entry.kind != "signer":
            raise ArchiveFormatError(f"An egress archive names the key of {entry.kind} {entry.id}.")
        if entry.id in seen or entry.file in seen:
            raise ArchiveFormatError(f"The manifest lists {entry.kind} {entry.id} or its file twice.")
        if entry.file != file_of(entry):
            raise ArchiveFormatError(f"The file of {entry.kind} {entry.id} has another name.")
        seen |= {entry.id, entry.file}


def _check_files(manifest: Manifest) -> None:
    listed = tuple(entry.path for entry in manifest.files)
    crls = frozenset(path for path in listed if path.startswith("crls/"))
    if listed != tuple(list_paths(manifest, crls)):
        raise ArchiveFormatError("The manifest's files are not those of its certificates, in order.")


def list_paths(manifest: Manifest, crls: frozenset[str]) -> Iterator[str]:
    """Yield the paths of `files` in the order in which they must stand.

    Args:
        manifest: Only its kind and certificates are read.
        crls: Paths of the CRLs that are there; a root may have none yet.
    """
    roots = [entry for entry in manifest.certificates if entry.kind == "root"]
    yield from (entry.file for entry in manifest.certificates if entry.kind == "seal")
    yield from (entry.file for entry in roots)
    yield from (entry.file for entry in manifest.certificates if entry.kind == "signer")
    yield from (entry.key_file for entry in manifest.certificates if entry.key_file is not UNSET)
    yield "passphrases.age"
    yield from (path for path in (f"crls/{root.id}.crl" for root in roots) if path in crls)
    yield "journal.jsonl"
    if manifest.kind == "backup":
        yield "state.json"
