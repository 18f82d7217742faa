"""A static folder for a web server: what the certificates promise to be had, and when to trust which root.

    FOLDER/<name of urls.crl>      the newest CRL of each root, DER (RFC 5280 4.2.1.13)
    FOLDER/<name of urls.issuer>   each root, DER (RFC 5280 4.2.2.1)
    FOLDER/trust.pem               the roots to trust now, and those to come
    FOLDER/trust.json              the same with dates: from when to trust each, and after when to remove it

Rules:
1. File names are those that end the addresses in the certificates, where they hold the root's id; else
   they are <root id>.crl and .crt. So no two roots ever share one.
2. Of the CRLs in the opened archives the one with the highest number is served, verified with its root's key.
   One that is served already and has a higher number stays, if that key verifies it, too.
3. Files are replaced in one step each, 0644; nothing else in the folder is touched, nothing is removed: a
   certificate that is out names its address for as long as it lives.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID

from core.errors import ArchiveCertificateError, CaError, FileError
from core.files import fsync_folder, read_bounded, replace
from core.receive.certificates import RootCrl, accept_crl
from core.receive.folder import filing
from server.material import trust_pem
from server.opened import Opened, Root

MAX_CRL_BYTES: Final = 16 * 1024 * 1024
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")


def newest_crl(opened: Opened, root: Root) -> tuple[RootCrl, bytes] | None:
    """Return the newest CRL of a root among the opened archives, and its DER; None if there is none.

    Raises:
        CaError: One was changed after it was opened (E-ARCHIVE-DAMAGED, E-ARCHIVE-CERT).
    """
    path = f"crls/{root.id}.crl"
    found = []
    for archive in opened.archives:
        if any(entry.path == path for entry in archive.manifest.files):
            data = archive.read(path)
            found.append((accept_crl(data, path, root.certificate), data))
    return max(found, key=lambda each: each[0].number, default=None)


def publish(folder: Path, opened: Opened, now: datetime) -> None:
    """Bring the folder up to date (rules 1 to 3).

    Args:
        folder: It is made, mode 0755, if the one above it is there.
        opened: What was opened.
        now: Aware UTC.

    Raises:
        CaError: The system refused (E-FILE), or an opened file was changed (E-ARCHIVE-DAMAGED).
    """
    with filing(f"Writing {folder}"):
        if not folder.is_dir():
            folder.mkdir()
            folder.chmod(0o755)
            fsync_folder(folder.parent)
    for root in opened.roots:
        crl_names, root_names = _names(opened, root)
        for name in root_names:
            _write(folder / name, root.certificate.public_bytes(Encoding.DER))
        newest = newest_crl(opened, root)
        if newest is not None:
            for name in crl_names:
                if not _is_newer(folder / name, root, newest[0].number):
                    _write(folder / name, newest[1])
    trusted = opened.trusted_roots(now)
    _write(folder / "trust.pem", trust_pem(trusted))
    _write(folder / "trust.json", _dates(trusted))


def _dates(roots: tuple[Root, ...]) -> bytes:
    """Return when to trust which root."""
    content = [
        {
            "id": root.id,
            "period": root.period,
            "sha256": root.certificate.fingerprint(SHA256()).hex(),
            "trust_from": root.certificate.not_valid_before_utc,
            "signs_from": root.issue_from,
            "remove_after": root.certificate.not_valid_after_utc,
        }
        for root in roots
    ]
    return msgspec.json.format(msgspec.json.encode({"roots": content}), indent=1) + b"\n"


def _names(opened: Opened, root: Root) -> tuple[set[str], set[str]]:
    """Return the file names of a root's CRL and of itself (rule 1)."""
    crls, roots = set(), set()
    signer = next((signer for signer in opened.signers if signer.root == root.id), None)
    if signer is not None:
        extensions = opened.read_chain(signer)[0].extensions
        with suppress(x509.ExtensionNotFound):
            crls = set(_crl_names(extensions.get_extension_for_class(x509.CRLDistributionPoints).value))
        with suppress(x509.ExtensionNotFound):
            roots = set(
                _issuer_names(extensions.get_extension_for_class(x509.AuthorityInformationAccess).value)
            )
    own = {name for name in crls if root.id in name}, {name for name in roots if root.id in name}
    return own[0] or {f"{root.id}.crl"}, own[1] or {f"{root.id}.crt"}


def _crl_names(points: x509.CRLDistributionPoints) -> Iterator[str]:
    for point in points:
        for name in point.full_name or ():
            yield from _last_part(name)


def _issuer_names(access: x509.AuthorityInformationAccess) -> Iterator[str]:
    for description in access:
        if description.access_method == AuthorityInformationAccessOID.CA_ISSUERS:
            yield from _last_part(description.access_location)


def _last_part(name: x509.GeneralName) -> Iterator[str]:
    """Yield the file name that ends an address, if it can be one."""
    if isinstance(name, x509.UniformResourceIdentifier):
        last = urlsplit(name.value).path.rpartition("/")[2]
        if _NAME.fullmatch(last):
            yield last


def _is_newer(path: Path, root: Root, number: int) -> bool:
    """Return whether a newer CRL of that root is served already (rule 2)."""
    try:
        return accept_crl(read_bounded(path, MAX_CRL_BYTES), path.name, root.certificate).number > number
    except (FileError, ArchiveCertificateError):
        return False


def _write(path: Path, data: bytes) -> None:
    with suppress(CaError):
        if read_bounded(path, len(data)) == data:
            return
    replace(path, data, mode=0o644)
