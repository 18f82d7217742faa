"""Each kind of place once, as its contract suite takes it."""

from base64 import b64decode
from dataclasses import dataclass
from pathlib import Path

import yaml
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from server.places.files import FilesPlace
from server.places.kubernetes import KubernetesPlace
from server.places.place import Place
from tests.server.makers import TARGET


@dataclass(frozen=True, kw_only=True)
class Held:
    """What somebody who reads a place finds there."""

    certificate: x509.Certificate | None
    key: object | None
    roots: frozenset[x509.Certificate]


class Kind:
    """A kind of place in a folder of its own, and how it is read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def place(self) -> Place:
        raise NotImplementedError

    def read(self) -> Held:
        raise NotImplementedError


class FilesKind(Kind):
    """A folder of PEM files."""

    @property
    def place(self) -> Place:
        return FilesPlace(target=TARGET, folder=str(self.folder / "place"), plain_key=True)

    def read(self) -> Held:
        folder = self.folder / "place"
        has = (folder / "certificate.pem").exists()
        assert (folder / "key.pem").exists() == has
        return read_held(
            (folder / "certificate.pem").read_bytes() if has else b"",
            (folder / "key.pem").read_bytes() if has else b"",
            (folder / "trust.pem").read_bytes(),
        )


def read_held(certificate: bytes, key: bytes, roots: bytes) -> Held:
    """Return what PEM texts hold, "" for nothing."""
    return Held(
        certificate=x509.load_pem_x509_certificate(certificate) if certificate else None,
        key=load_pem_private_key(key, None) if key else None,
        roots=frozenset(x509.load_pem_x509_certificates(roots)),
    )


class KubernetesKind(Kind):
    """Manifests, as the cluster decodes them."""

    @property
    def place(self) -> Place:
        folder = str(self.folder / "place")
        return KubernetesPlace(target=TARGET, folder=folder, namespace="default", secret="pism")

    def read(self) -> Held:
        folder = self.folder / "place"
        secret: dict[str, str] = {}
        if (folder / "pism.yaml").exists():
            secret = yaml.safe_load((folder / "pism.yaml").read_text())["data"]
        trust = yaml.safe_load((folder / "pism-trust.yaml").read_text())["data"]["ca.crt"]
        return read_held(
            b64decode(secret.get("tls.crt", "")), b64decode(secret.get("tls.key", "")), trust.encode()
        )


KINDS: dict[str, type[Kind]] = {"files": FilesKind, "kubernetes": KubernetesKind}
