"""Certificates and CRLs of an archive, held against its sealed manifest (the receiver's checks 8 and 9).

Owns: that each certificate is the one its entry says, hangs under its own root, nests in it, and may do
what its kind may do; that each CRL is its root's and agrees with the manifest.

It judges from the bytes alone, by RFC 5280, and shares no code with what issues. Which manifest to
believe, and the keys, are for others.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Protocol, cast

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtensionOID, NameOID

from core.archive.container import Archive
from core.archive.manifest import CertificateEntry, Manifest
from core.certificate import Status, encode_pem
from core.crypto.keys import ALGORITHMS, PublicKey, algorithm_name, verify_bytes
from core.crypto.recipients import refusing
from core.errors import ArchiveCertificateError, CaError

_KNOWN_CRITICAL = {
    ExtensionOID.BASIC_CONSTRAINTS,
    ExtensionOID.KEY_USAGE,
    ExtensionOID.EXTENDED_KEY_USAGE,
    ExtensionOID.NAME_CONSTRAINTS,
}
_ONE_SECOND = timedelta(seconds=1)


class Members(Protocol):
    """The members of an archive, packed or opened into a folder."""

    def read(self, path: str, /) -> bytes:
        """Return a whole member."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chains:
    """What an archive's certificates came to.

    Args:
        roots: Root id -> certificate.
        keys: Certificate id -> public key.
    """

    roots: Mapping[str, x509.Certificate]
    keys: Mapping[str, PublicKey]


def read_certificates(pem: bytes, what: str) -> tuple[x509.Certificate, ...]:
    """Return the certificates of a member that holds PEM and nothing else.

    Raises:
        ArchiveCertificateError: It holds something else (E-ARCHIVE-CERT).
    """
    refusal = ArchiveCertificateError(f"{what} does not hold certificates in PEM only.")
    with refusing(refusal):
        certificates = tuple(x509.load_pem_x509_certificates(pem))
        if b"".join(encode_pem(item.public_bytes(Encoding.DER)) for item in certificates) != pem:
            raise refusal
    return certificates


def check_certificates(archive: Archive, manifest: Manifest) -> Chains:
    """Check every certificate against its entry, its root and its kind (check 8).

    Raises:
        ArchiveCertificateError: One does not fit; the text names it and says why (E-ARCHIVE-CERT).
    """
    roots: dict[str, x509.Certificate] = {}
    keys: dict[str, PublicKey] = {}
    for entry in manifest.certificates:  # roots come first: core.archive.manifest
        certificates = read_certificates(archive.read(entry.file), entry.file)
        if entry.kind == "root":
            roots[entry.id] = certificates[0]
        root = roots[entry.issuer]
        wanted = (certificates[0], root) if entry.kind == "signer" else (certificates[0],)
        if certificates != wanted:
            raise ArchiveCertificateError(
                f"{entry.file} does not hold one certificate and the root it needs."
            )
        keys[entry.id] = check_certificate(entry, certificates[0], root, manifest.created)
    return Chains(roots=roots, keys=keys)


def check_certificate(
    entry: CertificateEntry, certificate: x509.Certificate, root: x509.Certificate, created: datetime
) -> PublicKey:
    """Check one certificate against its entry, its root and its kind, and return its public key.

    Args:
        entry: What is said of it.
        certificate: The certificate.
        root: Its root; itself, if it is one.
        created: When that was said, aware UTC.

    Raises:
        ArchiveCertificateError: It does not fit; the text names it and says why (E-ARCHIVE-CERT).
    """
    with refusing(_broken(entry, "it cannot be read")):
        _check_entry(entry, certificate)
        _check_dates(entry, certificate, root, created)
        _check_kind(entry, certificate)
        key = cast("PublicKey", certificate.public_key())
        if algorithm_name(key) != entry.algorithm:
            raise _broken(entry, "its algorithm is another one")
    try:
        _check_signature(certificate, root)
    except CaError:
        raise _broken(entry, "its root did not sign it") from None
    return key


def _check_entry(entry: CertificateEntry, certificate: x509.Certificate) -> None:
    der = certificate.public_bytes(Encoding.DER)
    if hashlib.sha256(der).hexdigest() != entry.sha256:
        raise _broken(entry, "it is not the one that the manifest names")
    if f"{certificate.serial_number:040x}" != entry.serial:
        raise _broken(entry, "its serial number is another one")
    ids = certificate.subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)
    if [item.value for item in ids] != [entry.id]:
        raise _broken(entry, "its subject names another id")


def _check_dates(
    entry: CertificateEntry, certificate: x509.Certificate, root: x509.Certificate, created: datetime
) -> None:
    first, last = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if (first, last) != (entry.not_before, entry.not_after):
        raise _broken(entry, "its dates are others")
    if not first <= entry.issue_from < entry.issue_until <= last + _ONE_SECOND:
        raise _broken(entry, "its issuing period is not inside its validity")
    if entry.issue_until.time() != time():  # core.certificate, rule 1
        raise _broken(entry, "its issuing period does not end at midnight")
    if not root.not_valid_before_utc <= first <= last <= root.not_valid_after_utc:
        raise _broken(entry, "its validity is not inside its root's")
    if entry.status not in ("revoked", _status(entry, created)):
        raise _broken(entry, f"its dates do not make it {entry.status}")


def _status(entry: CertificateEntry, at: datetime) -> Status:
    if at > entry.not_after:
        return "expired"
    if at < entry.issue_from:
        return "future"
    return "active" if at < entry.issue_until else "retired"


def _check_kind(entry: CertificateEntry, certificate: x509.Certificate) -> None:
    extensions = certificate.extensions
    basic = extensions.get_extension_for_class(x509.BasicConstraints)
    usage = extensions.get_extension_for_class(x509.KeyUsage)
    is_ca = entry.kind != "seal"
    # RFC 5280 4.2.1.9 and 4.2.1.3
    if basic.value.ca != is_ca or not (basic.critical and usage.critical):
        raise _broken(entry, "its basic constraints are not those of its kind")
    if usage.value.key_cert_sign != is_ca or usage.value.crl_sign != is_ca:
        raise _broken(entry, "its key usage is not that of its kind")
    if any(item.critical and item.oid not in _KNOWN_CRITICAL for item in extensions):
        raise _broken(entry, "it has a critical extension that PiSM does not know")


def _check_signature(
    certificate: x509.Certificate | x509.CertificateRevocationList, root: x509.Certificate
) -> None:
    """Require that `root` issued it (RFC 5280 6.1.3 a: signature, name).

    Raises:
        CaError: It did not; the caller says of what.
    """
    key = cast("PublicKey", root.public_key())
    if isinstance(certificate, x509.Certificate):
        signed = certificate.tbs_certificate_bytes
    else:
        signed = certificate.tbs_certlist_bytes
    wrong = ArchiveCertificateError("It is not of this root.")
    with refusing(wrong):
        if certificate.issuer != root.subject:
            raise wrong
        if certificate.signature_algorithm_oid != ALGORITHMS[algorithm_name(key)].signature_oid:
            raise wrong
        verify_bytes(key, certificate.signature, signed)


@dataclass(frozen=True, slots=True, kw_only=True)
class RootCrl:
    """A CRL whose root signed it: its number, the serials that it lists, and when it runs out."""

    number: int
    serials: frozenset[int]
    next_update: datetime


def read_crl(archive: Members, root_id: str, root: x509.Certificate) -> RootCrl:
    """Return the CRL of a root, verified with that root's key.

    Raises:
        ArchiveCertificateError: It cannot be read, or is not that root's (E-ARCHIVE-CERT).
        ArchiveMemberError: The archive has none (E-ARCHIVE-MEMBER).
    """
    path = f"crls/{root_id}.crl"
    return accept_crl(archive.read(path), path, root)


def accept_crl(data: bytes, what: str, root: x509.Certificate) -> RootCrl:
    """Return what a CRL says, verified with its root's key.

    Args:
        data: DER, bounded by the caller.
        what: Names it in the error's text.
        root: The root.

    Raises:
        ArchiveCertificateError: It cannot be read, or is not that root's (E-ARCHIVE-CERT).
    """
    refusal = ArchiveCertificateError(f"{what} is not a CRL of its root.")
    with refusing(refusal):
        crl = x509.load_der_x509_crl(data)
        number = crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
        serials = frozenset(item.serial_number for item in crl)
        next_update = crl.next_update_utc
    try:
        _check_signature(crl, root)
    except CaError:
        raise refusal from None
    if next_update is None:  # RFC 5280 5.1.2.5
        raise refusal
    return RootCrl(number=number, serials=serials, next_update=next_update)


def check_crls(archive: Archive, manifest: Manifest, chains: Chains) -> dict[str, int]:
    """Check every CRL against its root and the manifest's statuses (check 9).

    Returns:
        CRL number of each root that has a CRL.

    Raises:
        ArchiveCertificateError: One is not its root's, or disagrees with the manifest (E-ARCHIVE-CERT).
    """
    present = frozenset(archive.paths)
    crls = {
        id_: read_crl(archive, id_, root)
        for id_, root in chains.roots.items()
        if f"crls/{id_}.crl" in present
    }
    status = {entry.id: entry.status for entry in manifest.certificates}
    for entry in manifest.certificates:
        if entry.kind == "root" or entry.issuer not in crls:
            continue
        listed = int(entry.serial, 16) in crls[entry.issuer].serials
        # A CRL drops what has expired; a revoked root takes all below it along, listed or not.
        may_be_unlisted = status[entry.issuer] in ("revoked", "expired") or entry.not_after < manifest.created
        if listed and entry.status != "revoked":
            raise _broken(entry, "its root has revoked it, and the manifest does not say so")
        if entry.status == "revoked" and not listed and not may_be_unlisted:
            raise _broken(entry, "the manifest calls it revoked, and its root's CRL does not")
    return {id_: crl.number for id_, crl in crls.items()}


def _broken(entry: CertificateEntry, why: str) -> ArchiveCertificateError:
    return ArchiveCertificateError(f"The certificate of {entry.kind} {entry.id} does not fit: {why}.")
