"""What a place is given: chains in order, keys in the two forms, a folder whole or not at all."""

import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from core.crypto.keys import ALGORITHMS, encode_key
from core.errors import FileError
from server.material import Material, read_material, write_material
from server.opened import read_opened
from server.signers import choose
from tests.archives import NOW, Box
from tests.server.makers import TARGET, make_quarters, open_into

SEED_ONLY_BYTES = 54
"""PKCS#8 of an ML-DSA key as its seed (RFC 9881 6)."""


def read(folder: Path, box: Box) -> Material:
    opened = read_opened(open_into(folder / "out", box))
    return read_material(opened, choose(opened.signers, TARGET, 1, NOW), [box.identity], NOW)


@pytest.mark.parametrize("algorithm", ["ed25519", "p256", "rsa3072", "mldsa65"])
def test_the_key_is_kept_as_it_is_plain_or_encrypted(tmp_path: Path, algorithm: str) -> None:
    box = make_quarters(algorithm=algorithm)
    material = read(tmp_path, box)
    plain = load_pem_private_key(material.key_bytes(None), None)
    locked = load_pem_private_key(material.key_bytes(b"secret"), b"secret")
    own = encode_key(box.of("signer")[0].key)
    assert encode_key(plain) == encode_key(locked) == own  # type: ignore[arg-type]
    assert (len(own) == SEED_ONLY_BYTES) == algorithm.startswith("mldsa")
    assert material.key_bytes(b"secret").startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
    assert algorithm in ALGORITHMS


def test_the_folder_holds_what_openssl_takes(tmp_path: Path) -> None:
    material = read(tmp_path, make_quarters())
    out = tmp_path / "signer"
    assert write_material(out, material, b"of its own") == (
        "certificate.pem",
        "chain.pem",
        "trust.pem",
        "key.pem",
    )
    assert {f"{path.stat().st_mode:o}"[-3:] for path in out.iterdir()} == {"600"}
    assert f"{out.stat().st_mode:o}"[-3:] == "700"
    chain = x509.load_pem_x509_certificates((out / "chain.pem").read_bytes())
    assert chain == [material.certificate, material.root]
    when = str(int(NOW.timestamp()))
    command = ["openssl", "verify", "-attime", when, "-CAfile", "trust.pem", "certificate.pem"]
    subprocess.run(command, cwd=out, check=True, capture_output=True)
    public = ["openssl", "pkey", "-in", "key.pem", "-passin", "pass:of its own", "-pubout"]
    of_key = subprocess.run(public, cwd=out, check=True, capture_output=True).stdout
    asked = ["openssl", "x509", "-in", "certificate.pem", "-noout", "-pubkey"]
    assert of_key == subprocess.run(asked, cwd=out, check=True, capture_output=True).stdout


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path) -> None:
    material = read(tmp_path, make_quarters())
    (tmp_path / "signer").mkdir()
    with pytest.raises(FileError):
        write_material(tmp_path / "signer", material, None)
    assert list((tmp_path / "signer").iterdir()) == []


def test_a_name_that_cannot_be_made_leaves_nothing(tmp_path: Path) -> None:
    material = read(tmp_path, make_quarters())
    before = sorted(tmp_path.iterdir())
    with pytest.raises(FileError, match=r"there is no folder .*missing$"):
        write_material(tmp_path / "missing" / "signer", material, None)
    assert sorted(tmp_path.iterdir()) == before


def test_no_secret_in_what_is_printed(tmp_path: Path) -> None:
    material = read(tmp_path, make_quarters())
    assert "PrivateKey" not in repr(material)


def test_a_key_that_the_server_made_is_not_there(tmp_path: Path) -> None:
    box = make_quarters()
    opened = read_opened(open_into(tmp_path / "out", box, keys_of=()))
    material = read_material(opened, choose(opened.signers, TARGET, 1, NOW), [box.identity], NOW)
    assert material.key is None
    assert "key.pem" not in write_material(tmp_path / "signer", material, None)
    assert material.certificate.public_bytes(Encoding.DER)
