"""Named rules on a certificate's extensions: that they are what was asked for, and what their kind may have.

A rule returns what is wrong, empty when nothing is; its name stands in the error's text. The rules read
nothing but the extensions, the kind, the key, and the issuer's key identifier; core.issue.checks relies on that
and runs them.
"""

from typing import TypeVar

import msgspec
from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from core.issue.template import Asked
from core.certificate import Kind
from core.issue.profile import CA_USAGE, SEAL_EKU, SEAL_USAGE, Extension

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
        asked: What the certificate should be.
        found: Its extensions by type.
        wanted: The extensions that were asked for, by type.
    """

    asked: Asked
    found: dict[x509.ObjectIdentifier, Extension]
    wanted: dict[x509.ObjectIdentifier, Extension]

    def value(self, kind: type[ValueT]) -> ValueT | None:
        """Return the value of an extension, None if it is not there."""
        extension = self.found.get(kind.oid)
        return extension.value if extension is not None and isinstance(extension.value, kind) else None

    def as_asked(self, oid: x509.ObjectIdentifier) -> bool:
        """Return whether one extension is what was asked for, not there included."""
        return self.found.get(oid) == self.wanted.get(oid)


def see_extensions(asked: Asked, certificate: x509.Certificate) -> SeenExtensions:
    """Parse a certificate's extensions.

    Raises:
        ValueError: They cannot be parsed.
        DuplicateExtension: One stands twice.
    """
    return SeenExtensions(
        asked=asked,
        found={extension.oid: extension for extension in certificate.extensions},
        wanted={extension.oid: extension for extension in asked.extensions},
    )


def extension_set(seen: SeenExtensions) -> str:
    """It has the extensions asked for, in order, and none that its kind may not have (design 3)."""
    if [*seen.found] != [*seen.wanted]:
        return "other extensions than asked for"
    return "" if _ALLOWED[seen.asked.kind].issuperset(seen.found) else "an extension its kind may not have"


def criticality(seen: SeenExtensions) -> str:
    """Critical are constraints and key usage, and the seal's one purpose (RFC 5280 4.2.1)."""
    critical = {oid for oid, extension in seen.found.items() if extension.critical}
    expected = _CRITICAL & seen.found.keys()
    if seen.asked.kind == "seal":
        expected = expected | {ExtensionOID.EXTENDED_KEY_USAGE}
    return "" if critical == expected else "an extension is critical, or not, against the rules"


def basic_constraints(seen: SeenExtensions) -> str:
    """Roots and signers are CAs, seals are not; only a signer has a path length (RFC 5280 4.2.1.9)."""
    value = seen.value(x509.BasicConstraints)
    if value is None or value.ca is (seen.asked.kind == "seal"):
        return "not CA, or CA, against its kind"
    if (value.path_length is not None) is not (seen.asked.kind == "signer"):
        return "a path length against its kind"
    return "" if seen.as_asked(ExtensionOID.BASIC_CONSTRAINTS) else "another path length"


def key_usage(seen: SeenExtensions) -> str:
    """A CA's key signs certificates and CRLs, a seal's signs bytes, and no more (RFC 5280 4.2.1.3)."""
    value = seen.value(x509.KeyUsage)
    return "" if value == (SEAL_USAGE if seen.asked.kind == "seal" else CA_USAGE) else "another key usage"


def subject_key_identifier(seen: SeenExtensions) -> str:
    """It is SHA-1 of the key's bits (RFC 5280 4.2.1.2, method 1)."""
    value = seen.value(x509.SubjectKeyIdentifier)
    expected = x509.SubjectKeyIdentifier.from_public_key(seen.asked.public_key)
    return "" if value == expected else "not RFC 5280 method 1 of its key"


def authority_key_identifier(seen: SeenExtensions) -> str:
    """It is the issuer's key identifier and nothing more (RFC 5280 4.2.1.1)."""
    value = seen.value(x509.AuthorityKeyIdentifier)
    if value is None or value.key_identifier != seen.asked.issuer_key_id:
        return "not the issuer's key identifier"
    plain = value.authority_cert_issuer is None and value.authority_cert_serial_number is None
    return "" if plain else "it names more than the key"


def extended_key_usage(seen: SeenExtensions) -> str:
    """None on a root, exactly the seal's purpose on a seal, the target's on a signer (RFC 5280 4.2.1.12)."""
    value = seen.value(x509.ExtendedKeyUsage)
    if seen.asked.kind == "seal" and value != _SEAL_PURPOSE:
        return "not exactly the seal's purpose"
    return "" if seen.as_asked(ExtensionOID.EXTENDED_KEY_USAGE) else "other purposes than asked for"


def name_constraints(seen: SeenExtensions) -> str:
    """The constraints are the target's (RFC 5280 4.2.1.10)."""
    return "" if seen.as_asked(ExtensionOID.NAME_CONSTRAINTS) else "other constraints than asked for"


def crl_url(seen: SeenExtensions) -> str:
    """The CRL's place is the policy's (RFC 5280 4.2.1.13)."""
    return "" if seen.as_asked(ExtensionOID.CRL_DISTRIBUTION_POINTS) else "another place than asked for"


def issuer_url(seen: SeenExtensions) -> str:
    """The issuer's place is the policy's (RFC 5280 4.2.2.1)."""
    return "" if seen.as_asked(ExtensionOID.AUTHORITY_INFORMATION_ACCESS) else "another place than asked for"


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
