"""Every named rule: what it lets through, and one certificate that it refuses."""

from collections.abc import Callable
from dataclasses import replace as replace_record
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA384
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID
from msgspec.structs import replace

from core.archive.seal import SEAL_EKU
from core.crypto.keys import ALGORITHMS, PrivateKey, make_key
from core.errors import CheckError
from core.issue.checks import EXTENSION_RULES, FIELD_RULES, TEMPLATE_RULES, check_signed, check_templates
from core.issue.issuance import Issuance, IssuingKey, rehearse_roots, rehearse_seals, rehearse_signers
from core.issue.profile import SEAL_USAGE, Extension, Template, make_extension
from core.policy.settings import ConstrainedNames, NameConstraints, SignerSettings, Target, Urls
from tests.builders import make_gap, make_issuing_key, make_policy, make_root_gap, utc

NOW = utc("2027-01-01T12:00")
URLS = Urls(crl="http://x.example/{root}.crl", issuer="http://x.example/{root}.crt")
FULL = Target(
    quantum=0.25,
    path_length=1,
    name_constraints=NameConstraints(permitted=ConstrainedNames(dns=("a.example",))),
    extended_key_usage=("server_auth",),
)
POLICY = make_policy(urls=URLS, signers=SignerSettings(lead_time=0.5, classes={"services": {"mongo": FULL}}))
KEY = make_key("ed25519")


@pytest.fixture(scope="module")
def root() -> IssuingKey:
    return make_issuing_key(POLICY)


@pytest.fixture(scope="module")
def signer(root: IssuingKey) -> Template:
    return ask(rehearse_signers(POLICY, "services", "mongo", root), make_gap())


@pytest.fixture(scope="module")
def seal(root: IssuingKey) -> Template:
    return ask(rehearse_seals(POLICY, root), root.certificate)


@pytest.fixture(scope="module")
def new_root() -> Template:
    return ask(rehearse_roots(POLICY), make_root_gap())


def ask(issuance: Issuance, stretch: Any, key: PrivateKey = KEY) -> Template:
    return issuance._make_template(stretch, NOW, key.public_key())


def sign(template: Template, signer: IssuingKey | None, /, **changes: Any) -> bytes:
    """Sign what is asked for, but for some changes."""
    name = template.subject if signer is None else signer.x509.subject
    key = KEY if signer is None else signer.private_key
    said: dict[str, Any] = {
        "issuer": name,
        "key": key,
        "digest": ALGORITHMS[template.issuer_algorithm].digest,
        "subject": template.subject,
        "serial": template.serial,
        "not_before": template.not_before,
        "not_after": template.not_after,
        "public_key": template.public_key,
        "extensions": template.extensions,
    } | changes
    builder = (
        x509.CertificateBuilder()
        .issuer_name(said["issuer"])
        .subject_name(said["subject"])
        .public_key(said["public_key"])
        .serial_number(said["serial"])
        .not_valid_before(said["not_before"])
        .not_valid_after(said["not_after"])
    )
    for extension in said["extensions"]:
        builder = builder.add_extension(extension.value, extension.critical)
    return builder.sign(said["key"], said["digest"]).public_bytes(Encoding.DER)


def swap(
    template: Template, value: x509.ExtensionType, *, critical: bool | None = None
) -> tuple[Extension, ...]:
    """Return the extensions asked for, one of them with another value or criticality."""
    return tuple(
        make_extension(value, critical=item.critical if critical is None else critical)
        if item.oid == value.oid
        else item
        for item in template.extensions
    )


def name(**parts: str) -> x509.Name:
    oids = {
        "o": NameOID.ORGANIZATION_NAME,
        "ou": NameOID.ORGANIZATIONAL_UNIT_NAME,
        "cn": NameOID.COMMON_NAME,
        "cn2": NameOID.COMMON_NAME,
        "serial": NameOID.SERIAL_NUMBER,
    }
    return x509.Name([x509.NameAttribute(oids[part], text, _validate=False) for part, text in parts.items()])


def test_what_was_in_template_for_passes_all_rules(
    root: IssuingKey, signer: Template, seal: Template, new_root: Template
) -> None:
    for template, issuer in ((signer, root), (seal, root), (new_root, None)):
        check_templates([template])
        check_signed([template], [sign(template, issuer)], issuer.x509 if issuer else None)


BEFORE_FAULTS: dict[str, list[Callable[[Template], Template]]] = {
    "whole_days": [
        lambda template: replace(template, issue_until=template.issue_until + timedelta(hours=1)),
        lambda template: replace(template, not_after=template.not_after + timedelta(seconds=1)),
        lambda template: replace(template, not_before=template.not_before.replace(tzinfo=None)),
    ],
    "period_in_validity": [
        lambda template: replace(template, issue_until=template.issue_from),
        lambda template: replace(template, not_before=template.issue_from + timedelta(days=1)),
        lambda template: replace(template, not_after=template.issue_until - timedelta(days=1, seconds=1)),
    ],
    "not_for_the_past": [lambda template: replace(template, now=NOW + timedelta(hours=12))],
    "live_issuer": [
        lambda template: replace(template, issuer=None),
        lambda template: replace(template, issuer=changed(template, revoked_at=NOW, reason="superseded")),
        lambda template: replace(template, issuer=changed(template, not_after=utc("2026-12-31T23:59:59"))),
        lambda template: replace(template, issuer=changed(template, kind="signer")),
    ],
    "issuer_covers_start": [
        lambda template: replace(template, issuer=changed(template, issue_from=utc("2027-01-02"))),
        lambda template: replace(template, issuer=changed(template, issue_until=utc("2027-01-01"))),
    ],
    "nested": [
        lambda template: replace(template, issuer=changed(template, not_before=utc("2027-01-02"))),
        lambda template: replace(template, not_after=template.not_after + timedelta(days=1000)),
    ],
    "serial_in_range": [
        lambda template: replace(template, serial=0),
        lambda template: replace(template, serial=1 << 159),
    ],
    "subject_in_bounds": [
        lambda template: replace(template, subject=name(o="o", cn="c", serial="another")),
        lambda template: replace(template, subject=name(o="o", serial=template.id)),
        lambda template: replace(template, subject=name(cn="c", serial=template.id)),
        lambda template: replace(template, subject=name(o="o", cn="c", ou="u", serial=template.id)),
        lambda template: replace(template, subject=name(o="o" * 65, cn="c", serial=template.id)),
        lambda template: replace(template, subject=name(o="o", cn="c", cn2="d", serial=template.id)),
    ],
}


def changed(template: Template, **fields: Any) -> Any:
    assert template.issuer is not None
    return replace_record(template.issuer, **fields)


@pytest.mark.parametrize(
    ("rule", "fault"), [(rule, fault) for rule, faults in BEFORE_FAULTS.items() for fault in faults]
)
@pytest.mark.filterwarnings("ignore:Attribute's length must be")
def test_refuses_before_signing(rule: str, fault: Callable[[Template], Template], signer: Template) -> None:
    with pytest.raises(CheckError, match=f"^rule {rule}: signer {signer.id}: ") as caught:
        check_templates([fault(signer)])
    assert caught.value.code == "E-CHECK"


def test_a_root_that_begins_today_is_not_of_the_past(new_root: Template) -> None:
    check_templates([replace(new_root, now=utc("2027-01-01T23:59:59"))])


def test_a_seal_may_begin_with_its_root_long_ago(seal: Template) -> None:
    check_templates([replace(seal, now=utc("2027-11-01"))])


FIELD_FAULTS: dict[str, list[Callable[[Template], dict[str, Any]]]] = {
    "serial": [lambda template: {"serial": template.serial ^ 1}],
    "subject": [
        lambda template: {"subject": x509.Name([*template.subject.rdns[:-1]])},
        lambda _: {"subject": name(o="Example Virtual Worlds", cn="services/mongo 2027.1/1", serial="x")},
    ],
    "validity": [
        lambda template: {"not_before": template.not_before + timedelta(seconds=1)},
        lambda template: {"not_after": template.not_after + timedelta(seconds=1)},
    ],
    "subject_key": [
        lambda _: {"public_key": make_key("ed25519").public_key()},
        lambda _: {"public_key": make_key("p256").public_key()},
    ],
    "issued_by": [
        lambda _: {"key": make_key("ed25519")},
        lambda _: {"issuer": name(o="o", cn="root 2027")},
    ],
}


@pytest.mark.parametrize(
    ("rule", "fault"), [(rule, fault) for rule, faults in FIELD_FAULTS.items() for fault in faults]
)
def test_refuses_a_field_that_was_not_asked_for(
    rule: str, fault: Callable[[Template], dict[str, Any]], root: IssuingKey, signer: Template
) -> None:
    with pytest.raises(CheckError, match=f"^rule {rule}: signer {signer.id}: "):
        check_signed([signer], [sign(signer, root, **fault(signer))], root.x509)


def test_refuses_a_key_of_an_algorithm_that_the_policy_does_not_want(
    root: IssuingKey, signer: Template
) -> None:
    with pytest.raises(CheckError, match=r"rule subject_key: .* another algorithm"):
        check_signed([replace(signer, algorithm="p256")], [sign(signer, root)], root.x509)


def test_refuses_another_hash_than_the_algorithms() -> None:
    policy = make_policy(algorithm="p256")
    root = make_issuing_key(policy)
    template = ask(rehearse_signers(policy, "services", "mongo", root), make_gap(), make_key("p256"))
    with pytest.raises(CheckError, match="rule signature_algorithm"):
        check_signed([template], [sign(template, root, digest=SHA384())], root.x509)


@pytest.mark.parametrize("number", [0, 1])
def test_refuses_a_certificate_of_another_version(number: int, root: IssuingKey, signer: Template) -> None:
    der = sign(signer, root).replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01" + bytes([number]), 1)
    with pytest.raises(CheckError, match="rule readable"):
        check_signed([signer], [der], root.x509)


def test_refuses_an_extension_that_cannot_be_parsed(root: IssuingKey, signer: Template) -> None:
    broken = x509.UnrecognizedExtension(x509.BasicConstraints.oid, b"\x30\x01\x00")
    der = sign(signer, root, extensions=swap(signer, broken))
    with pytest.raises(CheckError, match="rule readable"):
        check_signed([signer], [der], root.x509)


SIGNER_EXTENSION_FAULTS: dict[str, list[Callable[[Template], tuple[Extension, ...]]]] = {
    "extension_set": [
        lambda template: template.extensions[:-1],
        lambda template: template.extensions[::-1],
        lambda template: (*template.extensions, make_extension(x509.OCSPNoCheck(), critical=False)),
    ],
    "criticality": [
        lambda template: swap(template, x509.BasicConstraints(ca=True, path_length=1), critical=False),
        lambda template: swap(
            template, x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=True
        ),
    ],
    "basic_constraints": [
        lambda template: swap(template, x509.BasicConstraints(ca=False, path_length=None)),
        lambda template: swap(template, x509.BasicConstraints(ca=True, path_length=None)),
        lambda template: swap(template, x509.BasicConstraints(ca=True, path_length=0)),
        lambda template: swap(template, x509.UnrecognizedExtension(x509.BasicConstraints.oid, b"\x30\x00")),
    ],
    "key_usage": [lambda template: swap(template, SEAL_USAGE)],
    "subject_key_identifier": [lambda template: swap(template, x509.SubjectKeyIdentifier(b"\1" * 20))],
    "authority_key_identifier": [
        lambda template: swap(template, x509.AuthorityKeyIdentifier(b"\1" * 20, None, None)),
        lambda template: swap(
            template,
            x509.AuthorityKeyIdentifier(template.issuer_key_id, [x509.DirectoryName(template.subject)], 1),
        ),
        lambda template: swap(
            template, x509.AuthorityKeyIdentifier(None, [x509.DirectoryName(template.subject)], 1)
        ),
    ],
    "extended_key_usage": [
        lambda template: swap(template, x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])),
        lambda template: swap(template, x509.ExtendedKeyUsage([SEAL_EKU])),
    ],
    "name_constraints": [
        lambda template: swap(template, x509.NameConstraints([x509.DNSName("b.example")], None))
    ],
    "crl_url": [
        lambda template: swap(
            template,
            x509.CRLDistributionPoints(
                [x509.DistributionPoint([x509.UniformResourceIdentifier("http://evil/")], None, None, None)]
            ),
        )
    ],
    "issuer_url": [
        lambda template: swap(
            template,
            x509.AuthorityInformationAccess(
                [
                    x509.AccessDescription(
                        AuthorityInformationAccessOID.CA_ISSUERS,
                        x509.UniformResourceIdentifier("http://evil/"),
                    )
                ]
            ),
        )
    ],
}


@pytest.mark.parametrize(
    ("rule", "fault"), [(rule, fault) for rule, faults in SIGNER_EXTENSION_FAULTS.items() for fault in faults]
)
def test_refuses_extensions_of_a_signer_that_were_not_asked_for(
    rule: str, fault: Callable[[Template], tuple[Extension, ...]], root: IssuingKey, signer: Template
) -> None:
    issuance = rehearse_signers(POLICY, "services", "mongo", root)
    der = sign(signer, root, extensions=fault(signer))
    for rehearsed in (None, issuance._rehearsed):  # a rehearsal does not hide what differs from it
        with pytest.raises(CheckError, match=f"^rule {rule}: signer {signer.id}: "):
            check_signed([signer], [der], root.x509, rehearsed)


def wrong_profile(template: Template, extensions: tuple[Extension, ...], root: IssuingKey | None) -> None:
    """A profile that asks for the wrong thing is found as well."""
    wrong = replace(template, extensions=extensions)
    check_signed([wrong], [sign(wrong, root)], root.x509 if root else None)


def test_refuses_a_profile_with_an_extension_its_kind_may_not_have(
    signer: Template, root: IssuingKey
) -> None:
    extra = make_extension(x509.PrivateKeyUsagePeriod(NOW, NOW + timedelta(days=1)), critical=False)
    with pytest.raises(CheckError, match=r"rule extension_set: .* its kind may not have"):
        wrong_profile(signer, (*signer.extensions, extra), root)


def test_refuses_a_root_profile_with_a_path_length(new_root: Template) -> None:
    with pytest.raises(CheckError, match=r"rule basic_constraints: .* path length"):
        wrong_profile(new_root, swap(new_root, x509.BasicConstraints(ca=True, path_length=0)), None)


def test_refuses_a_root_profile_with_a_purpose(new_root: Template) -> None:
    purpose = make_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    with pytest.raises(CheckError, match="rule extension_set"):
        wrong_profile(new_root, (*new_root.extensions, purpose), None)


def test_refuses_a_signer_profile_without_a_path_length(signer: Template, root: IssuingKey) -> None:
    with pytest.raises(CheckError, match=r"rule basic_constraints: .* path length"):
        wrong_profile(signer, swap(signer, x509.BasicConstraints(ca=True, path_length=None)), root)


def test_refuses_a_seal_profile_that_is_a_ca(seal: Template, root: IssuingKey) -> None:
    with pytest.raises(CheckError, match="rule basic_constraints"):
        wrong_profile(seal, swap(seal, x509.BasicConstraints(ca=True, path_length=None)), root)


def test_refuses_a_seal_profile_with_more_purposes(seal: Template, root: IssuingKey) -> None:
    purposes = x509.ExtendedKeyUsage([SEAL_EKU, ExtendedKeyUsageOID.SERVER_AUTH])
    with pytest.raises(CheckError, match=r"rule extended_key_usage: .* exactly the seal's"):
        wrong_profile(seal, swap(seal, purposes), root)


def test_refuses_a_seal_profile_whose_purpose_is_not_critical(seal: Template, root: IssuingKey) -> None:
    with pytest.raises(CheckError, match="rule criticality"):
        wrong_profile(seal, swap(seal, x509.ExtendedKeyUsage([SEAL_EKU]), critical=False), root)


def test_refuses_a_rehearsed_key_identifier_on_another_key(signer: Template, root: IssuingKey) -> None:
    issuance = rehearse_signers(POLICY, "services", "mongo", root)
    other = x509.SubjectKeyIdentifier.from_public_key(root.stand_in.private_key.public_key())
    with pytest.raises(CheckError, match="rule subject_key_identifier"):
        check_signed(
            [signer], [sign(signer, root, extensions=swap(signer, other))], root.x509, issuance._rehearsed
        )


def test_extensions_that_fit_the_rehearsal_are_not_held_against_the_template_again(
    signer: Template, root: IssuingKey
) -> None:
    issuance = rehearse_signers(POLICY, "services", "mongo", root)
    der, unwanted = sign(signer, root), replace(signer, extensions=signer.extensions[:-1])
    check_signed([unwanted], [der], root.x509, issuance._rehearsed)
    with pytest.raises(CheckError, match="rule extension_set"):
        check_signed([unwanted], [der], root.x509)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_fault_refuses_all_of_a_batch(place: int, root: IssuingKey, signer: Template) -> None:
    issuance = rehearse_signers(POLICY, "services", "mongo", root)
    batch = [ask(issuance, make_gap(lane=lane)) for lane in (1, 2, 3)]
    ders = [sign(template, root) for template in batch]
    check_templates(batch)
    check_signed(batch, ders, root.x509, issuance._rehearsed)
    wrong = batch[place]
    ders[place] = sign(wrong, root, serial=wrong.serial ^ 1)
    with pytest.raises(CheckError, match=f"^rule serial: signer {wrong.id}: "):
        check_signed(batch, ders, root.x509, issuance._rehearsed)
    batch[place] = replace(wrong, serial=0)
    with pytest.raises(CheckError, match=f"^rule serial_in_range: signer {wrong.id}: "):
        check_templates(batch)


def test_a_certificate_too_few_is_no_batch(root: IssuingKey, signer: Template) -> None:
    with pytest.raises(ValueError, match="shorter"):
        check_signed([signer, signer], [sign(signer, root)], root.x509)


def test_every_rule_has_a_certificate_that_it_refuses() -> None:
    tried = (
        BEFORE_FAULTS.keys() | FIELD_FAULTS.keys() | SIGNER_EXTENSION_FAULTS.keys() | {"signature_algorithm"}
    )
    assert {rule.__name__ for rule in (*TEMPLATE_RULES, *FIELD_RULES, *EXTENSION_RULES)} == tried
