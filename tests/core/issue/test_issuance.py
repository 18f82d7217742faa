"""Issuing: roots, signers and seals of every algorithm, the rehearsal, and what is refused."""

import hashlib
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from msgspec.structs import replace as replace_settings

from core.certificate import Issued
from core.crypto.keys import KEY_ALGORITHMS, algorithm_name, decode_key, encode_key, make_key
from core.errors import CheckError, IssueError, PolicyError
from core.issue.issuance import (
    Issuance,
    IssuingKey,
    issue_root,
    issue_seal,
    issue_signer,
    load_issuing_key,
    rehearse_roots,
    rehearse_seals,
    rehearse_signers,
)
from core.issue.profile import make_extension, root_profile, signer_profile
from core.plan.gaps import choose_issuer, find_gaps
from core.policy.policy import Policy
from core.policy.settings import RootSettings, SignerSettings, Target
from tests.builders import make_gap, make_issuing_key, make_policy, make_root_gap, utc

NOW = utc("2027-01-01T12:00")
POLICY = make_policy()


@pytest.fixture(scope="module")
def root() -> IssuingKey:
    return make_issuing_key(POLICY)


def parse(issued: Issued) -> x509.Certificate:
    return x509.load_der_x509_certificate(issued.der)


def target_policy(**fields: Any) -> Policy:
    target = replace_settings(Target(quantum=0.25), **fields)
    return make_policy(signers=SignerSettings(lead_time=0.5, classes={"services": {"mongo": target}}))


@pytest.mark.parametrize("algorithm", KEY_ALGORITHMS)
def test_every_algorithm_issues_root_signer_and_seal(algorithm: str) -> None:
    policy = make_policy(algorithm=algorithm)
    made = issue_root(policy, make_root_gap(), NOW)
    issuing_key = load_issuing_key(made.certificate, made.der, made.key)
    for issued in (
        made,
        issue_signer(policy, make_gap(), issuing_key, NOW),
        issue_seal(policy, issuing_key, NOW),
    ):
        assert issued.certificate.algorithm == algorithm
        assert algorithm_name(parse(issued).public_key()) == algorithm
        parse(issued).verify_directly_issued_by(issuing_key.x509)


def test_a_target_may_have_another_algorithm_than_its_root(root: IssuingKey) -> None:
    issued = issue_signer(target_policy(algorithm="p256"), make_gap(), root, NOW)
    assert issued.certificate.algorithm == "p256"
    parse(issued).verify_directly_issued_by(root.x509)


def test_the_record_says_what_the_certificate_says(root: IssuingKey) -> None:
    issued = issue_signer(POLICY, make_gap(lane=7), root, NOW)
    record, parsed = issued.certificate, parse(issued)
    assert (record.kind, record.path, record.lane, record.period) == ("signer", "services/mongo", 7, "2027.1")
    assert (record.issue_from, record.issue_until) == (utc("2027-01-01"), utc("2027-04-01"))
    assert (parsed.not_valid_before_utc, parsed.not_valid_after_utc) == (record.not_before, record.not_after)
    assert parsed.serial_number == record.serial
    assert record.issuer == root.certificate.id
    assert record.sha256 == hashlib.sha256(issued.der).hexdigest()
    assert parsed.subject.rdns[-1] == x509.RelativeDistinguishedName(
        [x509.NameAttribute(x509.NameOID.SERIAL_NUMBER, record.id)]
    )


def test_a_root_is_its_own_issuer() -> None:
    record = issue_root(POLICY, make_root_gap(), NOW).certificate
    assert (record.issuer, record.path, record.lane) == (record.id, "roots", None)


def test_a_seal_takes_period_and_dates_of_its_root(root: IssuingKey) -> None:
    record, made = issue_seal(POLICY, root, NOW).certificate, root.certificate
    assert (record.kind, record.path, record.period) == ("seal", "seals", "2027")
    for name in ("issue_from", "issue_until", "not_before", "not_after"):
        assert getattr(record, name) == getattr(made, name)


def test_the_key_is_the_certificates(root: IssuingKey) -> None:
    issued = issue_signer(POLICY, make_gap(), root, NOW)
    assert decode_key(issued.key).public_key() == parse(issued).public_key()


def test_a_key_made_before_is_used(root: IssuingKey) -> None:
    key = make_key("ed25519")
    assert rehearse_signers(POLICY, "services", "mongo", root).issue(make_gap(), NOW, key).key == encode_key(
        key
    )


def test_no_secret_shows_in_a_repr(root: IssuingKey) -> None:
    issued = issue_signer(POLICY, make_gap(), root, NOW)
    assert "key" not in repr(issued)


def test_serials_ids_and_keys_differ_and_serials_fill_159_bits(root: IssuingKey) -> None:
    issuance = rehearse_signers(POLICY, "services", "mongo", root)
    issued = [issuance.issue(make_gap(lane=lane), NOW) for lane in range(1, 101)]
    serials = [item.certificate.serial for item in issued]
    assert (
        len(set(serials))
        == len({item.certificate.id for item in issued})
        == len({i.key for i in issued})
        == 100
    )
    assert all(0 < serial < 1 << 159 for serial in serials)
    assert max(serial.bit_length() for serial in serials) >= 155


def test_no_certificate_has_a_key_or_name_of_another(root: IssuingKey) -> None:
    issuance = rehearse_signers(POLICY, "services", "mongo", root)
    parsed = [parse(issuance.issue(make_gap(), NOW)) for _ in range(20)]
    identifiers = {
        item.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value for item in parsed
    }
    assert len(identifiers) == len({item.subject.public_bytes() for item in parsed}) == 20


def test_dates_after_2049_are_generalized_times() -> None:
    policy = make_policy(roots=RootSettings(quantum=20, lead_time=1))
    gap = make_root_gap(period="2040-2059", issue_from=utc("2040-01-01"), issue_until=utc("2060-01-01"))
    issued = issue_root(policy, gap, NOW)
    assert b"\x18\x0f2060" in issued.der  # RFC 5280 4.1.2.5
    assert b"\x17\x0d400101000000Z" in issued.der
    assert parse(issued).not_valid_after_utc == issued.certificate.not_after


def test_a_whole_plan_of_roots_and_signers_nests() -> None:
    now = utc("2027-02-10T09:00")
    plan = find_gaps(POLICY, (), now)
    made = [issue_root(POLICY, gap, now) for gap in plan.roots]
    issuing_keys = {
        item.certificate.id: load_issuing_key(item.certificate, item.der, item.key) for item in made
    }
    records = [issuing_key.certificate for issuing_key in issuing_keys.values()]
    for gap in plan.signers:
        issuer = issuing_keys[choose_issuer(POLICY, records, gap.issue_from).id]
        record = issue_signer(POLICY, gap, issuer, now).certificate
        assert issuer.certificate.not_before <= record.not_before
        assert record.not_after <= issuer.certificate.not_after
    assert len(find_gaps(POLICY, records, now).roots) == 0


@pytest.mark.parametrize(
    ("rule", "fields"),
    [
        ("nested", {"issue_until": utc("2029-01-01")}),
        ("issuer_covers_start", {"issue_from": utc("2028-01-01"), "issue_until": utc("2028-04-01")}),
        ("not_for_the_past", {"issue_from": utc("2026-12-31")}),
        ("whole_days", {"issue_from": utc("2027-01-01T01:00")}),
        ("period_in_validity", {"issue_until": utc("2027-01-01")}),
    ],
)
def test_refuses_gaps_that_break_a_rule(rule: str, fields: dict[str, Any], root: IssuingKey) -> None:
    issuance = rehearse_signers(POLICY, "services", "mongo", root)
    with pytest.raises(CheckError, match=f"rule {rule}"):
        issuance.issue(make_gap(**fields), NOW)


def test_a_revoked_root_signs_nothing(root: IssuingKey) -> None:
    revoked = replace(root, certificate=replace(root.certificate, revoked_at=NOW, reason="keyCompromise"))
    with pytest.raises(CheckError, match="rule live_issuer"):
        issue_signer(POLICY, make_gap(), revoked, NOW)
    with pytest.raises(CheckError, match="rule live_issuer"):
        issue_seal(POLICY, revoked, NOW)


def test_refuses_a_gap_of_another_target(root: IssuingKey) -> None:
    issuance = rehearse_signers(POLICY, "services", "mongo", root)
    with pytest.raises(IssueError, match="services/redis came to the issuance of another target"):
        issuance.issue(make_gap(target="redis"), NOW)


def test_an_issuance_of_signers_makes_no_seal_and_no_root(root: IssuingKey) -> None:
    issuance = rehearse_signers(POLICY, "services", "mongo", root)
    with pytest.raises(IssueError, match="a seal was asked of the issuance of a signer"):
        issuance.issue_seal(NOW)
    with pytest.raises(IssueError, match="another target"):
        issuance.issue(make_root_gap(), NOW)
    with pytest.raises(IssueError, match="a seal was asked of the issuance of a root"):
        rehearse_roots(POLICY).issue_seal(NOW)


def test_refuses_a_target_that_the_policy_does_not_have(root: IssuingKey) -> None:
    with pytest.raises(PolicyError, match="no target services/redis"):
        issue_signer(POLICY, make_gap(target="redis"), root, NOW)
    with pytest.raises(PolicyError):
        issue_signer(POLICY, make_root_gap(), root, NOW)


def test_a_wrong_profile_is_found_before_the_roots_key_signs() -> None:
    class Untouchable:
        """Stands where the root's key is, and may give its public half only."""

        def public_key(self) -> object:
            return real.private_key.public_key()

    real = make_issuing_key(POLICY)
    guarded = IssuingKey(certificate=real.certificate, x509=real.x509, private_key=Untouchable())  # type: ignore[arg-type]  # the point of it
    profile = signer_profile(POLICY, "services", "mongo", real.certificate.id)
    wrong = replace(profile, extensions=profile.extensions[:1])
    with pytest.raises(CheckError, match="rule key_usage"):
        Issuance(wrong, guarded)
    Issuance(profile, guarded)  # a rehearsal needs no more than the public half
    wrong_root = replace(
        root_profile(POLICY), extensions=(make_extension(x509.OCSPNoCheck(), critical=False),)
    )
    with pytest.raises(CheckError, match="rule extension_set"):
        Issuance(wrong_root, None)


class Slip:
    """A private key that works, but for one bit of each signature from a number on."""

    def __init__(self, key: Any, good: int) -> None:
        self._key, self._good = key, good

    def public_key(self) -> Any:
        return self._key.public_key()

    def sign(self, data: bytes) -> bytes:
        self._good -= 1
        signature: bytes = self._key.sign(data)
        return signature if self._good >= 0 else signature[:-1] + bytes([signature[-1] ^ 1])


def test_a_fault_in_signing_is_found_before_anybody_gets_the_certificate(root: IssuingKey) -> None:
    slipping = replace(root, private_key=Slip(root.private_key, 5))  # type: ignore[arg-type]  # the point of it
    issuance = rehearse_signers(POLICY, "services", "mongo", slipping)
    assert len(issuance.issue_all([make_gap(lane=lane) for lane in (1, 2)], NOW)) == 2
    issuance.issue(make_gap(lane=3), NOW)
    with pytest.raises(CheckError, match="rule issued_by"):  # the last of three
        issuance.issue_all([make_gap(lane=lane) for lane in (4, 5, 6)], NOW)
    with pytest.raises(CheckError, match="rule issued_by"):
        issuance.issue(make_gap(), NOW)


def test_many_are_issued_as_one_is_each_for_its_gap(root: IssuingKey) -> None:
    gaps = [make_gap(lane=lane) for lane in (3, 1, 2)]
    made = rehearse_signers(POLICY, "services", "mongo", root).issue_all(gaps, NOW)
    assert [item.certificate.lane for item in made] == [3, 1, 2]
    for item in made:
        assert parse(item).serial_number == item.certificate.serial
        assert decode_key(item.key).public_key() == parse(item).public_key()
        parse(item).verify_directly_issued_by(root.x509)
    assert len({item.certificate.id for item in made} | {item.certificate.sha256 for item in made}) == 6


def test_none_of_many_is_issued_where_one_gap_is_another_targets(root: IssuingKey) -> None:
    issuance = rehearse_signers(POLICY, "services", "mongo", root)
    with pytest.raises(IssueError, match="services/redis came to the issuance of another target"):
        issuance.issue_all([make_gap(), make_gap(target="redis")], NOW)


def test_many_roots_each_sign_themselves() -> None:
    first, second = rehearse_roots(POLICY).issue_all([make_root_gap(), make_root_gap()], NOW)
    for item in (first, second):
        parse(item).verify_directly_issued_by(parse(item))
    assert first.certificate.id != second.certificate.id


def test_an_issuance_cannot_be_had_without_a_rehearsal(root: IssuingKey) -> None:
    unrehearsed = Issuance.__new__(Issuance)
    with pytest.raises(AttributeError):
        unrehearsed.issue(make_gap(), NOW)


def test_a_rehearsal_leaves_no_certificate_under_the_real_key(root: IssuingKey) -> None:
    assert root.stand_in.private_key.public_key() != root.private_key.public_key()
    assert root.stand_in.x509.subject == root.x509.subject
    assert root.stand_in is root.stand_in


def test_an_issuance_of_seals_makes_seals(root: IssuingKey) -> None:
    issuance = rehearse_seals(POLICY, root)
    assert issuance.issue_seal(NOW).certificate.kind == "seal"


def test_load_issuing_key_refuses_parts_that_do_not_belong_together(root: IssuingKey) -> None:
    made = issue_root(POLICY, make_root_gap(), NOW)
    other = issue_root(POLICY, make_root_gap(), NOW)
    signer = issue_signer(POLICY, make_gap(), root, NOW)
    with pytest.raises(IssueError, match="is no root"):
        load_issuing_key(signer.certificate, signer.der, signer.key)
    with pytest.raises(IssueError, match="not those that were issued"):
        load_issuing_key(made.certificate, other.der, made.key)
    with pytest.raises(IssueError, match="is another one's"):
        load_issuing_key(made.certificate, made.der, other.key)
    with pytest.raises(IssueError, match="cannot be read"):
        load_issuing_key(made.certificate, made.der, b"")


def test_a_longer_tail_than_the_root_has_left_is_refused(root: IssuingKey) -> None:
    policy = target_policy(leaf_lifetime_days=1000)
    with pytest.raises(CheckError, match="rule nested"):
        issue_signer(policy, make_gap(), root, NOW)


def test_a_signer_may_end_with_its_root_to_the_second(root: IssuingKey) -> None:
    left = root.certificate.not_after + timedelta(seconds=1) - utc("2028-01-01")
    policy = target_policy(leaf_lifetime_days=left.days)
    gap = make_gap(issue_from=utc("2027-10-01"), issue_until=utc("2028-01-01"))
    assert issue_signer(policy, gap, root, NOW).certificate.not_after == root.certificate.not_after
