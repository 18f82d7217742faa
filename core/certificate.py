"""What is remembered of one issued certificate, and what it is at a given time; of one CRL; and their PEM.

1. Instants are aware UTC; `issue_until` is exclusive and a midnight, `not_after` is inclusive and ends at
   23:59:59 (RFC 5280 4.1.2.5). A root is its own issuer.
2. PEM (RFC 7468) is made for certificates by the thousand: no parsing, no copy that stays.

Bytes and keys are kept by core.store.certificates.
"""

from binascii import b2a_base64
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Kind = Literal["root", "signer", "seal"]
Status = Literal["future", "active", "retired", "expired", "revoked"]
_LINE = 64  # RFC 7468 section 2: lines of exactly 64 characters


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """One issued certificate.

    Args:
        id: Its UUID, also the subject's serialNumber.
        kind: root, signer or seal.
        class_name: The signer's class; None for roots and seals.
        target: The signer's target; None for roots and seals.
        lane: 1..load for signers; None else.
        period: Readable name of the issuing period, such as 2027.1.
        algorithm: A name of config.yaml, such as ed25519.
        issue_from: Start of the issuing period, inclusive.
        issue_until: End of the issuing period, exclusive.
        not_before: First instant of validity.
        not_after: Last instant of validity, inclusive.
        serial: X.509 serial number, positive, at most 159 bits.
        issuer: UUID of the root that signed it.
        sha256: SHA-256 of the DER, 64 hex digits.
        revoked_at: When it was revoked, or None.
        reason: RFC 5280 5.3.1 reason name, or None.
    """

    id: str
    kind: Kind
    class_name: str | None = None
    target: str | None = None
    lane: int | None = None
    period: str
    algorithm: str
    issue_from: datetime
    issue_until: datetime
    not_before: datetime
    not_after: datetime
    serial: int
    issuer: str
    sha256: str
    revoked_at: datetime | None = None
    reason: str | None = None

    @property
    def path(self) -> str:
        """`class/target` of a signer, `roots` or `seals` otherwise."""
        return f"{self.class_name}/{self.target}" if self.kind == "signer" else f"{self.kind}s"

    def status(self, now: datetime) -> Status:
        """Return what the certificate is at `now` (aware UTC): section 11's five words."""
        if self.revoked_at is not None:
            return "revoked"
        if now > self.not_after:
            return "expired"
        if now < self.issue_from:
            return "future"
        return "active" if now < self.issue_until else "retired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A certificate that has just been issued and has passed every rule.

    Args:
        certificate: What is remembered of it.
        der: Its bytes.
        key: Its private key, unencrypted PKCS#8 DER; memory only, not shown. Empty where it was never here.
    """

    certificate: Certificate
    der: bytes = field(repr=False)
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Crl:
    """A root's list of what it revoked.

    Args:
        issuer: UUID of the root.
        number: CRLNumber, rising.
        this_update: When it was signed, aware UTC.
        next_update: When it must have been replaced, aware UTC.
        der: Its bytes.
    """

    issuer: str
    number: int
    this_update: datetime
    next_update: datetime
    der: bytes = field(repr=False)


def encode_pem(der: bytes, label: str = "CERTIFICATE") -> bytes:
    """Return `der` as one PEM block that ends with a line feed."""
    text = b2a_base64(der, newline=False)
    lines = b"\n".join([text[start : start + _LINE] for start in range(0, len(text), _LINE)])
    name = label.encode()
    return b"-----BEGIN %b-----\n%b\n-----END %b-----\n" % (name, lines, name)
