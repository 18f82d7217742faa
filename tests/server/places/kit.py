"""Each kind of place once, as its contract suite takes it."""

from base64 import b64decode
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from server.places.files import FilesPlace
from server.places.kubernetes import KubernetesPlace
from server.places.openbao import OpenbaoPlace
from server.places.place import Place
from tests.server.makers import TARGET
from tests.server.places.bao import OpenBao


@dataclass(frozen=True, kw_only=True)
class Held:
    """What somebody who reads a place finds there; of the key its public half."""

    certificate: x509.Certificate | None
    key: Any
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
        key=load_pem_private_key(key, None).public_key() if key else None,
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


class OpenbaoKind(Kind):
    """A mount of its own in an OpenBao that runs; what signs there is seen by a leaf."""

    def __init__(self, folder: Path, bao: OpenBao) -> None:
        super().__init__(folder)
        self.bao = bao
        self.mount = bao.mount()
        (folder / "token").write_text(bao.token + "\n")

    @property
    def place(self) -> OpenbaoPlace:
        token_file = str(self.folder / "token")
        return OpenbaoPlace(target=TARGET, address=self.bao.address, mount=self.mount, token_file=token_file)

    def read(self) -> Held:
        default = self.bao.ask("GET", f"{self.mount}/config/issuers")["default"]
        leaf = self.bao.issue(self.mount) if default else None
        certificate = self.certificate(default) if leaf else None
        if leaf and certificate:
            leaf.verify_directly_issued_by(certificate)
        roots = [id_ for id_, name in self.issuers().items() if name.startswith("pism-root-")]
        return Held(
            certificate=certificate,
            key=certificate.public_key() if certificate else None,
            roots=frozenset(map(self.certificate, roots)),
        )

    def issuers(self) -> dict[str, str]:
        """Return the name of every issuer."""
        found = self.bao.ask("LIST", f"{self.mount}/issuers").get("key_info", {})
        return {id_: info["issuer_name"] for id_, info in found.items()}

    def certificate(self, id_: str) -> x509.Certificate:
        pem = self.bao.ask("GET", f"{self.mount}/issuer/{id_}")["certificate"]
        return x509.load_pem_x509_certificate(pem.encode())


KINDS: dict[str, type[Kind]] = {"files": FilesKind, "kubernetes": KubernetesKind}
