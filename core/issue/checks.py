"""Named rules that every certificate passes before and after it is signed.

A rule is a function that returns what is wrong; its name stands in the error's text. Rules of the rules:
    1. `check_before` sees only what is asked for: dates, nesting, names, the issuer. No key has signed yet.
    2. `check_after` sees the certificate parsed back from its bytes. It compares each field with what was
       asked for, and with what design and RFC 5280 say of the kind, so that a wrong profile is found too.
    3. The rules on extensions run over every certificate that is not, there, the rehearsed one: if its
       extensions are byte for byte those of the rehearsal, with only its own key identifier (computed here
       from its key) in the place of the rehearsed one, then every answer would be the same. This is as
       strong as parsing them again and costs a twentieth. Whatever differs is parsed and run through all.
    4. All rules run over the rehearsed certificate, and none can be turned off.

It makes and repairs nothing.
"""

from typing import Annotated

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat import asn1

from core.issue.template import BEFORE, Asked
from core.errors import CheckError
from core.issue.zz_extension_rules import EXTENSION_RULES, see_extensions
from core.crypto.keys import ALGORITHMS, algorithm_name


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


class Mould(msgspec.Struct, frozen=True, kw_only=True):
    """The extensions of a rehearsed certificate that passed all rules, cut open at its key identifier.

    Args:
        front: Their bytes before the key identifier.
        back: Their bytes after it.
    """

    front: bytes
    back: bytes


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A signed certificate as parsed back.

    Args:
        asked: What it should be.
        certificate: The certificate.
        raw: The same, its fields as bytes.
        issuer: The certificate whose key should have signed it; itself for a root.
    """

    asked: Asked
    certificate: x509.Certificate
    raw: RawFields
    issuer: x509.Certificate


def check_before(asked: Asked) -> None:
    """Refuse to sign what breaks a rule.

    Args:
        asked: The certificate to be signed.

    Raises:
        CheckError: A rule does not hold; the text names it (E-CHECK).
    """
    for rule in BEFORE:
        _refuse(rule.__name__, rule(asked), asked)


def check_after(
    asked: Asked, der: bytes, issuer: x509.Certificate | None, mould: Mould | None = None
) -> Mould:
    """Refuse a signed certificate that breaks a rule.

    Args:
        asked: What it should be.
        der: Its bytes.
        issuer: The certificate whose key should have signed it; None for a root, which signs itself.
        mould: Of the rehearsal; None has every rule on extensions run.

    Returns:
        The mould of the certificate's extensions.

    Raises:
        CheckError: A rule does not hold; the text names it (E-CHECK).
    """
    key_id = x509.SubjectKeyIdentifier.from_public_key(asked.public_key).digest
    try:
        certificate = x509.load_der_x509_certificate(der)
        raw = asn1.decode_der(RawCertificate, der).fields
        found = bytes(raw.extensions.data)
        fits = mould is not None and found == mould.front + key_id + mould.back
        extensions = None if fits else see_extensions(asked, certificate)
    except (ValueError, x509.InvalidVersion, x509.DuplicateExtension) as error:
        raise CheckError(f"rule readable: {asked.kind} {asked.id}: {error}") from error
    seen = Seen(asked=asked, certificate=certificate, raw=raw, issuer=issuer or certificate)
    for rule in FIELD_RULES:
        _refuse(rule.__name__, rule(seen), asked)
    if extensions is not None:
        for extension_rule in EXTENSION_RULES:
            _refuse(extension_rule.__name__, extension_rule(extensions), asked)
    front, _, back = found.partition(key_id)
    return Mould(front=front, back=back)


def _refuse(name: str, fault: str, asked: Asked) -> None:
    if fault:
        raise CheckError(f"rule {name}: {asked.kind} {asked.id}: {fault}")


def serial(seen: Seen) -> str:
    """The serial number is the one drawn."""
    return "" if seen.certificate.serial_number == seen.asked.serial else "another serial number"


def signature_algorithm(seen: Seen) -> str:
    """It is signed in the one way that the issuer's algorithm has (core.crypto.keys, rule 2)."""
    expected = ALGORITHMS[seen.asked.issuer_algorithm].signature_oid
    return "" if seen.certificate.signature_algorithm_oid == expected else "another signature algorithm"


def subject(seen: Seen) -> str:
    """The subject is what was asked for, byte by byte (RFC 5280 4.1.2.6)."""
    asked = asn1.decode_der(asn1.TLV, seen.asked.subject.public_bytes())
    return "" if seen.raw.subject.data == asked.data else "another subject"


def validity(seen: Seen) -> str:
    """Both dates are as planned, to the second (RFC 5280 4.1.2.5)."""
    dates = (seen.certificate.not_valid_before_utc, seen.certificate.not_valid_after_utc)
    return "" if dates == (seen.asked.not_before, seen.asked.not_after) else "other dates"


def subject_key(seen: Seen) -> str:
    """It certifies the key that was made, of the algorithm that the policy wants."""
    key = seen.certificate.public_key()
    if key != seen.asked.public_key:
        return "another key"
    return "" if algorithm_name(key) == seen.asked.algorithm else "a key of another algorithm"


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
