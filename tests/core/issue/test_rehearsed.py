"""Filled bytes: whatever a certificate says, they are those that the library's builder makes."""

import string
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from typing import Any

import pytest
from cryptography import x509
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from core.crypto.keys import KEY_ALGORITHMS, PrivateKey, make_key
from core.issue.checks import check_signed
from core.issue.issuance import (
    Issuance,
    IssuingKey,
    build_certificate,
    rehearse_roots,
    rehearse_seals,
    rehearse_signers,
)
from core.issue.profile import KEY_PURPOSES, Template
from core.issue.rehearsed import Rehearsed
from core.policy.policy import Policy
from core.policy.settings import (
    AuthorityName,
    ConstrainedNames,
    NameConstraints,
    SignerSettings,
    Target,
    Urls,
)
from tests.builders import make_gap, make_policy, make_root_gap, utc

NOW = utc("2027-01-01T12:00")

key_of: Callable[[str], PrivateKey] = cache(make_key)


def root_of(policy: Policy) -> IssuingKey:
    key = key_of(policy.algorithm)
    issued = rehearse_roots(policy).issue(make_root_gap(), NOW, key)
    return IssuingKey(
        certificate=issued.certificate, x509=x509.load_der_x509_certificate(issued.der), private_key=key
    )


@cache
def root_with(algorithm: str) -> IssuingKey:
    return root_of(make_policy(algorithm=algorithm))


def rehearsed_of(issuance: Issuance) -> Rehearsed:
    assert issuance._rehearsed is not None
    return issuance._rehearsed


def compare(issuance: Issuance, template: Template, root: IssuingKey) -> None:
    """Hold what is filled in against what the library builds, and what is parsed back against all rules."""
    built = build_certificate(template, root.private_key, root.x509)
    signed = rehearsed_of(issuance).sign(template, root.private_key)
    one, other = x509.load_der_x509_certificate(signed), x509.load_der_x509_certificate(built)
    assert one.tbs_certificate_bytes == other.tbs_certificate_bytes
    assert one.signature_algorithm_oid == other.signature_algorithm_oid
    if template.issuer_algorithm.startswith(("ed25519", "rsa")):  # RFC 8032, RFC 8017 8.2: nothing is drawn
        assert signed == built
    assert len(signed) - len(one.signature) == len(built) - len(other.signature)
    check_signed([template], [signed], root.x509)


def texts(most: int) -> st.SearchStrategy[str]:
    """Names as config.yaml may have them, other scripts than Latin too."""
    return st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=most)


hosts = st.text(string.ascii_lowercase, min_size=1, max_size=20).map(lambda text: f"{text}.example")
names = st.builds(
    AuthorityName,
    name=texts(64),
    id=st.just("c5ce9b8a-3cf1-4b50-b62c-7979d7d0edd7"),
    domain=st.just("worlds.example"),
    country=st.none() | st.text(string.ascii_uppercase, min_size=2, max_size=2),
    state=st.none() | texts(128),
    city=st.none() | texts(128),
)
constrained = st.builds(
    ConstrainedNames,
    dns=st.lists(hosts, min_size=1, max_size=3).map(tuple),
    ip=st.sampled_from([(), ("10.0.0.0/8",), ("10.0.0.0/8", "fd00::/8")]),
)
targets = st.builds(
    Target,
    quantum=st.just(0.25),
    path_length=st.integers(0, 200),
    extended_key_usage=st.lists(st.sampled_from([*KEY_PURPOSES]), unique=True).map(tuple),
    name_constraints=st.none() | st.builds(NameConstraints, permitted=constrained),
)
urls = st.none() | st.builds(
    Urls,
    crl=st.none() | hosts.map(lambda host: f"http://{host}/{{root}}.crl"),
    issuer=st.none() | hosts.map(lambda host: f"http://{host}/{{root}}.crt"),
)
instants = st.datetimes(utc("1950-01-01").replace(tzinfo=None), utc("9999-12-31").replace(tzinfo=None))
fields = st.fixed_dictionaries(
    {
        "serial": st.integers(1, 2**159 - 1) | st.integers(0, 158).map(lambda bits: 1 << bits),
        "not_before": instants.map(lambda at: utc(f"{at:%Y-%m-%dT%H:%M:%S}")),
        "not_after": instants.map(lambda at: utc(f"{at:%Y-%m-%dT%H:%M:%S}")),
    }
)
LAST_OF_UTC_TIME = {
    "serial": 0x80,
    "not_before": utc("2049-12-31T23:59:59"),
    "not_after": utc("2050-01-01"),
}


@settings(max_examples=150)
@example(
    name=make_policy().authority, target=Target(quantum=0.25), urls=None, lane=1, fields=LAST_OF_UTC_TIME
)
@given(name=names, target=targets, urls=urls, lane=st.integers(1, 10_000), fields=fields)
def test_what_is_filled_in_is_what_the_library_builds(
    name: AuthorityName, target: Target, urls: Urls | None, lane: int, fields: dict[str, Any]
) -> None:
    signers = SignerSettings(lead_time=0.5, classes={"services": {"mongo": target}})
    policy = make_policy(authority=name, urls=urls, signers=signers)
    root = root_of(policy)
    issuance = rehearse_signers(policy, "services", "mongo", root)
    template = issuance._make_template(make_gap(lane=lane), NOW, key_of("ed25519").public_key())
    compare(issuance, replace(template, **fields), root)


@pytest.mark.parametrize("algorithm", KEY_ALGORITHMS)
@pytest.mark.parametrize("issuer", KEY_ALGORITHMS)
def test_it_is_so_for_every_algorithm_under_every_other(issuer: str, algorithm: str) -> None:
    target = Target(quantum=0.25, algorithm=algorithm)
    signers = SignerSettings(lead_time=0.5, classes={"services": {"mongo": target}})
    policy, root = make_policy(algorithm=issuer, signers=signers), root_with(issuer)
    issuance = rehearse_signers(policy, "services", "mongo", root)
    for lane in (1, 10, 1000):
        template = issuance._make_template(make_gap(lane=lane), NOW, key_of(algorithm).public_key())
        compare(issuance, template, root)


@pytest.mark.parametrize("algorithm", KEY_ALGORITHMS)
def test_it_is_so_for_seals(algorithm: str) -> None:
    policy, root = make_policy(algorithm=algorithm), root_with(algorithm)
    issuance = rehearse_seals(policy, root)
    template = issuance._make_template(root.certificate, NOW, key_of(algorithm).public_key())
    compare(issuance, template, root)


def test_a_serial_number_of_any_length_stays_positive() -> None:
    root = root_with("ed25519")
    issuance = rehearse_signers(make_policy(), "services", "mongo", root)
    template = issuance._make_template(make_gap(), NOW, key_of("ed25519").public_key())
    for serial in (1, 0x7F, 0x80, 0xFF, 0x8000, 2**159 - 1):  # X.690 8.3: the first bit is a sign
        compare(issuance, replace(template, serial=serial), root)


def test_dates_from_2050_on_are_generalized_times() -> None:
    root = root_with("ed25519")
    issuance = rehearse_signers(make_policy(), "services", "mongo", root)
    template = issuance._make_template(make_gap(), NOW, key_of("ed25519").public_key())
    turn = utc("2050-01-01")
    filled = rehearsed_of(issuance).fill(
        replace(template, not_before=turn - timedelta(seconds=1), not_after=turn)
    )
    assert b"\x17\x0d491231235959Z\x18\x0f20500101000000Z" in filled  # RFC 5280 4.1.2.5
