"""Named rules that every certificate passes before and after it is signed.

A rule is a function that returns what is wrong, empty when nothing is; its name stands in the error's text.

1. `check_templates` sees only what is to be signed: dates, nesting, names, the issuer. No key has signed yet.
2. `check_signed` sees the certificates parsed back from their bytes. It compares each field with the
   template, and with what design and RFC 5280 say of the kind, so that a wrong profile is found too.
3. The rules on extensions run over every certificate that is not, there, the rehearsed one: if its
   extensions are byte for byte those of the rehearsal, with only its own key identifier (computed here from
   its key) in the place of the rehearsed one, then every answer would be the same. This is as strong as
   parsing them again and costs a twentieth. Whatever differs is parsed and run through all. So these rules
   read nothing but the extensions, the kind, the key, and the issuer's key identifier.
4. All rules run over the rehearsed certificate, and none can be turned off.
5. Certificates come in batches, and each rule runs over all of a batch before the next one does: what a
   processor has just learnt it does again at once. That alone makes issuing a fifth cheaper.

It makes and repairs nothing.
"""

from collections.abc import Sequence
from datetime import UTC, time, timedelta
from typing import Annotated, TypeVar

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat import asn1
from cryptography.x509.oid import ExtensionOID, NameOID

from core.archive.seal import SEAL_EKU
from core.certificate import Kind
from core.crypto.keys import ALGORITHMS, algorithm_name
from core.der import SEQUENCE, encode_element
from core.errors import CheckError
from core.issue.profile import CA_USAGE, ONE_SECOND, SEAL_USAGE, UPPER_BOUNDS, Extension, Template
from core.issue.rehearsed import Rehearsed

ONE_DAY = timedelta(days=1)
MAX_SERIAL_BITS = 159


@asn1.sequence
class RawFields:
    """TBSCertificate of RFC 5280 4.1, version 3 with extensions: where the subject's own bytes stand."""

    version: Annotated[int, asn1.Explicit(0)]
    serial: int
    algorithm: asn1.TLV
    issuer: asn1.TLV
    validity: asn1.TLV
    subject: asn1.TLV
    public_key: asn1.TLV
    extensions: Annotated[asn1.TLV, asn1.Explicit(3)]


@asn1.sequence
class RawCertificate:
    """Certificate of RFC 5280 4.1."""

    fields: RawFields
    algorithm: asn1.TLV
    signature: asn1.BitString


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A signed certificate as parsed back.

    Args:
        template: What it should be.
        certificate: The certificate.
        raw: The same, its fields as bytes.
        issuer: The certificate whose key should have signed it; itself for a root.
    """

    template: Template
    certificate: x509.Certificate
    raw: RawFields
    issuer: x509.Certificate


def check_templates(templates: Sequence[Template]) -> None:
    """Refuse to sign what breaks a rule.

    Args:
        templates: The certificates to be signed.

    Raises:
        CheckError: A rule does not hold; the text names it (E-CHECK).
    """
    for rule in TEMPLATE_RULES:
        for template in templates:
            if fault := rule(template):
                raise _broken(rule.__name__, template, fault)


def check_signed(
    templates: Sequence[Template],
    ders: Sequence[bytes],
    issuer: x509.Certificate | None,
    rehearsed: Rehearsed | None = None,
) -> None:
    """Refuse signed certificates if one of them breaks a rule.

    Args:
        templates: What they should be.
        ders: The bytes of each.
        issuer: The certificate whose key should have signed them; None for roots, which sign themselves.
        rehearsed: What they should share with the rehearsal; None has every rule on extensions run.

    Raises:
        CheckError: A rule does not hold; the text names it (E-CHECK).
    """
    seen = [_see(template, der, issuer) for template, der in zip(templates, ders, strict=True)]
    for rule in FIELD_RULES:
        for each in seen:
            if fault := rule(each):
                raise _broken(rule.__name__, each.template, fault)
    others = [_see_extensions(each) for each in seen if not _as_rehearsed(each, rehearsed)]
    for extension_rule in EXTENSION_RULES:
        for other in others:
            if fault := extension_rule(other):
                raise _broken(extension_rule.__name__, other.template, fault)


def _broken(rule: str, template: Template, fault: object) -> CheckError:
    return CheckError(f"rule {rule}: {template.kind} {template.id}: {fault}")


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


TEMPLATE_RULES = (
    whole_days,
    period_in_validity,
    not_for_the_past,
    live_issuer,
    issuer_covers_start,
    nested,
    serial_in_range,
    subject_in_bounds,
)


def serial(seen: Seen) -> str:
    """The serial number is the one drawn."""
    return "" if seen.certificate.serial_number == seen.template.serial else "another serial number"


def signature_algorithm(seen: Seen) -> str:
    """It is signed in the one way that the issuer's algorithm has (core.crypto.keys, rule 2)."""
    expected = ALGORITHMS[seen.template.issuer_algorithm].signature_oid
    return "" if seen.certificate.signature_algorithm_oid == expected else "another signature algorithm"


def subject(seen: Seen) -> str:
    """The subject is what was asked for, byte by byte (RFC 5280 4.1.2.6)."""
    found = encode_element(SEQUENCE, bytes(seen.raw.subject.data))
    return "" if found == seen.template.subject.public_bytes() else "another subject"


def validity(seen: Seen) -> str:
    """Both dates are as planned, to the second (RFC 5280 4.1.2.5)."""
    dates = (seen.certificate.not_valid_before_utc, seen.certificate.not_valid_after_utc)
    return "" if dates == (seen.template.not_before, seen.template.not_after) else "other dates"


def subject_key(seen: Seen) -> str:
    """It certifies the key that was made, of the algorithm that the policy wants."""
    key = seen.certificate.public_key()
    if key != seen.template.public_key:
        return "another key"
    return "" if algorithm_name(key) == seen.template.algorithm else "a key of another algorithm"


def issued_by(seen: Seen) -> str:
    """Issuer and the root's subject are equal bytes, and the root's key verifies it (RFC 5280 6.1.3)."""
    try:
        seen.certificate.verify_directly_issued_by(seen.issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return "its root does not verify it"
    return ""


FIELD_RULES = (
    serial,
    signature_algorithm,
    subject,
    validity,
    subject_key,
    issued_by,
)

_IDENTIFIERS = {
    ExtensionOID.BASIC_CONSTRAINTS,
    ExtensionOID.KEY_USAGE,
    ExtensionOID.SUBJECT_KEY_IDENTIFIER,
    ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
}

_ALLOWED: dict[Kind, set[x509.ObjectIdentifier]] = {
    "root": _IDENTIFIERS,
    "seal": _IDENTIFIERS | {ExtensionOID.EXTENDED_KEY_USAGE},
    "signer": _IDENTIFIERS
    | {
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.NAME_CONSTRAINTS,
        ExtensionOID.CRL_DISTRIBUTION_POINTS,
        ExtensionOID.AUTHORITY_INFORMATION_ACCESS,
    },
}

_CRITICAL = {ExtensionOID.BASIC_CONSTRAINTS, ExtensionOID.KEY_USAGE, ExtensionOID.NAME_CONSTRAINTS}
_SEAL_PURPOSE = x509.ExtendedKeyUsage([SEAL_EKU])
ValueT = TypeVar("ValueT", bound=x509.ExtensionType)


class SeenExtensions(msgspec.Struct, frozen=True, kw_only=True):
    """The extensions of a signed certificate as parsed back.

    Args:
        template: What the certificate should be.
        found: Its extensions by type.
        wanted: The extensions that were asked for, by type.
    """

    template: Template
    found: dict[x509.ObjectIdentifier, Extension]
    wanted: dict[x509.ObjectIdentifier, Extension]

    def value(self, kind: type[ValueT]) -> ValueT | None:
        """Return the value of an extension, None if it is not there."""
        extension = self.found.get(kind.oid)
        return extension.value if extension is not None and isinstance(extension.value, kind) else None

    def as_in_template(self, oid: x509.ObjectIdentifier) -> bool:
        """Return whether one extension is what was asked for, not there included."""
        return self.found.get(oid) == self.wanted.get(oid)


def extension_set(seen: SeenExtensions) -> str:
    """It has the extensions asked for, in order, and none that its kind may not have (design 3)."""
    if [*seen.found] != [*seen.wanted]:
        return "other extensions than asked for"
    return "" if _ALLOWED[seen.template.kind].issuperset(seen.found) else "an extension its kind may not have"


def criticality(seen: SeenExtensions) -> str:
    """Critical are constraints and key usage, and the seal's one purpose (RFC 5280 4.2.1)."""
    critical = {oid for oid, extension in seen.found.items() if extension.critical}
    expected = _CRITICAL & seen.found.keys()
    if seen.template.kind == "seal":
        expected = expected | {ExtensionOID.EXTENDED_KEY_USAGE}
    return "" if critical == expected else "an extension is critical, or not, against the rules"


def basic_constraints(seen: SeenExtensions) -> str:
    """Roots and signers are CAs, seals are not; only a signer has a path length (RFC 5280 4.2.1.9)."""
    value = seen.value(x509.BasicConstraints)
    if value is None or value.ca is (seen.template.kind == "seal"):
        return "not CA, or CA, against its kind"
    if (value.path_length is not None) is not (seen.template.kind == "signer"):
        return "a path length against its kind"
    return "" if seen.as_in_template(ExtensionOID.BASIC_CONSTRAINTS) else "another path length"


def key_usage(seen: SeenExtensions) -> str:
    """A CA's key signs certificates and CRLs, a seal's signs bytes, and no more (RFC 5280 4.2.1.3)."""
    value = seen.value(x509.KeyUsage)
    return "" if value == (SEAL_USAGE if seen.template.kind == "seal" else CA_USAGE) else "another key usage"


def subject_key_identifier(seen: SeenExtensions) -> str:
    """It is SHA-1 of the key's bits (RFC 5280 4.2.1.2, method 1)."""
    value = seen.value(x509.SubjectKeyIdentifier)
    expected = x509.SubjectKeyIdentifier.from_public_key(seen.template.public_key)
    return "" if value == expected else "not RFC 5280 method 1 of its key"


def authority_key_identifier(seen: SeenExtensions) -> str:
    """It is the issuer's key identifier and nothing more (RFC 5280 4.2.1.1)."""
    value = seen.value(x509.AuthorityKeyIdentifier)
    if value is None or value.key_identifier != seen.template.issuer_key_id:
        return "not the issuer's key identifier"
    plain = value.authority_cert_issuer is None and value.authority_cert_serial_number is None
    return "" if plain else "it names more than the key"


def extended_key_usage(seen: SeenExtensions) -> str:
    """None on a root, exactly the seal's purpose on a seal, the target's on a signer (RFC 5280 4.2.1.12)."""
    value = seen.value(x509.ExtendedKeyUsage)
    if seen.template.kind == "seal" and value != _SEAL_PURPOSE:
        return "not exactly the seal's purpose"
    return "" if seen.as_in_template(ExtensionOID.EXTENDED_KEY_USAGE) else "other purposes than asked for"


def name_constraints(seen: SeenExtensions) -> str:
    """The constraints are the target's (RFC 5280 4.2.1.10)."""
    return "" if seen.as_in_template(ExtensionOID.NAME_CONSTRAINTS) else "other constraints than asked for"


def crl_url(seen: SeenExtensions) -> str:
    """The CRL's place is the policy's (RFC 5280 4.2.1.13)."""
    return "" if seen.as_in_template(ExtensionOID.CRL_DISTRIBUTION_POINTS) else "another place than asked for"


def issuer_url(seen: SeenExtensions) -> str:
    """The issuer's place is the policy's (RFC 5280 4.2.2.1)."""
    return (
        ""
        if seen.as_in_template(ExtensionOID.AUTHORITY_INFORMATION_ACCESS)
        else "another place than asked for"
    )


EXTENSION_RULES = (
    extension_set,
    criticality,
    basic_constraints,
    key_usage,
    subject_key_identifier,
    authority_key_identifier,
    extended_key_usage,
    name_constraints,
    crl_url,
    issuer_url,
)


def _see(template: Template, der: bytes, issuer: x509.Certificate | None) -> Seen:
    """Parse a certificate."""
    try:
        certificate = x509.load_der_x509_certificate(der)
        raw = asn1.decode_der(RawCertificate, der).fields
    except (ValueError, x509.InvalidVersion) as error:
        raise _broken("readable", template, error) from error
    return Seen(template=template, certificate=certificate, raw=raw, issuer=issuer or certificate)


def _as_rehearsed(seen: Seen, rehearsed: Rehearsed | None) -> bool:
    """Return whether a certificate's extensions are the rehearsed ones with its own key identifier."""
    if rehearsed is None:
        return False
    key_id = x509.SubjectKeyIdentifier.from_public_key(seen.template.public_key).digest
    return bytes(seen.raw.extensions.data) == rehearsed.extensions(key_id)


def _see_extensions(seen: Seen) -> SeenExtensions:
    """Parse a certificate's extensions."""
    try:
        found = {extension.oid: extension for extension in seen.certificate.extensions}
    except (ValueError, x509.DuplicateExtension) as error:
        raise _broken("readable", seen.template, error) from error
    wanted = {extension.oid: extension for extension in seen.template.extensions}
    return SeenExtensions(template=seen.template, found=found, wanted=wanted)
