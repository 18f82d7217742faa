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
from core.issue.checks import EXTENSION_RULES, FIELD_RULES, check_after, check_before
from core.issue.issuance import Press, Signing, press_roots, press_seals, press_signers
from core.issue.profile import SEAL_USAGE, Extension, make_extension
from core.issue.template import BEFORE, Asked
from core.policy.settings import ConstrainedNames, NameConstraints, SignerSettings, Target, Urls
from tests.builders import make_gap, make_policy, make_root_gap, make_signing, utc

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
def root() -> Signing:
    return make_signing(POLICY)


@pytest.fixture(scope="module")
def signer(root: Signing) -> Asked:
    return ask(press_signers(POLICY, "services", "mongo", root), make_gap())


@pytest.fixture(scope="module")
def seal(root: Signing) -> Asked:
    return ask(press_seals(POLICY, root), root.certificate)


@pytest.fixture(scope="module")
def new_root() -> Asked:
    return ask(press_roots(POLICY), make_root_gap())


def ask(press: Press, stretch: Any, key: PrivateKey = KEY) -> Asked:
    return press._ask(stretch, NOW, key.public_key())


def sign(asked: Asked, signer: Signing | None, /, **changes: Any) -> bytes:
    """Sign what is asked for, but for some changes."""
    name = asked.subject if signer is None else signer.x509.subject
    key = KEY if signer is None else signer.private_key
    said: dict[str, Any] = {
        "issuer": name,
        "key": key,
        "digest": ALGORITHMS[asked.issuer_algorithm].digest,
        "subject": asked.subject,
        "serial": asked.serial,
        "not_before": asked.not_before,
        "not_after": asked.not_after,
        "public_key": asked.public_key,
        "extensions": asked.extensions,
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


def swap(asked: Asked, value: x509.ExtensionType, *, critical: bool | None = None) -> tuple[Extension, ...]:
    """Return the extensions asked for, one of them with another value or criticality."""
    return tuple(
        make_extension(value, critical=item.critical if critical is None else critical)
        if item.oid == value.oid
        else item
        for item in asked.extensions
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


def test_what_was_asked_for_passes_all_rules(
    root: Signing, signer: Asked, seal: Asked, new_root: Asked
) -> None:
    for asked, issuer in ((signer, root), (seal, root), (new_root, None)):
        check_before(asked)
        check_after(asked, sign(asked, issuer), issuer.x509 if issuer else None)


BEFORE_FAULTS: dict[str, list[Callable[[Asked], Asked]]] = {
    "whole_days": [
        lambda asked: replace(asked, issue_until=asked.issue_until + timedelta(hours=1)),
        lambda asked: replace(asked, not_after=asked.not_after + timedelta(seconds=1)),
        lambda asked: replace(asked, not_before=asked.not_before.replace(tzinfo=None)),
    ],
    "period_in_validity": [
        lambda asked: replace(asked, issue_until=asked.issue_from),
        lambda asked: replace(asked, not_before=asked.issue_from + timedelta(days=1)),
        lambda asked: replace(asked, not_after=asked.issue_until - timedelta(days=1, seconds=1)),
    ],
    "not_for_the_past": [lambda asked: replace(asked, now=NOW + timedelta(hours=12))],
    "live_issuer": [
        lambda asked: replace(asked, issuer=None),
        lambda asked: replace(asked, issuer=changed(asked, revoked_at=NOW, reason="superseded")),
        lambda asked: replace(asked, issuer=changed(asked, not_after=utc("2026-12-31T23:59:59"))),
        lambda asked: replace(asked, issuer=changed(asked, kind="signer")),
    ],
    "issuer_covers_start": [
        lambda asked: replace(asked, issuer=changed(asked, issue_from=utc("2027-01-02"))),
        lambda asked: replace(asked, issuer=changed(asked, issue_until=utc("2027-01-01"))),
    ],
    "nested": [
        lambda asked: replace(asked, issuer=changed(asked, not_before=utc("2027-01-02"))),
        lambda asked: replace(asked, not_after=asked.not_after + timedelta(days=1000)),
    ],
    "serial_in_range": [
        lambda asked: replace(asked, serial=0),
        lambda asked: replace(asked, serial=1 << 159),
    ],
    "subject_in_bounds": [
        lambda asked: replace(asked, subject=name(o="o", cn="c", serial="another")),
        lambda asked: replace(asked, subject=name(o="o", serial=asked.id)),
        lambda asked: replace(asked, subject=name(cn="c", serial=asked.id)),
        lambda asked: replace(asked, subject=name(o="o", cn="c", ou="u", serial=asked.id)),
        lambda asked: replace(asked, subject=name(o="o" * 65, cn="c", serial=asked.id)),
        lambda asked: replace(asked, subject=name(o="o", cn="c", cn2="d", serial=asked.id)),
    ],
}


def changed(asked: Asked, **fields: Any) -> Any:
    assert asked.issuer is not None
    return replace_record(asked.issuer, **fields)


@pytest.mark.parametrize(
    ("rule", "fault"), [(rule, fault) for rule, faults in BEFORE_FAULTS.items() for fault in faults]
)
@pytest.mark.filterwarnings("ignore:Attribute's length must be")
def test_refuses_before_signing(rule: str, fault: Callable[[Asked], Asked], signer: Asked) -> None:
    with pytest.raises(CheckError, match=f"^rule {rule}: signer {signer.id}: ") as caught:
        check_before(fault(signer))
    assert caught.value.code == "E-CHECK"


def test_a_root_that_begins_today_is_not_of_the_past(new_root: Asked) -> None:
    check_before(replace(new_root, now=utc("2027-01-01T23:59:59")))


def test_a_seal_may_begin_with_its_root_long_ago(seal: Asked) -> None:
    check_before(replace(seal, now=utc("2027-11-01")))


FIELD_FAULTS: dict[str, list[Callable[[Asked], dict[str, Any]]]] = {
    "serial": [lambda asked: {"serial": asked.serial ^ 1}],
    "subject": [
        lambda asked: {"subject": x509.Name([*asked.subject.rdns[:-1]])},
        lambda _: {"subject": name(o="Example Virtual Worlds", cn="services/mongo 2027.1/1", serial="x")},
    ],
    "validity": [
        lambda asked: {"not_before": asked.not_before + timedelta(seconds=1)},
        lambda asked: {"not_after": asked.not_after + timedelta(seconds=1)},
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
    rule: str, fault: Callable[[Asked], dict[str, Any]], root: Signing, signer: Asked
) -> None:
    with pytest.raises(CheckError, match=f"^rule {rule}: signer {signer.id}: "):
        check_after(signer, sign(signer, root, **fault(signer)), root.x509)


def test_refuses_a_key_of_an_algorithm_that_the_policy_does_not_want(root: Signing, signer: Asked) -> None:
    with pytest.raises(CheckError, match=r"rule subject_key: .* another algorithm"):
        check_after(replace(signer, algorithm="p256"), sign(signer, root), root.x509)


def test_refuses_another_hash_than_the_algorithms() -> None:
    policy = make_policy(algorithm="p256")
    root = make_signing(policy)
    asked = ask(press_signers(policy, "services", "mongo", root), make_gap(), make_key("p256"))
    with pytest.raises(CheckError, match="rule signature_algorithm"):
        check_after(asked, sign(asked, root, digest=SHA384()), root.x509)


@pytest.mark.parametrize("number", [0, 1])
def test_refuses_a_certificate_of_another_version(number: int, root: Signing, signer: Asked) -> None:
    der = sign(signer, root).replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01" + bytes([number]), 1)
    with pytest.raises(CheckError, match="rule readable"):
        check_after(signer, der, root.x509)


def test_refuses_an_extension_that_cannot_be_parsed(root: Signing, signer: Asked) -> None:
    broken = x509.UnrecognizedExtension(x509.BasicConstraints.oid, b"\x30\x01\x00")
    der = sign(signer, root, extensions=swap(signer, broken))
    with pytest.raises(CheckError, match="rule readable"):
        check_after(signer, der, root.x509)


SIGNER_EXTENSION_FAULTS: dict[str, list[Callable[[Asked], tuple[Extension, ...]]]] = {
    "extension_set": [
        lambda asked: asked.extensions[:-1],
        lambda asked: asked.extensions[::-1],
        lambda asked: (*asked.extensions, make_extension(x509.OCSPNoCheck(), critical=False)),
    ],
    "criticality": [
        lambda asked: swap(asked, x509.BasicConstraints(ca=True, path_length=1), critical=False),
        lambda asked: swap(asked, x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=True),
    ],
    "basic_constraints": [
        lambda asked: swap(asked, x509.BasicConstraints(ca=False, path_length=None)),
        lambda asked: swap(asked, x509.BasicConstraints(ca=True, path_length=None)),
        lambda asked: swap(asked, x509.BasicConstraints(ca=True, path_length=0)),
        lambda asked: swap(asked, x509.UnrecognizedExtension(x509.BasicConstraints.oid, b"\x30\x00")),
    ],
    "key_usage": [lambda asked: swap(asked, SEAL_USAGE)],
    "subject_key_identifier": [lambda asked: swap(asked, x509.SubjectKeyIdentifier(b"\1" * 20))],
    "authority_key_identifier": [
        lambda asked: swap(asked, x509.AuthorityKeyIdentifier(b"\1" * 20, None, None)),
        lambda asked: swap(
            asked,
            x509.AuthorityKeyIdentifier(asked.issuer_key_id, [x509.DirectoryName(asked.subject)], 1),
        ),
        lambda asked: swap(asked, x509.AuthorityKeyIdentifier(None, [x509.DirectoryName(asked.subject)], 1)),
    ],
    "extended_key_usage": [
        lambda asked: swap(asked, x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])),
        lambda asked: swap(asked, x509.ExtendedKeyUsage([SEAL_EKU])),
    ],
    "name_constraints": [lambda asked: swap(asked, x509.NameConstraints([x509.DNSName("b.example")], None))],
    "crl_url": [
        lambda asked: swap(
            asked,
            x509.CRLDistributionPoints(
                [x509.DistributionPoint([x509.UniformResourceIdentifier("http://evil/")], None, None, None)]
            ),
        )
    ],
    "issuer_url": [
        lambda asked: swap(
            asked,
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
    rule: str, fault: Callable[[Asked], tuple[Extension, ...]], root: Signing, signer: Asked
) -> None:
    press = press_signers(POLICY, "services", "mongo", root)
    der = sign(signer, root, extensions=fault(signer))
    for mould in (None, press._mould):  # a rehearsal does not hide what differs from it
        with pytest.raises(CheckError, match=f"^rule {rule}: signer {signer.id}: "):
            check_after(signer, der, root.x509, mould)


def wrong_profile(asked: Asked, extensions: tuple[Extension, ...], root: Signing | None) -> None:
    """A profile that asks for the wrong thing is found as well."""
    wrong = replace(asked, extensions=extensions)
    check_after(wrong, sign(wrong, root), root.x509 if root else None)


def test_refuses_a_profile_with_an_extension_its_kind_may_not_have(signer: Asked, root: Signing) -> None:
    extra = make_extension(x509.PrivateKeyUsagePeriod(NOW, NOW + timedelta(days=1)), critical=False)
    with pytest.raises(CheckError, match=r"rule extension_set: .* its kind may not have"):
        wrong_profile(signer, (*signer.extensions, extra), root)


def test_refuses_a_root_profile_with_a_path_length(new_root: Asked) -> None:
    with pytest.raises(CheckError, match=r"rule basic_constraints: .* path length"):
        wrong_profile(new_root, swap(new_root, x509.BasicConstraints(ca=True, path_length=0)), None)


def test_refuses_a_root_profile_with_a_purpose(new_root: Asked) -> None:
    purpose = make_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    with pytest.raises(CheckError, match="rule extension_set"):
        wrong_profile(new_root, (*new_root.extensions, purpose), None)


def test_refuses_a_signer_profile_without_a_path_length(signer: Asked, root: Signing) -> None:
    with pytest.raises(CheckError, match=r"rule basic_constraints: .* path length"):
        wrong_profile(signer, swap(signer, x509.BasicConstraints(ca=True, path_length=None)), root)


def test_refuses_a_seal_profile_that_is_a_ca(seal: Asked, root: Signing) -> None:
    with pytest.raises(CheckError, match="rule basic_constraints"):
        wrong_profile(seal, swap(seal, x509.BasicConstraints(ca=True, path_length=None)), root)


def test_refuses_a_seal_profile_with_more_purposes(seal: Asked, root: Signing) -> None:
    purposes = x509.ExtendedKeyUsage([SEAL_EKU, ExtendedKeyUsageOID.SERVER_AUTH])
    with pytest.raises(CheckError, match=r"rule extended_key_usage: .* exactly the seal's"):
        wrong_profile(seal, swap(seal, purposes), root)


def test_refuses_a_seal_profile_whose_purpose_is_not_critical(seal: Asked, root: Signing) -> None:
    with pytest.raises(CheckError, match="rule criticality"):
        wrong_profile(seal, swap(seal, x509.ExtendedKeyUsage([SEAL_EKU]), critical=False), root)


def test_refuses_a_rehearsed_key_identifier_on_another_key(signer: Asked, root: Signing) -> None:
    press = press_signers(POLICY, "services", "mongo", root)
    other = x509.SubjectKeyIdentifier.from_public_key(root.stand_in.private_key.public_key())
    with pytest.raises(CheckError, match="rule subject_key_identifier"):
        check_after(signer, sign(signer, root, extensions=swap(signer, other)), root.x509, press._mould)


def test_extensions_that_fit_the_mould_are_not_parsed_again(signer: Asked, root: Signing) -> None:
    press = press_signers(POLICY, "services", "mongo", root)
    assert check_after(signer, sign(signer, root), root.x509, press._mould) == press._mould


def test_every_rule_has_a_certificate_that_it_refuses() -> None:
    tried = (
        BEFORE_FAULTS.keys() | FIELD_FAULTS.keys() | SIGNER_EXTENSION_FAULTS.keys() | {"signature_algorithm"}
    )
    assert {rule.__name__ for rule in (*BEFORE, *FIELD_RULES, *EXTENSION_RULES)} == tried
