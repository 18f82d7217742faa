"""A stand-in for the box that makes archives, sound or spoilt, without the product's issuing code.

Certificates come from the library's own builders, tars from tarfile, so that hostile ones can be made.
"""

import base64
import hashlib
import io
import json
import tarfile
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pyrage
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat
from cryptography.x509.oid import NameOID

from core.archive.box_key import box_words
from core.archive.manifest import (
    FORMAT_1,
    Authority,
    Earlier,
    FileEntry,
    Manifest,
    encode_manifest,
    file_of,
    list_paths,
    list_targets,
    make_entry,
)
from core.archive.seal import SEAL_EKU
from core.certificate import Certificate
from core.crypto.keys import ALGORITHMS, make_key, sign_bytes
from core.store import journal

NOW = datetime(2027, 2, 1, 12, tzinfo=UTC)
ONE_SECOND = timedelta(seconds=1)
Parts = dict[str, bytes]


def day(year: int, month: int = 1, of_month: int = 1) -> Any:
    return datetime(year, month, of_month, tzinfo=UTC)


@dataclass(kw_only=True)
class Made:
    """One certificate of the stand-in, with its key."""

    record: Certificate
    x509: x509.Certificate
    key: object
    pem: bytes = b""

    def __post_init__(self) -> None:
        self.pem = self.x509.public_bytes(Encoding.PEM)


@dataclass
class Box:
    """A box with roots, seals and signers; `make` gives one archive of what it has."""

    algorithm: str = "ed25519"
    name: str = "Example Virtual Worlds"
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    incarnation: str = field(default_factory=lambda: str(uuid.uuid4()))
    restored_from: str | None = None
    identity: object = field(default_factory=pyrage.x25519.Identity.generate)
    made: list[Made] = field(default_factory=list)
    revoked: set[str] = field(default_factory=set)
    crl_number: int = 1
    past: dict[tuple[str, str], dict[int, str]] = field(default_factory=dict)
    box_keys: dict[str, Ed25519PrivateKey] = field(default_factory=dict)  # of each incarnation

    @property
    def box_key(self) -> Ed25519PrivateKey:
        """The box key of the present incarnation."""
        return self.box_keys.setdefault(self.incarnation, Ed25519PrivateKey.generate())

    @property
    def words(self) -> tuple[str, ...]:
        """What its panel shows."""
        return box_words(self.box_key.public_key().public_bytes_raw().hex())

    def of(self, kind: str) -> Any:
        return [item for item in self.made if item.record.kind == kind]

    def add(
        self,
        kind: str,
        issuer: "Made | None" = None,
        *,
        start: datetime | None = None,
        until: datetime | None = None,
        tail: int = 0,
        spoil: Any = None,
        issue_from: datetime | None = None,
    ) -> Any:
        """Add a root, seal or signer; `spoil` changes the builder before it is signed."""
        id_ = str(uuid.uuid4())
        root = issuer or self.of("root")[0] if kind != "root" else None
        start = start or (root.record.not_before if root and kind == "seal" else day(2027))
        until = until or (root.record.not_after + ONE_SECOND if root and kind == "seal" else day(2027, 4))
        key = make_key(self.algorithm)
        last = until + timedelta(days=tail) - ONE_SECOND
        attributes = [(NameOID.ORGANIZATION_NAME, self.name), (NameOID.SERIAL_NUMBER, id_)]
        subject = x509.Name([x509.NameAttribute(oid, value) for oid, value in attributes])
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(root.x509.subject if root else subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(last)
        )
        key_id = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        extensions = [*kind_extensions(kind), (key_id, False)]
        if spoil is not None:
            builder, extensions = spoil(builder, extensions)
        for value, critical in extensions:
            builder = builder.add_extension(value, critical=critical)
        signer = root.key if root else key
        certificate = builder.sign(signer, ALGORITHMS[self.algorithm].digest)
        der = certificate.public_bytes(Encoding.DER)
        record = Certificate(
            id=id_,
            kind=kind,
            class_name="services" if kind == "signer" else None,
            target="mongo" if kind == "signer" else None,
            lane=1 if kind == "signer" else None,
            period="2027.1",
            algorithm=self.algorithm,
            issue_from=issue_from or start,
            issue_until=until,
            not_before=certificate.not_valid_before_utc,
            not_after=certificate.not_valid_after_utc,
            serial=certificate.serial_number,
            issuer=root.record.id if root else id_,
            sha256=hashlib.sha256(der).hexdigest(),
        )
        self.made.append(Made(record=record, x509=certificate, key=key))
        return self.made[-1]

    def swap(self, kind: str, **options: Any) -> "Made":
        """Put another certificate in place of the first one of its kind."""
        self.made.remove(self.of(kind)[0])
        return self.add(kind, **options)

    def crl(self, root: Any, spoil: Any = None) -> Any:
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(root.x509.subject)
            .last_update(NOW)
            .next_update(NOW + timedelta(days=90))
            .add_extension(x509.CRLNumber(self.crl_number), critical=False)
        )
        for item in self.made:
            if item.record.id in self.revoked and item.record.issuer == root.record.id:
                entry = x509.RevokedCertificateBuilder().serial_number(item.record.serial)
                builder = builder.add_revoked_certificate(entry.revocation_date(NOW).build())
        if spoil is not None:
            builder = spoil(builder)
        return builder.sign(root.key, ALGORITHMS[self.algorithm].digest).public_bytes(Encoding.DER)

    def status(self, item: Any, created: datetime) -> Any:
        gone = {item.record.id, item.record.issuer} & self.revoked
        return "revoked" if gone else item.record.status(created)

    def list_earlier(self, kind: str, name: str, sequence: int, previous: str | None) -> Any:
        made = self.past.get((kind, name), {}) | ({sequence - 1: previous} if previous else {})
        before = sorted(pair for pair in made.items() if pair[0] < sequence)
        return tuple(Earlier(sequence=number, sha256=sha256) for number, sha256 in before)

    def sign_as_box(self, of_format: str, data: bytes, signed: Any) -> list[tuple[str, bytes]]:
        own = [("box.sig", self.box_key.sign(signed(data) if signed else data))]
        return [] if of_format == FORMAT_1 else own

    def make(
        self,
        *,
        created: datetime = NOW,
        kind: str = "egress",
        name: str = "main-kudo",
        sequence: int = 1,
        previous: str | None = None,
        earlier: tuple[Earlier, ...] | None = None,
        keys_of: tuple[str, ...] = ("signer",),
        parts: Callable[[Parts], None] | None = None,
        head: dict | None = None,
        entries: Callable[[list], list] | None = None,
        manifest: Callable[[bytes], bytes] | None = None,
        sealed: Callable[[bytes], bytes] | None = None,
        box_signed: Callable[[bytes], bytes] | None = None,
        members: Callable[[list[tuple[str, bytes]]], list] | None = None,
        crls: bool = True,
        recipients: tuple = (),
    ) -> Any:
        """Return an archive; each hook may spoil one stage of it.

        It lists what was made before, or `earlier`; `previous` is put in for the number before.
        """
        order = {"root": 0, "seal": 1, "signer": 2}
        made = sorted(self.made, key=lambda item: order[item.record.kind])
        with_keys = [
            item for item in made if item.record.kind in keys_of and self.status(item, created) != "revoked"
        ]
        listed = [
            make_entry(item.record, self.status(item, created), with_key=item in with_keys) for item in made
        ]
        if entries is not None:
            listed = entries(listed)
        roots = {item.record.id: item for item in self.of("root")}
        files: Parts = {}
        for item in made:
            chain = roots[item.record.issuer].pem if item.record.kind == "signer" else b""
            files[file_of(item.record)] = item.pem + chain
        passphrases = {}
        for item in with_keys:
            passphrases[item.record.id] = base64.b64encode(uuid.uuid4().bytes * 4).decode()
            secret = BestAvailableEncryption(passphrases[item.record.id].encode())
            files[f"keys/{item.record.id}.pem"] = item.key.private_bytes(
                Encoding.PEM, PrivateFormat.PKCS8, secret
            )
        to = list(recipients) or [self.identity.to_public()]
        self.passphrases = passphrases
        files["passphrases.age"] = pyrage.encrypt(json.dumps(passphrases, separators=(",", ":")).encode(), to)
        for root in roots.values():
            if crls:
                files[f"crls/{root.record.id}.crl"] = self.crl(root)
        is_whole = kind == "backup" or (head or {}).get("format") == FORMAT_1
        files["journal.jsonl"], journal_head = make_journal() if is_whole else extract(listed)
        if kind == "backup":
            files["state.json"] = b"{}"
        if parts is not None:
            parts(files)
        fields = {
            "authority": Authority(id=self.id, name=self.name, domain="worlds.example"),
            "incarnation": self.incarnation,
            "restored_from": self.restored_from,
            "kind": kind,
            "name": name,
            "sequence": sequence,
            "created": created,
            "earlier": self.list_earlier(kind, name, sequence, previous) if earlier is None else earlier,
            "targets": list_targets(listed),
            "box_key": self.box_key.public_key().public_bytes_raw().hex(),
            "policy_sha256": "0" * 64,
            "journal_head": journal_head,
            "next_visit_by": created + timedelta(days=90),
        } | (head or {})
        top = Manifest(**fields, certificates=tuple(listed))
        paths = list_paths(top, frozenset(path for path in files if path.startswith("crls/")))
        listing = [
            FileEntry(path=path, size=len(files[path]), sha256=hashlib.sha256(files[path]).hexdigest())
            for path in paths
        ]
        data = bytes(encode_manifest(top, top.certificates, listing))
        data = manifest(data) if manifest else data
        self.manifest_sha256 = hashlib.sha256(data).hexdigest()
        self.past.setdefault((kind, name), {})[sequence] = self.manifest_sha256
        seals = {item.record.issuer: item for item in self.of("seal")}
        content = [("manifest.json", data), *self.sign_as_box(top.format, data, box_signed)]
        for entry in listing:
            content.append((entry.path, files[entry.path]))
            if entry.path.endswith("/seal.pem"):
                root_id = entry.path.split("/")[1]
                signed = sealed(data) if sealed else data
                content.append((f"seals/{root_id}/manifest.sig", sign_bytes(seals[root_id].key, signed)))
        content = members(content) if members else content
        return pyrage.encrypt(make_tar(content), to)


def vars_of(builder: x509.CertificateBuilder) -> dict[str, Any]:
    """The fields of a builder, which refuses to have one set twice."""
    names = (
        "issuer_name",
        "subject_name",
        "public_key",
        "serial_number",
        "not_valid_before",
        "not_valid_after",
    )
    return {name: getattr(builder, f"_{name}") for name in names}


def kind_extensions(kind: str) -> Any:
    ca = kind != "seal"
    usage = x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )
    length = 0 if kind == "signer" else None
    extensions = [(x509.BasicConstraints(ca=ca, path_length=length), True), (usage, True)]
    if not ca:
        extensions.append((x509.ExtendedKeyUsage([SEAL_EKU]), True))
    return extensions


def make_box(**fields: Any) -> Any:
    """Return a box with one live root, its seal and one signer."""
    box = Box(**fields)
    box.add("root", start=day(2027), until=day(2028), tail=400)
    box.add("seal")
    box.add("signer", tail=30)
    return box


def extract(listed: Any) -> Any:
    """Return what an egress has of the journal, and its head: all is issued at once, revoked one by one."""
    acts: list[Any] = [("init", {}), ("issue", {"certificates": [[each.id, each.sha256] for each in listed]})]
    gone = [each.id for each in listed if each.status == "revoked"]
    acts += [("revoke", {"id": id_, "kind": "signer", "reason": "superseded"}) for id_ in gone]
    time = f"{NOW:%Y-%m-%dT%H:%M:%SZ}"
    lines = [
        {"act": act, "detail": detail, "hash": f"{number:064x}", "sequence": 3 * number, "time": time}
        for number, (act, detail) in enumerate(acts, 1)
    ]
    return b"".join(json.dumps(line, separators=(",", ":")).encode() + b"\n" for line in lines), lines[-1][
        "hash"
    ]


def make_journal(acts: tuple[str, ...] = ("init", "issue")) -> Any:
    lines, previous = b"", journal.GENESIS
    for sequence, act in enumerate(acts, 1):
        fields = {"sequence": sequence, "time": NOW, "act": act, "detail": {}, "state": "1" * 64}
        entry = journal.Entry(**fields, previous=previous, hash="")
        previous = hashlib.sha256(journal.encode_body(entry)).hexdigest()
        lines += journal.encode_line(journal.Entry(**fields, previous=entry.previous, hash=previous))
    return lines, previous


def plain_header(path: str) -> tarfile.TarInfo:
    """Return the header of a member as an archive has it, but for its size."""
    header = tarfile.TarInfo(path)
    header.mode = 0o600
    return header


def make_tar(content: Any, tar_format: int = tarfile.USTAR_FORMAT) -> Any:
    """Return a tar of (path, bytes) pairs, or of TarInfo and bytes."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tar_format) as tar:
        for path, data in content:
            header = path if isinstance(path, tarfile.TarInfo) else plain_header(path)
            header.size = len(data)
            tar.addfile(header, io.BytesIO(data))
    return out.getvalue()
