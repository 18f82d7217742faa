"""Seals: who signs manifests and receipts, and when such a signature is accepted.

1. A seal is an end-entity certificate directly under a root, for digitalSignature and one purpose only
   (SEAL_EKU, or SEAL_EKU_V1 in seals of format 1). Roots sign nothing but certificates and CRLs.
2. It is accepted only if that root's own key verifies it, with no certificate between: a signer could mint
   look-alikes. The caller has compared the root, byte by byte, with one that it trusts.
3. It counts before its own validity begins, since future roots seal already, but not after it ended.

Which roots are trusted, and how new `created` is, is for the caller to say.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, cast

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from core.certificate import Certificate
from core.crypto.keys import PrivateKey, PublicKey, algorithm_name, decode_key, sign_bytes, verify_bytes
from core.errors import ArchiveSealError, CheckError, IssueError
from core.progress import Progress, Report, report_nothing

if TYPE_CHECKING:
    from core.store.store import Store

# Both name the UUID 03e129f0-cafa-46c7-85ae-713ba99f3832. ITU-T X.667 makes one arc of 128 bits of it,
# which Go's crypto/x509 and other parsers refuse. So it stands in parts of 16 and 24 bits, under the arc
# that is given for that: 03e1 29f0 cafa 46c7 85ae 713ba9 9f3832. Every arc is below 2^28.
SEAL_EKU: Final = x509.ObjectIdentifier(
    "1.2.840.113556.1.8000.2554.993.10736.51962.18119.34222.7420841.10434610"
)
SEAL_EKU_V1: Final = x509.ObjectIdentifier("2.25.5156801436896374662063181016269273138")

_SEAL_USAGE = x509.KeyUsage(
    digital_signature=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=False,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """One seal with its key, in memory for as long as a session.

    Args:
        root_id: UUID of the root that it stands for.
        der: Its certificate.
        private_key: Its key; not shown.
    """

    root_id: str
    der: bytes
    private_key: PrivateKey

    def __repr__(self) -> str:
        """Return the root's id only."""
        return f"Seal({self.root_id})"

    def sign(self, data: bytes) -> bytes:
        """Return the signature of exactly `data`, as the algorithm of the seal signs certificates."""
        return sign_bytes(self.private_key, data)


def load_seal(certificate: Certificate, der: bytes, key: bytes) -> Seal:
    """Return a seal that can sign.

    Args:
        certificate: Its record; kind seal.
        der: Its certificate.
        key: Its PKCS#8 DER, not encrypted.

    Raises:
        IssueError: The key cannot be read, or is another one's (E-ISSUE).
    """
    private_key = decode_key(key)
    if private_key.public_key() != x509.load_der_x509_certificate(der).public_key():
        raise IssueError(f"the key of seal {certificate.id} is another one's")
    return Seal(root_id=certificate.issuer, der=der, private_key=private_key)


def load_seals(
    store: "Store", seals: Sequence[Certificate], report: Report = report_nothing
) -> tuple[Seal, ...]:
    """Return the seals that sign an archive or a receipt, keys included.

    Args:
        store: Where certificates and keys are.
        seals: Records of kind seal, one a root.
        report: Told of seals; may raise StoppedError.

    Raises:
        CheckError: There is none, or a key is gone (E-CHECK).
    """
    ids = [item.id for item in seals]
    ders, keys = dict(store.ders(ids)), dict(store.keys(ids))
    if not ids or len(keys) != len(ids):
        raise CheckError("Rule archive-is-sealed: no live root has a seal, or the key of one is gone.")
    loaded = []
    for done, item in enumerate(seals):
        report(Progress(done=done, total=len(seals), what="seal"))
        loaded.append(load_seal(item, ders[item.id], keys[item.id]))
    report(Progress(done=len(seals), total=len(seals), what="seal"))
    return tuple(loaded)


def is_current(seal_der: bytes) -> bool:
    """Return whether a seal of our own has the purpose that every parser reads (format 2)."""
    extensions = x509.load_der_x509_certificate(seal_der).extensions
    return list(extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [SEAL_EKU]


def accept_seal(
    seal_der: bytes, root: x509.Certificate, revoked_serials: Collection[int], created: datetime
) -> PublicKey:
    """Check a seal's certificate and return the key that its signatures are verified with.

    Args:
        seal_der: The certificate, from a source that nobody vouches for.
        root: A root that the caller trusts.
        revoked_serials: What that root has revoked.
        created: When the seal is said to have signed; aware UTC.

    Raises:
        ArchiveSealError: It is no seal of that root, revoked, or had ended (E-ARCHIVE-SEAL).
    """
    try:
        seal = x509.load_der_x509_certificate(seal_der)
        _require_seal_profile(seal)
        if seal.issuer != root.subject:
            raise ArchiveSealError("The seal was not issued by this root.")
        # RFC 5280 4.1.1.2: one signature algorithm inside and outside.
        verify_bytes(cast("PublicKey", root.public_key()), seal.signature, seal.tbs_certificate_bytes)
        key = cast("PublicKey", seal.public_key())
        algorithm_name(key)
    except (ValueError, UnsupportedAlgorithm, x509.UnsupportedGeneralNameType) as error:
        raise ArchiveSealError("The seal is not a certificate that can be read.") from error
    except IssueError as error:
        raise ArchiveSealError("The seal was not signed by this root's key.") from error
    if seal.serial_number in revoked_serials:
        raise ArchiveSealError("The seal is revoked.")
    if created > seal.not_valid_after_utc:
        raise ArchiveSealError("The seal had ended when it is said to have signed.")
    return key


def _require_seal_profile(seal: x509.Certificate) -> None:
    extensions = seal.extensions
    try:
        basic = extensions.get_extension_for_class(x509.BasicConstraints)
        usage = extensions.get_extension_for_class(x509.KeyUsage)
        purpose = extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except x509.ExtensionNotFound as error:
        raise ArchiveSealError("The certificate lacks an extension of a seal.") from error
    if basic.value.ca or usage.value != _SEAL_USAGE:
        raise ArchiveSealError("The certificate may sign certificates, or more than a seal may.")
    if not purpose.critical or list(purpose.value) not in ([SEAL_EKU], [SEAL_EKU_V1]):
        raise ArchiveSealError("The certificate is not for sealing.")
    known = {item.oid for item in (basic, usage, purpose)}
    if any(item.critical and item.oid not in known for item in extensions):
        raise ArchiveSealError("The seal has a critical extension that PiSM does not know.")
