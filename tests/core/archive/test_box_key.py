"""The box key: how it is kept, what it signs, and that it is this store's alone."""

import hashlib
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from core.archive.box_key import (
    box_words,
    check_box_signature,
    has_box_key,
    load_box_key,
    make_box_key,
    read_words,
)
from core.crypto.recipients import fingerprint_words
from core.errors import ArchiveSealError, CheckError, JournalError
from core.store import journal
from core.store.keyslots import KdfCost
from core.store.store import create_store, open_store
from tests.authority_store import PASSPHRASE, make_store
from tests.builders import make_policy, utc

NOW = utc("2027-01-15T10:00")
DATA = b"the exact bytes"


def test_a_store_has_one_box_key_and_keeps_it(tmp_path: Path) -> None:
    with make_store(tmp_path / "state", make_policy(), NOW) as store:
        key = load_box_key(store)
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key.public)).verify(key.sign(DATA), DATA)
    with open_store(tmp_path / "state", PASSPHRASE) as store:
        assert load_box_key(store).public == key.public
        assert journal.verify(store)


def test_the_box_key_is_none_of_the_facts_that_are_copied(tmp_path: Path) -> None:
    with make_store(tmp_path / "state", make_policy(), NOW) as store:
        seed = store.box_seed()
        assert seed is not None
        assert seed.hex() not in str(store.facts())
        assert {"policy", "incarnation", "drill_token"} <= store.facts().keys()


def test_the_journal_notices_another_box_key(tmp_path: Path) -> None:
    with make_store(tmp_path / "state", make_policy(), NOW) as store:
        store._database.run("UPDATE fact SET value = ? WHERE name = 'box_seed'", ("00" * 32,))
        with pytest.raises(JournalError):
            journal.verify(store)


def test_a_store_without_one_signs_no_archive(tmp_path: Path) -> None:
    with create_store(tmp_path / "state", PASSPHRASE, KdfCost()) as store, store.transaction():
        assert not has_box_key(store)
        with pytest.raises(CheckError):
            load_box_key(store)
        make_box_key(store)
        assert has_box_key(store)
        journal.append(store, "init", {}, NOW)


def test_no_secret_shows_in_the_repr_of_a_box_key(tmp_path: Path) -> None:
    with make_store(tmp_path / "state", make_policy(), NOW) as store:
        key = load_box_key(store)
        assert repr(key) == f"BoxKey({key.public})"


def test_the_words_are_of_the_digest_of_the_public_key() -> None:
    public = "77aa01de" * 8
    assert box_words(public) == fingerprint_words(hashlib.sha256(bytes.fromhex(public)).digest())


@pytest.mark.parametrize("typed", ["Abandon, ABILITY;able", " abandon\nability\table "])
def test_words_are_read_as_people_write_them_down(typed: str) -> None:
    assert read_words(typed) == ("abandon", "ability", "able")


def test_what_is_typed_is_bounded() -> None:
    assert len(read_words("zoo " * 1000)) == 64


def test_a_signature_fits_its_key_and_its_bytes(tmp_path: Path) -> None:
    with make_store(tmp_path / "state", make_policy(), NOW) as store:
        key = load_box_key(store)
    check_box_signature(key.public, key.sign(DATA), DATA)
    for public, signature, data in (
        (key.public, key.sign(DATA), DATA + b" "),
        (key.public, bytes(64), DATA),
        (key.public, b"", DATA),
        ("01" + "00" * 31, b"\x01" + bytes(63), DATA),  # of order 1: it would fit whatever was signed
        ("ff" * 32, bytes(64), DATA),
    ):
        with pytest.raises(ArchiveSealError):
            check_box_signature(public, signature, data)
