"""Issuing roots, signers and seals by the policy: a press for each, and one certificate at once.

Rules: whoever issues many keeps the press, which was rehearsed when it was made; whoever issues one calls
`issue_root`, `issue_signer` or `issue_seal`, which rehearse first too. Choosing the root, storing and
journaling are the caller's.
"""

from datetime import datetime

from core.plan.gaps import Gap
from core.policy.policy import Policy
from core.issue.issuance import Issued, Press
from core.issue.profile import root_profile, seal_profile, signer_profile
from core.issue.issuing_key import Signing, load_signing

__all__ = [
    "Issued",
    "Press",
    "Signing",
    "issue_root",
    "issue_seal",
    "issue_signer",
    "load_signing",
    "press_roots",
    "press_seals",
    "press_signers",
]


def press_roots(policy: Policy) -> Press:
    """Rehearse the policy's roots and return the press that issues them.

    Raises:
        CheckError: A named rule does not hold (E-CHECK).
        IssueError: A name does not fit into a certificate (E-ISSUE).
    """
    return Press(root_profile(policy), None)


def press_signers(policy: Policy, class_name: str, target: str, issuer: Signing) -> Press:
    """Rehearse one target's signers under one root and return the press that issues them.

    Args:
        policy: The approved policy.
        class_name: Class in the policy.
        target: Target in the class.
        issuer: The root; only a throwaway key in its place signs here.

    Raises:
        PolicyError: There is no such target (E-POLICY).
        CheckError: A named rule does not hold (E-CHECK).
        IssueError: A name, constraint or URL does not fit into a certificate (E-ISSUE).
    """
    return Press(signer_profile(policy, class_name, target, issuer.certificate.id), issuer)


def press_seals(policy: Policy, issuer: Signing) -> Press:
    """Rehearse a root's seal and return the press that issues it.

    Raises:
        CheckError: A named rule does not hold (E-CHECK).
        IssueError: A name does not fit into a certificate (E-ISSUE).
    """
    return Press(seal_profile(policy, issuer.certificate), issuer)


def issue_root(policy: Policy, gap: Gap, now: datetime) -> Issued:
    """Rehearse, then issue one root.

    Raises:
        CheckError: A named rule does not hold (E-CHECK).
        IssueError: The gap is no root's (E-ISSUE).
    """
    return press_roots(policy).issue(gap, now)


def issue_signer(policy: Policy, gap: Gap, issuer: Signing, now: datetime) -> Issued:
    """Rehearse, then issue one signer.

    Raises:
        PolicyError: The policy has no such target (E-POLICY).
        CheckError: A named rule does not hold (E-CHECK).
        IssueError: The gap is no signer's (E-ISSUE).
    """
    return press_signers(policy, gap.class_name or "", gap.target or "", issuer).issue(gap, now)


def issue_seal(policy: Policy, issuer: Signing, now: datetime) -> Issued:
    """Rehearse, then issue the seal of a root: as long-lived as the root, with its algorithm.

    Raises:
        CheckError: A named rule does not hold (E-CHECK).
        IssueError: A name does not fit into a certificate (E-ISSUE).
    """
    return press_seals(policy, issuer).issue_seal(now)
