import base64
import errno
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509 import CertificateBuilder, Name, NameAttribute
from cryptography.x509.oid import NameOID

from core.certificate import Certificate
from core.crypto.keys import KEY_ALGORITHMS, encode_key, make_key
from core.crypto.pkcs8 import KeySpool, encode_public_key, hash_public_key
from core.errors import CheckError, FileError
from tests.builders import make_certificate, utc

RECORD = make_certificate()
CA = ed25519.Ed25519PrivateKey.generate()


def make_der(public_key: Any) -> bytes:
    name = Name([NameAttribute(NameOID.COMMON_NAME, "test")])
    builder = CertificateBuilder().subject_name(name).issuer_name(name).public_key(public_key)
    builder = builder.serial_number(1).not_valid_before(utc("2027-01-01")).not_valid_after(utc("2028-01-01"))
    return builder.sign(CA, None).public_bytes(Encoding.DER)


def make_digest(public_key: Any) -> bytes:
    return hash_public_key(make_der(public_key))


def _add(spool: KeySpool, certificate: Certificate, public_sha256: bytes, pkcs8: bytes) -> bytes:
    (pem,) = spool.encrypt([(certificate, public_sha256, pkcs8)])
    return pem


@pytest.mark.parametrize("algorithm", KEY_ALGORITHMS)
def test_a_key_opens_with_its_own_passphrase(tmp_path: Path, algorithm: str) -> None:
    key = make_key(algorithm)
    with KeySpool(tmp_path) as spool:
        pem = _add(spool, RECORD, make_digest(key.public_key()), encode_key(key))
        assert list(spool.read()) == [pem]
        passphrases = json.loads(spool.passphrases())
    (passphrase,) = passphrases.values()
    assert list(passphrases) == [RECORD.id]
    assert len(base64.b64decode(passphrase, validate=True)) == 64
    assert pem.startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n")
    opened = load_pem_private_key(pem, passphrase.encode())
    assert encode_public_key(opened.public_key()) == encode_public_key(key.public_key())


def test_each_key_has_another_passphrase_each_time(tmp_path: Path) -> None:
    key = make_key("ed25519")
    digest = make_digest(key.public_key())
    seen = set()
    with KeySpool(tmp_path) as spool:
        for number in range(3):
            seen.add(_add(spool, make_certificate(number=number), digest, encode_key(key)))
        passphrases = json.loads(spool.passphrases())
        assert set(spool.read()) == seen
    assert len(seen) == len(set(passphrases.values())) == 3


def test_many_keys_come_back_in_their_order(tmp_path: Path) -> None:
    keys = [make_key("ed25519") for _ in range(100)]
    records = [make_certificate(number=number) for number in range(100)]
    rows = (
        (record, make_digest(key.public_key()), encode_key(key))
        for record, key in zip(records, keys, strict=True)
    )
    with KeySpool(tmp_path) as spool:
        pems = list(spool.encrypt(rows))
        assert list(spool.read()) == pems
        passphrases = json.loads(spool.passphrases())
    assert list(passphrases) == [record.id for record in records]
    for pem, passphrase, key in zip(pems, passphrases.values(), keys, strict=True):
        opened = load_pem_private_key(pem, passphrase.encode())
        assert encode_public_key(opened.public_key()) == encode_public_key(key.public_key())


def test_an_empty_spool_has_no_passphrases(tmp_path: Path) -> None:
    with KeySpool(tmp_path) as spool:
        assert spool.passphrases() == b"{}"
        assert list(spool.read()) == []


def test_nothing_is_seen_in_the_folder(tmp_path: Path) -> None:
    key = make_key("ed25519")
    with KeySpool(tmp_path) as spool:
        _add(spool, RECORD, make_digest(key.public_key()), encode_key(key))
        assert list(tmp_path.iterdir()) == []


def test_refuses_the_key_of_another_certificate(tmp_path: Path) -> None:
    key = make_key("ed25519")
    with KeySpool(tmp_path) as spool, pytest.raises(CheckError, match="key-fits-certificate"):
        _add(spool, RECORD, make_digest(make_key("ed25519").public_key()), encode_key(key))


def test_refuses_a_forbidden_key_even_under_a_certificate_that_fits(tmp_path: Path) -> None:
    key = make_key("ed25519")
    digest = make_digest(key.public_key())
    spool = KeySpool(tmp_path, frozenset({digest}))
    with spool, pytest.raises(CheckError, match="egress-holds-signer-keys-only"):
        _add(spool, RECORD, digest, encode_key(key))


def test_a_folder_that_is_not_there_is_e_file(tmp_path: Path) -> None:
    with pytest.raises(FileError):
        KeySpool(tmp_path / "missing")


class FullFile:
    """A file on a full disk, as the kernel answers it."""

    def write(self, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    def seek(self, offset: int, whence: int) -> int:
        raise OSError(errno.EIO, "Input/output error")

    def close(self) -> None:
        """Nothing to close."""


def test_a_full_or_failing_disk_is_e_file(tmp_path: Path) -> None:
    key = make_key("ed25519")
    with KeySpool(tmp_path) as spool:
        spool._file.close()
        spool._file = FullFile()  # type: ignore[assignment]
        with pytest.raises(FileError, match="no room"):
            _add(spool, RECORD, make_digest(key.public_key()), encode_key(key))
        with pytest.raises(FileError, match="lost"):
            list(spool.read())
