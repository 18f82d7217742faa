from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from core.archive.seal import SEAL_EKU, SEAL_EKU_V1, accept_seal, load_seal
from core.crypto.keys import KEY_ALGORITHMS, make_key, sign_bytes, verify_bytes
from core.errors import ArchiveSealError, IssueError
from core.issue.issuance import IssuingKey, load_issuing_key, rehearse_roots, rehearse_seals
from core.plan.gaps import find_gaps
from core.policy.policy import Policy
from tests.builders import make_policy, utc

NOW = utc("2027-01-15")
USAGE = x509.KeyUsage(
    digital_signature=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=False,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)


def make_root(policy: Policy) -> IssuingKey:
    issued = rehearse_roots(policy).issue(find_gaps(policy, (), NOW).roots[0], NOW)
    return load_issuing_key(issued.certificate, issued.der, issued.key)


@pytest.fixture(scope="module")
def root() -> IssuingKey:
    return make_root(make_policy())


@pytest.mark.parametrize("algorithm", KEY_ALGORITHMS)
def test_a_seal_of_its_root_is_accepted_and_its_signature_fits(algorithm: str) -> None:
    policy = make_policy(algorithm=algorithm)
    root = make_root(policy)
    issued = rehearse_seals(policy, root).issue_seal(NOW)
    seal = load_seal(issued.certificate, issued.der, issued.key)
    key = accept_seal(issued.der, root.x509, (), NOW)
    verify_bytes(key, seal.sign(b"manifest"), b"manifest")


def test_a_seal_does_not_show_its_key(root: IssuingKey) -> None:
    issued = rehearse_seals(make_policy(), root).issue_seal(NOW)
    assert repr(load_seal(issued.certificate, issued.der, issued.key)) == f"Seal({root.certificate.id})"


def test_refuses_to_seal_with_a_key_that_is_not_the_seals(root: IssuingKey) -> None:
    issuance = rehearse_seals(make_policy(), root)
    one, other = issuance.issue_seal(NOW), issuance.issue_seal(NOW)
    with pytest.raises(IssueError, match="is another one's"):
        load_seal(one.certificate, one.der, other.key)


def test_refuses_the_seal_of_another_root_and_of_another_name(root: IssuingKey) -> None:
    other = make_root(make_policy())
    der = rehearse_seals(make_policy(), other).issue_seal(NOW).der
    with pytest.raises(ArchiveSealError, match="not issued"):
        accept_seal(der, root.x509, (), NOW)


def test_refuses_a_revoked_seal(root: IssuingKey) -> None:
    issued = rehearse_seals(make_policy(), root).issue_seal(NOW)
    with pytest.raises(ArchiveSealError, match="revoked"):
        accept_seal(issued.der, root.x509, {issued.certificate.serial}, NOW)


def test_refuses_a_seal_that_had_ended_but_not_one_that_begins_later(root: IssuingKey) -> None:
    issued = rehearse_seals(make_policy(), root).issue_seal(NOW)
    accept_seal(issued.der, root.x509, (), issued.certificate.not_before - timedelta(days=400))
    accept_seal(issued.der, root.x509, (), issued.certificate.not_after)
    with pytest.raises(ArchiveSealError, match="ended"):
        accept_seal(issued.der, root.x509, (), issued.certificate.not_after + timedelta(seconds=1))


def test_refuses_what_is_no_certificate(root: IssuingKey) -> None:
    with pytest.raises(ArchiveSealError, match="read"):
        accept_seal(b"no certificate", root.x509, (), NOW)


def forge(root: IssuingKey, *, signer: object = None, **extensions: object) -> bytes:
    """Return a certificate that is a seal but for what is overridden; None leaves an extension out."""
    given: dict[str, object] = {
        "basic": (x509.BasicConstraints(ca=False, path_length=None), True),
        "usage": (USAGE, True),
        "purpose": (x509.ExtendedKeyUsage([SEAL_EKU]), True),
    }
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(root.x509.subject)
        .public_key(make_key("ed25519").public_key())
        .serial_number(7)
        .not_valid_before(root.certificate.not_before)
        .not_valid_after(root.certificate.not_after)
    )
    for pair in (given | extensions).values():
        if pair is not None:
            builder = builder.add_extension(pair[0], critical=pair[1])  # type: ignore[index]
    return builder.sign(signer or root.private_key, None).public_bytes(Encoding.DER)  # type: ignore[arg-type]


def test_the_forged_seal_is_one_but_for_what_is_changed(root: IssuingKey) -> None:
    accept_seal(forge(root), root.x509, (), NOW)


def test_a_seal_with_the_purpose_of_format_1_still_verifies(root: IssuingKey) -> None:
    accept_seal(forge(root, purpose=(x509.ExtendedKeyUsage([SEAL_EKU_V1]), True)), root.x509, (), NOW)


def test_refuses_a_seal_that_another_key_signed_under_the_root_name(root: IssuingKey) -> None:
    with pytest.raises(ArchiveSealError, match="not signed"):
        accept_seal(forge(root, signer=make_key("ed25519")), root.x509, (), NOW)


@pytest.mark.parametrize(
    "extensions",
    [
        {"basic": (x509.BasicConstraints(ca=True, path_length=0), True)},
        {"usage": (x509.KeyUsage(True, True, False, False, False, False, False, False, False), True)},  # noqa: FBT003
        {"purpose": (x509.ExtendedKeyUsage([SEAL_EKU]), False)},
        {"purpose": (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), True)},
        {"purpose": (x509.ExtendedKeyUsage([SEAL_EKU, ExtendedKeyUsageOID.CODE_SIGNING]), True)},
        {"purpose": (x509.ExtendedKeyUsage([SEAL_EKU, SEAL_EKU_V1]), True)},
        {"basic": None},
        {"usage": None},
        {"purpose": None},
        {"extra": (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"), True)},
    ],
)
def test_refuses_every_other_profile(root: IssuingKey, extensions: dict[str, object]) -> None:
    with pytest.raises(ArchiveSealError):
        accept_seal(forge(root, **extensions), root.x509, (), NOW)


def test_an_unknown_extension_that_is_not_critical_is_passed_over(root: IssuingKey) -> None:
    extra = (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"), False)
    accept_seal(forge(root, extra=extra), root.x509, (), NOW)


def test_a_signature_by_a_key_of_an_unknown_kind_is_refused(root: IssuingKey) -> None:
    der = forge(root)
    assert sign_bytes(root.private_key, b"x")
    with pytest.raises(ArchiveSealError):
        accept_seal(der[:-1] + bytes([der[-1] ^ 1]), root.x509, (), NOW)
