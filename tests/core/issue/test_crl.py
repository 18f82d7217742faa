"""Certificate revocation lists."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from core.certificate import Certificate, Crl
from core.crypto.keys import KEY_ALGORITHMS, PrivateKey, make_key
from core.errors import CheckError, IssueError
from core.issue.crl import REASONS, check_crl, sign_crl
from core.issue.issuance import IssuingKey, issue_seal, issue_signer
from tests.builders import make_gap, make_issuing_key, make_policy, utc

NOW = utc("2027-02-10T12:00")
POLICY = make_policy()


@pytest.fixture(scope="module")
def root() -> IssuingKey:
    return make_issuing_key(POLICY)


def revoke(certificate: Certificate, reason: str | None = "superseded", at: datetime = NOW) -> Certificate:
    return replace(certificate, revoked_at=at, reason=reason)


def signers(root: IssuingKey, count: int) -> list[Certificate]:
    now = utc("2027-01-01T12:00")
    return [issue_signer(POLICY, make_gap(lane=lane), root, now).certificate for lane in range(1, count + 1)]


def parse(crl: Crl) -> x509.CertificateRevocationList:
    return x509.load_der_x509_crl(crl.der)


def sign(root: IssuingKey, revoked: Any = (), last: int = 0, days: int = 180, now: datetime = NOW) -> Crl:
    return sign_crl(root, revoked, last, days, now)


@pytest.mark.parametrize("algorithm", KEY_ALGORITHMS)
def test_every_algorithm_signs_a_list(algorithm: str) -> None:
    root = make_issuing_key(make_policy(algorithm=algorithm))
    assert parse(sign(root, [revoke(root.certificate)])).is_signature_valid(root.x509.public_key())


def test_the_first_list_is_empty_and_has_number_dates_and_key_identifier(root: IssuingKey) -> None:
    crl = sign(root)
    parsed = parse(crl)
    assert list(parsed) == []
    assert (crl.issuer, crl.this_update, crl.next_update) == (
        root.certificate.id,
        NOW,
        NOW + timedelta(days=180),
    )
    assert (parsed.last_update_utc, parsed.next_update_utc) == (crl.this_update, crl.next_update)
    assert {type(extension.value) for extension in parsed.extensions} == {
        x509.CRLNumber,
        x509.AuthorityKeyIdentifier,
    }
    key_id = parsed.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    assert (key_id.key_identifier, key_id.authority_cert_issuer) == (root.key_id, None)


def test_an_empty_list_has_no_empty_sequence(root: IssuingKey) -> None:
    # RFC 5280 5.1.2.6: revokedCertificates is absent when there are none.
    crl = sign(root)
    after_dates = crl.der.index(b"\x17\x0d", crl.der.index(b"\x17\x0d") + 1) + 15
    assert crl.der[after_dates] == 0xA0


def test_number_is_the_time_or_one_more_than_the_last(root: IssuingKey) -> None:
    seconds = int(NOW.timestamp())
    assert sign(root).number == seconds
    assert sign(root, last=seconds - 1).number == seconds
    assert sign(root, last=seconds).number == seconds + 1
    crl = sign(root, last=seconds + 1000)
    assert crl.number == seconds + 1001
    assert parse(crl).extensions.get_extension_for_class(x509.CRLNumber).value.crl_number == crl.number


def test_a_list_ends_with_its_root(root: IssuingKey) -> None:
    last = root.certificate.not_after
    assert sign(root, now=last - timedelta(days=10)).next_update == last
    assert sign(root, now=last - timedelta(seconds=1)).next_update == last
    with pytest.raises(IssueError, match="is over"):
        sign(root, now=last)


def test_a_future_root_has_a_list_from_the_day_it_is_made(root: IssuingKey) -> None:
    assert sign(root, now=utc("2025-06-01")).this_update < root.certificate.not_before


def test_names_signers_seals_and_the_root_itself(root: IssuingKey) -> None:
    seal = issue_seal(POLICY, root, NOW).certificate
    (signer,) = signers(root, 1)
    crl = sign(root, [revoke(item) for item in (signer, seal, root.certificate)])
    serials = {signer.serial, seal.serial, root.certificate.serial}
    assert {entry.serial_number for entry in parse(crl)} == serials


def test_passes_over_what_is_not_revoked_or_another_roots(root: IssuingKey) -> None:
    first, second = signers(root, 2)
    foreign = revoke(replace(second, issuer="another"))
    assert [entry.serial_number for entry in parse(sign(root, [revoke(first), second, foreign]))] == [
        first.serial
    ]


def test_an_expired_certificate_stays(root: IssuingKey) -> None:
    (signer,) = signers(root, 1)
    late = signer.not_after + timedelta(days=30)
    assert parse(sign(root, [revoke(signer)], now=late)).get_revoked_certificate_by_serial_number(
        signer.serial
    )


def test_entries_hold_date_and_reason_oldest_first(root: IssuingKey) -> None:
    items = signers(root, len(REASONS))
    revoked = [
        revoke(item, reason, NOW - timedelta(days=number))
        for number, (item, reason) in enumerate(zip(items, REASONS, strict=True))
    ]
    entries = list(parse(sign(root, revoked)))
    assert [entry.serial_number for entry in entries] == [item.serial for item in reversed(revoked)]
    for entry, item in zip(entries, reversed(revoked), strict=True):
        assert entry.revocation_date_utc == item.revoked_at
        if item.reason == "unspecified":
            assert len(entry.extensions) == 0
        else:
            assert entry.extensions[0].value == x509.CRLReason(REASONS[item.reason or ""])


def test_no_reason_is_unspecified(root: IssuingKey) -> None:
    (signer,) = signers(root, 1)
    (entry,) = parse(sign(root, [revoke(signer, None)]))
    assert len(entry.extensions) == 0


@pytest.mark.parametrize("reason", ["certificateHold", "removeFromCRL", "aACompromise", "because"])
def test_refuses_a_reason_that_a_root_cannot_give(reason: str, root: IssuingKey) -> None:
    with pytest.raises(IssueError, match=f"no reason of RFC 5280 5.3.1: {reason}"):
        sign(root, [revoke(root.certificate, reason)])


def test_refuses_a_revocation_of_the_future(root: IssuingKey) -> None:
    with pytest.raises(IssueError, match="only after the list is signed"):
        sign(root, [revoke(root.certificate, at=NOW + timedelta(seconds=1))])


@pytest.mark.parametrize(
    ("rule", "fields"),
    [
        ("crl_dates", {"this_update": NOW - timedelta(days=1)}),
        ("crl_dates", {"next_update": NOW}),
        ("crl_number", {"number": 1}),
    ],
)
def test_refuses_a_list_that_is_not_what_was_in_template_for(
    rule: str, fields: dict[str, Any], root: IssuingKey
) -> None:
    with pytest.raises(CheckError, match=f"rule {rule}"):
        check_crl(replace(sign(root), **fields), (), root)


def test_refuses_a_list_that_misses_an_entry_or_gives_another_reason(root: IssuingKey) -> None:
    made = sign(root, [revoke(root.certificate)])
    for wanted in ([], [revoke(root.certificate, "keyCompromise")]):
        with pytest.raises(CheckError, match="rule crl_entries"):
            check_crl(made, wanted, root)


def forge(like: Crl, root: IssuingKey, key: PrivateKey, *extra: x509.ExtensionType) -> Crl:
    """Return a list signed by `key`, with more extensions."""
    parsed = parse(like)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(root.x509.subject)
        .last_update(like.this_update)
        .next_update(like.next_update)
    )
    for value in (*(item.value for item in parsed.extensions), *extra):
        builder = builder.add_extension(value, critical=False)
    return replace(like, der=builder.sign(key, None).public_bytes(Encoding.DER))


def test_refuses_a_list_of_another_root(root: IssuingKey) -> None:
    with pytest.raises(CheckError, match="rule crl_issuer"):
        check_crl(sign(root), (), make_issuing_key(POLICY))


def test_refuses_a_list_with_the_identifier_of_another_key(root: IssuingKey) -> None:
    with pytest.raises(CheckError, match="rule crl_key_identifier"):
        check_crl(sign(root), (), root.stand_in)


def test_refuses_a_list_signed_by_another_key(root: IssuingKey) -> None:
    with pytest.raises(CheckError, match="rule crl_signature"):
        check_crl(forge(sign(root), root, make_key("ed25519")), (), root)


def test_refuses_a_list_with_more_extensions(root: IssuingKey) -> None:
    check_crl(forge(sign(root), root, root.private_key), (), root)
    with pytest.raises(CheckError, match="rule crl_extensions"):
        check_crl(forge(sign(root), root, root.private_key, x509.DeltaCRLIndicator(1)), (), root)


def test_refuses_a_list_that_outlives_its_root(root: IssuingKey) -> None:
    short = replace(root, certificate=replace(root.certificate, not_after=NOW + timedelta(days=1)))
    with pytest.raises(CheckError, match="rule crl_nested"):
        check_crl(sign(root), (), short)
