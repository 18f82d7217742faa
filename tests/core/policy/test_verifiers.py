"""What `pism plan` says of programs that refuse what is right: by the table, and by some of them."""

from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509 import verification

from core.crypto.keys import KEY_ALGORITHMS, decode_key
from core.policy.policy import encode_policy, resolve_policy
from core.policy.settings import ConstrainedNames, NameConstraints, SignerSettings, Target
from core.policy.verifiers import LIMITS, warnings
from tests.builders import make_policy
from tests.core.issue.test_judges import make_below, parse, top_up, write
from tests.judges import gnutls_accepts, openssl_accepts

DNS = ConstrainedNames(dns=("worlds.example",))


def warned(algorithm: str = "ed25519", root: str = "ed25519", **fields: Any) -> list[str]:
    """Return the warnings for one target."""
    target = Target(quantum=0.25, algorithm=algorithm, **fields)  # type: ignore[arg-type]
    signers = SignerSettings(lead_time=0.5, classes={"services": {"mongo": target}})
    return list(warnings(make_policy(algorithm=root, signers=signers)))


def test_nothing_is_said_of_a_target_that_names_no_verifier() -> None:
    assert warned() == []
    assert warned(verifiers=("openssl", "go", "java", "rustls", "wolfssl", "node", "gnutls")) == []


def test_keys_of_signer_and_root_count_both() -> None:
    assert warned(verifiers=("nss",)) == [
        "services/mongo: NSS 3.110 refuses ed25519 keys of its signers",
        "services/mongo: NSS 3.110 refuses ed25519 keys of its roots",
    ]
    assert warned("p256", verifiers=("nss",)) == [
        "services/mongo: NSS 3.110 refuses ed25519 keys of its roots"
    ]
    assert warned("p256", "p256", verifiers=("nss",)) == []


@pytest.mark.parametrize(
    ("permitted", "excluded", "verifier", "reason"),
    [
        (DNS, None, "mbedtls", "name constraints"),
        (None, ConstrainedNames(ip=("fe80::/10",)), "mbedtls", "name constraints"),
        (ConstrainedNames(ip=("fe80::/10",)), None, "botan", "name constraints for IPv6"),
        (None, ConstrainedNames(ip=("fe80::/10",)), "botan", "name constraints for IPv6"),
        (ConstrainedNames(ip=("10.0.0.0/8",)), None, "botan", ""),
        (ConstrainedNames(dns=("worlds.example",), ip=("10.0.0.0/8",)), None, "wolfssl", "every address"),
        (DNS, ConstrainedNames(ip=("10.0.0.0/8",)), "wolfssl", ""),
        (DNS, None, "openssl", ""),
    ],
)
def test_name_constraints_that_a_verifier_refuses_are_named(
    permitted: ConstrainedNames | None, excluded: ConstrainedNames | None, verifier: str, reason: str
) -> None:
    constraints = NameConstraints(permitted=permitted, excluded=excluded)
    said = warned("p256", "p256", verifiers=(verifier,), name_constraints=constraints)
    assert len(said) == bool(reason)
    assert reason in "".join(said)


def test_verifiers_are_advice_and_in_no_policy(tmp_path: Path) -> None:
    from core.policy.config import load_config
    from tests.kiosk.live import lay_config

    plain, _ = resolve_policy(load_config(lay_config(tmp_path)), tmp_path)
    told = lay_config(tmp_path, "mongo: {load: 2,", "mongo: {load: 2, verifiers: [nss, java],")
    config = load_config(told)
    assert config.signers.classes["services"]["mongo"].verifiers == ("nss", "java")
    assert encode_policy(resolve_policy(config, tmp_path)[0]) == encode_policy(plain)


@pytest.mark.judge
@pytest.mark.parametrize("algorithm", KEY_ALGORITHMS)
def test_no_program_at_hand_refuses_what_no_warning_names(algorithm: str, tmp_path: Path) -> None:
    authority = top_up(algorithm)
    issued = next(item for item in authority.signers if item.certificate.target == "plain")
    record, signer, anchor = issued.certificate, parse(issued), authority.root_of(issued).x509
    leaf, _ = make_below(signer, decode_key(issued.key), record.not_after, ca=False)
    root, between = write(tmp_path, "root.pem", anchor), write(tmp_path, "between.pem", signer)
    last, chain = write(tmp_path, "leaf.pem", leaf), write(tmp_path, "chain.pem", leaf, signer)
    builder = verification.PolicyBuilder().store(verification.Store([anchor])).time(record.issue_from)
    accepts = {
        "openssl": openssl_accepts(root, last, record.issue_from, "-untrusted", between),
        "gnutls": algorithm.startswith("mldsa") or gnutls_accepts(root, chain, record.issue_from),
        "cryptography": _is_verified(builder, leaf, signer),
    }
    for verifier, accepted in accepts.items():
        assert accepted or algorithm in LIMITS[verifier].algorithms, verifier  # type: ignore[index]
    assert accepts["cryptography"] is (algorithm not in LIMITS["cryptography"].algorithms)


def _is_verified(
    builder: verification.PolicyBuilder, leaf: x509.Certificate, signer: x509.Certificate
) -> bool:
    try:
        builder.build_server_verifier(x509.DNSName("a.worlds.example")).verify(leaf, [signer])
    except verification.VerificationError:
        return False
    return True
