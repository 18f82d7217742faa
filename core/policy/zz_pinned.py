"""The policy in force, as the store keeps it, and which config.yaml it was approved instead of.

The box finds its own config.yaml at every unlock. Where the operator approved another policy (from a stick),
the mark of that file is remembered here, so that it is proposed again only when it changes
(core.policy.proposal.read_file_policy).
"""

from collections.abc import Mapping
from typing import Final

from core.errors import StateDamagedError
from core.policy.policy import Policy, decode_policy, encode_policy
from core.store.store import Store

_POLICY: Final = "policy"
_REPLACED: Final = "replaced_file_policy"


def read_pinned(store: Store) -> Policy:
    """Return the policy in force.

    Raises:
        StateDamagedError: There is none (E-STATE-DAMAGED).
        PolicyError: It is not canonical, or breaks a rule (E-POLICY).
    """
    text = store.fact(_POLICY)
    if text is None:
        raise StateDamagedError("the store holds no policy")
    return decode_policy(text.encode())


def pin(store: Store, policy: Policy, instead_of: str = "") -> None:
    """Put a policy in force.

    Args:
        store: In a transaction of the caller, who journals it there.
        policy: Shown to and confirmed by the operator.
        instead_of: Mark of the box's own config.yaml where that says something else; "" where the policy is
            that file's.
    """
    store.set_fact(_POLICY, encode_policy(policy).decode())
    if (store.fact(_REPLACED) or "") != instead_of:
        store.set_fact(_REPLACED, instead_of)


def is_replaced(store: Store, mark: str) -> bool:
    """Tell whether the policy in force was approved instead of the file of that mark."""
    return store.fact(_REPLACED) == mark


def was_replaced(facts: Mapping[str, str], mark: str) -> bool:
    """Tell the same by the facts of a backup."""
    return facts.get(_REPLACED) == mark
