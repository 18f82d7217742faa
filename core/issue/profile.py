"""What a certificate says: the profile of each kind, and the template of one certificate to be signed.

1. Subject: C, ST, L when configured, O = authority name, CN = kind or class/target with period and lane,
   serialNumber = the certificate's UUID. No OU. Each within its bound of RFC 5280 appendix A.
2. A root has no path length and no URLs; a signer has its target's path length and what the policy adds.
3. Key usage is certificate and CRL signing for CAs, digital signature for seals, nothing else.
4. A seal has exactly one, critical, extended key usage: SEAL_EKU.
5. Validity is the issuing period plus the tail of what may be signed last in it; the last instant is
   23:59:59. A seal lives exactly as long as its root. No PrivateKeyUsagePeriod: CRLs go on in the tail.

A profile is made once per target and issuer (design 3, Certificates and Seals); core.issue.issuance makes a
template of it, with serial, dates, names and key, and core.issue.checks holds that against the rules.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_network

import msgspec
from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from core.archive.seal import SEAL_EKU
from core.certificate import Certificate, Kind
from core.crypto.keys import PublicKey
from core.errors import IssueError, PolicyError
from core.plan.coverage import root_tail_days
from core.policy.policy import Policy
from core.policy.settings import ConstrainedNames, NameConstraints, Target

ONE_SECOND = timedelta(seconds=1)
KEY_PURPOSES = {
    "server_auth": ExtendedKeyUsageOID.SERVER_AUTH,
    "client_auth": ExtendedKeyUsageOID.CLIENT_AUTH,
    "code_signing": ExtendedKeyUsageOID.CODE_SIGNING,
    "email_protection": ExtendedKeyUsageOID.EMAIL_PROTECTION,
    "time_stamping": ExtendedKeyUsageOID.TIME_STAMPING,
    "ocsp_signing": ExtendedKeyUsageOID.OCSP_SIGNING,
}

# RFC 5280 appendix A, upper bounds in characters.
UPPER_BOUNDS = {
    NameOID.COUNTRY_NAME: 2,
    NameOID.STATE_OR_PROVINCE_NAME: 128,
    NameOID.LOCALITY_NAME: 128,
    NameOID.ORGANIZATION_NAME: 64,
    NameOID.COMMON_NAME: 64,
    NameOID.SERIAL_NUMBER: 64,
}

Extension = x509.Extension[x509.ExtensionType]


def _usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )


def make_extension(value: x509.ExtensionType, *, critical: bool) -> Extension:
    """Return an extension of a certificate."""
    return x509.Extension(value.oid, critical, value)


CA_USAGE = _usage(ca=True)
SEAL_USAGE = _usage(ca=False)


def common_name(kind: Kind, path: str, period: str, lane: int | None) -> str:
    """Return a readable name: `infrastructure/avatars 2027.1/17`, `root 2027`, `seal 2027`.

    Args:
        kind: Of the certificate.
        path: Class and target of a signer.
        period: Name of its issuing period.
        lane: Of a signer, from 1.
    """
    return f"{path} {period}/{lane}" if kind == "signer" else f"{kind} {period}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What all certificates of one kind and target have in common.

    Args:
        kind: root, signer or seal.
        class_name: The signer's class; None for roots and seals.
        target: The signer's target; None for roots and seals.
        algorithm: Algorithm of the certified key, named as in config.yaml.
        names: The constant front of the subject: C, ST, L, O.
        extensions: All extensions but the two key identifiers.
        tail: How much longer than the issuing period it is valid; None: as long as the issuer.
    """

    kind: Kind
    class_name: str | None = None
    target: str | None = None
    algorithm: str
    names: tuple[x509.RelativeDistinguishedName, ...]
    extensions: tuple[Extension, ...]
    tail: timedelta | None

    def common_name(self, period: str, lane: int | None) -> str:
        """Return the readable name of one of them (see the function of that name)."""
        return common_name(self.kind, f"{self.class_name}/{self.target}", period, lane)

    def subject(self, certificate_id: str, period: str, lane: int | None) -> x509.Name:
        """Return the subject of one certificate.

        Args:
            certificate_id: Its UUID.
            period: Name of its issuing period.
            lane: 1..load for signers, None else.

        Raises:
            IssueError: A name is longer than RFC 5280 allows (E-ISSUE).
        """
        return x509.Name(
            (
                *self.names,
                _name(NameOID.COMMON_NAME, self.common_name(period, lane)),
                _name(NameOID.SERIAL_NUMBER, certificate_id),
            )
        )

    def validity(
        self, issue_from: datetime, issue_until: datetime, root: Certificate | None
    ) -> tuple[datetime, datetime]:
        """Return not_before and not_after, both inclusive.

        Args:
            issue_from: Start of the issuing period.
            issue_until: End of the issuing period, exclusive.
            root: The root that signs; None for a root.
        """
        if self.tail is None and root is not None:
            return root.not_before, root.not_after
        return issue_from, issue_until + (self.tail or timedelta()) - ONE_SECOND


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
        key_id: Its subject key identifier.
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
    key_id: bytes
    extensions: tuple[Extension, ...]
    now: datetime


def root_profile(policy: Policy) -> Profile:
    """Return the profile of the policy's roots."""
    return Profile(
        kind="root",
        algorithm=policy.algorithm,
        names=_authority_names(policy),
        extensions=(_ca(path_length=None), make_extension(CA_USAGE, critical=True)),
        tail=timedelta(days=root_tail_days(policy)),
    )


def seal_profile(policy: Policy, root: Certificate) -> Profile:
    """Return the profile of a root's seal: an end entity with the root's own algorithm and life."""
    return Profile(
        kind="seal",
        algorithm=root.algorithm,
        names=_authority_names(policy),
        extensions=(
            make_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True),
            make_extension(SEAL_USAGE, critical=True),
            make_extension(x509.ExtendedKeyUsage([SEAL_EKU]), critical=True),
        ),
        tail=None,
    )


def signer_profile(policy: Policy, class_name: str, target_name: str, root_id: str) -> Profile:
    """Return the profile of one target's signers under one root.

    Args:
        policy: The approved policy.
        class_name: Class in the policy.
        target_name: Target in the class.
        root_id: UUID of the root; stands for `{root}` in the URLs.

    Raises:
        PolicyError: There is no such target (E-POLICY).
        IssueError: A constraint or URL cannot be written into a certificate (E-ISSUE).
    """
    target = policy.signers.classes.get(class_name, {}).get(target_name)
    if target is None:
        raise PolicyError(f"the policy has no target {class_name}/{target_name}")
    try:
        options = tuple(_options(policy, target, root_id))
    except ValueError as error:
        raise IssueError(
            f"a name or URL of {class_name}/{target_name} fits no certificate: {error}"
        ) from error
    return Profile(
        kind="signer",
        class_name=class_name,
        target=target_name,
        algorithm=policy.algorithm_of(target),
        names=_authority_names(policy),
        extensions=(_ca(path_length=target.path_length), make_extension(CA_USAGE, critical=True), *options),
        tail=timedelta(days=target.leaf_lifetime_days),
    )


def _options(policy: Policy, target: Target, root_id: str) -> Iterable[Extension]:
    """Yield the extensions that a target or the policy may add."""
    if target.extended_key_usage:
        purposes = [KEY_PURPOSES[purpose] for purpose in target.extended_key_usage]
        yield make_extension(x509.ExtendedKeyUsage(purposes), critical=False)
    if target.name_constraints is not None:
        yield make_extension(_name_constraints(target.name_constraints), critical=True)  # RFC 5280 4.2.1.10
    if policy.urls is not None and policy.urls.crl is not None:
        place = x509.UniformResourceIdentifier(policy.urls.crl.replace("{root}", root_id))
        distribution_point = x509.DistributionPoint(
            full_name=[place], relative_name=None, reasons=None, crl_issuer=None
        )
        yield make_extension(x509.CRLDistributionPoints([distribution_point]), critical=False)
    if policy.urls is not None and policy.urls.issuer is not None:
        place = x509.UniformResourceIdentifier(policy.urls.issuer.replace("{root}", root_id))
        access = x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, place)
        yield make_extension(x509.AuthorityInformationAccess([access]), critical=False)


def _name_constraints(wanted: NameConstraints) -> x509.NameConstraints:
    return x509.NameConstraints(
        permitted_subtrees=_subtrees(wanted.permitted), excluded_subtrees=_subtrees(wanted.excluded)
    )


def _subtrees(names: ConstrainedNames | None) -> list[x509.GeneralName] | None:
    if names is None:
        return None
    kinds: tuple[tuple[tuple[str, ...], Callable[[str], x509.GeneralName]], ...] = (
        (names.dns, x509.DNSName),
        (names.ip, lambda text: x509.IPAddress(ip_network(text))),
        (names.uri, x509.UniformResourceIdentifier),
        (names.email, x509.RFC822Name),
    )
    # RFC 5280 4.2.1.10: no empty sequence.
    return [make(text) for texts, make in kinds for text in texts] or None


def _authority_names(policy: Policy) -> tuple[x509.RelativeDistinguishedName, ...]:
    authority = policy.authority
    parts = (
        (NameOID.COUNTRY_NAME, authority.country),
        (NameOID.STATE_OR_PROVINCE_NAME, authority.state),
        (NameOID.LOCALITY_NAME, authority.city),
        (NameOID.ORGANIZATION_NAME, authority.name),
    )
    return tuple(_name(oid, text) for oid, text in parts if text is not None)


def _name(oid: x509.ObjectIdentifier, text: str) -> x509.RelativeDistinguishedName:
    if len(text) > UPPER_BOUNDS[oid]:
        raise IssueError(f"a subject may not hold {text[:40]}...: more than {UPPER_BOUNDS[oid]} characters")
    try:
        return x509.RelativeDistinguishedName((x509.NameAttribute(oid, text),))
    except ValueError as error:
        raise IssueError(f"a subject may not hold {text}: {error}") from error


def _ca(*, path_length: int | None) -> Extension:
    return make_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
