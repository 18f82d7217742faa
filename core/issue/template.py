"""The template of a certificate: what one certificate shall be, and the rules for it before any key signs.

A rule is a function of a template; it returns what is wrong, empty when nothing is. Its name is the rule's
name in the error's text. core.issue.checks runs them, and has those for after the signing.
"""

from datetime import UTC, datetime, time, timedelta

import msgspec
from cryptography import x509
from cryptography.x509.oid import NameOID

from core.certificate import Certificate, Kind
from core.crypto.keys import PublicKey
from core.issue.profile import ONE_SECOND, UPPER_BOUNDS, Extension

ONE_DAY = timedelta(days=1)
MAX_SERIAL_BITS = 159


class Template(msgspec.Struct, frozen=True, kw_only=True):
    """What one certificate shall be.

    Args:
        kind: root, signer or seal.
        id: Its UUID, the subject's serialNumber.
        algorithm: Algorithm of its key.
        issuer_algorithm: Algorithm of the key that signs it.
        issuer: The root that signs; None for a root.
        issuer_key_id: Subject key identifier of the root that signs.
        subject: Its subject.
        serial: Its serial number.
        issue_from: Start of its issuing period.
        issue_until: End of its issuing period, exclusive.
        not_before: First instant of its validity.
        not_after: Last instant of its validity, inclusive.
        public_key: Its key.
        extensions: All of them, in order.
        now: When it is signed, aware UTC.
    """

    kind: Kind
    id: str
    algorithm: str
    issuer_algorithm: str
    issuer: Certificate | None
    issuer_key_id: bytes
    subject: x509.Name
    serial: int
    issue_from: datetime
    issue_until: datetime
    not_before: datetime
    not_after: datetime
    public_key: PublicKey
    extensions: tuple[Extension, ...]
    now: datetime


def whole_days(template: Template) -> str:
    """Periods begin and end at UTC midnights, validity ends at 23:59:59 (design 3, Nesting)."""
    ends = (template.issue_from, template.issue_until, template.not_before, template.not_after + ONE_SECOND)
    midnights = all(end.tzinfo is UTC and end.time() == time.min for end in ends)
    return "" if midnights else "a date is no UTC midnight"


def period_in_validity(template: Template) -> str:
    """The issuing period is not empty and lies inside the validity."""
    inside = (
        template.not_before <= template.issue_from < template.issue_until <= template.not_after + ONE_SECOND
    )
    return "" if inside else "the issuing period is empty or leaves the validity"


def not_for_the_past(template: Template) -> str:
    """Nothing is issued for the past; only a seal begins with its root (design 3, Plan)."""
    if template.kind != "seal" and template.issue_from + ONE_DAY <= template.now:
        return f"it would begin before today, at {template.issue_from:%Y-%m-%d}"
    return ""


def live_issuer(template: Template) -> str:
    """Only a live root signs: not revoked, not over (design 3, Nesting)."""
    if template.issuer is None:
        return "" if template.kind == "root" else "only a root is its own issuer"
    status = template.issuer.status(template.now)
    live = template.issuer.kind == "root" and status in {"future", "active", "retired"}
    return "" if live else f"its issuer is a {template.issuer.kind}, {status}"


def issuer_covers_start(template: Template) -> str:
    """A signer begins in the issuing period of its root (design 3, Nesting)."""
    root = template.issuer
    covered = root is None or root.issue_from <= template.issue_from < root.issue_until
    return "" if covered else "its root does not sign at that time"


def nested(template: Template) -> str:
    """Validity lies inside the root's: validators check the anchor's own dates (design 3, Nesting)."""
    root = template.issuer
    inside = root is None or (root.not_before <= template.not_before and template.not_after <= root.not_after)
    return "" if inside else "it would outlive its root"


def serial_in_range(template: Template) -> str:
    """A serial number is positive and at most 159 bits (RFC 5280 4.1.2.2)."""
    in_range = template.serial > 0 and template.serial.bit_length() <= MAX_SERIAL_BITS
    return "" if in_range else "the serial number is out of range"


def subject_in_bounds(template: Template) -> str:
    """The subject has O, one CN, the id, no OU, and nothing too long (RFC 5280 appendix A)."""
    named: dict[x509.ObjectIdentifier, str | bytes] = {part.oid: part.value for part in template.subject}
    if len(named) != len(template.subject.rdns):
        return "an attribute stands twice"
    for oid, value in named.items():
        if oid not in UPPER_BOUNDS or not 0 < len(value) <= UPPER_BOUNDS[oid]:
            return f"attribute {oid.dotted_string} is not allowed or too long"
    if NameOID.ORGANIZATION_NAME not in named or NameOID.COMMON_NAME not in named:
        return "O or CN is missing"
    return "" if named.get(NameOID.SERIAL_NUMBER) == template.id else "serialNumber is not the id"


BEFORE = (
    whole_days,
    period_in_validity,
    not_for_the_past,
    live_issuer,
    issuer_covers_start,
    nested,
    serial_in_range,
    subject_in_bounds,
)
