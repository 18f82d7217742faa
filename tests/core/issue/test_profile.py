"""What a certificate of each kind says."""

import re
from datetime import timedelta
from uuid import UUID

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from msgspec.structs import replace

from core.archive.seal import SEAL_EKU, SEAL_EKU_V1
from core.errors import IssueError, PolicyError
from core.issue.profile import Profile, root_profile, seal_profile, signer_profile
from core.plan.coverage import root_tail_days
from core.policy.settings import (
    AuthorityName,
    ConstrainedNames,
    NameConstraints,
    SignerSettings,
    Target,
    Urls,
)
from tests.builders import make_policy, make_root, utc

ROOT_ID = "0000000f-0000-4000-8000-000000000000"
ID = "c5ce9b8a-3cf1-4b50-b62c-7979d7d0edd7"


def signers(**fields: object) -> SignerSettings:
    target = replace(Target(quantum=0.25), **fields)
    return SignerSettings(lead_time=0.5, classes={"services": {"mongo": target}})


def values(profile: Profile) -> dict[type, tuple[x509.ExtensionType, bool]]:
    return {type(item.value): (item.value, item.critical) for item in profile.extensions}


def test_subject_holds_the_authority_the_readable_name_and_the_id() -> None:
    authority = AuthorityName(
        name="Example Virtual Worlds",
        id=ID,
        domain="worlds.example",
        country="US",
        state="Colorado",
        city="Boulder",
    )
    profile = signer_profile(make_policy(authority=authority), "services", "mongo", ROOT_ID)
    subject = profile.subject(ID, "2027.1", 17)
    assert [(part.oid, part.value) for part in subject] == [
        (NameOID.COUNTRY_NAME, "US"),
        (NameOID.STATE_OR_PROVINCE_NAME, "Colorado"),
        (NameOID.LOCALITY_NAME, "Boulder"),
        (NameOID.ORGANIZATION_NAME, "Example Virtual Worlds"),
        (NameOID.COMMON_NAME, "services/mongo 2027.1/17"),
        (NameOID.SERIAL_NUMBER, ID),
    ]


def test_place_names_that_are_not_configured_are_left_out() -> None:
    subject = root_profile(make_policy()).subject(ID, "2027", None)
    assert [part.value for part in subject] == ["Example Virtual Worlds", "root 2027", ID]


def test_a_seal_is_named_after_its_roots_period() -> None:
    assert seal_profile(make_policy(), make_root()).common_name("2027", None) == "seal 2027"


@pytest.mark.parametrize(("oid", "bound"), [("state", 128), ("city", 128), ("name", 64)])
def test_names_go_up_to_their_bound_and_no_further(oid: str, bound: int) -> None:
    authority = make_policy().authority
    for length, fits in ((bound, True), (bound + 1, False)):
        policy = make_policy(
            authority=replace(authority, **{oid: "é" * length if oid != "name" else "n" * length})
        )
        if fits:
            assert root_profile(policy)
        else:
            with pytest.raises(IssueError, match=f"more than {bound} characters"):
                root_profile(policy)


def test_refuses_a_country_that_is_no_two_letters() -> None:
    policy = make_policy(authority=replace(make_policy().authority, country="U"))
    with pytest.raises(IssueError, match="may not hold U"):
        root_profile(policy)


def test_refuses_a_common_name_over_64_characters() -> None:
    classes = {"c" * 24: {"t" * 24: Target(quantum=20)}}
    policy = make_policy(signers=SignerSettings(lead_time=0.5, classes=classes))
    profile = signer_profile(policy, "c" * 24, "t" * 24, ROOT_ID)
    assert profile.subject(ID, "2020-2039", 9999)
    with pytest.raises(IssueError, match="more than 64"):
        profile.subject(ID, "2020-2039", 10_000)


def test_root_is_a_ca_without_path_length_urls_or_purposes() -> None:
    policy = make_policy(urls=Urls(crl="http://x.example/{root}.crl", issuer="http://x.example/{root}.crt"))
    found = values(root_profile(policy))
    assert set(found) == {x509.BasicConstraints, x509.KeyUsage}
    assert found[x509.BasicConstraints] == (x509.BasicConstraints(ca=True, path_length=None), True)


@pytest.mark.parametrize("path_length", [0, 1, 3])
def test_signer_has_its_targets_path_length(path_length: int) -> None:
    policy = make_policy(signers=signers(path_length=path_length))
    found = values(signer_profile(policy, "services", "mongo", ROOT_ID))
    assert found[x509.BasicConstraints] == (x509.BasicConstraints(ca=True, path_length=path_length), True)


def test_cas_sign_certificates_and_lists_and_nothing_else() -> None:
    for profile in (root_profile(make_policy()), signer_profile(make_policy(), "services", "mongo", ROOT_ID)):
        usage, critical = values(profile)[x509.KeyUsage]
        assert isinstance(usage, x509.KeyUsage)
        assert (usage.key_cert_sign, usage.crl_sign, critical) == (True, True, True)
        assert not usage.digital_signature
        assert not usage.content_commitment


def test_seal_is_an_end_entity_with_one_critical_purpose_and_its_roots_algorithm() -> None:
    profile = seal_profile(make_policy(algorithm="p256"), make_root(algorithm="p384"))
    found = values(profile)
    assert profile.algorithm == "p384"
    assert found[x509.BasicConstraints] == (x509.BasicConstraints(ca=False, path_length=None), True)
    assert found[x509.ExtendedKeyUsage] == (x509.ExtendedKeyUsage([SEAL_EKU]), True)
    usage, critical = found[x509.KeyUsage]
    assert isinstance(usage, x509.KeyUsage)
    assert (usage.digital_signature, usage.key_cert_sign, usage.crl_sign, critical) == (
        True,
        False,
        False,
        True,
    )


def test_the_seals_purpose_is_its_uuid_in_arcs_that_every_parser_reads() -> None:
    published = UUID("03e129f0-cafa-46c7-85ae-713ba99f3832")
    parts = re.fullmatch("(....)(....)(....)(....)(....)(......)(......)", published.hex)
    assert parts is not None
    arcs = [int(part, 16) for part in parts.groups()]
    assert SEAL_EKU.dotted_string == ".".join(map(str, [*(1, 2, 840, 113556, 1, 8000, 2554), *arcs]))
    assert max(map(int, SEAL_EKU.dotted_string.split("."))) < 2**28
    assert SEAL_EKU_V1.dotted_string == f"2.25.{published.int}"


def test_urls_name_the_root() -> None:
    policy = make_policy(urls=Urls(crl="http://x.example/{root}.crl", issuer="http://x.example/{root}.crt"))
    found = values(signer_profile(policy, "services", "mongo", ROOT_ID))
    points, _ = found[x509.CRLDistributionPoints]
    access, _ = found[x509.AuthorityInformationAccess]
    assert isinstance(points, x509.CRLDistributionPoints)
    assert isinstance(access, x509.AuthorityInformationAccess)
    full_name = points[0].full_name
    assert full_name is not None
    assert full_name[0].value == f"http://x.example/{ROOT_ID}.crl"
    assert access[0].access_location.value == f"http://x.example/{ROOT_ID}.crt"


@pytest.mark.parametrize(
    ("urls", "expected"), [(Urls(crl="http://x/"), 3), (Urls(issuer="http://x/"), 3), (Urls(), 2)]
)
def test_only_the_urls_that_are_configured_are_written(urls: Urls, expected: int) -> None:
    assert len(values(signer_profile(make_policy(urls=urls), "services", "mongo", ROOT_ID))) == expected


def test_name_constraints_are_critical_and_hold_every_kind_of_name() -> None:
    names = ConstrainedNames(
        dns=("a.example",), ip=("10.0.0.0/8", "fd00::/8"), uri=(".b.example",), email=("c.example",)
    )
    constraints = NameConstraints(permitted=names, excluded=ConstrainedNames(dns=("no.a.example",)))
    policy = make_policy(signers=signers(name_constraints=constraints))
    value, critical = values(signer_profile(policy, "services", "mongo", ROOT_ID))[x509.NameConstraints]
    assert isinstance(value, x509.NameConstraints)
    assert critical
    assert [str(name.value) for name in value.permitted_subtrees or ()] == [
        "a.example",
        "10.0.0.0/8",
        "fd00::/8",
        ".b.example",
        "c.example",
    ]
    assert [name.value for name in value.excluded_subtrees or ()] == ["no.a.example"]


def test_empty_subtrees_are_left_out() -> None:
    constraints = NameConstraints(permitted=ConstrainedNames(dns=("a.example",)), excluded=ConstrainedNames())
    policy = make_policy(signers=signers(name_constraints=constraints))
    value, _ = values(signer_profile(policy, "services", "mongo", ROOT_ID))[x509.NameConstraints]
    assert isinstance(value, x509.NameConstraints)
    assert value.excluded_subtrees is None


@pytest.mark.parametrize(
    "names", [ConstrainedNames(), ConstrainedNames(ip=("10.0.0.1/8",)), ConstrainedNames(dns=("é.example",))]
)
def test_refuses_constraints_that_cannot_be_written(names: ConstrainedNames) -> None:
    policy = make_policy(signers=signers(name_constraints=NameConstraints(permitted=names)))
    with pytest.raises(IssueError, match="services/mongo fits no certificate"):
        signer_profile(policy, "services", "mongo", ROOT_ID)


def test_purposes_are_the_targets() -> None:
    policy = make_policy(signers=signers(extended_key_usage=("server_auth", "client_auth")))
    value, critical = values(signer_profile(policy, "services", "mongo", ROOT_ID))[x509.ExtendedKeyUsage]
    assert value == x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
    assert not critical


def test_algorithm_is_the_targets_or_else_the_policys() -> None:
    assert signer_profile(make_policy(algorithm="p256"), "services", "mongo", ROOT_ID).algorithm == "p256"
    policy = make_policy(signers=signers(algorithm="mldsa65"))
    assert signer_profile(policy, "services", "mongo", ROOT_ID).algorithm == "mldsa65"


@pytest.mark.parametrize(("class_name", "target"), [("services", "other"), ("other", "mongo")])
def test_refuses_a_target_that_the_policy_does_not_have(class_name: str, target: str) -> None:
    with pytest.raises(PolicyError, match=f"no target {class_name}/{target}"):
        signer_profile(make_policy(), class_name, target, ROOT_ID)


def test_validity_is_the_period_plus_what_was_signed_last_in_it() -> None:
    policy = make_policy(signers=signers(leaf_lifetime_days=14))
    profile = signer_profile(policy, "services", "mongo", ROOT_ID)
    dates = profile.validity(utc("2027-01-01"), utc("2027-04-01"), make_root())
    assert dates == (utc("2027-01-01"), utc("2027-04-14T23:59:59"))


def test_a_root_is_valid_for_its_period_plus_the_need() -> None:
    policy = make_policy()
    _, not_after = root_profile(policy).validity(utc("2027-01-01"), utc("2028-01-01"), None)
    tail = timedelta(days=root_tail_days(policy))
    assert not_after == utc("2028-01-01") + tail - timedelta(seconds=1)


def test_a_seal_is_valid_exactly_as_long_as_its_root() -> None:
    root = make_root()
    dates = seal_profile(make_policy(), root).validity(root.issue_from, root.issue_until, root)
    assert dates == (root.not_before, root.not_after)
