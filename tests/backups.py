"""A box with a past, driven through its facade, and backups that were spoilt and sealed again."""

import hashlib
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import msgspec
import pyrage
from cryptography import x509

from core.archive.box_key import load_box_key
from core.archive.container import BOX_SIGNATURE_PATH, MANIFEST_PATH, make_member, read_archive, write_archive
from core.archive.manifest import FileEntry, Manifest, decode_manifest, encode_manifest
from core.authority.authority import Authority
from core.crypto.keys import KEY_ALGORITHMS, PublicKey, sign_bytes
from core.crypto.process import Boot
from core.crypto.recipients import parse_recipient
from core.policy.policy import Policy
from core.policy.settings import Backup, Egress, SignerSettings, Target
from core.progress import report_nothing
from core.receive.private_keys import prove_key, read_passphrases
from core.recovery.drill import drill
from core.store.keyslots import KdfCost
from core.store.store import open_store
from tests.builders import make_policy, utc

FOUNDED = utc("2027-01-15T10:00")
LAST_VISIT = utc("2027-10-01T09:00")
PASSPHRASE = b"legal winner thank year wave sausage worth useful"
NEW_PASSPHRASE = b"abandon bicycle canvas dolphin elegant flavor gadget hospital"
COST = KdfCost()
BOOT = Boot(id="0", uptime_s=1.0)
EVERY_ALGORITHM = SignerSettings(
    lead_time=0.5,
    classes={
        "some": {name: Target(quantum=1.0, algorithm=name) for name in KEY_ALGORITHMS if name != "rsa4096"}
    },
)


@dataclass(frozen=True, kw_only=True)
class PastBox:
    """A box: its state folder, the receiver's identity, the folder that its archives go to."""

    state: Path
    identity: Any
    out: Path
    passphrase: bytes = PASSPHRASE

    def unlock(self, now: datetime) -> Authority:
        return Authority.unlock(self.state, self.passphrase, now, BOOT)

    def visit(self, now: datetime, *archives: str) -> tuple[Path, ...]:
        """Unlock, top up, write archives such as "egress main-kudo", lock."""
        authority = self.unlock(now)
        try:
            authority.top_up(now, report_nothing)
            return tuple(write(authority, *archive.split(), self.out, now) for archive in archives)
        finally:
            authority.close()


def write(authority: Authority, kind: str, name: str, out: Path, now: datetime) -> Path:
    data = io.BytesIO()
    written = authority.write_archive(kind, name, data, now, report_nothing, public=False)
    authority.confirm_written(kind, name, written.sequence, "test", now)
    path = out / f"{authority.status(now).incarnation[:8]}-{written.archive_name}"
    path.write_bytes(data.getvalue())
    return path


def found_box(folder: Path, identity: Any = None, **sections: Any) -> PastBox:
    """Found an authority that encrypts all it exports to one identity, an X25519 one where none is given."""
    identity = identity or pyrage.x25519.Identity.generate()
    Authority.found(folder / "state", policy_for(identity, **sections), PASSPHRASE, COST, FOUNDED).close()
    out = folder / "out"
    out.mkdir()
    return PastBox(state=folder / "state", identity=identity, out=out)


def policy_for(identity: Any, **sections: Any) -> Policy:
    keys = (str(identity.to_public()),)
    return make_policy(
        **{
            "egresses": {"main-kudo": Egress(recipients=keys)},
            "backups": {"main-backup": Backup(recipients=keys), "other": Backup(recipients=keys)},
        }
        | sections
    )


def make_past(folder: Path) -> tuple[PastBox, Path]:
    """Return a box after nine months, and its last backup, which does not list all that was ever issued."""
    day = timedelta(days=1)
    box = found_box(folder)
    box.visit(FOUNDED, "egress main-kudo", "backup main-backup", "backup other")
    authority = box.unlock(FOUNDED + day)
    issued = authority.certificates()
    seal = next(item for item in issued if item.kind == "seal")
    authority.revoke(seal.id, "superseded", FOUNDED + day)
    authority.revoke(issued[-1].id, "keyCompromise", FOUNDED + day)
    authority.close()
    box.visit(FOUNDED + 2 * day, "egress main-kudo")
    authority = box.unlock(FOUNDED + 3 * day)
    targets = {"services": {"mongo": Target(quantum=0.25), "etcd": Target(quantum=0.5, load=2)}}
    grown = policy_for(box.identity, signers=SignerSettings(lead_time=0.5, classes=targets))
    authority.approve_policy(grown, FOUNDED + 3 * day)
    authority.close()
    (backup,) = box.visit(utc("2027-04-02"), "backup main-backup")
    words = drill(backup, [box.identity], roots_of(box), None, utc("2027-04-03"), report=report_nothing).words
    authority = box.unlock(utc("2027-04-03"))
    authority.record_drill("main-backup", " ".join(words), utc("2027-04-03"))
    authority.close()
    box.visit(utc("2027-07-02"), "egress main-kudo")
    (backup,) = box.visit(LAST_VISIT, "backup main-backup")
    return box, backup


def roots_of(box: PastBox) -> tuple[x509.Certificate, ...]:
    """Return the roots that a box has, as a server would be told to trust them."""
    with open_store(box.state, box.passphrase) as store:
        ids = [item.id for item in store.certificates(kind="root")]
        return tuple(x509.load_der_x509_certificate(der) for _, der in store.ders(ids))


def spoil(
    data: bytes,
    box: PastBox,
    changes: Mapping[str, bytes],
    edit: Callable[[Manifest], Manifest] = lambda manifest: manifest,
) -> bytes:
    """Return an archive with other members, sealed and signed again by its box: what only a bug could make.

    Args:
        data: A backup.
        box: That made it.
        changes: Path -> bytes of members that are to be others.
        edit: Changes the manifest, after its files were put right.
    """
    identity = box.identity
    with read_archive(io.BytesIO(data), [identity]) as archive:
        manifest = decode_manifest(archive.read(MANIFEST_PATH))
        members = {path: changes.get(path, archive.read(path)) for path in archive.paths}
        passphrases = read_passphrases(archive, [identity])
        files = tuple(
            FileEntry(
                path=item.path,
                size=len(members[item.path]),
                sha256=hashlib.sha256(members[item.path]).hexdigest(),
            )
            for item in manifest.files
        )
        edited = encode_manifest(edit(msgspec.structs.replace(manifest, files=files)))
        members[MANIFEST_PATH] = edited
        with open_store(box.state, box.passphrase) as store:
            members[BOX_SIGNATURE_PATH] = load_box_key(store).sign(edited)
        for entry in manifest.certificates:
            if entry.kind == "seal":
                seal = x509.load_pem_x509_certificate(members[entry.file])
                key = prove_key(
                    archive, entry.id, passphrases[entry.id], cast("PublicKey", seal.public_key())
                )
                members[f"seals/{entry.issuer}/manifest.sig"] = sign_bytes(key, edited)
    out = io.BytesIO()
    recipient = parse_recipient(str(identity.to_public()), "test")
    write_archive(out, [make_member(*item) for item in members.items()], [recipient], manifest.created)
    return out.getvalue()


def read_member(data: bytes, identity: Any, path: str) -> bytes:
    """Return one member of an archive."""
    with read_archive(io.BytesIO(data), [identity]) as archive:
        return archive.read(path)
