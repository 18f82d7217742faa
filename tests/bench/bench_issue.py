"""Issuing Ed25519 signers against a bare loop that does the least: key, certificate, PEM, parse, one verify.

Run by `make bench`, or alone: `python tests/bench/bench_issue.py`. Prints what it saw. The two loops take
turns in small chunks, so that whatever else the machine does falls on both; the medians are compared.
"""

import statistics
import time
import uuid
from collections.abc import Callable

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from core.issue.issuance import IssuingKey, rehearse_signers
from core.issue.profile import CA_USAGE
from core.plan.gaps import Gap
from tests.bench.children import serve
from tests.builders import make_gap, make_issuing_key, make_policy, utc

CHUNK, CHUNKS = 100, 50
MAX_RATIO = 1.0  # of the 1.1 that a whole top-up may take on one core, with store and journal
NOW = utc("2027-01-01T12:00")


def issue_barely(root: IssuingKey, gap: Gap) -> None:
    """Make the same certificate with nothing around it."""
    key = Ed25519PrivateKey.generate()
    public_key = key.public_key()
    names = (
        (NameOID.ORGANIZATION_NAME, "Example Virtual Worlds"),
        (NameOID.COMMON_NAME, f"services/mongo {gap.period}/{gap.lane}"),
        (NameOID.SERIAL_NUMBER, str(uuid.uuid4())),
    )
    signed = (
        x509.CertificateBuilder()
        .issuer_name(root.x509.subject)
        .subject_name(x509.Name([x509.NameAttribute(oid, text) for oid, text in names]))
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(gap.issue_from)
        .not_valid_after(gap.issue_until)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(CA_USAGE, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(root.private_key.public_key()), critical=False
        )
        .sign(root.private_key, None)
    )
    parsed = x509.load_pem_x509_certificate(signed.public_bytes(Encoding.PEM))
    parsed.verify_directly_issued_by(root.x509)


def seconds_of(work: Callable[[Gap], object]) -> float:
    start = time.perf_counter()
    for lane in range(1, CHUNK + 1):
        work(make_gap(lane=lane))
    return time.perf_counter() - start


@pytest.mark.bench
def test_issuing_takes_little_more_than_a_bare_loop() -> None:
    policy = make_policy()
    root = make_issuing_key(policy)
    issuance = rehearse_signers(policy, "services", "mongo", root)
    ours, bare = [], []
    for _ in range(CHUNKS):
        bare.append(seconds_of(lambda gap: issue_barely(root, gap)))
        start = time.perf_counter()
        issuance.issue_all([make_gap(lane=lane) for lane in range(1, CHUNK + 1)], NOW)
        ours.append(time.perf_counter() - start)
    ratio = statistics.median(one / other for one, other in zip(ours, bare, strict=True))
    each = statistics.median(ours) / CHUNK * 1e6
    print(f"issue: {each:.0f} us a signer, {ratio:.2f} of a bare loop (at most {MAX_RATIO})")
    assert ratio <= MAX_RATIO


if __name__ == "__main__":
    serve(__file__)
