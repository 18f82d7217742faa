"""A proposal: what config.yaml says now, shown to a person before it becomes the policy.

Rules: a person approves by what was shown, so the file is read again and must still have the same hash;
recipients are shown with the words of their keys.
"""

from pathlib import Path

from core import results
from core.config import load_config
from core.errors import PolicyError
from core.policy import Difference, Policy, differences, resolve_policy
from core.status import list_recipients


def propose_policy(config: Path, pinned: Policy | None = None) -> tuple[Policy, results.PolicyProposal]:
    """Return what config.yaml says now, for a person to confirm.

    Args:
        config: The file.
        pinned: The approved policy to compare with, if there is one.

    Raises:
        ConfigError: The file cannot be used (E-CONFIG...).
        RecipientError: A recipient cannot be used (E-RECIPIENT...).
    """
    policy = resolve_policy(load_config(config), config.parent)
    changes = () if pinned is None else differences(pinned, policy)
    proposal = results.PolicyProposal(
        policy_sha256=policy.sha256,
        recipients=list_recipients(policy),
        changes=tuple(render_difference(item) for item in changes),
    )
    return policy, proposal


def approved_policy(config: Path, policy_sha256: str) -> Policy:
    """Return what config.yaml says now, if it is still what the operator was shown.

    Raises:
        PolicyError: The file changed in between (E-POLICY).
    """
    policy, proposal = propose_policy(config)
    if proposal.policy_sha256 != policy_sha256:
        raise PolicyError("config.yaml or a recipient changed after it was shown")
    return policy


def render_difference(difference: Difference) -> str:
    """Return a difference as one line: "path: old -> new"."""
    return f"{difference.path}: {difference.old or '-'} -> {difference.new or '-'}"
