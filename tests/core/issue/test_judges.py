"""Other people's programs judge what PiSM issues: OpenSSL, GnuTLS and pkilint.

They are needed, not optional: without openssl, certtool or faketime these tests fail.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pkilint import loader, pkix
from pkilint.pkix import certificate, crl, extension, name
from pkilint.validation import ValidationFindingSeverity

from core.certificate import Issued
from core.crypto.keys import ALGORITHMS, KEY_ALGORITHMS, PrivateKey, algorithm_name, decode_key, make_key
from core.issue.crl import REASONS, sign_crl
from core.issue.issuance import IssuingKey, issue_root, issue_seal, issue_signer, load_issuing_key
from core.issue.profile import CA_USAGE, SEAL_USAGE
from core.plan.gaps import choose_issuer, find_gaps
from core.policy.policy import Policy
from core.policy.settings import ConstrainedNames, NameConstraints, RootSettings, SignerSettings, Target, Urls
from tests.builders import make_gap, make_issuing_key, make_policy, utc
from tests.judges import SECOND, gnutls_accepts, instants, openssl_accepts, run

pytestmark = pytest.mark.judge

CLASSICAL: Final = [algorithm for algorithm in KEY_ALGORITHMS if not algorithm.startswith("mldsa")]
NOW: Final = utc("2027-02-10T12:00")
FULL: Final = Target(
    quantum=0.25,
    path_length=1,
    leaf_lifetime_days=14,
    name_constraints=NameConstraints(
        permitted=ConstrainedNames(dns=("worlds.example",), ip=("10.0.0.0/8",), email=("worlds.example",)),
        excluded=ConstrainedNames(dns=("no.worlds.example",), uri=("no.worlds.example",)),
    ),
    extended_key_usage=("server_auth", "client_auth"),
)
PLAIN: Final = Target(quantum=0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """One top-up of a small authority."""

    policy: Policy
    roots: dict[str, IssuingKey]
    signers: tuple[Issued, ...]
    seals: tuple[Issued, ...]

    def root_of(self, issued: Issued) -> IssuingKey:
        return self.roots[issued.certificate.issuer]


def top_up(algorithm: str) -> Authority:
    """Issue what the plan asks for: today's signers and future ones, under today's root and future ones."""
    policy = make_policy(
        algorithm=algorithm,
        roots=RootSettings(quantum=1.0, lead_time=1.0),
        signers=SignerSettings(lead_time=1.0, classes={"services": {"full": FULL, "plain": PLAIN}}),
        urls=Urls(crl="http://ca.worlds.example/{root}.crl", issuer="http://ca.worlds.example/{root}.crt"),
    )
    plan = find_gaps(policy, (), NOW)
    roots: dict[str, IssuingKey] = {}
    for gap in plan.roots:
        made = issue_root(policy, gap, NOW)
        roots[made.certificate.id] = load_issuing_key(made.certificate, made.der, made.key)
    records = [issuing_key.certificate for issuing_key in roots.values()]
    signers = tuple(
        issue_signer(policy, gap, roots[choose_issuer(policy, records, gap.issue_from).id], NOW)
        for gap in plan.signers
    )
    seals = tuple(issue_seal(policy, issuing_key, NOW) for issuing_key in roots.values())
    return Authority(policy=policy, roots=roots, signers=signers, seals=seals)


@pytest.fixture(scope="module", params=CLASSICAL)
def authority(request: pytest.FixtureRequest) -> Authority:
    return top_up(request.param)


def write(folder: Path, name: str, *certificates: x509.Certificate) -> Path:
    path = folder / name
    path.write_bytes(b"".join(item.public_bytes(Encoding.PEM) for item in certificates))
    return path


def make_below(
    issuer: x509.Certificate, key: PrivateKey, until: datetime, *, ca: bool
) -> tuple[x509.Certificate, PrivateKey]:
    """Make what a receiver makes below a signer: a server's certificate, or one more CA."""
    own = make_key("p256")
    name = "one more CA" if ca else "a.worlds.example"
    identify = x509.SubjectKeyIdentifier.from_public_key
    authority = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identify(key.public_key()))
    builder = (
        x509.CertificateBuilder()
        .issuer_name(issuer.subject)
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]))
        .public_key(own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(issuer.not_valid_before_utc)
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=0 if ca else None), critical=True)
        .add_extension(CA_USAGE if ca else SEAL_USAGE, critical=True)
        .add_extension(identify(own.public_key()), critical=False)
        .add_extension(authority, critical=False)
    )
    if not ca:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    digest = ALGORITHMS[algorithm_name(key.public_key())].digest
    return builder.sign(key, digest), own


def parse(issued: Issued) -> x509.Certificate:
    return x509.load_der_x509_certificate(issued.der)


def lint_certificate(der: bytes) -> list[str]:
    """Return pkilint's findings of ERROR and FATAL on a certificate, by RFC 5280."""
    validator = certificate.create_pkix_certificate_validator_container(
        certificate.create_decoding_validators(name.ATTRIBUTE_TYPE_MAPPINGS, extension.EXTENSION_MAPPINGS),
        [
            certificate.create_issuer_validator_container([]),
            certificate.create_validity_validator_container(),
            certificate.create_subject_validator_container([]),
            certificate.create_extensions_validator_container([]),
            certificate.create_spki_validator_container([]),
        ],
    )
    document = loader.RFC5280CertificateDocumentLoader().load_der_document(der, "certificate")
    return faults(validator.validate(document.root))


def lint_crl(der: bytes) -> list[str]:
    """Return pkilint's findings of ERROR and FATAL on a list, by RFC 5280."""
    validator = crl.create_pkix_crl_validator_container(
        [
            pkix.create_attribute_decoder(name.ATTRIBUTE_TYPE_MAPPINGS),
            pkix.create_extension_decoder(extension.EXTENSION_MAPPINGS),
        ],
        [
            crl.create_issuer_validator_container([]),
            crl.create_validity_validator_container([]),
            crl.create_extensions_validator_container([]),
        ],
    )
    document = loader.RFC5280CertificateListDocumentLoader().load_der_document(der, "list")
    return faults(validator.validate(document.root))


def faults(results: Iterable[Any]) -> list[str]:
    return [
        f"{result.node.path}: {found.finding.code} {found.message}"
        for result in results
        for found in result.finding_descriptions
        if found.finding.severity <= ValidationFindingSeverity.ERROR
    ]


def test_openssl_accepts_a_signer_under_its_own_root_alone_exactly_while_it_is_valid(
    authority: Authority, tmp_path: Path
) -> None:
    assert len(authority.roots) > 1
    for issued in authority.signers:
        record = issued.certificate
        root = write(tmp_path, "root.pem", authority.root_of(issued).x509)
        signer = write(tmp_path, "signer.pem", parse(issued))
        for at, valid in instants(record.not_before, record.not_after):
            assert openssl_accepts(root, signer, at) is valid, (record.path, record.period, at)


def test_gnutls_accepts_a_signer_under_its_own_root_alone_exactly_while_it_is_valid(
    authority: Authority, tmp_path: Path
) -> None:
    for issued in authority.signers:
        record = issued.certificate
        root = write(tmp_path, "root.pem", authority.root_of(issued).x509)
        signer = write(tmp_path, "signer.pem", parse(issued))
        for at, valid in instants(record.not_before, record.not_after):
            assert gnutls_accepts(root, signer, at) is valid, (record.path, record.period, at)


def test_no_signer_verifies_under_another_root(authority: Authority, tmp_path: Path) -> None:
    for issued in authority.signers:
        others = [item for key, item in authority.roots.items() if key != issued.certificate.issuer]
        root = write(tmp_path, "root.pem", *(item.x509 for item in others))
        signer = write(tmp_path, "signer.pem", parse(issued))
        assert not openssl_accepts(root, signer, issued.certificate.issue_from)
        assert not gnutls_accepts(root, signer, issued.certificate.issue_from)


def test_the_last_leaf_of_a_signer_verifies_until_its_end(authority: Authority, tmp_path: Path) -> None:
    for issued in authority.signers:
        key, signer = decode_key(issued.key), parse(issued)
        until = issued.certificate.not_after
        leaf, _ = make_below(signer, key, until, ca=False)
        root = write(tmp_path, "root.pem", authority.root_of(issued).x509)
        between = write(tmp_path, "signer.pem", signer)
        last, chain = write(tmp_path, "leaf.pem", leaf), write(tmp_path, "chain.pem", leaf, signer)
        for at, valid in instants(issued.certificate.not_before, until):
            assert openssl_accepts(root, last, at, "-untrusted", between) is valid
            assert gnutls_accepts(root, chain, at) is valid


def test_a_ca_below_a_signer_is_accepted_as_the_path_length_says(
    authority: Authority, tmp_path: Path
) -> None:
    for issued in authority.signers:
        record, key, signer = issued.certificate, decode_key(issued.key), parse(issued)
        below, own = make_below(signer, key, record.not_after, ca=True)
        leaf, _ = make_below(below, own, record.not_after, ca=False)
        root = write(tmp_path, "root.pem", authority.root_of(issued).x509)
        between = write(tmp_path, "between.pem", below, signer)
        last = write(tmp_path, "leaf.pem", leaf)
        chain = write(tmp_path, "chain.pem", leaf, below, signer)
        allowed = record.target == "full"
        assert openssl_accepts(root, last, record.issue_from, "-untrusted", between) is allowed
        assert gnutls_accepts(root, chain, record.issue_from) is allowed


def test_a_name_outside_the_constraints_is_refused(authority: Authority, tmp_path: Path) -> None:
    issued = next(item for item in authority.signers if item.certificate.target == "full")
    other = x509.SubjectAlternativeName([x509.DNSName("a.elsewhere.example")])
    key, signer = decode_key(issued.key), parse(issued)
    leaf = (
        x509.CertificateBuilder()
        .issuer_name(signer.subject)
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "elsewhere")]))
        .public_key(make_key("p256").public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(signer.not_valid_before_utc)
        .not_valid_after(signer.not_valid_after_utc)
        .add_extension(other, critical=False)
        .sign(key, ALGORITHMS[issued.certificate.algorithm].digest)
    )
    root = write(tmp_path, "root.pem", authority.root_of(issued).x509)
    between, last = write(tmp_path, "signer.pem", signer), write(tmp_path, "leaf.pem", leaf)
    at = str(int(issued.certificate.issue_from.timestamp()))
    result = run("openssl", "verify", "-attime", at, "-CAfile", root, "-untrusted", between, last)
    assert "permitted subtree violation" in result.stderr


def test_openssl_reads_the_list_and_refuses_what_it_names(authority: Authority, tmp_path: Path) -> None:
    first, second = [item for item in authority.signers if item.certificate.issue_from < NOW][:2]
    issuing_key = authority.root_of(first)
    root = write(tmp_path, "root.pem", issuing_key.x509)
    gone = replace(first.certificate, revoked_at=NOW, reason="keyCompromise")
    listed = sign_crl(issuing_key, [gone], 0, 180, NOW)
    path = tmp_path / "list.crl"
    path.write_bytes(x509.load_der_x509_crl(listed.der).public_bytes(Encoding.PEM))
    assert "verify OK" in run("openssl", "crl", "-noout", "-verify", "-CAfile", root, "-in", path).stderr
    for issued, accepted in ((first, False), (second, True)):
        signer = write(tmp_path, "signer.pem", parse(issued))
        at = NOW + SECOND
        assert openssl_accepts(root, signer, at)
        assert openssl_accepts(root, signer, at, "-crl_check", "-CRLfile", path) is accepted


def test_gnutls_reads_the_list(authority: Authority, tmp_path: Path) -> None:
    for issuing_key in authority.roots.values():
        listed = sign_crl(issuing_key, (), 0, 180, NOW)
        path = tmp_path / "list.crl"
        path.write_bytes(x509.load_der_x509_crl(listed.der).public_bytes(Encoding.PEM))
        root = write(tmp_path, "root.pem", issuing_key.x509)
        frozen = ("faketime", "-f", f"{NOW:%Y-%m-%d %H:%M:%S}", "certtool")
        result = run(*frozen, "--verify-crl", "--load-ca-certificate", root, "--infile", path)
        assert "Verified" in result.stdout, result.stdout + result.stderr
        assert result.returncode == 0


def test_pkilint_finds_nothing_wrong_with_roots_and_signers(authority: Authority) -> None:
    ders = [issuing_key.x509.public_bytes(Encoding.DER) for issuing_key in authority.roots.values()]
    ders += [issued.der for issued in authority.signers]
    assert [lint_certificate(der) for der in ders] == [[]] * len(ders)


@pytest.mark.parametrize("algorithm", CLASSICAL)
def test_pkilint_finds_nothing_wrong_with_the_smallest_certificates(algorithm: str) -> None:
    policy = make_policy(algorithm=algorithm)
    issuing_key = make_issuing_key(policy, issue_from=utc("2027-02-10"))
    signer = issue_signer(policy, make_gap(issue_from=utc("2027-02-10")), issuing_key, NOW)
    assert lint_certificate(issuing_key.x509.public_bytes(Encoding.DER)) == []
    assert lint_certificate(signer.der) == []


def test_pkilint_finds_nothing_wrong_with_seals(authority: Authority) -> None:
    assert [lint_certificate(issued.der) for issued in authority.seals] == [[]] * len(authority.seals)


def test_pkilint_finds_nothing_wrong_with_lists(authority: Authority) -> None:
    for issuing_key in authority.roots.values():
        serials = range(1, len(REASONS) + 1)
        gone = [
            replace(issuing_key.certificate, serial=serial, revoked_at=NOW, reason=reason)
            for serial, reason in zip(serials, REASONS, strict=True)
        ]
        for revoked in ([], gone):
            assert lint_crl(sign_crl(issuing_key, revoked, 0, 180, NOW).der) == []


def test_pkilint_would_say_so() -> None:
    """The linter is awake: it refuses a certificate that breaks a rule."""
    key = make_key("ed25519")
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "root")])
    wrong = (
        x509.CertificateBuilder()
        .issuer_name(subject)
        .subject_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=False)
        .sign(key, None)
    )
    assert lint_certificate(wrong.public_bytes(Encoding.DER)) != []


@pytest.mark.parametrize("algorithm", ["mldsa44", "mldsa65", "mldsa87"])
def test_post_quantum_chains_and_lists_verify(algorithm: str) -> None:
    made = top_up(algorithm)
    for issued in (*made.signers, *made.seals):
        parse(issued).verify_directly_issued_by(made.root_of(issued).x509)
    for issuing_key in made.roots.values():
        issuing_key.x509.verify_directly_issued_by(issuing_key.x509)
        listed = x509.load_der_x509_crl(sign_crl(issuing_key, (), 0, 180, NOW).der)
        assert listed.is_signature_valid(issuing_key.x509.public_key())
