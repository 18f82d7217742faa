"""The approved policy: all of config.yaml but `hardware` and `kiosk`, with every public key in full.

It is pinned inside the encrypted store when the operator approves it. Rules:
    1. A recipient stands in it as its whole canonical key line, so a swapped key file is a difference.
    2. `encode_policy` is canonical JSON: equal policies are equal bytes; their SHA-256 names the policy.
    3. `decode_policy` trusts nothing: bytes that are not canonical, or break a rule of config.yaml, are
       refused.
    4. `differences` is empty exactly when two policies are equal.
"""

import hashlib
from dataclasses import dataclass

import msgspec

from core.errors import PolicyError
from core.settings import PolicySections


class Policy(PolicySections, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The sections that the operator approved; recipients are canonical public key lines."""

    @property
    def sha256(self) -> str:
        """The policy's name: hex SHA-256 of its canonical JSON."""
        return hashlib.sha256(encode_policy(self)).hexdigest()

    def egress_targets(self, name: str) -> tuple[tuple[str, str], ...]:
        """Return the (class, target) pairs that an egress carries, sorted.

        Raises:
            PolicyError: There is no such egress (E-POLICY).
        """
        if name not in self.egresses:
            raise PolicyError(f"the policy has no egress {name}")
        wanted = {pair for glob in self.egresses[name].targets for pair in self.matching_targets(glob)}
        return tuple(sorted(wanted))


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One place where two policies differ; None stands for "not there"."""

    path: str
    old: str | None
    new: str | None


def encode_policy(policy: Policy) -> bytes:
    """Return the policy's canonical JSON: keys sorted, no spaces, UTF-8."""
    return msgspec.json.encode(policy, order="sorted")
