"""The files place: links that move in one step, forms, modes, and what a kill leaves."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key, pkcs12

from core.crypto.identities import load_identities
from core.errors import FileError, PlaceError
from server.material import Material, read_material
from server.opened import read_opened
from server.places.files import FilesPlace
from server.signers import choose
from tests.archives import NOW, day
from tests.core.killpoints import sweep
from tests.server.makers import NEXT, TARGET, make_quarters, open_into, write_identity

KILLS = 24


def make_material(folder: Path, **fields: Any) -> Material:
    box = make_quarters(**fields)
    later = box.add("root", start=day(2028), until=day(2029), tail=400)
    box.add("seal", later)
    opened = read_opened(open_into(folder / "out", box))
    return read_material(opened, choose(opened.signers, TARGET, 1, NOW), [box.identity], NOW)


def put(folder: Path, material: Material | None, roots: Any = None, **fields: Any) -> Path:
    given = {"target": TARGET, "folder": str(folder / "place"), "plain_key": True} | fields
    place = FilesPlace(**given)
    assert place.faults() == {}
    place.put("name", material, material.roots if material else roots)
    return folder / "place"


def locked(folder: Path, text: str = "of its own\n") -> dict[str, Any]:
    """Return the settings that keep keys under a passphrase."""
    (folder / "secret").write_text(text)
    return {"plain_key": False, "key_passphrase_file": str(folder / "secret")}


def test_all_names_lead_through_one_link(tmp_path: Path) -> None:
    place = put(tmp_path, make_material(tmp_path))
    names = {"certificate.pem", "chain.pem", "key.pem", "root.pem", "trust.pem", "trust"}
    assert {path.name for path in place.iterdir() if path.is_symlink()} == {*names, "..data"}
    assert {str((place / name).readlink()) for name in names} == {f"..data/{name}" for name in names}


def test_every_root_has_a_file_of_its_own(tmp_path: Path) -> None:
    material = make_material(tmp_path)
    files = list((put(tmp_path, material) / "trust").iterdir())
    assert {path.stem for path in files} == {root.id for root in material.roots}
    assert all(len(x509.load_pem_x509_certificates(path.read_bytes())) == 1 for path in files)


def test_the_root_ends_the_chain_only_if_asked(tmp_path: Path) -> None:
    material = make_material(tmp_path)
    for with_root, wanted in ((False, 1), (True, 2)):
        chain = (put(tmp_path, material, root_in_chain=with_root) / "chain.pem").read_bytes()
        assert len(x509.load_pem_x509_certificates(chain)) == wanted


def test_keys_are_under_the_passphrase(tmp_path: Path) -> None:
    material = make_material(tmp_path)
    key = (put(tmp_path, material, **locked(tmp_path)) / "key.pem").read_bytes()
    assert key.startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
    assert load_pem_private_key(key, b"of its own")
    with pytest.raises(PlaceError, match="is empty"):
        put(tmp_path, material, **locked(tmp_path, "\n"))


def test_der_is_der(tmp_path: Path) -> None:
    material = make_material(tmp_path)
    place = put(tmp_path, material, form="der")
    assert x509.load_der_x509_certificate((place / "certificate.der").read_bytes()) == material.certificate
    check = ["openssl", "pkey", "-inform", "DER", "-in", place / "key.der", "-noout"]
    subprocess.run(check, check=True, capture_output=True)


@pytest.mark.parametrize("algorithm", ["ed25519", "p256"])
def test_pkcs12_holds_signer_and_root_and_a_truststore_every_root(tmp_path: Path, algorithm: str) -> None:
    material = make_material(tmp_path, algorithm=algorithm)
    place = put(tmp_path, material, form="pkcs12", **locked(tmp_path))
    held = pkcs12.load_pkcs12((place / "signer.p12").read_bytes(), b"of its own")
    assert held.cert is not None
    assert held.cert.certificate == material.certificate
    assert [item.certificate for item in held.additional_certs] == [material.root]
    trusted = pkcs12.load_pkcs12((place / "truststore.p12").read_bytes(), b"of its own")
    roots = {root.certificate for root in material.roots}
    assert {item.certificate for item in trusted.additional_certs} == roots
    put(tmp_path, None, material.roots, form="pkcs12", **locked(tmp_path))
    assert not (place / "signer.p12").exists()
    assert (place / "truststore.p12").exists()


def test_modes_are_those_of_the_settings(tmp_path: Path) -> None:
    place = put(tmp_path, make_material(tmp_path), mode="0640")
    files = [path for path in (place / "..data").resolve().rglob("*") if path.is_file()]
    assert {path.stat().st_mode & 0o777 for path in files} == {0o640}
    assert {path.stat().st_mode & 0o777 for path in (place, place / "..data", place / "trust")} == {0o750}


def test_an_owner_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlaceError, match="nobody-of-that-name"):
        put(tmp_path, make_material(tmp_path), owner="nobody-of-that-name")


def test_a_file_of_somebody_else_under_a_name_refuses(tmp_path: Path) -> None:
    (tmp_path / "place").mkdir()
    (tmp_path / "place" / "key.pem").write_text("theirs")
    with pytest.raises(FileError, match=r"key\.pem"):
        put(tmp_path, make_material(tmp_path))
    assert [path.name for path in (tmp_path / "place").iterdir()] == ["key.pem"]


def test_a_folder_that_cannot_be_made_refuses(tmp_path: Path) -> None:
    material = make_material(tmp_path)
    with pytest.raises(FileError):
        put(tmp_path / "missing", material)


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({"folder": "relative"}, "folder"),
        ({"plain_key": False}, "plain_key"),
        ({"key_passphrase_file": "/secret"}, "plain_key"),
        ({"form": "pkcs12"}, "form"),
        ({"mode": "640"}, "mode"),
        ({"target": "etcd"}, "target"),
        ({"lane": 0}, "lane"),
        ({"lane": 1, "lane_of": "node"}, "lane_of"),
    ],
)
def test_settings_that_cannot_be_are_named(fields: dict[str, Any], key: str) -> None:
    place = FilesPlace(**({"target": TARGET, "folder": "/place", "plain_key": True} | fields))
    assert list(place.faults()) == [key]


CHILD = """\
import sys
from pathlib import Path
from tests.server.places.test_files import switch
switch(Path(sys.argv[1]))
"""


def switch(folder: Path) -> None:
    """What a killed process was about: the second quarter's signer over the first's."""
    opened = read_opened(folder / "out")
    signer = choose(opened.signers, TARGET, 1, NEXT)
    identities = load_identities((folder / "identity").read_bytes())
    put(folder, read_material(opened, signer, identities, NEXT))


def test_a_kill_at_any_step_leaves_old_or_new_whole_and_the_next_call_finishes(tmp_path: Path) -> None:
    box = make_quarters()
    made: list[Path] = []

    def setup() -> Path:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(folder)
        opened = read_opened(open_into(folder / "out", box))
        write_identity(folder / "identity", box)
        put(folder, read_material(opened, choose(opened.signers, TARGET, 1, NOW), [box.identity], NOW))
        return folder

    def check(folder: Path) -> str:
        place = folder / "place"
        certificate = x509.load_pem_x509_certificate((place / "certificate.pem").read_bytes())
        key = load_pem_private_key((place / "key.pem").read_bytes(), None)
        assert key.public_key() == certificate.public_key()
        which = [item.x509 for item in box.of("signer")].index(certificate)
        switch(folder)
        again = x509.load_pem_x509_certificate((place / "certificate.pem").read_bytes())
        assert again == box.of("signer")[1].x509
        assert len([path for path in place.iterdir() if path.name.startswith("..")]) == 2
        return ("old", "new")[which]

    found = sweep(setup, lambda folder: ["-c", CHILD, str(folder)], check, KILLS)
    assert set(found) == {"old", "new"}
    assert list(found) == sorted(found, reverse=True)  # old until the link moved, new from then on
