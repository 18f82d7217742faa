"""Egress and backup archives, opened with the programs `age` and `tar`."""

import base64
import hashlib
import io
import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificate, load_pem_x509_certificates
from msgspec import UnsetType

from core.archive.backup_state import decode_state
from core.archive.box_key import load_box_key
from core.archive.manifest import Earlier, Manifest, decode_manifest
from core.crypto.keys import encode_key
from core.crypto.pkcs8 import encode_public_key
from core.crypto.recipients import parse_recipient
from core.errors import ArchiveError, CheckError, FileError, PolicyError, StoppedError
from core.export.archives import Written, _Hashed, count_files, write_egress
from core.export.sidecars import make_sidecars
from core.policy.policy import Policy
from core.policy.settings import Backup, Egress, SignerSettings, Target
from core.progress import Progress, report_nothing
from core.store import journal
from core.store.store import Store
from tests.authority_store import INCARNATION, export, make_store
from tests.builders import make_policy, utc
from tests.searching import key_forms

NOW = utc("2027-01-15T10:00")


@dataclass(frozen=True, kw_only=True)
class World:
    """A store, its policy, and the identity that opens what it exports."""

    store: Store
    policy: Policy
    folder: Path
    identity: Path

    def open(self, data: bytes) -> dict[str, bytes]:
        """Return the members of an archive in order, decrypted by `age`, unpacked by `tar`."""
        tar = self.decrypt(data)
        names = (
            subprocess.run(["tar", "-t"], input=tar, capture_output=True, check=True).stdout.decode().split()
        )
        folder = self.folder / hashlib.sha256(data).hexdigest()
        folder.mkdir()
        subprocess.run(["tar", "-x", "-C", folder], input=tar, check=True)
        return {name: (folder / name).read_bytes() for name in names}

    def decrypt(self, data: bytes) -> bytes:
        done = subprocess.run(
            ["age", "--decrypt", "-i", self.identity], input=data, capture_output=True, check=True
        )
        return done.stdout

    def export(self, kind: str = "egress", name: str = "main") -> tuple[Written, dict[str, bytes]]:
        written, data = export(self.store, self.policy, kind, name, NOW)
        return written, self.open(data)

    def passphrases(self, members: dict[str, bytes]) -> dict[str, str]:
        opened: dict[str, str] = json.loads(self.decrypt(members["passphrases.age"]))
        return opened


@contextmanager
def make_world(folder: Path, **sections: object) -> Iterator[World]:
    identity = folder / "identity.txt"
    subprocess.run(["age-keygen", "-o", identity], check=True, capture_output=True)
    done = subprocess.run(["age-keygen", "-y", identity], check=True, capture_output=True, text=True)
    line = done.stdout.strip()
    targets = {"mongo": Target(quantum=0.25, load=2), "redis": Target(quantum=1)}
    given = {
        "signers": SignerSettings(lead_time=0.5, classes={"services": targets}),
        "egresses": {
            "main": Egress(recipients=(line,)),
            "redis": Egress(recipients=(line,), targets=("services/r*",)),
        },
        "backups": {"main": Backup(recipients=(line,))},
    }
    policy = make_policy(**(given | sections))
    with make_store(folder / "state", policy, NOW) as store:
        yield World(store=store, policy=policy, folder=folder, identity=identity)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with make_world(tmp_path_factory.mktemp("world")) as made:
        yield made


def manifest_of(members: dict[str, bytes]) -> Manifest:
    return decode_manifest(members["manifest.json"])


def test_an_egress_tells_of_no_signer_that_is_not_its_own(world: World) -> None:
    world.export("backup")
    head = world.store.last_entry()
    _, members = world.export("egress", "redis")
    told = members["journal.jsonl"]
    listed = {entry.id for entry in manifest_of(members).certificates}
    others = {item.id for item in world.store.certificates()} - listed
    assert others
    assert not [id_ for id_ in others if id_.encode() in told]
    assert all(id_.encode() in told for id_ in listed)
    assert head is not None
    assert json.loads(told.splitlines()[-1])["hash"] == manifest_of(members).journal_head == head.hash


@pytest.mark.parametrize("name", ["main", "redis"])
def test_an_egress_holds_no_root_or_seal_key_in_any_form(world: World, name: str) -> None:
    written, data = export(world.store, world.policy, "egress", name, NOW)
    members = world.open(data)
    passphrases = world.passphrases(members)
    opened = [
        encode_key(load_pem_private_key(members[f"keys/{each}.pem"], passphrase.encode()))  # type: ignore[arg-type]
        for each, passphrase in passphrases.items()
    ]
    haystack = [
        data,
        world.decrypt(data),
        *members.values(),
        *opened,
        world.decrypt(members["passphrases.age"]),
    ]
    others = [item.id for item in world.store.certificates() if item.kind != "signer"]
    assert len(others) >= 4
    for each, pkcs8 in world.store.keys(others):
        assert each not in passphrases
        assert f"keys/{each}.pem" not in members
        for form in key_forms(pkcs8):
            assert not any(form in hay.replace(b"\n", b"") or form in hay for hay in haystack)
    # The search finds what is there: the signers' own keys, where they are decrypted.
    signers = dict(world.store.keys(sorted(written.contents.key_ids)))
    assert all(any(next(key_forms(pkcs8)) in hay for hay in opened) for pkcs8 in signers.values())


@pytest.mark.parametrize("kind", ["egress", "backup"])
def test_no_archive_holds_the_box_key_in_any_form(world: World, kind: str) -> None:
    written, data = export(world.store, world.policy, kind, "main", NOW)
    members = world.open(data)
    opened = [
        encode_key(load_pem_private_key(members[f"keys/{each}.pem"], passphrase.encode()))  # type: ignore[arg-type]
        for each, passphrase in world.passphrases(members).items()
    ]
    sidecars = make_sidecars(world.store, world.policy, written)
    haystack = [
        data,
        world.decrypt(data),
        *members.values(),
        *opened,
        world.decrypt(members["passphrases.age"]),
        *(each.data for each in sidecars),
    ]
    key = load_box_key(world.store)
    seed = world.store.box_seed()
    assert seed is not None
    for form in (*key_forms(encode_key(key.private_key)), seed, seed.hex().encode()):
        assert not any(form in hay.replace(b"\n", b"") or form in hay for hay in haystack)
    # The search finds what is there: the public half, and in a backup the roots' keys.
    assert any(key.public.encode() in hay for hay in haystack)
    ((_, root_key),) = world.store.keys([world.store.certificates("root")[0].id])
    assert any(next(key_forms(root_key)) in hay for hay in opened) is (kind == "backup")


def test_the_box_key_signs_the_manifest(world: World) -> None:
    _, members = world.export()
    public = manifest_of(members).box_key
    assert isinstance(public, str)
    assert public == load_box_key(world.store).public
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))
    key.verify(members["box.sig"], members["manifest.json"])


@pytest.mark.parametrize("kind", ["egress", "backup"])
def test_every_key_opens_under_its_own_passphrase_and_fits(world: World, kind: str) -> None:
    _, members = world.export(kind)
    manifest = manifest_of(members)
    passphrases = world.passphrases(members)
    entries = [entry for entry in manifest.certificates if f"keys/{entry.id}.pem" in members]
    assert [entry.id for entry in entries] == list(passphrases)
    assert len(set(passphrases.values())) == len(passphrases)
    for entry in entries:
        key = load_pem_private_key(members[str(entry.key_file)], passphrases[entry.id].encode())
        assert len(base64.b64decode(passphrases[entry.id], validate=True)) == 64
        certificate = load_pem_x509_certificate(members[entry.file])
        assert encode_public_key(key.public_key()) == encode_public_key(certificate.public_key())


@pytest.mark.parametrize("kind", ["egress", "backup"])
def test_members_stand_in_the_order_of_the_format_and_are_those_of_the_manifest(
    world: World, kind: str
) -> None:
    written, members = world.export(kind)
    manifest = manifest_of(members)
    unsigned = [path for path in members if path != "manifest.json" and not path.endswith(".sig")]
    assert unsigned == [file.path for file in manifest.files]
    assert list(members)[:2] == ["manifest.json", "box.sig"]
    for file in manifest.files:
        assert len(members[file.path]) == file.size
        assert hashlib.sha256(members[file.path]).hexdigest() == file.sha256
    assert written.manifest_sha256 == hashlib.sha256(members["manifest.json"]).hexdigest()
    assert ("state.json" in members) is (kind == "backup")
    for path in members:
        if path.startswith("signers/"):
            signer, root = load_pem_x509_certificates(members[path])
            signer.verify_directly_issued_by(root)


def test_every_live_root_seals_the_manifest(world: World) -> None:
    _, members = world.export()
    roots = world.store.certificates("root")
    assert len(roots) >= 2
    for root in roots:
        seal = load_pem_x509_certificate(members[f"seals/{root.id}/seal.pem"])
        seal.verify_directly_issued_by(load_pem_x509_certificate(members[f"roots/{root.id}.pem"]))
        seal.public_key().verify(  # type: ignore[union-attr, call-arg]  # Ed25519
            members[f"seals/{root.id}/manifest.sig"], members["manifest.json"]
        )


def test_an_egress_holds_its_targets_and_all_roots(world: World) -> None:
    _, members = world.export("egress", "redis")
    manifest = manifest_of(members)
    assert {entry.target for entry in manifest.certificates if entry.kind == "signer"} == {"redis"}
    assert sum(entry.kind == "root" for entry in manifest.certificates) == len(
        world.store.certificates("root")
    )


def test_the_manifest_says_how_long_a_leaf_of_each_target_may_live(world: World) -> None:
    _, members = world.export()
    manifest = manifest_of(members)
    assert manifest.targets
    assert not isinstance(manifest.targets, UnsetType)
    for item in manifest.targets:
        wanted = world.policy.signers.classes[item.class_name][item.target].leaf_lifetime_days
        assert item.leaf_lifetime_days == wanted


def test_the_manifest_lists_those_before_it_and_names_the_journal(world: World) -> None:
    first, _ = world.export("backup")
    head = world.store.last_entry()
    second, members = world.export("backup")
    manifest = manifest_of(members)
    assert head is not None
    assert manifest.before == first.manifest_sha256
    assert manifest.earlier == tuple(
        Earlier(sequence=item.sequence, sha256=item.manifest_sha256)
        for item in world.store.archives()
        if (item.kind, item.name) == ("backup", "main") and item.sequence < manifest.sequence
    )
    assert manifest.sequence == first.head.sequence + 1
    assert manifest.journal_head == head.hash
    assert journal.verify_lines(members["journal.jsonl"].splitlines(keepends=True)).hash == head.hash
    assert manifest.incarnation == INCARNATION
    assert manifest.policy_sha256 == world.policy.sha256
    assert manifest.next_visit_by > NOW
    assert re.fullmatch(r"main-0000\d\d-20270115T100000Z\.tar\.age", second.archive_name)


def test_the_digest_is_of_the_age_file(world: World) -> None:
    written, data = export(world.store, world.policy, "egress", "main", NOW)
    assert written.archive_sha256 == hashlib.sha256(data).hexdigest()
    assert written.size_bytes == len(data)


def test_two_archives_share_no_passphrase_and_no_encrypted_key(world: World) -> None:
    (_, one), (_, two) = world.export(), world.export()
    assert not set(world.passphrases(one).values()) & set(world.passphrases(two).values())
    keys = {path for path in one if path.startswith("keys/")}
    assert keys
    assert all(one[path] != two[path] for path in keys)


def test_an_archive_is_encrypted_to_every_recipient(tmp_path: Path) -> None:
    for name in ("a", "b"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / name], check=True)
    lines = tuple(" ".join((tmp_path / f"{name}.pub").read_text().split()[:2]) for name in ("a", "b"))
    with make_world(tmp_path, egresses={"main": Egress(recipients=lines)}) as world:
        written, data = export(world.store, world.policy, "egress", "main", NOW)
    assert written.recipients == tuple(parse_recipient(line, "test") for line in lines)
    for name in ("a", "b"):
        done = subprocess.run(
            ["age", "--decrypt", "-i", tmp_path / name], input=data, capture_output=True, check=True
        )
        assert done.stdout.startswith(b"manifest.json\0")


def test_progress_counts_the_units_of_each_phase_and_ends_at_all(world: World) -> None:
    seen: list[Progress] = []
    with world.store.transaction():
        written = write_egress(world.store, world.policy, "main", NOW, io.BytesIO(), report=seen.append)
        journal.append(world.store, "export", {}, NOW)
    assert list(dict.fromkeys(progress.what for progress in seen)) == ["seal", "certificate", "key", "file"]
    for what, total in (
        ("seal", len(written.contents.seals)),
        ("certificate", len(written.contents.certificates)),
        ("key", len(written.contents.key_ids)),
        ("file", count_files(written.contents)),
    ):
        told = [progress.done for progress in seen if progress.what == what]
        assert {progress.total for progress in seen if progress.what == what} == {total}
        assert (told[0], told[-1]) == (0, total)
        assert told == sorted(told)


def test_progress_is_not_told_of_every_key_of_many(tmp_path: Path) -> None:
    targets = {"avatars": Target(quantum=1, load=220)}
    with make_world(tmp_path, signers=SignerSettings(lead_time=1.0, classes={"services": targets})) as world:
        seen: list[int] = []
        with world.store.transaction():
            written = write_egress(
                world.store,
                world.policy,
                "main",
                NOW,
                io.BytesIO(),
                report=lambda progress: seen.append(progress.done) if progress.what == "key" else None,
            )
            journal.append(world.store, "export", {}, NOW)
    total = len(written.contents.key_ids)
    assert total == 440
    assert seen == [*range(0, total, 2), total]


def test_a_stop_ends_it_and_leaves_the_store_as_it_was(world: World) -> None:
    def stop(progress: Progress) -> None:
        raise StoppedError("stopped")

    before = world.store.state_hash()
    with pytest.raises(StoppedError), world.store.transaction():
        write_egress(world.store, world.policy, "main", NOW, io.BytesIO(), report=stop)
    assert world.store.state_hash() == before


class FullDisk(io.BytesIO):
    """A file that takes nothing."""

    def write(self, data: object) -> int:
        raise OSError(28, "No space left on device")


def test_a_full_disk_ends_it_with_its_code(world: World) -> None:
    before = world.store.state_hash()
    with pytest.raises(FileError), world.store.transaction():
        write_egress(world.store, world.policy, "main", NOW, FullDisk(), report=report_nothing)
    assert world.store.state_hash() == before
    assert not [path for path in (world.folder / "state").iterdir() if path.name not in ("lock", "store")]


def test_refuses_an_unknown_egress(world: World) -> None:
    with pytest.raises(PolicyError), world.store.transaction():
        write_egress(world.store, world.policy, "other", NOW, io.BytesIO(), report=report_nothing)


def test_refuses_when_nothing_can_seal(tmp_path: Path) -> None:
    with make_world(tmp_path) as world:
        with world.store.transaction():
            for root in world.store.certificates("root"):
                world.store.revoke(root.id, NOW, "keyCompromise")
            journal.append(world.store, "revoke", {}, NOW)
        with pytest.raises(CheckError, match="archive-is-sealed"), world.store.transaction():
            write_egress(world.store, world.policy, "main", NOW, io.BytesIO(), report=report_nothing)


def test_refuses_a_store_without_an_incarnation(tmp_path: Path) -> None:
    policy = make_policy()
    with (
        make_store(tmp_path / "state", policy, NOW, facts={}) as store,
        pytest.raises(CheckError, match="names-its-journal"),
        store.transaction(),
    ):
        write_egress(store, policy, "main-kudo", NOW, io.BytesIO(), report=report_nothing)


def test_refuses_parts_that_changed_between_the_passes() -> None:
    hashed = _Hashed()
    list(hashed.entries([("a", (b"one",)), ("b", iter([b"two", b"three"]))]))
    members = hashed.members([("a", (b"one",)), ("b", iter([b"two", b"THREE"]))], b"{}", b"sig", {})
    assert [b"".join(member.open()) for member in members] == [b"{}", b"sig", b"one", b"twoTHREE"]
    with pytest.raises(ArchiveError, match="not what was hashed"):
        hashed.require_same()


def test_a_backup_holds_what_a_restore_needs(tmp_path: Path) -> None:
    with make_world(tmp_path) as world:
        world.export("egress")
        mongo = next(item for item in world.store.certificates() if item.target == "mongo")
        with world.store.transaction():
            world.store.revoke(mongo.id, NOW, "superseded")
            journal.append(world.store, "revoke", {}, NOW)
        later = NOW + timedelta(days=200)
        written, data = export(world.store, world.policy, "backup", "main", later)
        members = world.open(data)
        state = decode_state(members["state.json"])
        issued, ders = (
            world.store.certificates(),
            dict(world.store.ders(i.id for i in world.store.certificates())),
        )
        facts, archives = world.store.facts(), world.store.archives()
    assert state.facts == facts
    assert {(item.kind, item.name): item.last for item in state.sequences} == {
        ("egress", "main"): 1,
        ("backup", "main"): 1,
    }
    assert [item.manifest_sha256 for item in state.archives] == [
        item.manifest_sha256 for item in archives if item.kind == "egress"
    ]
    listed = {entry.id: entry for entry in manifest_of(members).certificates}
    assert [item.id for item in state.certificates] == [item.id for item in issued]
    gone = [item for item in issued if item.id not in listed]
    assert gone
    for stated, item in zip(state.certificates, issued, strict=True):
        entry = listed.get(item.id, stated.entry)
        assert entry is not None
        assert (stated.revoked_at, stated.reason) == (item.revoked_at, item.reason)
        assert (entry.sha256, int(entry.serial, 16), entry.lane) == (item.sha256, item.serial, item.lane)
        assert stated.der == (None if item.id in listed else ders[item.id])
    assert written.contents.key_ids == {
        item.id for item in written.contents.certificates if f"keys/{item.id}.pem" in members
    }
