"""What a place is given: a signer, its root, its private key, the roots to trust; and in which forms.

Rules:
1. A private key is in memory only, and leaves it in one of two forms: PKCS#8 under a passphrase (PBES2,
   RFC 8018), or plain where a place was told so.
2. An ML-DSA key keeps the form that the box gave it, the seed alone (RFC 9881): Go refuses the other ones.
3. A chain begins with the signer (RFC 5246 7.4.2); whether the root ends it is for the place to say.
"""

import os
import secrets
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from core.crypto.keys import PrivateKey
from core.errors import FileError
from core.files import make_folder, move, write_new
from server.opened import Opened, Root
from server.signers import Signer


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """All that a place may need of one signer.

    Args:
        signer: Which one.
        certificate: Its certificate.
        root: The root that signed it.
        key: Its private key; None where the server made it.
        roots: The roots to trust, those to come among them.
    """

    signer: Signer
    certificate: x509.Certificate
    root: x509.Certificate
    key: PrivateKey | None = field(repr=False)
    roots: tuple[Root, ...]

    def certificate_pem(self) -> bytes:
        """Return the signer's certificate."""
        return self.certificate.public_bytes(Encoding.PEM)

    def root_pem(self) -> bytes:
        """Return the certificate of its root."""
        return self.root.public_bytes(Encoding.PEM)

    def chain_pem(self, *, with_root: bool) -> bytes:
        """Return the certificates from the signer upwards (rule 3)."""
        return self.certificate_pem() + (self.root_pem() if with_root else b"")

    def key_bytes(self, passphrase: bytes | None, encoding: Encoding = Encoding.PEM) -> bytes:
        """Return the private key as PKCS#8; secret.

        Args:
            passphrase: What encrypts it; None leaves it plain.
            encoding: PEM or DER.
        """
        assert self.key is not None  # noqa: S101  a place asks only where there is one
        encryption = NoEncryption() if passphrase is None else BestAvailableEncryption(passphrase)
        return self.key.private_bytes(encoding, PrivateFormat.PKCS8, encryption)


def trust_pem(roots: Sequence[Root]) -> bytes:
    """Return the roots to trust, now and to come, in one file."""
    return b"".join(root.certificate.public_bytes(Encoding.PEM) for root in roots)


def read_material(opened: Opened, signer: Signer, identities: Sequence[Any], now: datetime) -> Material:
    """Read what a place needs of a signer; its key only if the archive has it.

    Args:
        opened: The receiver's folder.
        signer: One of it.
        identities: From core.crypto.identities.
        now: Aware UTC: for the roots to trust.

    Raises:
        CaError: As server.opened.
    """
    certificate, root = opened.read_chain(signer)
    return Material(
        signer=signer,
        certificate=certificate,
        root=root,
        key=opened.read_key(signer, identities) if signer.has_key else None,
        roots=opened.trusted_roots(now),
    )


def write_material(folder: Path, material: Material, passphrase: bytes | None) -> tuple[str, ...]:
    """Write a signer into a new folder, whole or not at all: 0700, its files 0600.

    Args:
        folder: Must not exist; the one above it must.
        material: The signer.
        passphrase: What encrypts its key; None leaves it plain.

    Returns:
        The names of the files.

    Raises:
        FileError: The folder exists, or the system refused (E-FILE). Nothing is left behind.
    """
    if os.path.lexists(folder):
        raise FileError(f"{folder} exists; name another folder")
    if not folder.parent.is_dir():
        raise FileError(f"there is no folder {folder.parent}")
    files = {
        "certificate.pem": material.certificate_pem(),
        "chain.pem": material.chain_pem(with_root=True),
        "trust.pem": trust_pem(material.roots),
    }
    if material.key is not None:
        files["key.pem"] = material.key_bytes(passphrase)
    part = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.part")
    make_folder(part)
    try:
        for name, data in files.items():
            write_new(part / name, data)
        move(part, folder)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    return tuple(files)
