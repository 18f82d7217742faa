"""What programs that verify certificates refuse though it is right: what each did when it was tried.

Rules:
1. config.yaml says of a target which of them its leaves meet (`verifiers`); `pism plan` warns where one
   refuses every chain of that target. Nothing else goes by it, and the box is not told.
2. A program is known by the release that was tried and that systems of today have; a newer one may do more. A
   warning too many costs a look, one too few a fleet.
3. Keys of signer and root count, both are in every chain; then the signer's name constraints (RFC 5280
   4.2.1.10), which are critical.

The table with all that was seen is in docs/server.md, "What verifies what".
"""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Final

from core.policy.settings import ConstrainedNames, NameConstraints, PolicySections, Verifier

_ML_DSA: Final = frozenset({"mldsa44", "mldsa65", "mldsa87"})
_ED25519: Final = frozenset({"ed25519"})
_NOTHING: Final = frozenset[str]()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Limits:
    """What a program refuses.

    Args:
        name: As people call it.
        algorithms: Of a key anywhere in the chain.
        constraints: Name constraints of any kind.
        ipv6: An IPv6 subtree.
        dns_and_ip: Any address, where names of DNS and addresses are permitted side by side.
    """

    name: str
    algorithms: frozenset[str] = _NOTHING
    constraints: bool = False
    ipv6: bool = False
    dns_and_ip: bool = False


LIMITS: Final[dict[Verifier, _Limits]] = {
    "botan": _Limits(name="Botan 2.19", algorithms=_ML_DSA, ipv6=True),
    "cryptography": _Limits(name="Python's cryptography 50", algorithms=_ED25519),
    "gnutls": _Limits(name="GnuTLS 3.8", algorithms=_ML_DSA),
    "go": _Limits(name="Go 1.24", algorithms=_ML_DSA),
    "java": _Limits(name="Java 17", algorithms=_ML_DSA),
    "mbedtls": _Limits(name="mbedTLS 3.6", algorithms=_ED25519 | _ML_DSA, constraints=True),
    "node": _Limits(name="Node 24"),
    "nss": _Limits(name="NSS 3.110", algorithms=_ED25519 | _ML_DSA),
    "openssl": _Limits(name="OpenSSL 3.0", algorithms=_ML_DSA),
    "rustls": _Limits(name="rustls"),
    "wolfssl": _Limits(name="wolfSSL 5.7", algorithms=_ML_DSA, dns_and_ip=True),
}


def warnings(settings: PolicySections) -> Iterator[str]:
    """Yield what refuses the certificates of which target, in the order of the targets.

    Args:
        settings: Of config.yaml.

    Yields:
        One sentence for each verifier and reason.
    """
    for class_name, target_name, target in settings.targets():
        for verifier in target.verifiers or ():
            limits = LIMITS[verifier]
            keys = {"signers": settings.algorithm_of(target), "roots": settings.algorithm}
            reasons = [
                f"{key} keys of its {whose}" for whose, key in keys.items() if key in limits.algorithms
            ]
            reasons += _reasons(limits, target.name_constraints)
            yield from (f"{class_name}/{target_name}: {limits.name} refuses {reason}" for reason in reasons)


def _reasons(limits: _Limits, constraints: NameConstraints | None) -> Iterator[str]:
    """Yield which of a target's name constraints a program refuses."""
    if constraints is None:
        return
    if limits.constraints:
        yield "name constraints"
        return
    permitted, excluded = (
        part or ConstrainedNames() for part in (constraints.permitted, constraints.excluded)
    )
    if limits.ipv6 and any(ip_network(net).version == 6 for net in (*permitted.ip, *excluded.ip)):  # noqa: PLR2004
        yield "name constraints for IPv6"
    if limits.dns_and_ip and permitted.dns and permitted.ip:
        yield "every address, where its constraints permit names and addresses"
