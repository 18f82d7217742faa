"""Nothing readable in the state folder, and no root key in an egress: searched for, byte by byte."""

import base64
import io
import json
import subprocess
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from core.certificate import Certificate
from core.policy.settings import AuthorityName, SignerSettings, Target
from core.progress import report_nothing
from tests.authorities import NOW, Founded, found
from tests.authority_store import PASSPHRASE
from tests.searching import encoded, find_in, key_forms, text_forms, time_forms

NAMES = ("Example Virtual Worlds", "worlds.example", "Boulder", "c5ce9b8a-3cf1-4b50-b62c-7979d7d0edd7")
PLACES = ("infrastructure", "services", "avatars", "main-kudo", "main-backup", "PISM-ALL", "ed25519")


@dataclass(frozen=True, kw_only=True)
class Searched:
    """An authority that was founded, topped up and exported from, and all that it must hide."""

    box: Founded
    egress: bytes
    issued: tuple[Certificate, ...]
    ders: dict[str, bytes]
    keys: dict[str, bytes]


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Searched:
    name, place, domain, id_ = NAMES[0], "Boulder", NAMES[1], NAMES[3]
    targets = {"infrastructure": {"avatars": Target(quantum=0.25, load=20)}}
    targets |= {"services": {"mongodb": Target(quantum=0.5)}}
    box = found(
        tmp_path_factory.mktemp("searched") / "state",
        authority=AuthorityName(name=name, id=id_, domain=domain, city=place),
        signers=SignerSettings(lead_time=0.5, classes=targets),
    )
    out = io.BytesIO()
    with box.unlock() as authority:
        authority.write_archive("backup", "main-backup", io.BytesIO(), NOW, report_nothing, public=True)
        authority.write_archive("egress", "main-kudo", out, NOW, report_nothing, public=True)
        authority.confirm_written("egress", "main-kudo", 1, "PISM-ALL", NOW)
    with box.open_store() as store:
        issued = store.certificates()
        ids = [item.id for item in issued]
        return Searched(
            box=box,
            egress=out.getvalue(),
            issued=issued,
            ders=dict(store.ders(ids)),
            keys=dict(store.keys(ids)),
        )


def test_the_state_folder_holds_no_name(searched: Searched) -> None:
    ids = [item.id for item in searched.issued] + [item.id.replace("-", "") for item in searched.issued]
    periods = {item.period for item in searched.issued}
    needles = chain.from_iterable(map(text_forms, (*NAMES, *PLACES, "mongodb", *ids, *periods)))
    assert find_in(searched.box.state, needles) == []


def test_the_state_folder_holds_no_date(searched: Searched) -> None:
    times = {NOW} | {
        at for item in searched.issued for at in (item.issue_from, item.issue_until, item.not_after)
    }
    assert find_in(searched.box.state, chain.from_iterable(map(time_forms, times))) == []


def test_the_state_folder_holds_no_certificate_and_no_public_key(searched: Searched) -> None:
    needles: list[bytes] = []
    for item in searched.issued:
        der = searched.ders[item.id]
        parsed = x509.load_der_x509_certificate(der)
        serial = parsed.serial_number.to_bytes(20, "big").lstrip(b"\0")
        # Any stretch would do: a whole one is not found where a page of the database ends in it.
        for part in (
            der[:24],
            der[40:80],
            der[-64:],
            parsed.signature[:32],
            serial,
            bytes.fromhex(item.sha256),
        ):
            needles += encoded(part)
        needles += encoded(parsed.public_key().public_bytes_raw())  # type: ignore[union-attr] # Ed25519
    needles += [
        b"-----BEGIN",
        b"CERTIFICATE",
        b"PRIVATE KEY",
        b"SQLite format",
        b"certificate (",
        b"authority",
    ]
    assert find_in(searched.box.state, needles) == []


def test_the_state_folder_holds_no_private_key_no_passphrase_and_no_database_key(searched: Searched) -> None:
    needles = [form for key in searched.keys.values() for form in key_forms(key)]
    for secret in (searched.box.key, searched.box.key[:16], searched.box.key[16:], PASSPHRASE):
        needles += encoded(secret)
    assert find_in(searched.box.state, needles) == []


def test_beside_the_store_stands_nothing_but_an_empty_lock(searched: Searched) -> None:
    state = searched.box.state
    assert sorted(path.name for path in state.rglob("*")) == ["keyslots.json", "lock", "store", "store.db"]
    assert (state / "lock").read_bytes() == b""


def test_the_search_would_find_what_is_there(searched: Searched, tmp_path: Path) -> None:
    der, key = searched.ders[searched.issued[0].id], searched.keys[searched.issued[0].id]
    pem = x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM).replace(b"\n", b"")
    (tmp_path / "pem").write_bytes(b"abc" + pem)
    assert find_in(tmp_path, encoded(der[40:80]))
    (tmp_path / "pem").unlink()
    for shift in range(3):
        for form in (base64.b64encode(bytes(shift) + key + b"more"), key.hex().encode(), key[16:]):
            (tmp_path / "key").write_bytes(b"x" * shift + form)
            assert find_in(tmp_path, key_forms(key))
    (tmp_path / "avatars-2027-02-10").touch()
    assert find_in(tmp_path, text_forms("avatars"))
    assert find_in(tmp_path, time_forms(NOW))


@pytest.fixture(scope="module")
def unpacked(searched: Searched, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The egress, decrypted by `age`, unpacked by `tar`; its passphrases decrypted, too."""
    folder = tmp_path_factory.mktemp("unpacked")
    (folder / "identity").write_text(f"{searched.box.identity}\n")
    (folder / "archive").write_bytes(searched.egress)
    (folder / "tree").mkdir()
    decrypt = ["age", "--decrypt", "-i", folder / "identity"]
    subprocess.run([*decrypt, "-o", folder / "tree" / "archive.tar", folder / "archive"], check=True)
    subprocess.run(["tar", "-x", "-f", "archive.tar"], check=True, cwd=folder / "tree")
    passphrases = folder / "tree" / "passphrases"
    subprocess.run([*decrypt, "-o", passphrases, folder / "tree" / "passphrases.age"], check=True)
    return folder / "tree"


def test_an_unpacked_egress_holds_no_key_of_a_root_or_seal(searched: Searched, unpacked: Path) -> None:
    hidden = [searched.keys[item.id] for item in searched.issued if item.kind != "signer"]
    assert len(hidden) == 4
    assert find_in(unpacked, chain.from_iterable(map(key_forms, hidden))) == []


def test_the_keys_of_an_egress_are_those_of_its_signers_and_no_others(
    searched: Searched, unpacked: Path, tmp_path: Path
) -> None:
    passphrases = json.loads((unpacked / "passphrases").read_bytes())
    opened = {}
    for path in (unpacked / "keys").iterdir():
        key = load_pem_private_key(path.read_bytes(), passphrases[path.stem].encode())
        opened[path.stem] = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    signers = {item.id: searched.keys[item.id] for item in searched.issued if item.kind == "signer"}
    assert opened == signers
    (tmp_path / "keys").write_bytes(b"".join(opened.values()))
    for item in searched.issued:
        key = searched.keys[item.id]
        assert bool(find_in(tmp_path, key_forms(key))) is (item.kind == "signer")
