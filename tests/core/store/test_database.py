"""core.store.database below the store: settings, accidents, what the disk shows, twenty years of visits."""

import base64
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, load_der_private_key

from core.errors import (
    CaError,
    FileError,
    StateDamagedError,
    StateLockedError,
)
from core.issue.issuance import issue_root, issue_signer, load_issuing_key
from core.policy.policy import encode_policy
from core.store import journal
from core.store.database import Database
from core.store.folder import DATABASE
from core.store.records import ArchiveRecord
from core.store.store import Store, create_store, open_store
from tests.builders import make_gap, make_policy, make_root_gap, utc
from tests.core.opened import (
    COST,
    PASSPHRASE,
    issue,
    later,
    make_issued,
    open_with,
)


class TestDatabase:
    def test_a_key_has_32_bytes(self, tmp_path: Path) -> None:
        with pytest.raises(AssertionError):
            Database.create(tmp_path / "x", b"short")

    def test_a_database_without_our_tables_is_damage(self, state: Path, laid: tuple[Path, bytes]) -> None:
        path = state / "store" / DATABASE
        for sql in (
            "CREATE TABLE more (x)",
            "DROP TABLE more",
            "DROP TABLE archive",
            "PRAGMA application_id = 7",
        ):
            database = Database(path, laid[1])
            database.run(sql)
            database.close()
            if sql != "DROP TABLE more":
                with pytest.raises(StateDamagedError, match="tables"):
                    Database.open(path, laid[1])

    def test_a_taken_name_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "x").write_bytes(b"")
        with pytest.raises(FileError):
            Database.create(tmp_path / "x", bytes(32))

    def test_a_database_that_cannot_be_filled_is_closed(self, tmp_path: Path) -> None:
        (tmp_path / "x-journal").mkdir()  # no journal can be written
        with pytest.raises(CaError):
            Database.create(tmp_path / "x", bytes(32))

    def test_another_connection_that_writes_is_said(self, store: Store, laid: tuple[Path, bytes]) -> None:
        other = Database(store._database.path, laid[1])
        with other.transaction(), pytest.raises(StateLockedError):
            issue(store, [70])
        other.close()

    def test_a_file_that_the_system_does_not_open_is_said(self, tmp_path: Path) -> None:
        with pytest.raises(FileError):
            Database(tmp_path / "missing", bytes(32))

    def test_settings_are_as_designed(self, store: Store) -> None:
        wanted = {
            "cipher_memory_security": 1,
            "synchronous": 3,
            "secure_delete": 1,
            "foreign_keys": 1,
            "temp_store": 2,
            "auto_vacuum": 1,
            "trusted_schema": 0,
        }
        for name, value in wanted.items():
            found = store._database.row(f"PRAGMA {name}")
            assert found is not None
            assert int(found[0]) == value, name
        assert store._database.row("PRAGMA journal_mode") == ("delete",)


def test_nothing_in_the_folder_can_be_read_without_the_passphrase(tmp_path: Path) -> None:
    policy = make_policy()
    now = utc("2027-01-01")
    root = issue_root(policy, make_root_gap(), now)
    issuing_key = load_issuing_key(root.certificate, root.der, root.key)
    signers = [issue_signer(policy, make_gap(lane=lane), issuing_key, now) for lane in range(1, 6)]
    state = tmp_path / "state"
    with create_store(state, PASSPHRASE, COST) as store, store.transaction():
        store.set_fact("policy", encode_policy(policy).decode())
        store.add([root, *signers])
        journal.append(store, "issue", {"ids": [each.certificate.id for each in signers]}, now)
    words = [
        "Example Virtual Worlds",
        "worlds.example",
        "services",
        "mongo",
        "main-kudo",
        "ed25519",
        "signer",
    ]
    words += [
        "2027",
        "20270101",
        "01/01/2027",
        "Jan 2027",
        "270101",
        "1798761600",
        "CERTIFICATE",
        "PRIVATE KEY",
    ]
    bodies = []
    for each in (root, *signers):
        certificate = x509.load_der_x509_certificate(each.der)
        raw = load_der_private_key(each.key, None).private_bytes_raw()  # type: ignore[union-attr]  # ed25519
        bodies += [
            each.der,
            each.key,
            raw,
            each.certificate.id.encode(),
            bytes.fromhex(each.certificate.sha256),
        ]
        bodies += [certificate.public_bytes(Encoding.PEM)[30:90], f"{each.certificate.serial:x}".encode()]
    for body in tuple(bodies):
        # All three alignments of base64, and hex in both cases.
        bodies += [base64.b64encode(body[start:])[4:40] for start in range(3)]
        bodies += [body.hex().encode(), body.hex().upper().encode()]
    texts = [each.lower().encode(coding) for each in words for coding in ("utf-8", "utf-16-le")]
    with open_store(state, PASSPHRASE) as opened, opened.transaction():
        opened.add([issue_signer(policy, make_gap(lane=9), issuing_key, now)])
        journal.append(opened, "issue", {}, now)
        opened._database._connection.execute("PRAGMA cache_spill = 1")
        _search(state, bodies, texts)  # with the journal of a transaction beside
    _search(state, bodies, texts)


def _search(state: Path, bodies: list[bytes], texts: list[bytes]) -> None:
    files = [each for each in state.rglob("*") if each.is_file()]
    assert len(files) >= 3
    for file in files:
        data = file.read_bytes()
        lower = data.lower() + str(file.relative_to(state)).encode()
        assert not [body for body in bodies if body in data], file
        # keyslots.json holds hex digits at random, where a short number may come up.
        assert not [text for text in texts if text in lower and not (text.isdigit() and len(text) < 8)], file


def test_twenty_years_of_visits_open_and_verify(state: Path, laid: tuple[Path, bytes]) -> None:
    number = 100
    with open_with(state, laid[1]) as store:
        for visit in range(80):
            now = later(91 * visit)
            with store.transaction():
                journal.append(store, "unlock", {}, now)
            issue(store, range(number, number + 250), now)
            with store.transaction():
                store.erase_keys(
                    make_issued(each).certificate.id
                    for each in range(max(number - 500, 100), max(number - 250, 100))
                )
                sequence = store.take_sequence("egress", "main")
                store.add_archive(
                    ArchiveRecord(
                        kind="egress", name="main", sequence=sequence, created=now, manifest_sha256="00" * 32
                    )
                )
                journal.append(store, "export", {"sequence": sequence}, now)
            number += 250
    with open_with(state, laid[1]) as store:
        last = journal.verify(store)
        assert last.time == later(91 * 79)
        assert len(store.certificates()) == 20 + 80 * 250
        assert len(store.key_ids()) == 20 + 2 * 250
