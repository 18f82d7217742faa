"""An issuing key: a root that can sign, its record, certificate and private key seen to belong together.

One is made per root and session, by `load_root` or `load_issuing_key` only; the private key shows in no repr.
It signs nothing by itself: core.issue.issuance does certificates, core.issue.crl revocations.
"""

import hashlib
from dataclasses import dataclass
from functools import cached_property

from cryptography import x509

from core.certificate import Certificate
from core.crypto.keys import ALGORITHMS, PrivateKey, decode_key, make_key
from core.errors import IssueError
from core.store.store import Store


# No slots: the two cached properties are made on first use and kept.
@dataclass(frozen=True, kw_only=True)
class IssuingKey:
    """A root that can sign.

    Args:
        certificate: What is remembered of it.
        x509: The certificate itself.
        private_key: Its private key; the library's object shows no secret.
    """

    certificate: Certificate
    x509: x509.Certificate
    private_key: PrivateKey

    @cached_property
    def key_id(self) -> bytes:
        """The root's subject key identifier (RFC 5280 4.2.1.2, method 1)."""
        return x509.SubjectKeyIdentifier.from_public_key(self.private_key.public_key()).digest

    @cached_property
    def stand_in(self) -> "IssuingKey":
        """The same root with a throwaway key: what rehearsals sign with."""
        key = make_key(self.certificate.algorithm)
        certificate = (
            x509.CertificateBuilder()
            .issuer_name(self.x509.subject)
            .subject_name(self.x509.subject)
            .public_key(key.public_key())
            .serial_number(self.x509.serial_number)
            .not_valid_before(self.x509.not_valid_before_utc)
            .not_valid_after(self.x509.not_valid_after_utc)
            .sign(key, ALGORITHMS[self.certificate.algorithm].digest)
        )
        return IssuingKey(certificate=self.certificate, x509=certificate, private_key=key)


def load_issuing_key(certificate: Certificate, der: bytes, key: bytes) -> IssuingKey:
    """Return a root that can sign, once its parts are seen to belong together.

    Args:
        certificate: What the store remembers of it.
        der: The certificate's bytes.
        key: Its private key, unencrypted PKCS#8 DER.

    Raises:
        IssueError: It is no root, or record, certificate and key do not belong together (E-ISSUE).
    """
    name = f"{certificate.kind} {certificate.id}"
    if certificate.kind != "root":
        raise IssueError(f"{name} is no root, so it signs nothing")
    if hashlib.sha256(der).hexdigest() != certificate.sha256:
        raise IssueError(f"the bytes of {name} are not those that were issued")
    parsed = x509.load_der_x509_certificate(der)
    private_key = decode_key(key)
    if private_key.public_key() != parsed.public_key():
        raise IssueError(f"the key of {name} is another one's")
    return IssuingKey(certificate=certificate, x509=parsed, private_key=private_key)


def load_root(store: Store, root: Certificate) -> IssuingKey:
    """Return a root of the store, ready to sign.

    Raises:
        StateDamagedError: Its bytes are not those that were stored (E-STATE-DAMAGED).
        IssueError: Certificate and key do not belong together (E-ISSUE).
    """
    ((_, der),) = store.ders([root.id])
    ((_, key),) = store.keys([root.id])
    return load_issuing_key(root, der, key)
