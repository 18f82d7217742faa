"""Other people's programs judge what a seal and a box have signed: Go's crypto/x509 and ed25519, OpenSSL."""

import io
import json
import os
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from core.archive.container import read_archive
from core.archive.seal import SEAL_EKU, SEAL_EKU_V1
from core.crypto.keys import ALGORITHMS, KEY_ALGORITHMS, make_key
from core.issue.profile import SEAL_USAGE
from core.policy.settings import RootSettings
from core.progress import report_nothing
from tests.authorities import NOW, found
from tests.judges import run

pytestmark = pytest.mark.judge

CLASSICAL: Final = [algorithm for algorithm in KEY_ALGORITHMS if not algorithm.startswith("mldsa")]
SOURCE: Final = Path(__file__).parents[2] / "verify.go"


@pytest.fixture(scope="module")
def verify(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Go program, built once."""
    folder = tmp_path_factory.mktemp("go")
    alone = {"GOCACHE": str(folder / "cache"), "GOPATH": str(folder), "GO111MODULE": "off", "GOFLAGS": ""}
    program = folder / "verify"
    subprocess.run(
        ["go", "build", "-o", program, SOURCE], check=True, env=os.environ | alone, stdin=subprocess.DEVNULL
    )
    return program


@pytest.fixture(scope="module", params=CLASSICAL)
def archive(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The members of a first egress, as `tar` unpacks them."""
    folder = tmp_path_factory.mktemp(request.param)
    soon = RootSettings(quantum=1.0, lead_time=1.0)
    founded = found(folder / "state", algorithm=request.param, roots=soon)
    out = io.BytesIO()
    with founded.open() as authority:
        authority.write_archive("egress", "main-kudo", out, NOW, report_nothing, public=False)
    out.seek(0)
    with read_archive(out, [founded.identity]) as members:
        for path in members.paths:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(members.read(path))
    (folder / "algorithm").write_text(request.param)
    return folder


def seals_of(archive: Path) -> list[tuple[Path, Path, Path, str]]:
    """Return root, seal and signature of each seal, and a second at which both are valid."""
    found = []
    for folder in sorted((archive / "seals").iterdir()):
        seal = x509.load_pem_x509_certificate((folder / "seal.pem").read_bytes())
        at = str(int((seal.not_valid_before_utc + timedelta(days=1)).timestamp()))
        found.append(
            (archive / "roots" / f"{folder.name}.pem", folder / "seal.pem", folder / "manifest.sig", at)
        )
    return found


def test_go_verifies_every_seal_and_its_signature_over_the_manifest(archive: Path, verify: Path) -> None:
    assert seals_of(archive)
    for root, seal, signature, at in seals_of(archive):
        judged = run(verify, root, seal, archive / "manifest.json", signature, at)
        assert (judged.returncode, judged.stderr) == (0, "")
        assert judged.stdout == f"2 certificates; {SEAL_EKU.dotted_string}\n"
        altered = run(verify, root, seal, root, signature, at)
        assert altered.returncode == 1


def test_openssl_verifies_every_seal_and_its_signature_over_the_manifest(archive: Path) -> None:
    digest = ALGORITHMS[(archive / "algorithm").read_text()].digest
    hashed = ("-digest", digest.name) if digest else ()
    for root, seal, signature, at in seals_of(archive):
        only = ("-x509_strict", "-attime", at, "-no-CApath", "-no-CAstore", "-CAfile", root)
        assert run("openssl", "verify", *only, seal).returncode == 0
        key = archive / "seal.pub"
        key.write_text(run("openssl", "x509", "-in", seal, "-noout", "-pubkey").stdout)
        judged = ("openssl", "pkeyutl", "-verify", "-pubin", "-inkey", key, "-rawin", *hashed)
        assert run(*judged, "-in", archive / "manifest.json", "-sigfile", signature).returncode == 0
        assert run(*judged, "-in", root, "-sigfile", signature).returncode != 0


def public_key_of(archive: Path) -> str:
    public = json.loads((archive / "manifest.json").read_bytes())["box_key"]
    assert isinstance(public, str)
    return public


def test_go_verifies_the_signature_of_the_box(archive: Path, verify: Path) -> None:
    signed = (archive / "manifest.json", archive / "box.sig")
    judged = run(verify, "box", public_key_of(archive), *signed)
    assert (judged.returncode, judged.stderr) == (0, "")
    assert run(verify, "box", public_key_of(archive), *reversed(signed)).returncode == 1
    assert run(verify, "box", "77" * 32, *signed).returncode == 1


def test_openssl_verifies_the_signature_of_the_box(archive: Path) -> None:
    key = archive / "box.der"
    key.write_bytes(bytes.fromhex("302a300506032b6570032100" + public_key_of(archive)))  # RFC 8410 4
    judged = ("openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", key, "-rawin")
    signature = ("-sigfile", archive / "box.sig")
    assert run(*judged, "-in", archive / "manifest.json", *signature).returncode == 0
    assert run(*judged, "-in", key, *signature).returncode != 0


def make_certificate(purpose: x509.ObjectIdentifier) -> bytes:
    key: Any = make_key("ed25519")
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "seal")])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=1))
        .add_extension(SEAL_USAGE, critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=True)
        .sign(key, None)
        .public_bytes(Encoding.PEM)
    )


@pytest.mark.parametrize(("purpose", "refusals"), [(SEAL_EKU, 0), (SEAL_EKU_V1, 1)])
def test_go_reads_the_purpose_of_format_2_and_not_that_of_format_1(
    tmp_path: Path, verify: Path, purpose: x509.ObjectIdentifier, refusals: int
) -> None:
    path = tmp_path / "seal.pem"
    path.write_bytes(make_certificate(purpose))
    said = run(verify, path, path, path, path, str(int(NOW.timestamp()))).stderr
    assert said.count("invalid extended key usages") == refusals
