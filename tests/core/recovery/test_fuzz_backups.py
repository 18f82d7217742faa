"""Backups that a hostile box has sealed and encrypted as it should: restored, drilled and rescued from.

Each is refused with a code and leaves nothing, or restored into a state that opens.
"""

import hashlib
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, Final, cast

import pyrage
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from core.archive.box_key import load_box_key
from core.archive.container import BOX_SIGNATURE_PATH, JOURNAL_PATH, MANIFEST_PATH, read_archive
from core.archive.manifest import decode_manifest
from core.authority.authority import Authority
from core.crypto.keys import PublicKey, sign_bytes
from core.errors import CaError
from core.progress import report_nothing
from core.receive.private_keys import prove_key, read_passphrases
from core.recovery.backup import STATE_PATH
from core.recovery.drill import drill
from core.recovery.rescue import Rescue
from core.recovery.restore import restore
from core.store import journal
from core.store.store import open_store
from tests.archives import make_tar
from tests.backups import BOOT, COST, FOUNDED, NEW_PASSPHRASE, PASSPHRASE, found_box
from tests.core.recovery.rescuing import in_memory
from tests.fuzzing import Fuzzer
from tests.mutating import mutate_bytes, mutate_json

NOW: Final = FOUNDED
Members = list[tuple[str, bytes]]


@dataclass(frozen=True)
class Hostile:
    """A box whose keys the attacker has: whatever is in its backups, seals and signatures are right."""

    identity: Any
    members: tuple[tuple[str, bytes], ...]
    box_key: Ed25519PrivateKey
    seals: dict[str, Any]
    passphrases: dict[str, str]

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no message may hold."""
        return (str(self.identity), PASSPHRASE.decode(), NEW_PASSPHRASE.decode(), *self.passphrases.values())

    def seal(self, random: Random, members: Members) -> bytes:
        """Return an archive of these members; its manifest names them as they are, and is signed anew."""
        data = dict(members)
        manifest = json.loads(data[MANIFEST_PATH])
        for entry in manifest["files"]:
            if entry["path"] in data:
                found = data[entry["path"]]
                entry |= {"sha256": hashlib.sha256(found).hexdigest(), "size": len(found)}
        edited = json.dumps(manifest, separators=(",", ":"), ensure_ascii=False).encode()
        if random.randrange(4) == 0:
            edited = mutate_json(random, edited)
        signed = {MANIFEST_PATH: edited, BOX_SIGNATURE_PATH: self.box_key.sign(edited)} | {
            f"seals/{root}/manifest.sig": sign_bytes(key, edited) for root, key in self.seals.items()
        }
        return self.encrypt([(path, signed.get(path, data)) for path, data in members])

    def encrypt(self, members: Members) -> bytes:
        """Return the age file of a tar."""
        return cast("bytes", pyrage.encrypt(make_tar(members), [self.identity.to_public()]))

    def draw(self, random: Random) -> bytes:
        """Draw an archive with something wrong in it."""
        members = list(self.members)
        match random.randrange(10):
            case 0:
                return mutate_bytes(random, self.encrypt(members))
            case 1:
                tar = mutate_bytes(random, make_tar(members))
                return cast("bytes", pyrage.encrypt(tar, [self.identity.to_public()]))
            case 2:
                _disorder(random, members)
            case 3 | 4:
                _change(members, STATE_PATH, lambda data: mutate_json(random, data))
            case 5:
                _change(members, STATE_PATH, lambda data: _mutate_fact(random, data))
            case 6:
                _change(members, JOURNAL_PATH, lambda data: _mutate_journal(random, data))
                _change(members, MANIFEST_PATH, lambda data: _end_in(data, dict(members)[JOURNAL_PATH]))
            case 7:
                passphrases = mutate_json(
                    random, json.dumps(self.passphrases, separators=(",", ":")).encode()
                )
                sealed = pyrage.encrypt(passphrases, [self.identity.to_public()])
                _change(members, "passphrases.age", lambda _: sealed)
            case 8:
                path = random.choice([path for path, _ in members if not path.endswith((".json", ".sig"))])
                _change(members, path, lambda data: mutate_bytes(random, data))
            case _:
                other = random.choice(members)[1]
                _change(members, random.choice(members[1:])[0], lambda _: other)
        return self.seal(random, members)


def _change(members: Members, path: str, change: Callable[[bytes], bytes]) -> None:
    members[:] = [(name, change(data) if name == path else data) for name, data in members]


def _disorder(random: Random, members: Members) -> None:
    """Leave a member out, put one in, twice, elsewhere, or under another name."""
    at, to = random.randrange(1, len(members)), random.randrange(1, len(members))
    path, data = members[at]
    match random.randrange(5):
        case 0:
            del members[at]
        case 1:
            members.insert(to, members[at])
        case 2:
            members.insert(to, members.pop(at))
        case 3:
            members[at] = (members[to][0], data)
        case _:
            members.insert(to, (random.choice(("evil", "../evil", "/evil", "keys", path + "x")), data))


def _mutate_fact(random: Random, data: bytes) -> bytes:
    """Change what stands inside a fact: most are JSON of their own."""
    state = json.loads(data)
    name = random.choice(list(state["facts"]))
    fact = state["facts"][name].encode()
    try:
        changed = mutate_json(random, fact)
    except ValueError:
        changed = mutate_bytes(random, fact)
    state["facts"][name] = changed.decode("utf-8", "replace")
    return json.dumps(state, separators=(",", ":"), ensure_ascii=False).encode()


def _mutate_journal(random: Random, data: bytes) -> bytes:
    """Change an entry or the order of entries, and chain them anew as well as can be."""
    lines = data.splitlines()
    at, to = random.randrange(len(lines)), random.randrange(len(lines))
    match random.randrange(4):
        case 0:
            lines.insert(to, lines.pop(at))
        case 1:
            lines.insert(to, lines[at])
        case 2:
            del lines[at]
        case _:
            lines[at] = mutate_json(random, lines[at])
    previous, chained = journal.GENESIS, []
    for number, line in enumerate(lines, 1):
        fields = _fields_of(line)
        if fields is None:  # a mutation that is no entry any more
            chained.append(line)
            continue
        if number > at and random.random() < 0.95:
            fields |= {"previous": previous, "sequence": number}
            fields.pop("hash", None)
            body = json.dumps(fields, separators=(",", ":"), ensure_ascii=False, sort_keys=True).encode()
            previous = hashlib.sha256(body).hexdigest()
            fields = dict(sorted((fields | {"hash": previous}).items()))
        else:
            previous = str(fields.get("hash"))
        chained.append(json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode())
    return b"".join(line + b"\n" for line in chained)


def _fields_of(line: bytes) -> dict[str, Any] | None:
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return fields if isinstance(fields, dict) else None


def _end_in(manifest: bytes, lines: bytes) -> bytes:
    """Have a manifest name the head of this journal."""
    fields = json.loads(manifest)
    last = _fields_of(lines.splitlines()[-1]) if lines else None
    fields["journal_head"] = last.get("hash", "") if last else ""
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode()


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Hostile:
    """Return the box, and what is in its first backup."""
    box = found_box(tmp_path_factory.mktemp("hostile"))
    _, backup = box.visit(FOUNDED, "egress main-kudo", "backup main-backup")
    with read_archive(io.BytesIO(backup.read_bytes()), [box.identity]) as archive:
        manifest = decode_manifest(archive.read(MANIFEST_PATH))
        members = tuple((path, archive.read(path)) for path in archive.paths)
        passphrases = dict(read_passphrases(archive, [box.identity]))
        seals = {}
        for entry in manifest.certificates:
            if entry.kind == "seal":
                public = cast(
                    "PublicKey", x509.load_pem_x509_certificate(archive.read(entry.file)).public_key()
                )
                seals[entry.issuer] = prove_key(archive, entry.id, passphrases[entry.id], public)
    with open_store(box.state, box.passphrase) as store:
        box_key = load_box_key(store)
    return Hostile(box.identity, members, box_key, seals, passphrases)


def _by_restore(hostile: Hostile, data: bytes, state: Path) -> None:
    with in_memory(data) as file:
        restore(
            cast("Path", file),
            [hostile.identity],
            (),
            lambda _: True,
            state=state,
            passphrase=NEW_PASSPHRASE,
            cost=COST,
            now=NOW,
            report=report_nothing,
        )


def _by_drill(hostile: Hostile, data: bytes, _state: Path) -> None:
    with in_memory(data) as file:
        drill(cast("Path", file), [hostile.identity], (), lambda _: True, NOW, report=report_nothing)


def _by_rescue(hostile: Hostile, data: bytes, state: Path) -> None:
    rescue = Rescue(state, state.parent / "config.yaml")
    try:
        with in_memory(f"{hostile.identity}\n".encode()) as file:
            rescue.take_identity(file)
        with in_memory(data) as file:
            rescue.open_backup(file, NOW, report_nothing)
        rescue.restore(NEW_PASSPHRASE, COST, NOW, report_nothing)
    finally:
        rescue.close()


@pytest.mark.fuzz("sealed backups")
def test_a_hostile_backup_is_refused_whole_or_restored_into_a_state_that_opens(
    hostile: Hostile, fuzzer: Fuzzer
) -> None:
    def check(random: Random) -> None:
        data = hostile.draw(random)
        way = random.choice((_by_restore, _by_drill, _by_rescue))
        with TemporaryDirectory() as folder:
            state = Path(folder) / "state"
            try:
                with fuzzer.answer():
                    way(hostile, data, state)
            except CaError as error:
                refusal = f"{error!r} {error}"
            else:
                refusal = ""
            if not refusal and way is not _by_drill:
                Authority.unlock(state, NEW_PASSPHRASE, NOW, BOOT).close()
            else:
                assert not state.exists() or not any(state.iterdir())
            assert not any(secret in refusal for secret in hostile.secrets)
            fuzzer.counted["refused" if refusal else "taken"] += 1

    fuzzer.run(check, inputs=12)
