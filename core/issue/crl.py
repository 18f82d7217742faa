"""Certificate revocation lists: one per root, from the day the root is made (design 3, Revocation).

Rules:
    1. A list names every revoked certificate that its root issued, seals and the root itself among them;
       expired ones stay. A root's own entry informs, it protects nobody: receivers drop a revoked root.
    2. CRLNumber is the greater of last + 1 and the time in Unix seconds, so that a restored box cannot fall
       back behind what it published (RFC 5280 5.2.3).
    3. thisUpdate is now; nextUpdate is now + lifetime, but never after the root's last instant.
    4. Each list is parsed back and run through named rules, the root's signature among them, before anybody
       gets it.

When a list is due, and what is revoked, is the caller's.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from core.certificate import Certificate, Crl
from core.crypto.keys import ALGORITHMS
from core.errors import CheckError, IssueError
from core.issue.issuance import IssuingKey

UNSPECIFIED = "unspecified"

# RFC 5280 5.3.1. Not here: certificateHold, which would have to end; removeFromCRL, for delta lists only;
# aACompromise, for attribute certificates.
REASONS = {
    UNSPECIFIED: x509.ReasonFlags.unspecified,
    "keyCompromise": x509.ReasonFlags.key_compromise,
    "cACompromise": x509.ReasonFlags.ca_compromise,
    "affiliationChanged": x509.ReasonFlags.affiliation_changed,
    "superseded": x509.ReasonFlags.superseded,
    "cessationOfOperation": x509.ReasonFlags.cessation_of_operation,
    "privilegeWithdrawn": x509.ReasonFlags.privilege_withdrawn,
}


def sign_crl(
    issuing_key: IssuingKey,
    revoked: Iterable[Certificate],
    last_number: int,
    lifetime_days: int,
    now: datetime,
) -> Crl:
    """Sign a root's list of everything of its own among `revoked`.

    Args:
        issuing_key: The root.
        revoked: Certificates; those that are not revoked, or another root's, are passed over.
        last_number: CRLNumber of the root's last list, 0 before the first.
        lifetime_days: How long the list holds, in days.
        now: Aware UTC, whole seconds.

    Raises:
        IssueError: The root is over, or a reason or date is impossible (E-ISSUE).
        CheckError: A named rule does not hold (E-CHECK).
    """
    root = issuing_key.certificate
    if now >= root.not_after:
        raise IssueError(f"root {root.id} is over, so it signs no list")
    mine = [item for item in revoked if item.issuer == root.id]
    entries = sorted(_entries(mine, now), key=lambda entry: (entry.revocation_date_utc, entry.serial_number))
    number = max(last_number + 1, int(now.timestamp()))
    next_update = min(now + timedelta(days=lifetime_days), root.not_after)
    key_id = x509.AuthorityKeyIdentifier(
        key_identifier=issuing_key.key_id, authority_cert_issuer=None, authority_cert_serial_number=None
    )
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuing_key.x509.subject)
        .last_update(now)
        .next_update(next_update)
        .add_extension(key_id, critical=False)
        .add_extension(x509.CRLNumber(number), critical=False)
    )
    for entry in entries:
        builder = builder.add_revoked_certificate(entry)
    signed = builder.sign(issuing_key.private_key, ALGORITHMS[root.algorithm].digest)
    crl = Crl(
        issuer=root.id,
        number=number,
        this_update=now,
        next_update=next_update,
        der=signed.public_bytes(Encoding.DER),
    )
    check_crl(crl, mine, issuing_key)
    return crl


def _entries(items: Iterable[Certificate], now: datetime) -> Iterator[x509.RevokedCertificate]:
    """Yield an entry for each certificate that is revoked."""
    for item in items:
        if item.revoked_at is None:
            continue
        if item.revoked_at > now:
            raise IssueError(f"{item.kind} {item.id} is revoked only after the list is signed")
        reason = item.reason or UNSPECIFIED
        if reason not in REASONS:
            raise IssueError(f"{item.kind} {item.id} is revoked for no reason of RFC 5280 5.3.1: {reason}")
        builder = x509.RevokedCertificateBuilder().serial_number(item.serial).revocation_date(item.revoked_at)
        if reason != UNSPECIFIED:  # RFC 5280 5.3.1: left out rather than unspecified.
            builder = builder.add_extension(x509.CRLReason(REASONS[reason]), critical=False)
        yield builder.build()


def check_crl(crl: Crl, revoked: Iterable[Certificate], issuing_key: IssuingKey) -> None:
    """Refuse a list that breaks a rule.

    Args:
        crl: The list; its bytes are parsed.
        revoked: The certificates that it must name, all of this root.
        issuing_key: The root.

    Raises:
        CheckError: A rule does not hold; the text names it (E-CHECK).
    """
    parsed = x509.load_der_x509_crl(crl.der)
    named = {entry.serial_number: (entry.revocation_date_utc, _reason(entry)) for entry in parsed}
    wanted = {
        item.serial: (item.revoked_at, item.reason or UNSPECIFIED)
        for item in revoked
        if item.revoked_at is not None
    }
    found = {extension.oid: extension.value for extension in parsed.extensions}
    key_id = x509.AuthorityKeyIdentifier(issuing_key.key_id, None, None)
    last = issuing_key.certificate.not_after
    holds = {
        "crl_issuer": parsed.issuer == issuing_key.x509.subject,  # RFC 5280 5.1.2.3
        "crl_dates": (parsed.last_update_utc, parsed.next_update_utc) == (crl.this_update, crl.next_update),
        "crl_nested": crl.this_update < crl.next_update <= last,
        "crl_entries": named == wanted,
        "crl_number": found.get(x509.CRLNumber.oid) == x509.CRLNumber(crl.number),  # RFC 5280 5.2.3
        "crl_key_identifier": found.get(x509.AuthorityKeyIdentifier.oid) == key_id,  # RFC 5280 5.2.1
        "crl_extensions": len(found) == len((x509.CRLNumber, x509.AuthorityKeyIdentifier)),
        "crl_signature": parsed.is_signature_valid(issuing_key.private_key.public_key()),
    }
    for rule, held in holds.items():
        if not held:
            raise CheckError(f"rule {rule}: the list {crl.number} of root {crl.issuer} breaks it")


def _reason(entry: x509.RevokedCertificate) -> str:
    reasons = [item.value.reason for item in entry.extensions if isinstance(item.value, x509.CRLReason)]
    return reasons[0].value if reasons else UNSPECIFIED
